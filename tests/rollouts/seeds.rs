//! Cases from seeds: pools of all kinds, and a handful of troubles at any moment.

use super::case::{Case, NAMES, Shape};
use poolwatch::rollout::entry::Command;
use poolwatch::rollout::twin::{Death, Deed, Mishap, Trouble, What, When};
use poolwatch::sim::world::{Cut, Fault};
use std::time::Duration;

/// Lines that a journal of a round of so many hosts has, about.
const LINES_A_HOST: usize = 32;

/// Calls of a round, and errors that a pool may answer them with.
const METHODS: [&str; 6] =
    ["host.disable", "host.evacuate", "host.reboot", "host.enable", "VM.pool_migrate", "pool.add_to_other_config"];
const CODES: [&str; 4] = ["INTERNAL_ERROR", "OTHER_OPERATION_IN_PROGRESS", "HOST_STILL_BOOTING", "TOO_MANY_PENDING_TASKS"];

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x9e37_79b9_7f4a_7c15);
    let hosts = [2, 2, 3, 3, 3, 4][rng.usize(..6)];
    let shape = Shape {
        hosts,
        guests: rng.usize(..5),
        mirror: rng.u8(..10) < 8,
        cluster: rng.u8(..10) < 3,
        ha: rng.u8(..10) < 2,
        shipped: rng.bool(),
        pinned: rng.u8(..20) == 0,
    };
    let lag_ms = [0, 0, 0, 50, 500, 3000][rng.usize(..6)];
    let never = rng.u8(..12) == 0;
    let count = [0, 1, 1, 1, 2, 2, 3, 4][rng.usize(..8)];
    let troubles = (0..count).map(|_| trouble(&mut rng, &shape)).collect();
    Case { seed, shape, lag_ms, never, troubles }
}

fn trouble(rng: &mut fastrand::Rng, shape: &Shape) -> Trouble {
    let line = When::Line(rng.usize(..LINES_A_HOST * shape.hosts + 12));
    let span = 400_000 * shape.hosts as u64;
    let after = When::After(Duration::from_millis(rng.u64(1_000..span)));
    let what = what(rng, shape);
    let when = if matches!(what, What::Kill { .. } | What::Call(_)) || rng.bool() { line } else { after };
    Trouble { when, what }
}

fn what(rng: &mut fastrand::Rng, shape: &Shape) -> What {
    match rng.u8(..20) {
        0..=4 => What::Kill {
            how: [Death::Before, Death::Torn, Death::After, Death::After, Death::Full][rng.usize(..5)],
            away_s: [1, 5, 40, 300, 2_000][rng.usize(..5)],
            jump_s: [0, 0, 0, -3_600, 3_600, 90_000][rng.usize(..6)],
        },
        5..=7 => What::Call([Mishap::Lost, Mishap::Mute, Mishap::Unsent][rng.usize(..3)]),
        8 => What::Late(rng.u64(2..90)),
        9 => What::Lost,
        10..=11 => What::Captain(
            [
                Deed::TakeClaim,
                Deed::DropClaim,
                Deed::DisableNext,
                Deed::EnableCurrent,
                Deed::StartGuest,
                Deed::MoveGuest,
                Deed::RebootNext,
            ][rng.usize(..7)],
        ),
        12 => What::Command(command(rng, shape)),
        _ => What::Pool(fault(rng, shape)),
    }
}

fn command(rng: &mut fastrand::Rng, shape: &Shape) -> Command {
    match rng.u8(..6) {
        0 => Command::Pause,
        1 => Command::StopAfterHost,
        2 | 3 => Command::Skip { host: rng.usize(..shape.hosts) },
        4 => Command::Retry,
        _ => Command::Abort,
    }
}

fn fault(rng: &mut fastrand::Rng, shape: &Shape) -> Fault {
    let host = NAMES[rng.usize(..shape.hosts)].to_owned();
    let times = rng.u32(1..4);
    let method = METHODS[rng.usize(..METHODS.len())].to_owned();
    match rng.u8(..18) {
        0..=2 => Fault::Crash { host },
        3..=4 => Fault::Reset { host },
        5 => Fault::CutOff { host, what: if rng.bool() { Cut::Network } else { Cut::All } },
        6 => Fault::FailPath { host, lun: None, paths: rng.u8(1..3) },
        7 => Fault::RestartToolstack { host: rng.bool().then_some(host) },
        8 => Fault::KillSessions,
        9 if shape.mirror => Fault::StallRebuild { sr: None },
        10 if shape.mirror => Fault::RestartRebuild { sr: None },
        // A rebuild that begins later than the settle window can see is known to nobody: see `SETTLE`.
        11 if shape.mirror => Fault::LateRebuild { sr: None, by: Duration::from_secs(rng.u64(2..20)) },
        12 => Fault::SkewClock { host, millis: rng.i64(-400_000..400_000) },
        13..=14 => Fault::TimeoutCall { method, times },
        15 => Fault::FailLink { host, link: None },
        _ => {
            let code = CODES[rng.usize(..CODES.len())].to_owned();
            Fault::FailCall { method, code, params: Vec::new(), times }
        }
    }
}

/// Whether an engine has to cope with this by itself, so that the round still ends well.
pub fn is_soft(trouble: &Trouble) -> bool {
    match &trouble.what {
        What::Kill { .. } | What::Call(_) | What::Late(_) | What::Lost => true,
        What::Pool(fault) => matches!(
            fault,
            Fault::KillSessions | Fault::LateRebuild { .. } | Fault::RestartRebuild { .. } | Fault::TimeoutCall { times: 1, .. }
        ),
        What::Captain(deed) => matches!(deed, Deed::MoveGuest),
        What::Command(_) => false,
    }
}
