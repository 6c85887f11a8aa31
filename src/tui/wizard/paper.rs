//! A page as lines of words, cut to a width: what is drawn, scrolled and copied. Knows which lines belong to which row that can be chosen.

use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::more_marks;
use crate::tui::draw::words::{fit, width as columns, wrap};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Words in a role.
pub(crate) type Piece = (String, Role);

/// A piece.
pub(crate) fn piece(text: impl Into<String>, role: Role) -> Piece {
    (text.into(), role)
}

/// A line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Columns kept free at its left.
    pub indent: u16,
    /// Its words.
    pub pieces: Vec<Piece>,
    /// The row that it belongs to.
    pub item: Option<usize>,
}

/// A page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paper {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its columns, without the margins.
    pub width: u16,
    item: Option<usize>,
}

/// Columns at the left for the cursor, and at the right for the signs that there is more.
const MARGINS: u16 = 3;

impl Paper {
    /// An empty page for an area of `width` columns.
    pub fn new(width: u16) -> Self {
        Self { width: width.saturating_sub(MARGINS), ..Self::default() }
    }

    /// What follows belongs to this row.
    pub fn item(&mut self, item: Option<usize>) {
        self.item = item;
    }

    /// One line, cut where the page ends.
    pub fn line(&mut self, indent: u16, pieces: Vec<Piece>) {
        self.lines.push(Line { indent, pieces, item: self.item });
    }

    /// A blank line, unless there is one or the page begins.
    pub fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.pieces.is_empty()) {
            self.lines.push(Line::default());
        }
    }

    /// A title with a blank line before it.
    pub fn heading(&mut self, text: &str, more: Vec<Piece>) {
        self.item = None;
        self.blank();
        let mut pieces = vec![piece(text, Role::Title)];
        pieces.extend(more);
        self.line(0, pieces);
    }

    /// Words that wrap.
    pub fn words(&mut self, indent: u16, text: &str, role: Role) {
        let room = self.width.saturating_sub(indent).max(8);
        for text in wrap(text, room) {
            self.line(indent, vec![(text, role)]);
        }
    }

    /// Words that wrap beside a head of so many columns; on a narrow page below it.
    pub fn beside(&mut self, indent: u16, head: Piece, room: u16, text: &str, role: Role) {
        let under = self.width < indent + room + 24;
        let wide = columns(&head.0) >= room;
        if under || wide {
            let rest = self.width.saturating_sub(indent + columns(&head.0) + 2);
            if under && columns(text) <= rest {
                self.line(indent, vec![head, piece("  ", role), piece(text, role)]);
                return;
            }
            self.line(indent, vec![head]);
            self.words(indent + 2, text, role);
            return;
        }
        let pad = usize::from(room - columns(&head.0));
        let mut texts = wrap(text, self.width.saturating_sub(indent + room)).into_iter();
        let first = texts.next().unwrap_or_default();
        self.line(indent, vec![head, piece(" ".repeat(pad), role), (first, role)]);
        for text in texts {
            self.line(indent + room, vec![(text, role)]);
        }
    }

    /// Chips one after the other, in as many lines as they need; none is broken.
    pub fn flow(&mut self, indent: u16, chips: Vec<Vec<Piece>>, gap: u16) {
        let room = self.width.saturating_sub(indent);
        let mut line: Vec<Piece> = Vec::new();
        let mut used = 0;
        for chip in chips {
            let wide = chip.iter().fold(0, |sum: u16, (text, _)| sum.saturating_add(columns(text)));
            if used > 0 && used + gap + wide > room {
                self.line(indent, std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(piece(" ".repeat(usize::from(gap)), Role::Text));
                used += gap;
            }
            line.extend(chip);
            used = used.saturating_add(wide);
        }
        if !line.is_empty() {
            self.line(indent, line);
        }
    }

    /// How many rows can be chosen.
    pub fn items(&self) -> usize {
        self.lines.iter().filter_map(|line| line.item).max().map_or(0, |last| last + 1)
    }

    /// The first line of a row and the one after its last.
    pub fn span(&self, item: usize) -> Option<(usize, usize)> {
        let first = self.lines.iter().position(|line| line.item == Some(item))?;
        let last = self.lines.iter().rposition(|line| line.item == Some(item))?;
        Some((first, last + 1))
    }

    /// The page as plain text, for the clipboard.
    pub fn plain(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let text: String = line.pieces.iter().map(|(text, _)| crate::text::clean(text, 2_000)).collect();
            let indented = format!("{}{}", " ".repeat(usize::from(line.indent)), text);
            out.push_str(indented.trim_end());
            out.push('\n');
        }
        out
    }

    /// Draws what is seen of it from line `first` on; `at` is the row under the cursor.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, first: usize, at: Option<usize>) {
        if area.width < 4 || area.height == 0 {
            return;
        }
        let marked = at.and_then(|at| self.span(at)).map(|(line, _)| line);
        for (row, (number, line)) in self.lines.iter().enumerate().skip(first).take(usize::from(area.height)).enumerate() {
            let y = area.y + row as u16;
            let spans: Vec<Span<'_>> = line.pieces.iter().map(|(text, role)| pen.span(text.as_str(), *role)).collect();
            let indent = line.indent.min(area.width - MARGINS.min(area.width));
            pen.line(area.x + 2 + indent, y, area.width.saturating_sub(MARGINS + indent), &spans);
            if marked == Some(number) {
                pen.tint(Rect { y, height: 1, width: area.width - 1, ..area }, Role::Selection);
                let style = pen.style(Role::Selection);
                pen.put(area.x, y, 1, pen.look.glyphs.cursor, style);
            }
        }
        more_marks(pen, area, first, self.lines.len());
    }
}

/// `text` in exactly so many columns.
pub(crate) fn padded(text: &str, wide: u16, ellipsis: &str) -> String {
    let text = fit(text, wide, ellipsis).into_owned();
    let pad = usize::from(wide.saturating_sub(columns(&text)));
    text + &" ".repeat(pad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_are_never_broken_and_words_hang_beside_their_head() {
        let mut paper = Paper::new(33);
        paper.flow(
            2,
            vec![vec![piece("one two", Role::Text)], vec![piece("three", Role::Text)], vec![piece("x".repeat(16), Role::Text)]],
            2,
        );
        assert_eq!(paper.plain(), format!("  one two  three\n  {}\n", "x".repeat(16)));
        let mut paper = Paper::new(43);
        paper.item(Some(0));
        paper.beside(0, piece("why", Role::Text), 8, "because it is so and stays so for ever", Role::Text);
        paper.item(Some(1));
        paper.beside(0, piece("a head that is long", Role::Text), 8, "below", Role::Text);
        assert_eq!(paper.plain(), "why     because it is so and stays so\n        for ever\na head that is long\n  below\n");
        assert_eq!((paper.items(), paper.span(1)), (2, Some((2, 4))));
    }

    #[test]
    fn a_narrow_page_keeps_every_word() {
        for width in 0..40 {
            let mut paper = Paper::new(width);
            paper.beside(2, piece("head", Role::Text), 10, "some words that matter", Role::Text);
            let words: Vec<String> = paper.plain().split_whitespace().map(str::to_owned).collect();
            assert_eq!(words.concat(), "headsomewordsthatmatter", "{width}");
        }
    }
}
