//! May I reboot the next host? The answer, why, until when; and our connection, if that is in trouble.

use crate::pool::picture::{LinkState, Picture, Severity};
use crate::tui::draw::Look;
use crate::tui::draw::pen::{Pen, spans_width};
use crate::tui::draw::words::{ago, moment, plural, wrap};
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Lines of the headline at most.
const HEADLINE: usize = 3;
/// Below this height there is only the headline.
const TINY: u16 = 14;
/// From this height on a second reason may have a line of its own.
const TALL: u16 = 30;

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
        (_, _, false) => after_answer(answer.word, &verdict.headline),
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
    let most = if model.size.1 < TINY { 2 } else { HEADLINE };
    if wrapped.len() > most {
        wrapped.truncate(most);
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
    if model.size.1 >= TINY {
        lines.extend(foot(model, picture, width, hang));
    }
    lines
}

/// The headline without the answer, where it begins with the words that stand before it already.
fn after_answer(word: &str, headline: &str) -> String {
    let Some(rest) =
        headline.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).and_then(|_| headline.get(word.len()..))
    else {
        return headline.to_owned();
    };
    match rest.strip_prefix(": ") {
        Some(rest) => {
            let mut chars = rest.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        }
        None => rest.strip_prefix(' ').unwrap_or(headline).to_owned(),
    }
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

/// What opens the gate, and what else there is: on one line if that fits, else on two if there is room.
fn foot(model: &Model, picture: &Picture, width: u16, hang: u16) -> Vec<Line> {
    let look = &model.look;
    let verdict = &picture.verdict;
    let room = width.saturating_sub(hang);
    let lead = || span(look, " ".repeat(usize::from(hang)), Role::Text);
    let opens = (!verdict.opens_when.is_empty())
        .then(|| vec![span(look, "opens when: ", Role::Muted), span(look, verdict.opens_when.clone(), Role::Text)]);
    let others: Vec<_> = verdict.reasons.iter().skip(1).collect();
    let also = others.iter().find(|r| r.severity == Severity::Soft).or(others.first()).map(|also| {
        let sign = look.severity(also.severity);
        let mut parts = vec![
            span(look, "also: ", Role::Muted),
            span(look, format!("{} ", sign.glyph), sign.role),
            span(look, also.text.clone(), Role::Text),
        ];
        if others.len() > 1 {
            parts.push(span(look, format!("  and {} (v)", plural(others.len() - 1, "more", "more")), Role::Muted));
        }
        parts
    });
    match (opens, also) {
        (None, None) => Vec::new(),
        (None, Some(also)) if model.size.1 >= TALL => {
            hung(look, also, room).into_iter().map(|l| [vec![lead()], l].concat()).collect()
        }
        (Some(only), None) | (None, Some(only)) => vec![[vec![lead()], only].concat()],
        (Some(opens), Some(also)) => {
            let used = spans_width(&opens) + 4;
            let fits = used.saturating_add(spans_width(&also)) <= room;
            let gap = span(look, "    ", Role::Text);
            if fits || (model.size.1 < TALL && used + 28 <= room) {
                vec![[vec![lead()], opens, vec![gap], also].concat()]
            } else if model.size.1 >= TALL {
                [vec![opens], hung(look, also, room)].concat().into_iter().map(|l| [vec![lead()], l].concat()).collect()
            } else {
                // What opens the gate is worth two lines; of the rest it is said that there is more.
                let more = span(look, format!("    +{} more (v)", others.len()), Role::Muted);
                let words = opens.iter().map(|s| s.content.as_ref()).collect::<String>();
                let mut lines: Vec<Line> =
                    wrap(&words, room).into_iter().take(2).map(|text| vec![lead(), span(look, text, Role::Muted)]).collect();
                if let Some(last) = lines.last_mut()
                    && spans_width(last) + spans_width(std::slice::from_ref(&more)) <= width
                {
                    last.push(more);
                }
                lines
            }
        }
    }
}

/// A second reason, on two lines if one is too short for its words: "also:" and its sign stand before them.
fn hung(look: &Look, also: Line, room: u16) -> Vec<Line> {
    let before = also.get(..2).unwrap_or_default().to_vec();
    let indent = spans_width(&before);
    if spans_width(&also) <= room || before.is_empty() {
        return vec![also];
    }
    let words: String = also.iter().skip(2).map(|span| span.content.as_ref()).collect();
    let mut wrapped = wrap(&words, room.saturating_sub(indent).max(8));
    if wrapped.len() > 2 {
        wrapped.truncate(2);
        if let Some(last) = wrapped.last_mut() {
            last.push_str(look.glyphs.ellipsis);
        }
    }
    let lines = wrapped.into_iter().enumerate().map(|(at, text)| {
        let lead = if at == 0 { before.clone() } else { vec![span(look, " ".repeat(usize::from(indent)), Role::Text)] };
        [lead, vec![span(look, text, Role::Text)]].concat()
    });
    lines.collect()
}

/// What is wrong with our connection, in words: what, since when, and what happens next.
fn trouble(model: &Model, picture: &Picture, width: u16) -> Vec<Line> {
    let look = &model.look;
    let link = &picture.link;
    // While nothing is known at all, the same is said at length below.
    if !matches!(link.state, LinkState::Lost | LinkState::Refused) || picture.hosts.is_empty() {
        return Vec::new();
    }
    let sign = look.link(link.state);
    let since = moment(link.since, model.shown(), &model.zone);
    let mut words = format!("since {since}: {}", link.text);
    if !words.ends_with(['.', '!', '?']) {
        words.push('.');
    }
    if let Some(heard) = link.heard {
        words = format!("{words} Below is what was last known, {}.", ago(model.shown(), heard));
    }
    let head = format!("{} {} ", sign.glyph, sign.word);
    let indent = spans_width(&[Span::raw(head.clone())]);
    let mut lines: Vec<Line> = Vec::new();
    for (at, text) in wrap(&words, width.saturating_sub(indent).max(12)).into_iter().take(3).enumerate() {
        let lead = if at == 0 { head.clone() } else { " ".repeat(usize::from(indent)) };
        lines.push(vec![span(look, lead, sign.role), span(look, text, Role::Emphasis)]);
    }
    lines
}
