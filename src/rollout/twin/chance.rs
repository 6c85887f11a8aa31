//! Troubles by chance: what may befall a pool, a program and its connection while a round goes on. The same seed, the same troubles.

use super::book::Death;
use super::hands::Mishap;
use super::trouble::{Deed, Trouble, What, When};
use crate::rollout::entry::Command;
use crate::sim::world::{Cut, Fault, Loss};
use std::time::Duration;

/// Lines of a journal for each host of a round, about.
const LINES_A_HOST: usize = 32;
/// What a round may take for each host, in milliseconds, about.
const MILLIS_A_HOST: u64 = 400_000;
/// Calls of a round.
const METHODS: [&str; 6] =
    ["host.disable", "host.evacuate", "host.reboot", "host.enable", "VM.pool_migrate", "pool.add_to_other_config"];
/// Errors that a pool may answer them with.
const CODES: [&str; 4] = ["INTERNAL_ERROR", "OTHER_OPERATION_IN_PROGRESS", "HOST_STILL_BOOTING", "TOO_MANY_PENDING_TASKS"];
/// A rebuild that begins later than the settle window sees is known to nobody; so none begins later than this, in seconds.
const LATEST_REBUILD: u64 = 20;

/// What there is in a pool for trouble to befall.
#[derive(Clone, Debug)]
pub struct Targets<'a> {
    /// Names of its hosts.
    pub hosts: &'a [String],
    /// Whether it keeps mirrors on them.
    pub mirror: bool,
    /// Whether operators take part, ours and others.
    pub people: bool,
}

fn pick<T: Clone>(rng: &mut fastrand::Rng, of: &[T]) -> Option<T> {
    rng.choice(of).cloned()
}

/// Some trouble, at some time of a round of so many hosts.
pub fn trouble(rng: &mut fastrand::Rng, targets: &Targets) -> Trouble {
    let hosts = targets.hosts.len().max(1);
    let line = When::Line(rng.usize(..LINES_A_HOST * hosts + 12));
    let after = When::After(Duration::from_millis(rng.u64(1_000..MILLIS_A_HOST * hosts as u64)));
    let what = what(rng, targets);
    let at_line = matches!(what, What::Kill { .. } | What::Call(_)) || rng.bool();
    Trouble { when: if at_line { line } else { after }, what }
}

/// A copy of the database is put aside at some time of a round, and the pool goes back to it later, now and then a second time.
pub fn rewind(rng: &mut fastrand::Rng, targets: &Targets) -> Vec<Trouble> {
    let lines = LINES_A_HOST * targets.hosts.len().max(1);
    let kept = rng.usize(..lines);
    let mut all = vec![Trouble { when: When::Line(kept), what: What::Pool(Fault::KeepDatabase) }];
    let mut line = kept;
    for _ in 0..=usize::from(rng.u8(..4) == 0) {
        line += rng.usize(1..LINES_A_HOST);
        all.push(Trouble { when: When::Line(line), what: What::Pool(Fault::RewindDatabase) });
    }
    all
}

fn what(rng: &mut fastrand::Rng, targets: &Targets) -> What {
    match rng.u8(..20) {
        0..=4 => What::Kill {
            how: pick(rng, &[Death::Before, Death::Torn, Death::After, Death::After, Death::Full]).unwrap_or(Death::After),
            away_s: pick(rng, &[1, 5, 40, 300, 2_000]).unwrap_or(1),
            jump_s: pick(rng, &[0, 0, 0, -3_600, 3_600, 90_000]).unwrap_or(0),
        },
        5..=7 => What::Call(pick(rng, &[Mishap::Lost, Mishap::Mute, Mishap::Unsent]).unwrap_or(Mishap::Mute)),
        8 => What::Late(rng.u64(2..90)),
        9 => What::Lost,
        10..=11 if targets.people => What::Captain(deed(rng)),
        12 if targets.people => What::Command(command(rng, targets.hosts.len())),
        _ => What::Pool(fault(rng, targets)),
    }
}

fn deed(rng: &mut fastrand::Rng) -> Deed {
    let deeds = [
        Deed::TakeClaim,
        Deed::DropClaim,
        Deed::DisableNext,
        Deed::EnableCurrent,
        Deed::StartGuest,
        Deed::MoveGuest,
        Deed::RebootNext,
    ];
    pick(rng, &deeds).unwrap_or(Deed::MoveGuest)
}

fn command(rng: &mut fastrand::Rng, hosts: usize) -> Command {
    match rng.u8(..6) {
        0 => Command::Pause,
        1 => Command::StopAfterHost,
        2 | 3 => Command::Skip { host: rng.usize(..hosts.max(1)) },
        4 => Command::Retry,
        _ => Command::Abort,
    }
}

fn fault(rng: &mut fastrand::Rng, targets: &Targets) -> Fault {
    let host = pick(rng, targets.hosts).unwrap_or_default();
    let times = rng.u32(1..4);
    let method = pick(rng, &METHODS).unwrap_or_default().to_owned();
    match rng.u8(..18) {
        0..=2 => Fault::Crash { host },
        3..=4 => Fault::Reset { host },
        5 => Fault::CutOff { host, what: if rng.bool() { Cut::Network } else { Cut::All } },
        6 => Fault::FailPath { host, lun: None, paths: rng.u8(1..3), how: Loss::Stall },
        7 => Fault::RestartToolstack { host: rng.bool().then_some(host) },
        8 => Fault::KillSessions,
        9 if targets.mirror => Fault::StallRebuild { sr: None },
        10 if targets.mirror => Fault::RestartRebuild { sr: None },
        11 if targets.mirror => Fault::LateRebuild { sr: None, by: Duration::from_secs(rng.u64(2..LATEST_REBUILD)) },
        12 => Fault::SkewClock { host, millis: rng.i64(-400_000..400_000) },
        13..=14 => Fault::TimeoutCall { method, times },
        15 => Fault::FailLink { host, link: None },
        _ => Fault::FailCall { method, code: pick(rng, &CODES).unwrap_or_default().to_owned(), params: Vec::new(), times },
    }
}

impl Trouble {
    /// Whether a round has to end well in spite of it, without anybody's help.
    pub fn is_soft(&self) -> bool {
        match &self.what {
            What::Kill { .. } | What::Call(_) | What::Late(_) | What::Lost | What::Captain(Deed::MoveGuest) => true,
            What::Pool(fault) => matches!(
                fault,
                Fault::KillSessions
                    | Fault::KeepDatabase
                    | Fault::LateRebuild { .. }
                    | Fault::RestartRebuild { .. }
                    | Fault::TimeoutCall { times: 1, .. }
            ),
            What::Captain(_) | What::Command(_) => false,
        }
    }
}
