//! The last page: how it went, how long each host took, what is left and how it is put back, where it is written down.

use super::frame::key;
use super::paper::{Paper, padded, piece};
use super::run::left;
use super::words::{lap, result, sentence, stage, standing};
use crate::rollout::progress::Standing;
use crate::text;
use crate::tui::draw::words::{moment, width};
use crate::tui::keymap::Action;
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;

/// A stage that took less, in seconds, is not worth a word.
const SHORT: u64 = 30;
/// Columns of the heads at the left.
const HEAD: u16 = 14;

pub(super) fn write(paper: &mut Paper, model: &Model, pool: &PoolView) {
    let g = model.look.glyphs;
    let Some(run) = &pool.wizard.run else {
        paper.words(0, "No rollout was run from here.", Role::Muted);
        return;
    };
    if let Some(error) = &run.error {
        paper.beside(0, piece(format!("{} over", g.failed), Role::Failed), HEAD, error, Role::Text);
    }
    let Some(progress) = &run.progress else { return };
    if let Some((how, words)) = &progress.result {
        let sign = result(&model.look, *how);
        paper.beside(0, piece(format!("{} {}", sign.glyph, sign.word), sign.role), HEAD, &sentence(words), Role::Text);
    }
    let ended = progress.hosts.iter().flat_map(|h| h.stages.iter().filter_map(|(_, _, to)| *to)).max();
    let ended = ended.unwrap_or(progress.at).max(progress.began);
    let took = text::duration(progress.at.max(ended).since(progress.began));
    let text = format!("run {}, began {}, took {took}", progress.run, moment(progress.began, model.now, &model.zone));
    paper.words(0, &text, Role::Muted);

    paper.heading("Hosts", Vec::new());
    let names = progress.hosts.iter().map(|h| width(&h.name)).max().unwrap_or(4).clamp(4, 24);
    for host in &progress.hosts {
        let waited = host.standing == Standing::Waiting;
        let sign = standing(&model.look, host.standing, false);
        let word = if waited { "not begun" } else { sign.word };
        let begun = host.stages.iter().find_map(|(_, from, _)| *from);
        let over = host.stages.iter().filter_map(|(_, _, to)| *to).max();
        let took = begun.zip(over).map_or_else(String::new, |(from, to)| text::duration(to.since(from)));
        let mut laps: Vec<(String, u64)> = host
            .stages
            .iter()
            .filter_map(|(s, from, to)| Some((s, to.as_ref()?.since((*from)?))))
            .filter(|(_, lasted)| lasted.as_secs() >= SHORT)
            .map(|(s, lasted)| (format!("{} {}", stage(*s), lap(lasted)), lasted.as_secs()))
            .collect();
        laps.sort_by_key(|(_, secs)| std::cmp::Reverse(*secs));
        let laps: Vec<String> = laps.into_iter().map(|(words, _)| words).collect();
        let detail = if host.text.is_empty() || host.standing == Standing::Done { laps.join(", ") } else { host.text.clone() };
        let head = format!("{} {word:<10}{}  ", sign.glyph, padded(&host.name, names, g.ellipsis));
        let room = width(&head);
        let text = if took.is_empty() { detail } else { format!("{took:<11} {detail}") };
        paper.beside(2, piece(head.trim_end().to_owned(), sign.role), room, &text, Role::Text);
    }

    if progress.left.is_empty() {
        if progress.result.is_some() {
            paper.blank();
            paper.line(0, vec![piece(format!("{} ", g.ok), Role::Healthy), piece("The pool is as it was found.", Role::Healthy)]);
        }
    } else {
        left(paper, pool, progress);
        let target = crate::text::clean(&pool.target, 100);
        let later = if model.demo.is_some() { String::new() } else { format!("; later: poolwatch roll {target} --restore") };
        let text = format!("{} tries now to put it back{later}", key(model, Action::RunRestore));
        paper.words(2, &text, Role::Info);
    }
    let files = &run.files;
    if !files.journal.is_empty() || !files.report.is_empty() {
        paper.heading("Written down", Vec::new());
        for (name, path) in [("journal", &files.journal), ("report", &files.report)] {
            if !path.is_empty() {
                paper.beside(2, piece(name, Role::Muted), 10, path, Role::Text);
            }
        }
    }
}
