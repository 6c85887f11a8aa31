//! Columns: which of them fit, how wide each is, and the rows that can be seen.

use super::pen::{Pen, spans_width};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub title: &'static str,
    /// Below this it is left out.
    pub min: u16,
    /// What its contents would like.
    pub want: u16,
    /// It takes what is left over, up to this.
    pub max: u16,
    /// Numbers stand to the right.
    pub right: bool,
    /// The lower, the longer it stays when there is little room. From [`EXTRA`] on it is only shown if all others have
    /// what they want.
    pub rank: u8,
    /// It is either as narrow as it can be or at least this wide: in between it would only hold blanks.
    pub snap: u16,
}

/// The first rank of columns that are nice to have.
pub(crate) const EXTRA: u8 = 8;

impl Column {
    pub fn new(title: &'static str, rank: u8, min: u16, want: u16) -> Self {
        Self { title, min, want, max: want, right: false, rank, snap: 0 }
    }

    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }

    pub fn snap(mut self, width: u16) -> Self {
        self.snap = width;
        self
    }

    /// Leaves the column out.
    pub fn without(mut self) -> Self {
        self.min = u16::MAX;
        self
    }

    pub fn grow(mut self, max: u16) -> Self {
        self.max = max.max(self.want);
        self
    }
}

/// Blanks between columns.
const GAP: u16 = 2;

/// The width of each column, in order; `None`: left out. Never more than `room` with the gaps.
pub(crate) fn widths(columns: &[Column], room: u16) -> Vec<Option<u16>> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|at| columns.get(*at).map(|c| c.rank));
    let mut widths: Vec<Option<u16>> = vec![None; columns.len()];
    let mut left = room.saturating_add(GAP);
    let include = |widths: &mut Vec<Option<u16>>, left: &mut u16, extra: bool| {
        for at in &order {
            let Some(column) = columns.get(*at).filter(|c| (c.rank >= EXTRA) == extra) else { continue };
            let need = column.min.saturating_add(GAP);
            if need <= *left {
                *left -= need;
                if let Some(slot) = widths.get_mut(*at) {
                    *slot = Some(column.min);
                }
            }
        }
    };
    let grow = |widths: &mut Vec<Option<u16>>, left: &mut u16, limit: fn(&Column) -> u16| {
        for at in &order {
            if let (Some(column), Some(Some(width))) = (columns.get(*at), widths.get_mut(*at)) {
                let more = limit(column).saturating_sub(*width).min(*left);
                if *width + more >= column.snap {
                    *width += more;
                    *left -= more;
                }
            }
        }
    };
    include(&mut widths, &mut left, false);
    grow(&mut widths, &mut left, |c| c.want);
    include(&mut widths, &mut left, true);
    grow(&mut widths, &mut left, |c| c.want);
    grow(&mut widths, &mut left, |c| c.max);
    widths
}

/// The rows that are shown when `selected` must be seen: the first of `height`, given the first of last time.
pub(crate) fn window(first: usize, selected: Option<usize>, count: usize, height: usize) -> usize {
    let last_first = count.saturating_sub(height);
    let first = first.min(last_first);
    match selected {
        Some(at) if at < first => at,
        Some(at) if height > 0 && at >= first + height => at + 1 - height,
        _ => first,
    }
}

/// What a table shows.
pub(crate) struct Rows<'a, 's, F> {
    pub columns: &'a [Column],
    /// Rows in all.
    pub count: usize,
    /// The first that is shown.
    pub first: usize,
    /// The row under the cursor.
    pub selected: Option<usize>,
    /// Whether this pane has the keys.
    pub focused: bool,
    /// The column that is sorted by and whether the other way round.
    pub sorted: Option<(usize, bool)>,
    /// Row, column and width to contents.
    pub cell: F,
    /// Whether there is a line of column titles.
    pub head: bool,
    /// What stands on a second line below each row, if rows have two.
    pub below: Option<&'a dyn Fn(usize) -> Vec<Span<'s>>>,
}

impl<'s, F: FnMut(usize, usize, u16) -> Vec<Span<'s>>> Rows<'_, 's, F> {
    /// Draws head and rows. One column at the left is the cursor's, one at the right is for the sign that there is more.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let room = area.width - 3;
        let widths = widths(self.columns, room);
        let mut x = area.x + 2;
        for (at, (column, width)) in self.columns.iter().zip(&widths).enumerate() {
            let Some(width) = *width else { continue };
            if !self.head {
                break;
            }
            let mut spans = vec![pen.span(column.title, Role::Muted)];
            if let Some((_, reverse)) = self.sorted.filter(|(sorted, _)| *sorted == at) {
                let arrow = if reverse { pen.look.glyphs.arrow_down } else { pen.look.glyphs.arrow_up };
                spans.push(pen.span(arrow, Role::Focus));
            }
            if column.right {
                pen.right(x, area.y, width, &spans);
            } else {
                pen.line(x, area.y, width, &spans);
            }
            x += width + GAP;
        }
        let top = u16::from(self.head);
        let area = Rect { y: area.y + top, height: area.height - top, ..area };
        let last = self.columns.len().checked_sub(1);
        let step = if self.below.is_some() { 2 } else { 1 };
        let height = usize::from(area.height / step);
        for (line, row) in (self.first..self.count).take(height).enumerate() {
            let y = area.y + line as u16 * step;
            let mut x = area.x + 2;
            for (at, (column, width)) in self.columns.iter().zip(&widths).enumerate() {
                let Some(mut width) = *width else { continue };
                // Next to the last column that says nothing there is more room.
                if let Some(last) = last.filter(|last| at + 1 == *last && !column.right)
                    && let Some(more) = widths.get(last).copied().flatten()
                    && (self.cell)(row, last, more).is_empty()
                {
                    width += more + GAP;
                }
                let spans = (self.cell)(row, at, width);
                if column.right && spans_width(&spans) <= width {
                    pen.right(x, y, width, &spans);
                } else {
                    pen.line(x, y, width, &spans);
                }
                x += width + GAP;
            }
            if let Some(below) = self.below {
                pen.line(area.x + 4, y + 1, area.width.saturating_sub(5), &below(row));
            }
            if self.selected == Some(row) && self.focused {
                pen.tint(Rect { x: area.x, y, width: area.width - 1, height: 1 }, Role::Selection);
                let style = pen.style(Role::Selection);
                pen.put(area.x, y, 1, pen.look.glyphs.cursor, style);
            }
        }
        let marks = if step == 2 { Rect { height: height as u16, ..area } } else { area };
        more_marks(pen, marks, self.first, self.count);
    }
}

/// Signs at the right edge that there is more above or below.
pub(crate) fn more_marks(pen: &mut Pen<'_>, area: Rect, first: usize, count: usize) {
    if area.height == 0 || area.width == 0 {
        return;
    }
    let x = area.right() - 1;
    if first > 0 {
        pen.text(x, area.y, 1, pen.look.glyphs.arrow_up, Role::Focus);
    }
    if first + usize::from(area.height) < count {
        pen.text(x, area.bottom() - 1, 1, pen.look.glyphs.arrow_down, Role::Focus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_leave_by_rank_and_the_rest_grow() {
        let columns = [Column::new("a", 0, 4, 8), Column::new("b", 2, 6, 6), Column::new("c", 1, 3, 3).grow(20)];
        assert_eq!(widths(&columns, 40), [Some(8), Some(6), Some(20)]);
        assert_eq!(widths(&columns, 12), [Some(7), None, Some(3)]);
        assert_eq!(widths(&columns, 3), [None, None, Some(3)]);
        assert_eq!(widths(&columns, 0), [None, None, None]);
    }

    #[test]
    fn the_selected_row_is_always_in_the_window() {
        assert_eq!(window(0, Some(9), 10, 4), 6);
        assert_eq!(window(6, Some(2), 10, 4), 2);
        assert_eq!(window(9, None, 10, 4), 6);
        assert_eq!(window(3, Some(1), 2, 4), 0);
        assert_eq!(window(0, Some(5), 10, 0), 0);
    }

    proptest! {
        #[test]
        fn columns_never_take_more_than_the_room(room in 0u16..300, specs in proptest::collection::vec((0u8..9, 1u16..20, 0u16..20, 0u16..40), 0..14)) {
            let columns: Vec<Column> = specs.iter().map(|(rank, min, more, grow)| Column::new("x", *rank, *min, min + more).grow(min + grow)).collect();
            let widths = widths(&columns, room);
            let used: u16 = widths.iter().flatten().map(|w| w + GAP).sum();
            prop_assert!(used == 0 || used - GAP <= room);
        }
    }
}
