//! The third page: what speaks against the round, by weight, with its evidence and how to mend it.

use super::frame::key;
use super::paper::{Paper, piece};
use super::plan::not_yet;
use crate::pool::picture::Severity;
use crate::rollout::finding::{Finding, Fix};
use crate::tui::draw::words::plural;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;

/// Columns of a finding's weight.
const WEIGHT: u16 = 8;

/// What poolwatch does about it, in words.
pub(super) fn fix_words(pool: &PoolView, fix: &Fix) -> String {
    match fix {
        Fix::Enable { host } => {
            let name = pool.picture.hosts.iter().find(|h| h.r#ref == *host).map_or("the host", |h| h.name.as_str());
            format!("enables {name}")
        }
        Fix::Plug { .. } => "plugs the storage".to_owned(),
        Fix::ShutDownPinned => "lets guests that cannot move be shut down for the time of the round".to_owned(),
        Fix::DatabaseChecked { .. } => "takes down that you looked at what was lost".to_owned(),
        Fix::TakeOverClaim => "takes over the claim of an owner that is gone".to_owned(),
    }
}

/// The findings in the order of the page.
pub(super) fn ordered(findings: &[Finding]) -> Vec<&Finding> {
    let mut ordered: Vec<&Finding> = findings.iter().collect();
    ordered.sort_by_key(|f| f.severity);
    ordered
}

pub(super) fn write(paper: &mut Paper, model: &Model, pool: &PoolView) {
    if not_yet(paper, model, &pool.wizard.survey) {
        return;
    }
    let Some(prepared) = pool.wizard.prepared() else { return };
    let g = model.look.glyphs;
    let count = |severity| prepared.findings.iter().filter(|f| f.severity == severity).count();
    let (hard, soft, notes) = (count(Severity::Hard), count(Severity::Soft), count(Severity::Note));
    if hard + soft == 0 {
        paper.line(
            0,
            vec![piece(format!("{} ", g.ok), Role::Healthy), piece("Nothing speaks against this round.", Role::Healthy)],
        );
    } else {
        let accepted = soft - pool.wizard.against().1;
        let more = if accepted > 0 { format!(" ({accepted} accepted)") } else { String::new() };
        paper.line(
            0,
            vec![
                piece(
                    format!("{} {hard} hard   ", if hard > 0 { g.failed } else { g.note }),
                    if hard > 0 { Role::Failed } else { Role::Muted },
                ),
                piece(format!("{} {soft} soft{more}   ", g.warning), if soft > accepted { Role::Degraded } else { Role::Muted }),
                piece(format!("{} {}", g.note, plural(notes, "note", "notes")), Role::Muted),
            ],
        );
    }
    if pool.wizard.mending {
        paper.line(0, vec![piece(format!("{} Something is being mended.", g.pending), Role::Pending)]);
    }
    let mut last = None;
    for (at, finding) in ordered(&prepared.findings).into_iter().enumerate() {
        if last != Some(finding.severity) {
            last = Some(finding.severity);
            let (title, hint) = match finding.severity {
                Severity::Hard => ("Hard", "the round is refused as long as these are so"),
                Severity::Soft => ("Soft", "each can be accepted, with a reason that goes into the journal"),
                Severity::Note => ("Notes", "worth knowing"),
            };
            paper.heading(title, vec![piece(format!("   {hint}"), Role::Muted)]);
        }
        paper.item(Some(at));
        one(paper, model, pool, finding);
    }
}

fn one(paper: &mut Paper, model: &Model, pool: &PoolView, finding: &Finding) {
    let sign = model.look.severity(finding.severity);
    let head = piece(format!("{} {}", sign.glyph, sign.word), sign.role);
    paper.beside(0, head, WEIGHT, &finding.text, Role::Text);
    let mut under = |text: String, role: Role| {
        if paper.width >= WEIGHT + 24 { paper.words(WEIGHT, &text, role) } else { paper.words(2, &text, role) }
    };
    if !finding.evidence.is_empty() {
        under(format!("seen in: {}", finding.evidence), Role::Muted);
    }
    // Of a note there is mostly nothing to mend, which goes without saying.
    let nothing = finding.severity == Severity::Note && finding.mend.starts_with("Nothing.");
    if !finding.mend.is_empty() && !nothing {
        under(format!("to mend: {}", finding.mend), Role::Info);
    }
    if let Some(fix) = &finding.fix {
        under(format!("{} {}", key(model, Action::Mend), fix_words(pool, fix)), Role::Key);
    }
    if let Some(accepted) = pool.wizard.accepted(finding) {
        let text =
            format!("{} accepted: {} ({} takes it back)", model.look.glyphs.marked, accepted.reason, key(model, Action::Accept));
        under(text, Role::Healthy);
    }
}
