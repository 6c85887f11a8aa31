//! The driver's decision when connections were lost (`o2quo_make_decision`, linux `fs/ocfs2/cluster/quorum.c`).

use std::collections::BTreeSet;

/// Does the node `own` fence itself, if `beating` have a heartbeat on disk and it is connected to `connected`
/// (both with or without itself)?
pub fn fences(own: u8, beating: &BTreeSet<u8>, connected: &BTreeSet<u8>) -> bool {
    let Some(lowest) = beating.first() else { return false };
    if !beating.contains(&own) || beating.len() == 1 {
        return false;
    }
    let reached = 1 + connected.iter().filter(|node| **node != own && beating.contains(node)).count();
    let half = beating.len() / 2;
    if beating.len() % 2 == 1 {
        reached < half + 1
    } else {
        reached < half || (reached == half && *lowest != own && !connected.contains(lowest))
    }
}

/// Nodes that a partition must hold to live, among `beating` nodes.
pub const fn needed(beating: usize) -> usize {
    if beating % 2 == 1 { beating / 2 + 1 } else { beating / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(nodes: &[u8]) -> BTreeSet<u8> {
        nodes.iter().copied().collect()
    }

    #[test]
    fn an_odd_cluster_keeps_its_majority() {
        assert!(fences(3, &set(&[1, 2, 3]), &set(&[])));
        assert!(!fences(3, &set(&[1, 2, 3]), &set(&[1])));
        assert!(fences(1, &set(&[1, 2, 3]), &set(&[])), "whatever its number");
    }

    #[test]
    fn the_half_with_the_lowest_node_lives() {
        assert!(fences(2, &set(&[1, 2]), &set(&[])));
        assert!(!fences(1, &set(&[1, 2]), &set(&[])));
        assert!(!fences(4, &set(&[1, 2, 3, 4]), &set(&[1])));
        assert!(fences(4, &set(&[1, 2, 3, 4]), &set(&[3])));
    }

    #[test]
    fn who_does_not_beat_or_is_alone_decides_nothing() {
        assert!(!fences(2, &set(&[2]), &set(&[])));
        assert!(!fences(2, &set(&[1, 3]), &set(&[])));
        assert!(!fences(2, &set(&[]), &set(&[])));
    }
}
