//! Cases from seeds: pools of all kinds, and a handful of troubles at any moment.

use crate::case::{Case, NAMES, Shape};
use poolwatch::rollout::machine::Guards;
use poolwatch::rollout::twin::{Targets, rewind, trouble};

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
        slow: false,
        hasty: rng.u8(..4) == 0,
    };
    let lag_ms = [0, 0, 0, 50, 500, 3000][rng.usize(..6)];
    let never = rng.u8(..12) == 0;
    let count = [0, 1, 1, 1, 2, 2, 3, 4][rng.usize(..8)];
    let names: Vec<String> = NAMES.iter().take(hosts).map(|n| (*n).to_owned()).collect();
    let targets = Targets { hosts: &names, mirror: shape.mirror, people: true };
    let mut troubles: Vec<_> = (0..count).map(|_| trouble(&mut rng, &targets)).collect();
    // By another die, so that a seed without it is the case that it always was.
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x517c_c1b7_2722_0a95);
    if rng.u8(..10) == 0 {
        troubles.extend(rewind(&mut rng, &targets));
    }
    Case { seed, shape, lag_ms, never, troubles, guards: Guards::default() }
}
