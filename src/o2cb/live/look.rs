//! When `o2net/sock_containers` may be read.
//!
//! It is the only file that tells how long each peer has been silent (`connected_nodes` goes on naming peers until
//! the fence), but each reading makes the kernel log `seq_file: buggy .next function sc_seq_next … did not update
//! position index`, up to six lines. A poller that read it every 2 s would write 10 million lines a year and push everything
//! else out of the ring. So it is **off** in a poll, and read only
//!
//! * when something else is suspicious: a heartbeat late by three periods, a peer with heartbeat but no connection, a
//!   connection whose data TCP sent again three times, an o2net line in the kernel log within the last two minutes
//!   (the driver itself says `has been idle` 30 s after the last byte, which leaves 66 s);
//! * at most every 10 s while that lasts, and at most 30 times an hour: at most 180 lines an hour, in trouble;
//! * once for whoever asks by hand (`poolwatch probe --network`).
//!
//! Pure: the caller says what time it is.

use super::Live;
use super::read::Look;
use crate::time::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// Pause between two looks.
pub const PAUSE: Duration = Duration::from_secs(10);
/// Looks in one hour at most.
pub const AN_HOUR: usize = 30;
/// A heartbeat that is this old is late: three periods of 2 s.
pub const LATE_MS: u64 = 6_000;
/// Times that TCP sent the same data again before that is suspicious: about 1.5 s.
pub const SENT_AGAIN: u32 = 3;

/// When we looked, and whether we may again.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    looks: VecDeque<Time>,
}

impl Policy {
    /// With the looks of earlier runs, oldest first.
    pub fn remember(looks: impl IntoIterator<Item = Time>) -> Self {
        let mut looks: Vec<Time> = looks.into_iter().collect();
        looks.sort_unstable();
        let more = looks.len().saturating_sub(AN_HOUR);
        Self { looks: looks.split_off(more).into() }
    }

    /// The looks that are remembered, oldest first.
    pub fn looks(&self) -> impl Iterator<Item = Time> + '_ {
        self.looks.iter().copied()
    }

    /// Whether to look now, given what cost nothing to read (`last`) and whether the kernel log has lines of o2net
    /// from the last two minutes. A look that is granted is counted.
    pub fn ask(&mut self, now: Time, last: &Live, o2net_lines: bool) -> Look {
        let Some(why) = suspicion(last, o2net_lines) else {
            return Look::No("nothing is suspicious, and reading it writes to the kernel log".into());
        };
        while self.looks.front().is_some_and(|at| now.since(*at) >= Duration::from_secs(3_600) || *at > now) {
            self.looks.pop_front();
        }
        if let Some(at) = self.looks.back().filter(|at| now.since(**at) < PAUSE) {
            return Look::No(format!("{why}, but it was read {} s ago", now.since(*at).as_secs()));
        }
        if self.looks.len() >= AN_HOUR {
            return Look::No(format!("{why}, but it was read {AN_HOUR} times in the last hour"));
        }
        self.looks.push_back(now);
        Look::Yes
    }
}

/// What is suspicious in a reading, in words; `None` if nothing is.
pub fn suspicion(live: &Live, o2net_lines: bool) -> Option<String> {
    let cluster = live.cluster()?;
    if o2net_lines {
        return Some("the kernel log has lines of o2net".into());
    }
    if let Some(region) = cluster.regions.iter().find(|region| region.elapsed_ms.copied().is_some_and(|ms| ms >= LATE_MS)) {
        return Some(format!("the heartbeat on {} is late", region.device));
    }
    if let (Some(live_nodes), Some(connected), Some(own)) = (live.live_nodes.get(), live.connected.get(), live.number())
        && let Some(alone) = live_nodes.iter().find(|node| **node != own && !connected.contains(node))
    {
        return Some(format!("node {alone} has a heartbeat but no connection"));
    }
    let again = live.tcp.get().and_then(|all| all.iter().find(|tcp| tcp.sent_again >= SENT_AGAIN))?;
    Some(format!("TCP to {} sends the same data again", again.remote))
}
