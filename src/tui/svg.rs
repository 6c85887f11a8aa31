//! A drawn screen as an SVG picture: every cell where it stands, with the theme's colours.
//!
//! Knows nothing of what is on the screen. Text is escaped, and only what a picture may hold gets in.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

/// Pixels of a column, and of a row.
const CELL: (f64, f64) = (8.4, 18.0);
/// Pixels around the screen.
const MARGIN: f64 = 10.0;
/// What the terminal's own colours are taken for: text and ground.
const OWN: (&str, &str) = ("#d6dae0", "#14181d");

/// The sixteen colours, as most terminals show them.
const SIXTEEN: [&str; 16] = [
    "#1c1f24", "#cc4b4b", "#4fa35a", "#c79a3a", "#4a7fc9", "#a65fb0", "#3fa0a8", "#c8ccd2", "#6a7078", "#ef6b6b", "#74c77e",
    "#e8be62", "#74a5ec", "#cb88d4", "#66c7cf", "#ffffff",
];

fn colour(colour: Color, own: &str) -> String {
    let indexed = |n: u8| match n {
        0..=15 => SIXTEEN.get(usize::from(n)).copied().unwrap_or(own).to_owned(),
        16..=231 => {
            let n = n - 16;
            let part = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            format!("#{:02x}{:02x}{:02x}", part(n / 36), part(n / 6 % 6), part(n % 6))
        }
        grey => {
            let level = 8 + 10 * (grey - 232);
            format!("#{level:02x}{level:02x}{level:02x}")
        }
    };
    match colour {
        Color::Reset => own.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(n) => indexed(n),
        Color::Black => indexed(0),
        Color::Red => indexed(1),
        Color::Green => indexed(2),
        Color::Yellow => indexed(3),
        Color::Blue => indexed(4),
        Color::Magenta => indexed(5),
        Color::Cyan => indexed(6),
        Color::Gray => indexed(7),
        Color::DarkGray => indexed(8),
        Color::LightRed => indexed(9),
        Color::LightGreen => indexed(10),
        Color::LightYellow => indexed(11),
        Color::LightBlue => indexed(12),
        Color::LightMagenta => indexed(13),
        Color::LightCyan => indexed(14),
        Color::White => indexed(15),
    }
}

/// How a cell looks: text, ground, and how it is written.
#[derive(Clone, PartialEq, Eq)]
struct Style {
    text: String,
    ground: String,
    how: Modifier,
}

impl Style {
    fn of(cell: &Cell) -> Self {
        let (text, ground) = (colour(cell.fg, OWN.0), colour(cell.bg, OWN.1));
        let (text, ground) = if cell.modifier.contains(Modifier::REVERSED) { (ground, text) } else { (text, ground) };
        Self { text, ground, how: cell.modifier }
    }
}

fn escaped(text: &str, to: &mut String) {
    for c in text.chars() {
        match c {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\'' => to.push_str("&#39;"),
            // XML has no way to hold these.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => to.push(' '),
            c => to.push(c),
        }
    }
}

/// The screen as a picture. `title` is for those who do not see it.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let area = *buffer.area();
    let (wide, high) = (f64::from(area.width) * CELL.0 + 2.0 * MARGIN, f64::from(area.height) * CELL.1 + 2.0 * MARGIN);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.1} {high:.1}\" width=\"{wide:.0}\" height=\"{high:.0}\" role=\"img\">\n<title>"
    );
    escaped(title, &mut out);
    let ground = buffer.cell((area.x, area.y)).map_or_else(|| OWN.1.to_owned(), |cell| colour(cell.bg, OWN.1));
    let _ = write!(
        out,
        "</title>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{ground}\"/>\n<g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, \
         Consolas, monospace\" font-size=\"14\">\n"
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let Some(first) = buffer.cell((x, y)) else { break };
            let style = Style::of(first);
            let begin = x;
            let mut text = String::new();
            while let Some(cell) = buffer.cell((x, y)).filter(|cell| x < area.right() && Style::of(cell) == style) {
                text.push_str(cell.symbol());
                x += 1;
            }
            run(&mut out, (begin - area.x, y - area.y, x - begin), &text, &style, &ground);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Cells side by side that look the same.
fn run(out: &mut String, (x, y, cells): (u16, u16, u16), text: &str, style: &Style, ground: &str) {
    let (left, top, wide) = (MARGIN + f64::from(x) * CELL.0, MARGIN + f64::from(y) * CELL.1, f64::from(cells) * CELL.0);
    if style.ground != ground {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            CELL.1, style.ground
        );
    }
    // Blanks at the ends are not drawn: browsers drop them, and would stretch what is left over the whole width.
    let bare = text.trim_matches(' ');
    if bare.trim().is_empty() {
        return;
    }
    let before = text.len() - text.trim_start_matches(' ').len();
    let after = text.len() - text.trim_end_matches(' ').len();
    let (left, wide) = (left + before as f64 * CELL.0, wide - (before + after) as f64 * CELL.0);
    let line = top + CELL.1 * 0.74;
    let _ = write!(
        out,
        "<text x=\"{left:.1}\" y=\"{line:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"",
        style.text
    );
    for (how, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::DIM, " opacity=\"0.65\""),
    ] {
        if style.how.contains(how) {
            out.push_str(attribute);
        }
    }
    out.push('>');
    // Blanks within would be taken for one.
    escaped(&bare.replace(' ', "\u{a0}"), out);
    out.push_str("</text>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style as Look;

    #[test]
    fn text_is_escaped_and_cells_stand_where_they_are() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(2, 1, "<a&\"b'>", Look::new().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD));
        let svg = svg(&buffer, "x < y");
        assert!(svg.contains("<title>x &lt; y</title>"), "{svg}");
        assert!(svg.contains(">&lt;a&amp;&quot;b&#39;&gt;</text>"), "{svg}");
        assert!(svg.contains("fill=\"#010203\" font-weight=\"bold\"") && svg.contains("x=\"26.8\" y=\"41.3\""), "{svg}");
        assert_eq!(svg.matches("<text").count(), 1, "blank cells are not written");
    }

    #[test]
    fn blanks_keep_their_place_and_stretch_nothing() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, "  a  b    ", Look::new());
        let svg = svg(&buffer, "");
        assert!(
            svg.contains("x=\"26.8\"") && svg.contains("textLength=\"33.6\"") && svg.contains(">a\u{a0}\u{a0}b</text>"),
            "{svg}"
        );
    }

    #[test]
    fn whatever_is_in_a_cell_the_picture_stays_xml() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        for (x, symbol) in ["\u{1b}", "\u{0}", "]]>", "\u{ffff}"].into_iter().enumerate() {
            if let Some(cell) = buffer.cell_mut((x as u16, 0)) {
                cell.set_symbol(symbol);
            }
        }
        let svg = svg(&buffer, "\u{7}");
        assert!(!svg.contains(['\u{1b}', '\u{0}', '\u{7}', '\u{ffff}']) && svg.contains("]]&gt;"), "{svg}");
    }

    #[test]
    fn every_colour_has_a_value() {
        for n in 0..=255 {
            assert_eq!(colour(Color::Indexed(n), "").len(), 7, "{n}");
        }
        assert_eq!(colour(Color::Indexed(196), ""), "#ff0000");
        assert_eq!(colour(Color::Reset, "#123456"), "#123456");
    }
}
