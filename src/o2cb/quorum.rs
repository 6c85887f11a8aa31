//! The quorum rule of the kernel (`fs/ocfs2/cluster/quorum.c` and `heartbeat.c`), as functions.

use serde::Serialize;
use std::collections::BTreeSet;

/// What a node sees when it has to decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Its own number.
    pub own: u8,
    /// Nodes whose heartbeat it sees, itself included.
    pub heartbeating: BTreeSet<u8>,
    /// Nodes to which it has a connection, itself included.
    pub connected: BTreeSet<u8>,
}

/// What it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "rule")]
pub enum Decision {
    /// It does not heartbeat itself, or it is the only one: nothing to decide.
    Alone,
    /// It has a majority, or the half with the lowest number.
    Lives {
        /// Connections, its own included.
        connected: usize,
        /// Nodes that heartbeat.
        heartbeating: usize,
    },
    /// Fewer connections than a quorum.
    Minority {
        /// Connections, its own included.
        connected: usize,
        /// How many it would need.
        needed: usize,
        /// Nodes that heartbeat.
        heartbeating: usize,
    },
    /// Exactly half, and the lowest number is in the other half.
    OtherHalf {
        /// Connections, its own included.
        connected: usize,
        /// Nodes that heartbeat.
        heartbeating: usize,
        /// The lowest node that heartbeats.
        lowest: u8,
    },
}

impl Decision {
    /// Whether the node fences itself.
    pub fn fences(self) -> bool {
        matches!(self, Self::Minority { .. } | Self::OtherHalf { .. })
    }
}

/// The same as numbers: all that the rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Its own heartbeat is among those that it sees.
    pub beats: bool,
    /// Nodes whose heartbeat it sees, itself included.
    pub heartbeating: usize,
    /// Nodes to which it has a connection, itself included.
    pub connected: usize,
    /// The lowest node that heartbeats.
    pub lowest: u8,
    /// Whether it has a connection to that one, or is it.
    pub reaches_lowest: bool,
}

/// What a node decides once the wait for a lost connection is over (`o2quo_make_decision`).
pub fn decide(sight: &Sight) -> Decision {
    let lowest = sight.heartbeating.first().copied().unwrap_or(sight.own);
    count(&Count {
        beats: sight.heartbeating.contains(&sight.own),
        heartbeating: sight.heartbeating.len(),
        connected: sight.connected.len(),
        lowest,
        reaches_lowest: sight.connected.contains(&lowest),
    })
}

/// The rule itself.
pub fn count(count: &Count) -> Decision {
    let Count { beats, heartbeating, connected, lowest, reaches_lowest } = *count;
    if !beats || heartbeating == 1 {
        return Decision::Alone;
    }
    if heartbeating % 2 == 1 {
        let needed = heartbeating.div_ceil(2);
        return if connected < needed {
            Decision::Minority { connected, needed, heartbeating }
        } else {
            Decision::Lives { connected, heartbeating }
        };
    }
    let half = heartbeating / 2;
    if connected < half {
        Decision::Minority { connected, needed: half, heartbeating }
    } else if connected == half && !reaches_lowest {
        Decision::OtherHalf { connected, heartbeating, lowest }
    } else {
        Decision::Lives { connected, heartbeating }
    }
}

/// Whether the node `own` fences itself, if `beating` have a heartbeat on disk and it is connected to `connected` (with or without itself, and
/// whether those heartbeat or not).
pub fn fences(own: u8, beating: &BTreeSet<u8>, connected: &BTreeSet<u8>) -> bool {
    let connected = connected.iter().copied().filter(|node| beating.contains(node)).chain([own]).collect();
    decide(&Sight { own, heartbeating: beating.clone(), connected }).fences()
}

/// Whether a node fences itself when the write to a region has timed out: with global heartbeat only if at least half of
/// the regions have failed (`o2hb_write_timeout`), with local heartbeat always.
pub fn disk_fences(global: bool, failed: usize, regions: usize) -> bool {
    !global || failed * 2 >= regions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(own: u8, heartbeating: &[u8], connected: &[u8]) -> Decision {
        let set = |numbers: &[u8]| numbers.iter().copied().collect();
        decide(&Sight { own, heartbeating: set(heartbeating), connected: set(connected) })
    }

    #[test]
    fn of_two_nodes_the_higher_number_dies() {
        assert!(!sight(1, &[1, 2], &[1]).fences());
        assert_eq!(sight(2, &[1, 2], &[2]), Decision::OtherHalf { connected: 1, heartbeating: 2, lowest: 1 });
    }

    #[test]
    fn of_three_the_one_that_is_alone_dies_whatever_its_number() {
        assert_eq!(sight(1, &[1, 2, 3], &[1]), Decision::Minority { connected: 1, needed: 2, heartbeating: 3 });
        assert!(!sight(2, &[1, 2, 3], &[2, 3]).fences());
        assert!(!sight(3, &[1, 2, 3], &[2, 3]).fences(), "one pair cut off from each other: both see the third");
    }

    #[test]
    fn of_four_the_half_with_the_lowest_lives() {
        assert!(!sight(1, &[0, 1, 2, 3], &[0, 1]).fences());
        assert!(sight(3, &[0, 1, 2, 3], &[2, 3]).fences());
        assert!(sight(0, &[0, 1, 2, 3], &[0]).fences(), "less than half: even the lowest");
    }

    #[test]
    fn who_is_alone_or_does_not_heartbeat_decides_nothing() {
        assert_eq!(sight(4, &[4], &[4]), Decision::Alone);
        assert_eq!(sight(4, &[0, 1], &[4]), Decision::Alone);
        assert_eq!(sight(4, &[], &[]), Decision::Alone);
    }

    #[test]
    fn who_is_connected_and_does_not_heartbeat_does_not_count() {
        let set = |numbers: &[u8]| numbers.iter().copied().collect();
        assert!(fences(3, &set(&[1, 2, 3]), &set(&[7])) && !fences(3, &set(&[1, 2, 3]), &set(&[1])));
        assert!(fences(4, &set(&[1, 2, 3, 4]), &set(&[3])) && !fences(4, &set(&[1, 2, 3, 4]), &set(&[1])));
        assert!(!fences(2, &set(&[1, 3]), &set(&[])) && !fences(2, &set(&[]), &set(&[])));
    }

    #[test]
    fn half_of_the_regions_are_too_many_with_global_heartbeat_and_any_with_local() {
        assert!(disk_fences(true, 1, 1));
        assert!(disk_fences(true, 1, 2), "two regions are no better than one");
        assert!(!disk_fences(true, 1, 3));
        assert!(disk_fences(true, 2, 3));
        assert!(disk_fences(true, 2, 4));
        assert!(disk_fences(false, 1, 3));
    }
}
