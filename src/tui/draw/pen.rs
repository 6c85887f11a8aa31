//! The only way onto the screen: text is made safe, cut and clipped here, so that no pane can write outside of its
//! area or pass on a control character.

use super::look::{Look, Sign};
use super::words;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// Draws into a buffer with a look.
pub(crate) struct Pen<'a> {
    buf: &'a mut Buffer,
    pub look: &'a Look,
}

impl<'a> Pen<'a> {
    pub fn new(buf: &'a mut Buffer, look: &'a Look) -> Self {
        Self { buf, look }
    }

    /// All that can be drawn on.
    pub fn area(&self) -> Rect {
        *self.buf.area()
    }

    pub fn style(&self, role: Role) -> Style {
        self.look.style(role)
    }

    /// A piece of text in a role.
    pub fn span<'s>(&self, text: impl Into<std::borrow::Cow<'s, str>>, role: Role) -> Span<'s> {
        Span::styled(text, self.style(role))
    }

    /// Writes `text` at `x`, `y` in at most `width` columns; gives the columns that it took.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = *self.buf.area();
        if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
            return 0;
        }
        let width = width.min(area.right() - x);
        let text = if self.look.ascii() { words::ascii(text) } else { std::borrow::Cow::Borrowed(text) };
        let text = text.as_ref();
        let text = words::fit(text, width, self.look.glyphs.ellipsis);
        // What was drawn here before must not shine through: only its ground stays.
        let covered = words::width(&text).min(width);
        for at in x..x.saturating_add(covered) {
            if let Some(cell) = self.buf.cell_mut((at, y)) {
                cell.modifier = Modifier::empty();
                cell.fg = Color::Reset;
                cell.underline_color = Color::Reset;
            }
        }
        let (end, _) = self.buf.set_stringn(x, y, text.as_ref(), usize::from(width), style);
        end.saturating_sub(x)
    }

    /// As [`Pen::put`], in a role.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let style = self.style(role);
        self.put(x, y, width, text, style)
    }

    /// Pieces one after the other; the one that no longer fits is cut.
    pub fn line(&mut self, x: u16, y: u16, width: u16, spans: &[Span<'_>]) -> u16 {
        let mut used = 0;
        for span in spans {
            if used >= width {
                break;
            }
            used += self.put(x.saturating_add(used), y, width - used, &span.content, span.style);
        }
        used
    }

    /// Pieces that end at the right edge of the `width` columns from `x`; gives the column where they begin.
    pub fn right(&mut self, x: u16, y: u16, width: u16, spans: &[Span<'_>]) -> u16 {
        let wanted = spans_width(spans).min(width);
        let start = x.saturating_add(width - wanted);
        self.line(start, y, wanted, spans);
        start
    }

    /// A sign: glyph and word.
    pub fn sign(&mut self, x: u16, y: u16, width: u16, sign: Sign) -> u16 {
        let text = format!("{} {}", sign.glyph, sign.word);
        self.text(x, y, width, &text, sign.role)
    }

    /// Blanks in a style.
    pub fn clear(&mut self, area: Rect, role: Role) {
        let area = area.intersection(*self.buf.area());
        let style = self.style(role);
        for y in area.top()..area.bottom() {
            // A wide character that reaches in from the left would cover the edge.
            if let Some(cell) = area.x.checked_sub(1).and_then(|x| self.buf.cell_mut((x, y)))
                && words::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
            for x in area.left()..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// Lays a role over what is there.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let style = self.style(role);
        self.buf.set_style(area.intersection(*self.buf.area()), style);
    }

    /// A line across.
    pub fn rule(&mut self, x: u16, y: u16, width: u16, role: Role) {
        let across = self.look.glyphs.rule.repeat(usize::from(width));
        self.text(x, y, width, &across, role);
    }

    /// A line down.
    pub fn rule_down(&mut self, x: u16, area: Rect, role: Role) {
        for y in area.top()..area.bottom() {
            self.text(x, y, 1, self.look.glyphs.rule_down, role);
        }
    }

    /// A frame around `area`; gives what is inside.
    pub fn frame(&mut self, area: Rect, role: Role) -> Rect {
        let area = area.intersection(*self.buf.area());
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        let corners = self.look.corners();
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        self.rule(area.x, area.y, area.width, role);
        self.rule(area.x, bottom, area.width, role);
        let sides = Rect { y: area.y + 1, height: area.height - 2, ..area };
        self.rule_down(area.x, sides, role);
        self.rule_down(right, sides, role);
        for (corner, x, y) in
            [(corners[0], area.x, area.y), (corners[1], right, area.y), (corners[2], area.x, bottom), (corners[3], right, bottom)]
        {
            self.text(x, y, 1, corner, role);
        }
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    }
}

/// Columns that the pieces take together.
pub(crate) fn spans_width(spans: &[Span<'_>]) -> u16 {
    spans.iter().fold(0, |sum, span| sum.saturating_add(words::width(&span.content)))
}
