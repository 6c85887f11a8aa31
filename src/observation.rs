//! Observations: a time and one thing seen. The only way into [`crate::pool::Pool`].
//!
//! A recording holds them, a replay plays them, the live feed makes them from the wire, and a test
//! writes them by hand; so all four run the same code. Nothing here does I/O or reads a clock, and no
//! observation holds a secret: records are stripped of them when they are read (see
//! [`crate::xenapi::record`]).

use crate::probe::Report;
use crate::time::Time;
use crate::xenapi::record::{Class, Record, Ref};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One thing seen, and when we saw it (by our own monotonic clock, not the pool's).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When it was seen. Within one run this never goes backwards.
    pub at: Time,
    /// What was seen.
    pub seen: Seen,
}

impl Observation {
    /// Whether it is of the kind that comes all the time while all is well (answers, samples, a poll without news): most change
    /// nothing that anyone sees, so that looking at what they mean can wait a moment, for several together.
    pub const fn is_routine(&self) -> bool {
        match &self.seen {
            Seen::Heard { .. } | Seen::Samples { .. } | Seen::Probe { .. } | Seen::Week { .. } => true,
            Seen::Answer(answer) => matches!(answer.outcome, Outcome::Ok { .. }),
            _ => false,
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Our own connection to the pool changed.
    Link(Link),
    /// Every object of these classes is about to be read afresh; what is known stays on the screen until
    /// the matching [`Seen::Synced`], and what was not seen again by then is gone.
    Resync {
        /// The classes that are read again.
        classes: Vec<Class>,
        /// Why, in plain words.
        why: String,
    },
    /// The reading begun by [`Seen::Resync`] is complete for these classes.
    Synced {
        /// The classes that are now complete.
        classes: Vec<Class>,
    },
    /// An object is there with this content (added, changed or read again).
    Set {
        /// Which object.
        r#ref: Ref,
        /// Its whole content, as far as poolwatch uses it.
        record: Arc<Record>,
    },
    /// An object is gone.
    Gone {
        /// Its class.
        class: Class,
        /// Which object.
        r#ref: Ref,
    },
    /// A record could not be read. It is counted and shown, and never fatal.
    Unreadable {
        /// The class as the pool named it.
        class: String,
        /// Which object, as far as known.
        r#ref: Ref,
        /// What was wrong with it.
        why: String,
    },
    /// The coordinator answered our long poll, with or without news.
    Heard {
        /// The database generation in the event token, if there was one.
        generation: Option<u64>,
    },
    /// A host was asked something and answered, or did not.
    Answer(Answer),
    /// The newest row of a host's round-robin database.
    Samples {
        /// The host.
        host: Ref,
        /// The time of the row by the host's clock.
        row: Time,
        /// Data source name (without `AVERAGE:host:<uuid>:`) and value; only finite values.
        values: Vec<(String, f64)>,
    },
    /// What a host's probe told, or why it told nothing.
    Probe {
        /// The host.
        host: Ref,
        /// What came of asking it.
        told: Probed,
    },
    /// What a host's round-robin database says of the last days, of the few sources that matter for that long.
    Week {
        /// The host.
        host: Ref,
        /// What it says.
        week: Week,
    },
    /// What earlier runs of the program saw of I/O paths.
    Paths {
        /// Those that changed.
        paths: Vec<KeptPath>,
    },
    /// The pool's database went back in time. Found by whoever remembers how far it had come ([`crate::pool::database`]).
    WentBack(Rewind),
}

/// What came of asking a host for its probe's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probed {
    /// Its report.
    Report(Box<Report>),
    /// It has no probe, or has it no more.
    Absent,
    /// We may not ask: it takes the role pool-admin.
    Denied,
    /// It could not be asked, or what it said was not understood.
    Failed {
        /// What happened, in words, without secrets.
        why: String,
    },
}

/// The archive of a host's statistics with one row an hour, of those sources that are worth remembering for so long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Week {
    /// The ends of the rows by the host's clock, the oldest first.
    pub rows: Vec<Time>,
    /// Data source name and one value a row: the mean of that hour; `None` where there is none.
    pub series: Vec<(String, Vec<Option<f32>>)>,
}

/// What was seen of one I/O path over the last days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPath {
    /// The record that tells of it: PBD, bond; the host itself for its root disk.
    pub source: Ref,
    /// SCSI id; empty for a bond.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub id: Box<str>,
    /// Each change: when, paths up, and paths that there should be; the oldest first.
    pub changes: Vec<(Time, u32, u32)>,
    /// Changes before these that were counted only.
    #[serde(default)]
    pub more: u32,
}

/// A database that went back in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewind {
    /// The highest number of changes that it had.
    pub from: u64,
    /// The number that it was found with.
    pub to: u64,
    /// When that was found.
    pub at: Time,
    /// When it was last seen as it had been.
    pub last: Time,
    /// What is not as it had been then, the worst first; empty as long as the pool was not read again.
    pub changes: Vec<Reverted>,
    /// How many more there are.
    pub more: usize,
}

/// An object that is not as it had been before the database went back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reverted {
    /// Its class.
    pub class: Class,
    /// Its uuid.
    pub uuid: String,
    /// Its name, made safe to show.
    pub name: String,
    /// What happened to it.
    pub what: RevertedWhat,
    /// In words: what it was, what it is.
    pub text: String,
}

/// What happened to an object when the database went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RevertedWhat {
    /// It was there and is not.
    Lost,
    /// It is there, and something of it is different.
    Reverted,
    /// It was not there and is: deleted and back again, or made since.
    Back,
}

/// The state of our own connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Link {
    /// A log-in is under way.
    Connecting {
        /// `host:port` that is being tried.
        to: String,
    },
    /// Logged in on the coordinator.
    Live {
        /// `host:port` of the coordinator.
        coordinator: String,
    },
    /// The connection broke, or could not be made; it will be tried again.
    Lost {
        /// What happened, in words, without secrets.
        error: String,
        /// When the next try is due.
        retry_at: Time,
        /// How many tries have failed in a row.
        attempt: u32,
    },
    /// It makes no sense to try again without the operator: wrong password, changed certificate, not a pool.
    Refused {
        /// What happened and what to do, in words, without secrets.
        error: String,
    },
    /// We logged out.
    Closed,
}

/// How a host was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// `host.get_servertime` through the coordinator.
    Servertime,
    /// `/rrd_updates` at the host's own address.
    Rrd,
    /// `host.call_plugin` of its probe, through the coordinator.
    Probe,
    /// `/rrd_updates` at the host's own address, for the last days.
    Week,
}

/// A host's answer to a question of ours, or the lack of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The host that was asked.
    pub host: Ref,
    /// How it was asked.
    pub via: Via,
    /// From the question to the answer or to giving up, in milliseconds.
    pub took_ms: u32,
    /// What came back.
    pub outcome: Outcome,
}

/// What came back from a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It answered; with its clock, if that was the question (xapi tells whole seconds).
    Ok {
        /// The host's clock.
        clock: Option<Time>,
    },
    /// It did not: a XenAPI error code or a description of what happened on the wire.
    Failed {
        /// The XenAPI error code, if there was one, e.g. `CANNOT_CONTACT_HOST`.
        code: Option<String>,
        /// In words.
        error: String,
    },
}
