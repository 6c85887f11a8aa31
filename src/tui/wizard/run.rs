//! The fifth page: each host's stages on a time line, what is waited for and until when, guests on the move, the last actions, what can be
//! commanded now.

use super::frame::key;
use super::paper::{Paper, Piece, padded, piece};
use super::words::{action, item, lap, sentence, stage, standing};
use crate::pool::picture::LinkState;
use crate::rollout::plan::Stage;
use crate::rollout::progress::{HostProgress, Progress, Standing};
use crate::text;
use crate::time::Time;
use crate::tui::draw::words::{ago, moment, precise, width};
use crate::tui::keymap::entry_of;
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;
use std::time::Duration;

/// Columns of the heads at the left.
const HEAD: u16 = 12;
/// Columns of a gauge.
const GAUGE: usize = 12;
/// From this width on every host shows all its stages.
const ROOMY: u16 = 110;
/// A stage that took less is not worth a word on a narrow page.
const SHORT: Duration = Duration::from_secs(30);

pub(super) fn write(paper: &mut Paper, model: &Model, pool: &PoolView, height: u16) {
    let g = model.look.glyphs;
    let Some(run) = &pool.wizard.run else {
        paper.words(0, "No rollout is going on here.", Role::Muted);
        return;
    };
    let Some(progress) = &run.progress else {
        if let Some(error) = &run.error {
            paper.beside(0, piece(format!("{} not begun", g.failed), Role::Failed), HEAD + 2, error, Role::Text);
        } else {
            paper.line(0, vec![piece(format!("{} ", g.pending), Role::Pending), piece("The run begins.", Role::Text)]);
            paper.words(2, "It takes its claim on the pool and opens its journal first.", Role::Muted);
            let waited = model.now.since(run.asked);
            if waited.as_secs() >= 2 {
                paper.words(2, &format!("For {} now.", text::duration(waited)), Role::Muted);
            }
        }
        return;
    };
    summary(paper, model, progress);
    if let Some(error) = &run.error {
        paper.beside(0, piece(format!("{} over", g.failed), Role::Failed), HEAD, error, Role::Text);
    }
    now(paper, model, pool, progress, run.error.is_some());
    for (at, host) in progress.hosts.iter().enumerate() {
        if at == 0 {
            paper.blank();
        }
        paper.item(Some(at));
        one_host(paper, model, progress, at, host);
    }
    paper.item(None);
    moves(paper, model, progress);
    actions(paper, model, progress, if height >= 30 { 10 } else { 3 });
    left(paper, pool, progress);
    if run.error.is_none() {
        commands(paper, model, progress);
    }
}

/// `Run r-7f3   host 2 of 4   began 02:04   ends about 03:31, in 50 min`.
fn summary(paper: &mut Paper, model: &Model, progress: &Progress) {
    let done = progress.hosts.iter().filter(|h| matches!(h.standing, Standing::Done | Standing::Skipped)).count();
    let mut chips = vec![
        vec![piece(format!("Run {}", progress.run), Role::Title)],
        vec![piece(format!("{done} of {} done", progress.hosts.len()), Role::Text)],
        vec![piece(format!("began {}", moment(progress.began, model.now, &model.zone)), Role::Muted)],
    ];
    if progress.result.is_none() {
        chips.push(vec![match progress.ends {
            Some(ends) if ends > model.now => {
                let left = text::duration(ends.since(model.now));
                piece(format!("ends about {}, in {left}", moment(ends, model.now, &model.zone)), Role::Info)
            }
            Some(_) => piece("ends later than expected", Role::Degraded),
            None if progress.stuck.is_some() || progress.wish == "paused" => piece("it waits for you", Role::Degraded),
            None => piece("how long it takes is learnt from the first host", Role::Muted),
        }]);
    }
    paper.flow(0, chips, 3);
}

/// What it does now; why it is stuck; what it was told; how the connection is.
fn now(paper: &mut Paper, model: &Model, pool: &PoolView, progress: &Progress, over: bool) {
    let g = model.look.glyphs;
    if let Some((result, words)) = &progress.result {
        let sign = super::words::result(&model.look, *result);
        paper.beside(0, piece(format!("{} {}", sign.glyph, sign.word), sign.role), HEAD + 2, &sentence(words), Role::Text);
        return;
    }
    if over {
        return;
    }
    if let Some((why, todo)) = &progress.stuck {
        paper.beside(0, piece(format!("{} stuck", g.failed), Role::Failed), HEAD, why, Role::Text);
        paper.beside(0, piece("  do now", Role::Emphasis), HEAD, todo, Role::Text);
    } else {
        paper.beside(0, piece(format!("{} now", g.pending), Role::Pending), HEAD, &sentence(&progress.headline), Role::Text);
    }
    if !progress.wish.is_empty() {
        paper.beside(
            0,
            piece(format!("{} told", g.warning), Role::Degraded),
            HEAD,
            &sentence(&format!("it {}", wish_words(progress.wish))),
            Role::Text,
        );
    }
    let link = &pool.picture.link;
    if link.state != LinkState::Live {
        let sign = model.look.link(link.state);
        let since =
            if link.since > Time::EPOCH { format!(" (since {})", precise(link.since, &model.zone)) } else { String::new() };
        let text = format!("{}{since}. What is below is what was known then.", sign.word);
        paper.beside(0, piece(format!("{} pool", sign.glyph), sign.role), HEAD, &text, Role::Text);
    }
}

/// What it was told, after "it".
fn wish_words(wish: &str) -> String {
    if wish == "paused" { "is paused: nothing new is begun".to_owned() } else { wish.to_owned() }
}

fn one_host(paper: &mut Paper, model: &Model, progress: &Progress, at: usize, host: &HostProgress) {
    let g = model.look.glyphs;
    let next = progress.hosts.iter().position(|h| h.standing == Standing::Waiting) == Some(at);
    let sign = standing(&model.look, host.standing, next);
    let names = progress.hosts.iter().map(|h| width(&h.name)).max().unwrap_or(4).clamp(4, 24);
    let mut pieces = vec![
        piece(format!("{} {:<9}", sign.glyph, sign.word), sign.role),
        piece(padded(&host.name, names, g.ellipsis), Role::Title),
        piece("  ", Role::Text),
    ];
    let lead = 2 + 9 + names + 2;
    let active = matches!(host.standing, Standing::Working | Standing::Stuck);
    let begun = host.stages.iter().find_map(|(_, from, _)| *from);
    let over = host.stages.iter().filter_map(|(_, _, to)| *to).max();
    let waits = host.standing == Standing::Waiting;
    if active || (paper.width >= ROOMY && !waits && !host.stages.is_empty()) {
        if let (Some(from), true) = (begun, active) {
            pieces.push(piece(format!("for {}", text::duration(model.now.since(from))), Role::Muted));
        } else if let (Some(from), Some(to)) = (begun, over) {
            pieces.push(piece(format!("in {}", text::duration(to.since(from))), Role::Healthy));
        }
        if host.standing == Standing::Skipped {
            pieces.push(piece(format!("  {}", host.text), Role::Muted));
        }
        paper.line(0, pieces);
        let chips = host.stages.iter().map(|s| chip(model, host, s)).collect();
        let indent = if paper.width >= 60 { 4 } else { 2 };
        paper.flow(indent, chips, 2);
        // What stands at the top already is not said again.
        let said = |text: &str| text.trim_end_matches('.') == host.text.trim_end_matches('.');
        if active && !said(&progress.headline) && !progress.stuck.as_ref().is_some_and(|(why, _)| said(why)) {
            paper.words(indent, &sentence(&host.text), Role::Text);
        }
        return;
    }
    match (begun, over) {
        (Some(from), Some(to)) => {
            pieces.push(piece(format!("in {}", text::duration(to.since(from))), Role::Text));
            let longest = host.stages.iter().filter_map(|(s, from, to)| Some((s, to.as_ref()?.since((*from)?))));
            let longest: Vec<String> =
                longest.filter(|(_, took)| *took >= SHORT).map(|(s, took)| format!("{} {}", stage(*s), lap(took))).collect();
            let room = usize::from(paper.width.saturating_sub(lead));
            if !longest.is_empty() && room > 30 {
                pieces.push(piece(format!("   {}", longest.join(", ")), Role::Muted));
            }
        }
        _ => pieces.push(piece(host.text.clone(), Role::Muted)),
    }
    paper.line(0, pieces);
}

/// A stage on the time line.
fn chip(model: &Model, host: &HostProgress, (which, from, to): &(Stage, Option<Time>, Option<Time>)) -> Vec<Piece> {
    let g = model.look.glyphs;
    let word = stage(*which);
    match (from, to) {
        (Some(from), Some(to)) => {
            let took = to.since(*from);
            let took = if took.as_secs() > 0 { format!(" {}", lap(took)) } else { String::new() };
            vec![piece(format!("{} {word}", g.ok), Role::Healthy), piece(took, Role::Muted)]
        }
        (Some(from), None) => {
            let stuck = host.standing == Standing::Stuck;
            let (glyph, role) = if stuck { (g.failed, Role::Failed) } else { (g.pending, Role::Pending) };
            let spent = model.now.since(*from);
            let mut pieces = vec![piece(format!("{glyph} {word} "), role)];
            match host.deadline.map(|d| d.since(*from)).filter(|d| d.as_secs() > 0) {
                Some(limit) => {
                    let part = spent.as_secs_f64() / limit.as_secs_f64();
                    let (full, empty) = g.gauge(part, GAUGE);
                    pieces.push(piece(format!("{} of {} at most ", lap(spent), lap(limit)), Role::Text));
                    pieces.push(piece(full, crate::tui::draw::Look::gauge_role(part)));
                    pieces.push(piece(empty, Role::GaugeEmpty));
                }
                None => pieces.push(piece(lap(spent), Role::Text)),
            }
            pieces
        }
        // It was passed over, or it is still to come.
        _ if matches!(host.standing, Standing::Done | Standing::Skipped) => {
            vec![piece(format!("{} {word}", g.note), Role::Muted)]
        }
        _ => vec![piece(format!("{} {word}", g.unknown), Role::Muted)],
    }
}

fn moves(paper: &mut Paper, model: &Model, progress: &Progress) {
    if progress.moves.is_empty() {
        return;
    }
    let g = model.look.glyphs;
    paper.heading("Guests on the move", vec![piece(format!("  {}", progress.moves.len()), Role::Muted)]);
    let names = progress.moves.iter().map(|m| width(&m.guest)).max().unwrap_or(4).clamp(4, 28);
    let ways =
        progress.moves.iter().map(|m| width(&m.from).saturating_add(width(&m.to)).saturating_add(4)).max().unwrap_or(8).min(40);
    for one in &progress.moves {
        let way = if one.to.is_empty() { format!("off {}", one.from) } else { format!("{} {} {}", one.from, g.to, one.to) };
        let mut pieces = vec![
            piece(padded(&one.guest, names, g.ellipsis), Role::Text),
            piece("  ", Role::Text),
            piece(padded(&way, ways, g.ellipsis), Role::Muted),
            piece("  ", Role::Text),
        ];
        match one.progress {
            Some(part) => {
                let (full, empty) = g.gauge(part, GAUGE);
                pieces.extend([piece(full, Role::GaugeLow), piece(empty, Role::GaugeEmpty)]);
                pieces.push(piece(format!(" {:>3.0} %", part.clamp(0.0, 1.0) * 100.0), Role::Text));
            }
            None => pieces.push(piece(format!("{} moving", g.pending), Role::Pending)),
        }
        paper.line(2, pieces);
    }
}

/// What is not as it was found.
pub(super) fn left(paper: &mut Paper, pool: &PoolView, progress: &Progress) {
    if progress.left.is_empty() {
        return;
    }
    paper.heading("Not yet as it was found", Vec::new());
    for (what, why) in &progress.left {
        let is = item(pool, what);
        let text = match why.as_str() {
            "" => sentence(&is),
            // The reason says it again, and more.
            why if why.starts_with(&is) => sentence(why),
            why => format!("{is}: {}", why.trim()),
        };
        paper.beside(2, piece("-", Role::Degraded), 2, &text, Role::Text);
    }
}

fn actions(paper: &mut Paper, model: &Model, progress: &Progress, most: usize) {
    if progress.actions.is_empty() {
        return;
    }
    paper.heading("Last", Vec::new());
    for (at, text) in progress.actions.iter().rev().take(most) {
        let when = if model.now.since(*at).as_secs() < 86_400 { precise(*at, &model.zone) } else { ago(model.now, *at) };
        paper.beside(2, piece(when, Role::Muted), 10, text, Role::Text);
    }
}

fn commands(paper: &mut Paper, model: &Model, progress: &Progress) {
    if progress.commands.is_empty() {
        return;
    }
    paper.heading("Commands", Vec::new());
    for (name, why) in &progress.commands {
        let action = action(*name);
        let label = entry_of(action).map_or("", |e| e.label);
        let head = piece(key(model, action), if why.is_some() { Role::Muted } else { Role::Key });
        match why {
            None => paper.beside(2, head, 4, &format!("{label}: {}", entry_of(action).map_or("", |e| e.help)), Role::Text),
            Some(why) => paper.beside(2, head, 4, &format!("{label}: not now. {}", sentence(why)), Role::Muted),
        }
    }
}
