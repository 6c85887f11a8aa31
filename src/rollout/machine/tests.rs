//! What the machine does on a pool that does what it is told, and on one that does not.

use super::testkit::*;
use crate::rollout::call::Call;
use crate::rollout::entry::{Command, Entry, HostEnd, Item, RunResult};
use crate::rollout::plan::{Kind, Stage};

fn is_reboot(c: &Call) -> bool {
    matches!(c, Call::Reboot { .. })
}

#[test]
fn a_plain_reboot_takes_every_host_once_and_leaves_the_pool_as_it_was() {
    let mut world = World::new(3, 2);
    world.ha = true;
    world.tolerates = 1;
    world.wlb = true;
    world.other_config.insert("auto_poweron".into(), "true".into());
    let before = world.found();
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Done, "{:#?} {:#?}", b.engine.run.left, b.last_lines());
    assert_eq!(b.world.hosts.iter().map(|h| h.reboots).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(b.world.found(), before);
    assert_eq!(b.calls(|c| matches!(c, Call::Claim { .. })), 1);
    assert!(!b.world.other_config.contains_key(crate::rollout::claim::KEY));
}
