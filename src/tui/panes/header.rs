//! The first line: which pool, how our connection to it is, and the time.

use crate::pool::picture::{Dialect, LinkState, Picture};
use crate::tui::draw::pen::{Pen, spans_width};
use crate::tui::draw::words::{ago, clock, exact, plural};
use crate::tui::keymap::Action;
use crate::tui::model::{Model, PoolView, Screen};
use crate::tui::theme::Role;
use crate::tui::wizard::words::place;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// What is said of the connection: `live` while it is fresh, its age only when that matters.
pub(crate) fn link_words(pen: &Pen<'_>, model: &Model, picture: &Picture) -> Vec<Span<'static>> {
    let sign = pen.look.link(picture.link.state);
    let mut words = format!("{} {}", sign.glyph, sign.word);
    let mut role = sign.role;
    match (picture.link.state, picture.link.heard) {
        (LinkState::Live | LinkState::Syncing, Some(heard)) => {
            let age = model.shown().since(heard);
            if age.as_millis() as u64 >= crate::tui::model::FRESH_MS {
                words = format!("{} last heard {}", pen.look.glyphs.warning, ago(model.shown(), heard));
                role = Role::Degraded;
            }
        }
        (LinkState::Lost, _) => words = format!("{words} {}", ago(model.shown(), picture.link.since)),
        _ => {}
    }
    vec![Span::styled(words, pen.style(role))]
}

/// Draws the first line.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    if area.is_empty() {
        return;
    }
    pen.clear(area, Role::Bar);
    let gap = if area.width >= 110 { "   " } else { "  " };
    let mut right: Vec<Span<'_>> = Vec::new();
    if let Some(demo) = &model.demo {
        let speed = if (demo.speed - 1.0).abs() < f64::EPSILON || demo.speed <= 0.0 {
            "demo".to_owned()
        } else {
            format!("demo at {} times speed", demo.speed)
        };
        right.push(pen.span(format!("{speed}{gap}"), Role::Info));
    }
    if let Some(words) = crash_words(pen, model, area.width) {
        right.extend(words);
        right.push(pen.span(gap, Role::Muted));
    }
    let open = if model.screen == Screen::Fleet { None } else { model.pool() };
    let past = past_words(pen, model, area.width);
    if past.is_some() {
        // What is going on now is no part of this picture.
    } else if let Some(words) = rollout_words(pen, model, open, area.width) {
        right.extend(words);
        right.push(pen.span(gap, Role::Muted));
    } else if area.width >= 60 {
        let words = match (model.read_only, area.width >= 110) {
            (true, true) => "watching (read-only)",
            (true, false) => "read-only",
            (false, _) => "watching",
        };
        right.push(pen.span(format!("{words}{gap}"), Role::Muted));
    }
    if let Some(past) = past {
        right.extend(past);
    } else {
        if let Some(pool) = open {
            right.extend(link_words(pen, model, &pool.picture));
            right.push(pen.span(gap, Role::Muted));
        }
        right.push(pen.span(format!("{} ", clock(model.now, &model.zone)), Role::Text));
    }

    let mut left: Vec<Span<'_>> = Vec::new();
    let separator = format!(" {} ", pen.look.glyphs.separator);
    if area.width >= 100 {
        left.extend([pen.span(" poolwatch", Role::Title), pen.span(separator, Role::Border)]);
    } else {
        left.push(pen.span(" ", Role::Muted));
    }
    if let Some(pool) = open {
        about(pen, pool, area.width, &mut left);
    } else {
        let hosts = model.pools.iter().map(|p| p.picture.hosts.len()).sum();
        left.push(pen.span(plural(model.pools.len(), "pool", "pools"), Role::Title));
        left.push(pen.span(format!("  {}", plural(hosts, "host", "hosts")), Role::Muted));
    }
    // The connection is worth more than the product's name: what is at the left gives way.
    let room = area.width.saturating_sub(spans_width(&right)).saturating_sub(1);
    if room >= 6 {
        pen.right(area.x, area.y, area.width, &right);
        pen.line(area.x, area.y, room, &left);
    } else {
        pen.line(area.x, area.y, area.width, &right);
    }
}

/// That this is the past, when, and how it moves; `None` if it is not.
fn past_words(pen: &Pen<'_>, model: &Model, width: u16) -> Option<Vec<Span<'static>>> {
    let past = model.past()?;
    let Some(moment) = &past.moment else {
        return Some(vec![Span::styled(format!("{} reading the recording ", pen.look.glyphs.pending), pen.style(Role::Pending))]);
    };
    let glyph = pen.look.glyphs.arrow_left;
    let when = exact(moment.at, &model.zone);
    let at = if width >= 80 { when } else { clock(moment.at, &model.zone) };
    let mut spans =
        vec![Span::styled(format!(" {glyph} PAST {at} "), pen.style(Role::Selection).patch(pen.style(Role::Emphasis)))];
    let moves = match (past.playing, (past.speed - 1.0).abs() < f64::EPSILON) {
        (false, _) => "held".to_owned(),
        (true, true) => "plays".to_owned(),
        (true, false) => format!("plays {} times as fast", past.speed),
    };
    if width >= 100 {
        let far = if model.replay { String::new() } else { format!(", {}", ago(model.now, moment.at)) };
        spans.push(pen.span(format!(" {moves}{far} "), Role::Degraded));
    } else if width >= 60 {
        spans.push(pen.span(if past.playing { " plays " } else { " held " }, Role::Degraded));
    }
    Some(spans)
}

/// That a host came back from a crash that nobody has looked at yet, and how to.
fn crash_words(pen: &Pen<'_>, model: &Model, width: u16) -> Option<Vec<Span<'static>>> {
    let (pool, new) = model.pools.iter().find_map(|pool| Some((pool, pool.crashes.unseen.len())).filter(|(_, new)| *new > 0))?;
    let open = model.pool().is_some_and(|open| std::ptr::eq(open, pool));
    let glyph = pen.look.glyphs.warning;
    let text = match (width, open) {
        (0..60, _) => format!("{glyph} crash"),
        (_, true) => format!("{glyph} {}", plural(new, "crash", "crashes")),
        (_, false) => format!("{glyph} {} of {}", plural(new, "crash", "crashes"), pool.name()),
    };
    let mut spans = vec![Span::styled(text, pen.style(Role::Failed))];
    spans.extend(
        model
            .keymap
            .keys_of(Action::Crashes, &[])
            .into_iter()
            .next()
            .map(|key| Span::styled(format!(" {key}"), pen.style(Role::Key))),
    );
    Some(spans)
}

/// Where a rollout is, and how to get to its page; of another pool if there is none of the open one.
fn rollout_words(pen: &Pen<'_>, model: &Model, open: Option<&PoolView>, width: u16) -> Option<Vec<Span<'static>>> {
    let of = |pool: &&PoolView| pool.wizard.running();
    let pool = open.filter(of).or_else(|| model.pools.iter().find(of))?;
    let own = open.is_some_and(|o| std::ptr::eq(o, pool));
    let progress = pool.wizard.progress();
    let stuck = progress.is_some_and(|p| p.stuck.is_some());
    let place = progress.map_or_else(|| "beginning".to_owned(), place);
    let (glyph, role) = if stuck { (pen.look.glyphs.failed, Role::Failed) } else { (pen.look.glyphs.pending, Role::Pending) };
    let whose = if own { String::new() } else { format!("{} ", pool.name()) };
    let stuck = if stuck { "stuck: " } else { "" };
    let text = match width {
        0..60 => {
            let at = progress.and_then(|p| p.current).map_or_else(String::new, |at| format!(" {}", at + 1));
            format!("{glyph} roll{at}")
        }
        60..110 => format!("{glyph} {whose}rollout: {stuck}{}", place.replace("host ", "").replace(" of ", "/")),
        _ => format!("{glyph} {whose}rollout: {stuck}{place}"),
    };
    let mut spans = vec![Span::styled(text, pen.style(role))];
    if own
        && model.wizard().is_none()
        && let Some(key) = model.keymap.keys_of(Action::Wizard, &[]).into_iter().next()
    {
        spans.push(Span::styled(format!(" {key}"), pen.style(Role::Key)));
        if width >= 110 {
            spans.push(Span::styled(" opens it", pen.style(Role::Muted)));
        }
    }
    Some(spans)
}

/// What pool it is, in as many words as fit.
fn about<'p>(pen: &Pen<'_>, pool: &'p PoolView, width: u16, left: &mut Vec<Span<'p>>) {
    let p = &pool.picture;
    left.push(pen.span(pool.name(), Role::Title));
    if let Some(own) = pool.own_name() {
        left.push(pen.span(format!("  ({own})"), Role::Muted));
    }
    if !p.hosts.is_empty() {
        left.push(pen.span(format!("  {}", plural(p.hosts.len(), "host", "hosts")), Role::Muted));
    }
    if !p.product.is_empty() {
        left.push(pen.span(format!("  {}", p.product), Role::Muted));
    }
    if width >= 110 && !p.xapi.is_empty() {
        left.push(pen.span(format!("  xapi {}", p.xapi), Role::Muted));
    }
    if width >= 160 {
        let rules = match p.dialect {
            Dialect::Unknown => "",
            Dialect::Shipped => "  rules as shipped",
            Dialect::Designed => "  rules as designed",
        };
        left.push(pen.span(rules, Role::Muted));
        left.push(pen.span(format!("  {}", plural(p.guests, "VM", "VMs")), Role::Muted));
        left.push(pen.span(control_words(p), Role::Muted));
    }
}

/// Who else may act on the pool.
fn control_words(picture: &Picture) -> String {
    let control = &picture.control;
    let mut words = Vec::new();
    if control.ha {
        words.push(format!("HA on ({})", control.ha_stack));
    }
    if control.rolling_upgrade {
        words.push("rolling upgrade".to_owned());
    }
    if control.wlb {
        words.push("WLB on".to_owned());
    }
    words.extend(control.marks.iter().cloned());
    if words.is_empty() { String::new() } else { format!("  {}", words.join(", ")) }
}
