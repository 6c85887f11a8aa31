//! The line of time above the footer: what was of note and when, and where one stands when looking back.

use crate::pool::picture::Health;
use crate::recording::marks::{Kind, Mark, TimeLine};
use crate::time::Time;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::words::{moment, precise, width};
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use std::time::Duration;

/// What the line shows while live.
const LIVE: Duration = Duration::from_secs(30 * 60);
/// What the line shows of a longer recording: so much around the moment.
const WINDOW: Duration = Duration::from_secs(2 * 3600);
/// Fewer rows than this have no room for the line while live.
pub(crate) const ROOM: u16 = 30;
/// And while looking back.
pub(crate) const ROOM_PAST: u16 = 10;

/// Whether the line is on the screen.
pub(crate) fn wanted(model: &Model, height: u16) -> bool {
    if model.past().is_some() { height >= ROOM_PAST } else { model.records && height >= ROOM }
}

/// What the live line shows is what the alerts tell.
fn live(view: &PoolView, now: Time) -> TimeLine {
    let from = Time::from_millis(now.as_millis().saturating_sub(i64::try_from(LIVE.as_millis()).unwrap_or(0)));
    let marks = view.picture.alerts.iter().filter(|alert| alert.at >= from && alert.at <= now).map(|alert| {
        let (name, about, text) = (alert.name.clone(), alert.about.clone(), alert.text.clone());
        Mark::of(crate::pool::keep::News { at: alert.at, name, health: alert.health, about, text })
    });
    TimeLine { from, to: now, marks: marks.collect(), gaps: Vec::new() }.in_order()
}

/// The part of a recording that the line shows.
fn window(line: &TimeLine, at: Time) -> (Time, Time) {
    let least = Duration::from_secs(60);
    if line.to.since(line.from) <= WINDOW {
        return (line.from, line.to.max(line.from + least));
    }
    let half = i64::try_from(WINDOW.as_millis() / 2).unwrap_or(0);
    let last = line.to.as_millis().saturating_sub(2 * half);
    let from =
        Time::from_millis(at.as_millis().saturating_sub(half).clamp(line.from.as_millis(), last.max(line.from.as_millis())));
    (from, from + WINDOW)
}

fn sign(pen: &Pen<'_>, mark: &Mark) -> (&'static str, Role) {
    let glyphs = pen.look.glyphs;
    let role = match mark.health {
        Health::Good => Role::Healthy,
        Health::Pending => Role::Pending,
        Health::Degraded => Role::Degraded,
        Health::Failed => Role::Failed,
    };
    let glyph = match (mark.kind, mark.health) {
        (Kind::Coordinator, _) => glyphs.coordinator,
        (Kind::Rollout, _) => glyphs.marker,
        (Kind::Host, Health::Good) => glyphs.live,
        (_, Health::Failed) => glyphs.failed,
        (Kind::Host | Kind::Rebuild, Health::Pending | Health::Degraded) => glyphs.pending,
        (_, Health::Good) => glyphs.ok,
        (Kind::Alert, _) => glyphs.warning,
    };
    (glyph, role)
}

/// Draws the line.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, view: &PoolView, area: Rect) {
    if area.is_empty() {
        return;
    }
    pen.clear(area, Role::Surface);
    let seen = view.past.as_ref().and_then(|past| past.moment.as_ref());
    let (line, at) = match seen {
        Some(moment) => (std::borrow::Cow::Borrowed(&*moment.line), moment.at),
        None => (std::borrow::Cow::Owned(live(view, model.now)), model.now),
    };
    let (from, to) = window(&line, at);
    let glyphs = pen.look.glyphs;
    let left = format!(" {} {} ", glyphs.arrow_left, moment(from, model.now, &model.zone));
    let end = if seen.is_none() { "now".to_owned() } else { moment(to.min(line.to), model.now, &model.zone) };
    let right = format!(" {end} {} ", glyphs.arrow_right);
    let (head, foot) = (width(&left), width(&right));
    let room = area.width.saturating_sub(head + foot);
    if room < 10 {
        return;
    }
    pen.text(area.x, area.y, head, &left, Role::Muted);
    pen.text(area.x + head + room, area.y, foot, &right, Role::Muted);
    let x0 = area.x + head;
    pen.rule(x0, area.y, room, Role::Border);
    let span = to.since(from).as_millis().max(1);
    let column = |when: Time| -> Option<u16> {
        (when >= from && when <= to).then(|| {
            let far = when.since(from).as_millis() * u128::from(room.saturating_sub(1)) / span;
            x0 + u16::try_from(far).unwrap_or(0).min(room - 1)
        })
    };
    for (begin, end) in &line.gaps {
        if let (Some(first), Some(last)) = (column((*begin).max(from)), column((*end).min(to))) {
            for x in first..=last {
                pen.text(x, area.y, 1, " ", Role::Muted);
            }
        }
    }
    // Of several in one column the worst is seen, and of equals the last.
    let mut worst: Vec<Option<&Mark>> = vec![None; usize::from(room)];
    for mark in &line.marks {
        let Some(slot) = column(mark.at).and_then(|x| worst.get_mut(usize::from(x - x0))) else { continue };
        if slot.is_none_or(|there| there.health <= mark.health) {
            *slot = Some(mark);
        }
    }
    for (x, mark) in worst.into_iter().enumerate() {
        if let Some(mark) = mark {
            let (glyph, role) = sign(pen, mark);
            pen.text(x0 + x as u16, area.y, 1, glyph, role);
        }
    }
    if seen.is_some()
        && let Some(x) = column(at)
    {
        let words = format!("[{}]", precise(at, &model.zone));
        let wide = width(&words);
        let x = x.saturating_sub(wide / 2).clamp(x0, x0 + room.saturating_sub(wide));
        pen.text(x, area.y, wide, &words, Role::Selection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_recording_is_shown_around_the_moment() {
        let secs = Time::from_secs;
        let line = |to| TimeLine { from: secs(1_000), to: secs(to), ..TimeLine::default() };
        assert_eq!(window(&line(2_000), secs(1_500)), (secs(1_000), secs(2_000)));
        assert_eq!(window(&line(1_000), secs(1_000)), (secs(1_000), secs(1_060)));
        assert_eq!(window(&line(100_000), secs(50_000)), (secs(46_400), secs(53_600)));
        assert_eq!(window(&line(100_000), secs(1_000)), (secs(1_000), secs(8_200)));
        assert_eq!(window(&line(100_000), secs(100_000)), (secs(92_800), secs(100_000)));
    }
}
