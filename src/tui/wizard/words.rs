//! Stages, standings, items and results as glyph, word and role; lengths of time as an operator reads them on a time line.

use crate::rollout::entry::{Command, Item, Phase, RunResult};
use crate::rollout::plan::{Kind, Stage};
use crate::rollout::progress::{CommandName, Progress, Standing};
use crate::tui::draw::Look;
use crate::tui::draw::look::Sign;
use crate::tui::keymap::Action;
use crate::tui::model::PoolView;
use crate::tui::theme::Role;
use std::time::Duration;

/// Words as a sentence: a capital at the beginning, unless that is a name such as `xcp2` or `db-1`, and a full stop at the end.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let name = text.split(' ').next().is_some_and(|word| word.contains(|c: char| c.is_ascii_digit() || "-_.".contains(c)));
    let mut chars = text.chars();
    let capital = |c: char| if name { c.to_string() } else { c.to_uppercase().to_string() };
    let first = chars.next().map(capital).unwrap_or_default();
    let stop = if text.is_empty() || text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// The stage in one word.
pub(crate) fn stage(stage: Stage) -> &'static str {
    stage.into()
}

/// What a host does in a stage.
pub(crate) fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::Settle => "waiting for a quiet pool",
        Stage::Disable => "disabling",
        Stage::Evacuate => "evacuating",
        Stage::Update => "updating",
        Stage::Gate => "at the gate",
        Stage::Reboot => "rebooting",
        Stage::Down => "going down",
        Stage::Up => "booting",
        Stage::Storage => "plugging storage",
        Stage::Enable => "enabling",
        Stage::Cluster => "joining the cluster",
        Stage::Rebuild => "rebuilding mirrors",
        Stage::Home => "bringing guests home",
        Stage::Soak => "being watched",
    }
}

/// `4:10`, `1:02:03`.
pub(crate) fn lap(length: Duration) -> String {
    let secs = length.as_secs();
    if secs < 3_600 {
        format!("{}:{:02}", secs / 60, secs % 60)
    } else {
        format!("{}:{:02}:{:02}", secs / 3_600, secs % 3_600 / 60, secs % 60)
    }
}

/// How a host stands.
pub(crate) fn standing(look: &Look, standing: Standing, next: bool) -> Sign {
    let g = look.glyphs;
    let (glyph, word, role) = match standing {
        Standing::Waiting if next => (g.unknown, "next", Role::Info),
        Standing::Waiting => (g.unknown, "later", Role::Muted),
        Standing::Working => (g.pending, "working", Role::Pending),
        Standing::Stuck => (g.failed, "stuck", Role::Failed),
        Standing::Done => (g.ok, "done", Role::Healthy),
        Standing::Skipped => (g.note, "left out", Role::Degraded),
    };
    Sign { glyph, word, role }
}

/// How a run ended.
pub(crate) fn result(look: &Look, result: RunResult) -> Sign {
    let g = look.glyphs;
    let (glyph, word, role) = match result {
        RunResult::Done => (g.ok, "DONE", Role::Healthy),
        RunResult::Stopped => (g.warning, "STOPPED", Role::Degraded),
        RunResult::Refused => (g.failed, "REFUSED", Role::Failed),
        RunResult::Unknown => (g.unknown, "CANNOT TELL", Role::Failed),
    };
    Sign { glyph, word, role }
}

/// What a round is for.
pub(crate) fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Reboot => "reboot".to_owned(),
        Kind::XcpNg => "XCP-ng update".to_owned(),
        Kind::XenServer { .. } => "XenServer update".to_owned(),
        Kind::PoolUpdate { name, .. } => format!("pool update {name}"),
    }
}

/// What is not as it was found, with the names that the pool has now.
pub(crate) fn item(pool: &PoolView, item: &Item) -> String {
    let host = |uuid: &str| {
        let found = pool.picture.hosts.iter().find(|h| h.uuid == uuid);
        found.map_or_else(|| format!("host {uuid}"), |h| h.name.clone())
    };
    let guest = |uuid: &str| {
        let found = pool.pool.records().guest_by_uuid(uuid);
        found.map_or_else(|| format!("guest {uuid}"), |(_, g)| g.name.to_string())
    };
    match item {
        Item::Ha => "HA is off".to_owned(),
        Item::Tolerance => "HA's number of failures to tolerate is not as it was".to_owned(),
        Item::AutoPowerOn => "auto power-on of the pool is off".to_owned(),
        Item::Wlb => "workload balancing is off".to_owned(),
        Item::Host { host: uuid } => format!("{} is disabled", host(uuid)),
        Item::Guest { guest: uuid, host: home } => format!("{} is not back on {}", guest(uuid), host(home)),
        Item::Halted { guest: uuid, host: home } => {
            format!("{} was shut down and does not run (it was on {})", guest(uuid), host(home))
        }
        Item::Pbd { .. } => "storage of a host is not plugged".to_owned(),
        Item::Claim => "poolwatch's claim is still on the pool".to_owned(),
    }
}

/// The action of a command, as it is known by its name in the progress.
pub(crate) fn action(name: CommandName) -> Action {
    match name {
        CommandName::Pause => Action::RunPause,
        CommandName::Resume => Action::RunGoOn,
        CommandName::StopAfterHost => Action::RunStop,
        CommandName::Skip => Action::RunSkip,
        CommandName::Retry => Action::RunRetry,
        CommandName::Abort => Action::RunAbort,
        CommandName::Restore => Action::RunRestore,
    }
}

/// The command of an action.
pub(crate) fn command(action: Action) -> Option<CommandName> {
    <CommandName as strum::IntoEnumIterator>::iter().find(|name| self::action(*name) == action)
}

/// What was done when a command was taken.
pub(crate) fn taken(command: &Command) -> &'static str {
    match command {
        Command::Pause => "Paused: nothing new is begun. What was begun in the pool goes on there.",
        Command::Resume => "The run goes on.",
        Command::StopAfterHost => "The run ends after the host that is being worked on.",
        Command::Skip { .. } => "The host is left out.",
        Command::Retry => "It is tried again.",
        Command::Abort => "The run ends as soon as that is safe, and puts back what it changed.",
        Command::Restore => "What was changed is put back.",
        Command::Accept { .. } => "Accepted.",
    }
}

/// Where a run is, in a few words: `host 2 of 4, evacuating`.
pub(crate) fn place(progress: &Progress) -> String {
    if let Some((result, _)) = progress.result {
        let word: &str = result.into();
        return word.to_owned();
    }
    let of = progress.hosts.len();
    match progress.current.and_then(|at| Some((at, progress.hosts.get(at)?))) {
        Some((at, host)) => {
            let stage = host.stage.map_or("beginning", doing);
            let paused = if progress.wish == "paused" { ", paused" } else { "" };
            format!("host {} of {of}, {stage}{paused}", at + 1)
        }
        None => match progress.phase {
            Phase::Prepare => "preparing".to_owned(),
            Phase::Hosts => {
                let done = progress.hosts.iter().filter(|h| h.standing != Standing::Waiting).count();
                format!("{done} of {of} hosts behind it")
            }
            Phase::Home => "bringing guests home".to_owned(),
            Phase::Restore => "putting back what was changed".to_owned(),
            Phase::Release => "giving up its claim".to_owned(),
            Phase::Ended => "over".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn laps_are_read_like_a_clock() {
        for (secs, words) in [(0, "0:00"), (9, "0:09"), (250, "4:10"), (3_723, "1:02:03"), (100_000, "27:46:40")] {
            assert_eq!(lap(Duration::from_secs(secs)), words);
        }
    }

    #[test]
    fn reasons_become_sentences_and_names_stay_names() {
        assert_eq!(sentence("it is not paused"), "It is not paused.");
        assert_eq!(sentence("It is."), "It is.");
        assert_eq!(sentence("xcp2 is back"), "xcp2 is back.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn every_command_has_an_action_of_its_own() {
        for name in CommandName::iter() {
            assert_eq!(command(action(name)), Some(name));
        }
    }
}
