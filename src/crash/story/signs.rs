//! What the recording shows of who may have stopped the host, and whether the times fit.

use super::eve::Eve;
use super::teller::Teller;
use crate::crash::verdict::Finer;
use crate::o2cb::margin::Reason;
use crate::pool::heartbeats::HeartbeatKind;
use crate::time::Time;
use std::time::Duration;

/// Times of two machines that are this near may be the same: they are read a few seconds apart, and xapi tells whole ones.
const SLACK: Duration = Duration::from_secs(5);
/// HA's daemons and xapi look only so often: what they do comes up to so much later.
const HA_SLACK: Duration = Duration::from_secs(20);
/// xapi tells of a lost statefile so much later at most.
const LATE: Duration = Duration::from_secs(60);

/// Whether a deadline ran out when the host went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fits {
    /// Yes.
    Yes,
    /// The host was silent before that.
    SilentBefore,
    /// The host lived on after that.
    Outlived,
}

/// A deadline that was running.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    /// The last time that all was well.
    pub good: Time,
    /// When it runs out.
    pub due: Time,
    /// How long it is.
    pub limit: Duration,
    /// What was out of reach.
    pub what: String,
    /// What that makes the cause.
    pub finer: Finer,
    /// Whether it ran out then.
    pub fits: Fits,
    /// When it was last seen to run, and in what words.
    pub seen: (Time, String),
}

/// All of it.
#[derive(Debug)]
pub(super) struct Signs {
    /// The first that showed that it was gone: it went after its last sign of life, and not after this.
    pub silent: Time,
    /// o2cb's.
    pub o2cb: Option<Deadline>,
    /// HA's, for the statefile.
    pub statefile: Option<Deadline>,
    /// Another heartbeat of HA's that was near its limit: what, how long it took and its limit, in seconds.
    pub slow: Option<(Finer, f64, f64)>,
    /// When the pool said that HA fenced it.
    pub fenced: Option<Time>,
    /// When the pool declared it failed.
    pub failed: Option<Time>,
}

impl Signs {
    /// What there is.
    pub fn of(teller: &Teller, eve: &Eve) -> Self {
        let heard = teller.heard();
        let gone = [teller.missed.as_ref().map(|(at, _)| *at), teller.declared, teller.outage.away];
        let silent = gone.into_iter().flatten().min().unwrap_or(heard).max(heard);
        let booted = teller.outage.booted;
        // One that boots before its deadline was not stopped by it, either.
        let early = |due: Time, slack: Duration| due > silent + slack || booted.is_some_and(|booted| due > booted + slack);
        let fits = |due: Time, slack: Duration| match due {
            due if due + slack < heard => Fits::Outlived,
            due if early(due, slack) => Fits::SilentBefore,
            _ => Fits::Yes,
        };
        let message = |name: &str| teller.told().into_iter().find(|told| told.mine && told.name == name).map(|told| told.at);
        Self {
            silent,
            o2cb: o2cb(teller).map(|found| Deadline { fits: fits(found.due, SLACK), ..found }),
            statefile: statefile(teller, eve).map(|found| Deadline { fits: fits(found.due, HA_SLACK), ..found }),
            slow: slow(eve),
            fenced: message("HA_HOST_WAS_FENCED"),
            failed: message("HA_HOST_FAILED"),
        }
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn o2cb(teller: &Teller) -> Option<Deadline> {
    let (at, margin) = teller.counting.as_ref()?;
    let left = millis(margin.left_ms?);
    let (waited, limit, what, finer) = match &margin.reason {
        Reason::Disk { device, region, elapsed_ms, budget_ms, .. } => {
            let device = crate::text::clean(device.as_deref().unwrap_or(region), 64).into_owned();
            (millis(*elapsed_ms), millis(*budget_ms), format!("the heartbeat region on {device}"), Finer::Disk)
        }
        Reason::Network { connected, beating, silence_ms, .. } => {
            let what =
                format!("the cluster's network: connected to {connected} of {beating} nodes, itself counted, which is no quorum");
            (millis(*silence_ms), millis(*silence_ms) + left, what, Finer::Network)
        }
        _ => return None,
    };
    let words = format!("{}: {}", teller.outage.name, margin.reason);
    Some(Deadline { good: *at - waited, due: *at + left, limit, what, finer, fits: Fits::Yes, seen: (*at, words) })
}

fn statefile(teller: &Teller, eve: &Eve) -> Option<Deadline> {
    let (_, timeout) = eve.ha.as_ref().filter(|(stack, _)| stack != "o2cb")?;
    let mine = |name: &str| teller.news.iter().rfind(|news| news.name == name && news.about == teller.outage.name);
    let lost = mine("statefile-lost")?;
    if mine("statefile-back").is_some_and(|back| back.at > lost.at && back.at <= teller.heard()) {
        return None;
    }
    // xapi tells it late; the last path of the storage that went just before says when it was.
    let dead = eve.paths.iter().filter(|(path, _)| path.up == 0).filter_map(|(path, _)| path.since);
    let good = dead.filter(|since| *since <= lost.at && lost.at.since(*since) <= LATE).max().unwrap_or(lost.at);
    let limit = Duration::from_secs_f64(timeout.clamp(1.0, 86_400.0));
    let words = format!("{} lost the HA statefile", teller.outage.name);
    let what = "the HA statefile".to_owned();
    Some(Deadline { good, due: good + limit, limit, what, finer: Finer::Statefile, fits: Fits::Yes, seen: (lost.at, words) })
}

/// The heartbeat of HA's that was nearest to its limit, if it was past half of it.
fn slow(eve: &Eve) -> Option<(Finer, f64, f64)> {
    eve.ha.as_ref()?;
    eve.heartbeats.iter().find_map(|beat| {
        let finer = match beat.view.kind {
            HeartbeatKind::HaNetwork => Finer::Heartbeat,
            HeartbeatKind::HaStatefile => Finer::Statefile,
            HeartbeatKind::HaXapi => Finer::XapiHealthCheck,
            HeartbeatKind::O2cb => return None,
        };
        let took = beat.view.now_s.filter(|took| *took * 2.0 >= beat.view.limit_s)?;
        Some((finer, took, beat.view.limit_s))
    })
}
