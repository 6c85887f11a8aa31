//! A forecast in words: why each host ends, when, and what else to know.

use super::play::Played;
use super::{Cause, End, Fault, Forecast, How, Situation, Span, rounding};
use crate::o2cb::quorum::Decision;
use crate::text;

fn seconds(millis: u64) -> String {
    format!("{} s", millis.div_ceil(1000))
}

impl Situation {
    pub(super) fn name(&self, node: u8) -> String {
        let name = self.nodes.get(&node).map(|name| text::clean(name, 64).into_owned());
        name.unwrap_or_else(|| format!("node {node}"))
    }

    fn names(&self, nodes: &[u8]) -> String {
        nodes.iter().map(|node| self.name(*node)).collect::<Vec<_>>().join(", ")
    }
}

/// A region, short enough to be read.
fn region(name: &str) -> String {
    if name.len() == 32 { format!("{}…", name.get(..8).unwrap_or(name)) } else { text::clean(name, 32).into_owned() }
}

fn fault(situation: &Situation, fault: &Fault) -> String {
    let way = |how: &How| match how {
        How::Stall => "stalls (writes do not end)",
        How::Error => "fails with I/O errors",
    };
    match fault {
        Fault::Host { node } => format!("{} loses power", situation.name(*node)),
        Fault::Link { node } => format!("{} loses its network", situation.name(*node)),
        Fault::Pair { a, b } => format!("{} and {} do not hear each other", situation.name(*a), situation.name(*b)),
        Fault::Disk { node, region: None, how } => format!("all storage of {} {}", situation.name(*node), way(how)),
        Fault::Disk { node, region: Some(name), how } => {
            format!("region {} of {} {}", region(name), situation.name(*node), way(how))
        }
        Fault::Region { region: name, how } => format!("region {} {} for all hosts", region(name), way(how)),
        Fault::Storage { how } => format!("all storage {} for all hosts", way(how)),
    }
}

fn span(situation: &Situation, nominal_ms: u64, cause: &Cause) -> Span {
    let idle = u64::from(situation.idle_timeout_ms);
    let late = match cause {
        Cause::Fault => return Span { earliest_ms: nominal_ms, nominal_ms, latest_ms: nominal_ms },
        Cause::Disk { .. } => rounding(situation.write_timeout()),
        Cause::Network(_) => rounding(idle) + rounding(situation.quorum_delay()),
    };
    // The last good write, or the last byte of a peer, was up to one beat before the fault.
    Span { earliest_ms: nominal_ms.saturating_sub(super::BEAT), nominal_ms, latest_ms: nominal_ms + late }
}

fn reason(situation: &Situation, cause: &Cause) -> String {
    match cause {
        Cause::Fault => "it is what fails".to_owned(),
        Cause::Disk { region: name, failed, regions } => {
            let after = seconds(situation.write_timeout());
            let count = match (situation.global, regions) {
                (true, 2..) => format!("; {failed} of {regions} regions have failed, and half are too many"),
                _ => String::new(),
            };
            format!("it could not write its heartbeat to region {} for {after}{count}", region(name))
        }
        Cause::Network(Decision::Minority { connected, needed, heartbeating }) => {
            format!("it hears {connected} of {heartbeating} heartbeating hosts, itself included, and needs {needed}")
        }
        Cause::Network(Decision::OtherHalf { connected, heartbeating, lowest }) => format!(
            "it hears exactly half of the hosts ({connected} of {heartbeating}), and the half with the lowest number lives: the one with {} (number {lowest})",
            situation.name(*lowest)
        ),
        Cause::Network(_) => "it lost the quorum".to_owned(),
    }
}

pub(super) fn tell(situation: &Situation, faults: &[Fault], played: Played) -> Forecast {
    let end = |(at, node, cause): &(u64, u8, Cause)| End {
        node: *node,
        name: situation.name(*node),
        when: span(situation, *at, cause),
        recovered_ms: played.recovered.get(node).copied(),
        reason: reason(situation, cause),
        cause: cause.clone(),
    };
    let ends: Vec<End> = played.ends.iter().map(end).collect();
    let fenced: Vec<u8> = ends.iter().filter(|end| end.cause != Cause::Fault).map(|end| end.node).collect();
    let survivors: Vec<u8> = situation.nodes.keys().copied().filter(|node| !ends.iter().any(|end| end.node == *node)).collect();
    let notes = notes(situation, faults, &played, &ends, &survivors);
    let says = faults.iter().map(|one| fault(situation, one)).collect::<Vec<_>>().join("; ");
    Forecast { faults: faults.to_vec(), says, ends, fenced, survivors, decisions: played.decided, notes }
}

fn notes(situation: &Situation, faults: &[Fault], played: &Played, ends: &[End], survivors: &[u8]) -> Vec<String> {
    let mut notes = vec![];
    if survivors.is_empty() && !situation.nodes.is_empty() {
        notes.push("nobody is left".to_owned());
    }
    for agreed in &played.agreed {
        let name = situation.regions.get(*agreed).map(|found| region(&found.name)).unwrap_or_default();
        notes.push(format!(
            "all hosts hang on region {name} together and agree to wait (every {} anew), so nobody fences because of it: everything stands still until \
             the storage is back",
            seconds(situation.write_timeout() / 2)
        ));
    }
    if faults.iter().any(|fault| {
        matches!(
            fault,
            Fault::Disk { how: How::Error, .. } | Fault::Region { how: How::Error, .. } | Fault::Storage { how: How::Error }
        )
    }) {
        notes.push(
            "with I/O errors, a host that has the volume mounted and writes to it panics within about 2 to 10 s: ocfs2 gives up on its journal (no o2cb \
             fence, whatever fence_method says)"
                .to_owned(),
        );
    }
    if faults.iter().any(|fault| matches!(fault, Fault::Link { .. } | Fault::Pair { .. })) {
        let idle = u64::from(situation.idle_timeout_ms);
        notes.push(format!(
            "after {} of silence a network that comes back may be too late: up to {} a host can still fence",
            seconds(idle),
            seconds(idle + situation.quorum_delay() + rounding(situation.quorum_delay()))
        ));
    }
    for (a, b) in &played.deaf {
        notes.push(format!(
            "{} and {} live and do not hear each other: what one has locked, the other waits for, and mounts fail until they do",
            situation.name(*a),
            situation.name(*b)
        ));
    }
    for (node, failed) in &played.limping {
        let of = situation.regions.len();
        notes.push(format!(
            "{} lives with {failed} of {of} regions failed; it does not see hosts die there",
            situation.name(*node)
        ));
    }
    let unseen: Vec<u8> = ends.iter().filter(|end| end.recovered_ms.is_none()).map(|end| end.node).collect();
    if !unseen.is_empty() && !survivors.is_empty() {
        let names = situation.names(&unseen);
        notes.push(format!(
            "the hosts that live do not notice the end of {names} (their own disks are affected): what it had locked stays locked"
        ));
    }
    if situation.global && situation.regions.len() == 2 {
        notes.push("two regions are no better than one: the loss of either is half of them. With three, one may fail".to_owned());
    }
    notes
}
