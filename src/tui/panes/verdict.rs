//! May I reboot the next host? The answer, why, until when; and our connection, if that is in trouble.

use crate::pool::picture::{LinkState, Picture, Severity};
use crate::tui::draw::Look;
use crate::tui::draw::pen::{Pen, spans_width};
use crate::tui::draw::words::{ago, countdown, moment, plural, wrap};
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Lines of the headline at most.
const HEADLINE: usize = 3;

type Line = Vec<Span<'static>>;

/// Rows that the verdict takes.
pub(crate) fn height(model: &Model, width: u16, framed: bool) -> u16 {
    let frame = if framed { 2 } else { 0 };
    lines(model, inner(width, framed)).len() as u16 + frame
}

fn inner(width: u16, framed: bool) -> u16 {
    width.saturating_sub(if framed { 4 } else { 2 })
}

/// Draws it.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect, framed: bool) {
    let lines = lines(model, inner(area.width, framed));
    let mut body = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if framed {
        let role = model.pool().map_or(Role::Border, |p| pen.look.gate(p.picture.verdict.state).role);
        body = pen.frame(area, role);
        pen.text(area.x + 1, area.y, area.width.saturating_sub(2), " May I reboot the next host? ", Role::Title);
        body = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    }
    for (at, line) in lines.iter().take(usize::from(body.height)).enumerate() {
        pen.line(body.x, body.y + at as u16, body.width, line);
    }
}

fn span(look: &Look, text: impl Into<String>, role: Role) -> Span<'static> {
    Span::styled(text.into(), look.style(role))
}

/// Everything that is said, in lines of `width` columns.
fn lines(model: &Model, width: u16) -> Vec<Line> {
    let Some(pool) = model.pool() else { return Vec::new() };
    let picture = &pool.picture;
    let look = &model.look;
    let mut lines = trouble(model, picture, width);
    let verdict = &picture.verdict;
    let answer = look.answer(verdict.state);
    let word = format!("{} {}  ", answer.glyph, answer.word);
    let indent = spans_width(&[Span::raw(word.clone())]);
    let hang = if width >= 40 { indent.min(8) } else { 2 };
    let headline = match (picture.hosts.is_empty(), picture.link.state, verdict.headline.is_empty()) {
        (_, _, false) => verdict.headline.clone(),
        (true, LinkState::Connecting | LinkState::Syncing, true) => "Not yet: the pool is still being read.".to_owned(),
        _ => "Nothing is known about this pool.".to_owned(),
    };
    // The first line is shorter by the answer itself.
    let mut wrapped = wrap(&headline, width.saturating_sub(indent).max(8));
    if wrapped.len() > 1 {
        let rest = headline_rest(&headline, wrapped.first().map_or("", String::as_str));
        let mut all = wrapped.drain(..1).collect::<Vec<_>>();
        all.extend(wrap(&rest, width.saturating_sub(hang).max(8)));
        wrapped = all;
    }
    if wrapped.len() > HEADLINE {
        wrapped.truncate(HEADLINE);
        if let Some(last) = wrapped.last_mut() {
            last.push_str(look.glyphs.ellipsis);
        }
    }
    for (at, text) in wrapped.into_iter().enumerate() {
        lines.push(if at == 0 {
            vec![span(look, word.clone(), answer.role), span(look, text, Role::Text)]
        } else {
            vec![span(look, " ".repeat(usize::from(hang)), Role::Text), span(look, text, Role::Text)]
        });
    }
    if let Some(line) = foot(model, picture, width, hang) {
        lines.push(line);
    }
    lines
}

/// What is left of the headline after its first line.
fn headline_rest(headline: &str, first: &str) -> String {
    let used = first.chars().filter(|c| *c != ' ').count();
    let clean = crate::text::clean(headline, 2_000);
    let mut seen = 0;
    let rest: String = clean
        .chars()
        .skip_while(|c| {
            if *c != ' ' {
                seen += 1;
            }
            seen <= used
        })
        .collect();
    rest.trim_start().to_owned()
}

/// What opens the gate, and what else there is.
fn foot(model: &Model, picture: &Picture, width: u16, hang: u16) -> Option<Line> {
    let look = &model.look;
    let verdict = &picture.verdict;
    let mut line = vec![span(look, " ".repeat(usize::from(hang)), Role::Text)];
    let mut room = width.saturating_sub(hang);
    let mut first = true;
    let mut add = |line: &mut Line, parts: Vec<Span<'static>>| {
        let gap = if first { 0 } else { 4 };
        let wide = spans_width(&parts) + gap;
        if wide > room && !first {
            return false;
        }
        line.push(span(look, " ".repeat(usize::from(gap)), Role::Text));
        line.extend(parts);
        room = room.saturating_sub(wide);
        first = false;
        true
    };
    if !verdict.opens_when.is_empty() {
        let parts = vec![span(look, "opens when: ", Role::Muted), span(look, verdict.opens_when.clone(), Role::Text)];
        add(&mut line, parts);
    }
    let others: Vec<_> = verdict.reasons.iter().skip(1).collect();
    let also = verdict.reasons.iter().skip(1).find(|r| r.severity == Severity::Soft).or(others.first().copied());
    if let Some(also) = also {
        let sign = look.severity(also.severity);
        let parts = vec![
            span(look, "also: ", Role::Muted),
            span(look, format!("{} ", sign.glyph), sign.role),
            span(look, also.text.clone(), Role::Text),
        ];
        let shown = usize::from(add(&mut line, parts));
        let left = others.len() - shown;
        if left > 0 {
            add(&mut line, vec![span(look, format!("{} (v)", plural(left, "more reason", "more reasons")), Role::Muted)]);
        }
    }
    (line.len() > 1).then_some(line)
}

/// What is wrong with our connection, in words: what, since when, and what happens next.
fn trouble(model: &Model, picture: &Picture, width: u16) -> Vec<Line> {
    let look = &model.look;
    let link = &picture.link;
    if !matches!(link.state, LinkState::Lost | LinkState::Refused) {
        return Vec::new();
    }
    let sign = look.link(link.state);
    let since = moment(link.since, model.now, &model.zone);
    let mut words = format!("since {since}: {}", link.text);
    if let Some(retry) = link.retry_at.filter(|_| link.state == LinkState::Lost) {
        let close = if words.ends_with(['.', '!', '?']) { "" } else { "." };
        words = format!("{words}{close} Next try {}.", countdown(model.now, retry));
    }
    if let Some(heard) = link.heard.filter(|_| !picture.hosts.is_empty()) {
        words = format!("{words} Below is what was last known, {}.", ago(model.now, heard));
    }
    let head = format!("{} {} ", sign.glyph, sign.word);
    let indent = spans_width(&[Span::raw(head.clone())]);
    let mut lines: Vec<Line> = Vec::new();
    for (at, text) in wrap(&words, width.saturating_sub(indent).max(12)).into_iter().take(3).enumerate() {
        let lead = if at == 0 { head.clone() } else { " ".repeat(usize::from(indent.min(width / 4))) };
        lines.push(vec![span(look, lead, sign.role), span(look, text, Role::Emphasis)]);
    }
    lines
}
