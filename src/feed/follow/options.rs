//! How a pool is followed: how often what is asked, and which classes are read in which order.

use crate::xenapi::record::Class;
use std::time::Duration;

/// The classes that are read in one go at the start, in this order: what is small and says most first, so that there is
/// something to look at while the rest comes. Messages are read by themselves.
///
/// The first group also tells where to go on following. Its token is that of its own newest change; with tasks and host
/// metrics in it, that is all but the newest change of the pool.
pub const GROUPS: [&[Class]; 2] = [
    &[
        Class::Pool,
        Class::Host,
        Class::HostMetrics,
        Class::Task,
        Class::Sr,
        Class::Pbd,
        Class::Cluster,
        Class::ClusterHost,
        Class::Pif,
        Class::PifMetrics,
        Class::Bond,
        Class::HostCrashdump,
        Class::Certificate,
        Class::Network,
    ],
    &[Class::Vm],
];

/// Every class that is followed.
pub const CLASSES: [Class; 16] = [
    Class::Pool,
    Class::Host,
    Class::HostMetrics,
    Class::HostCrashdump,
    Class::Vm,
    Class::Task,
    Class::Sr,
    Class::Pbd,
    Class::Pif,
    Class::PifMetrics,
    Class::Bond,
    Class::Cluster,
    Class::ClusterHost,
    Class::Message,
    Class::Certificate,
    Class::Network,
];

/// Tiny classes that are looked at again now and then, to find out whether our place in the stream of events is from another life.
pub const PROBED: [Class; 2] = [Class::Pool, Class::HostMetrics];

/// How often each host's clock is asked for. This is also how a host that died in silence is found out, see [`CLOCK_MOST`].
pub const CLOCK_EVERY: Duration = Duration::from_secs(10);

/// The longest time between two such questions that still tells a silent host from one that was not asked: the answer to the last
/// one counts for 20 s, and the next one may take 5 s.
pub const CLOCK_MOST: Duration = Duration::from_secs(15);

/// How often each host's newest measurements are fetched. Hosts make a set every 5 s, and the last three are fetched at a time.
pub const METRICS_EVERY: Duration = Duration::from_secs(15);

/// How often a host's probe is asked for its report.
pub const REPORT_EVERY: Duration = Duration::from_secs(10);

/// How often, as long as a fence of that host is near: o2cb leaves 60 seconds.
pub const REPORT_NEAR: Duration = Duration::from_secs(2);

/// How often it is asked whether a host has got a probe, or lets us ask it, by now.
pub const REPORT_ABSENT: Duration = Duration::from_secs(600);

/// How often a host's statistics of the last days are fetched: they grow by a row an hour.
pub const WEEK_EVERY: Duration = Duration::from_secs(3600);

/// How long after the start that is done first.
pub const WEEK_FIRST: Duration = Duration::from_secs(8);

/// The longest wait before another try to reach a pool that is lost.
pub const RETRY_MOST: Duration = Duration::from_secs(30);

/// However many pools there are, each host's clock is asked for this often.
const SELDOM: Duration = Duration::from_secs(15);

/// How a pool is followed.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a poll waits for news on the server. Also how often a quiet pool is heard of.
    pub poll_wait: Duration,
    /// The shortest time between two polls.
    pub poll_gap: Duration,
    /// The shortest time between two polls when very much is changing, so that more changes to one object become one.
    pub storm_gap: Duration,
    /// A batch with this many changes is part of a storm.
    pub storm_size: usize,
    /// How often each host's clock is asked for, through the coordinator; `None`: never.
    pub servertime_every: Option<Duration>,
    /// How often each host's round-robin database is asked for at the host's own address; `None`: never.
    pub rrd_every: Option<Duration>,
    /// How often each host's probe is asked for its report, through the coordinator; `None`: never. A host whose fence comes near is
    /// asked more often, one without a probe hardly ever.
    pub report_every: Option<Duration>,
    /// How often each host's statistics of the last days are asked for at its own address; `None`: never.
    pub week_every: Option<Duration>,
    /// How long after the start that is done first.
    pub week_after: Duration,
    /// For an answer of a host.
    pub host_deadline: Duration,
    /// How many hosts are asked at once, for each kind of question.
    pub hosts_at_once: usize,
    /// How far back old messages are read.
    pub history: Duration,
    /// How many old messages are kept, the newest ones.
    pub history_limit: usize,
    /// How long nothing must have changed before our place in the stream of events is looked after.
    pub probe_after: Duration,
    /// The first wait after a lost connection; doubled each time.
    pub retry_first: Duration,
    /// The longest wait before another try.
    pub retry_most: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            poll_wait: Duration::from_secs(15),
            poll_gap: Duration::from_millis(50),
            storm_gap: Duration::from_millis(250),
            storm_size: 400,
            servertime_every: Some(CLOCK_EVERY),
            rrd_every: Some(METRICS_EVERY),
            report_every: Some(REPORT_EVERY),
            week_every: Some(WEEK_EVERY),
            week_after: WEEK_FIRST,
            host_deadline: Duration::from_secs(5),
            hosts_at_once: 6,
            history: Duration::from_secs(7 * 24 * 3600),
            history_limit: 1_000,
            probe_after: Duration::from_secs(60),
            retry_first: Duration::from_secs(1),
            retry_most: RETRY_MOST,
        }
    }
}

impl Options {
    /// For one of `pools` pools that are followed by the same process: the more there are, the less often each host is asked, so that
    /// the whole stays cheap.
    #[must_use]
    pub fn one_of(mut self, pools: usize) -> Self {
        let factor = u32::try_from((pools / 8).clamp(1, 8)).unwrap_or(8);
        // Never so seldom that a host that lives looks silent: see `pool::limits::FRESH`.
        self.servertime_every = self.servertime_every.map(|every| (every * factor).min(every.max(SELDOM)));
        self.rrd_every = self.rrd_every.map(|every| every * factor);
        self.report_every = self.report_every.map(|every| every * factor);
        self.week_every = self.week_every.map(|every| every * factor);
        if pools > 8 {
            self.poll_wait = Duration::from_secs(30);
            self.hosts_at_once = 2;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn every_class_is_read_once_and_followed() {
        let mut read: Vec<Class> = GROUPS.concat();
        read.push(Class::Message);
        read.sort_unstable();
        let all: Vec<Class> = Class::iter().collect();
        let mut want = all.clone();
        want.sort_unstable();
        assert_eq!(read, want);
        let mut followed = CLASSES.to_vec();
        followed.sort_unstable();
        assert_eq!(followed, want);
        assert!(PROBED.iter().all(|class| GROUPS[0].contains(class)));
    }
}
