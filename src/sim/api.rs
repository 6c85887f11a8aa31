//! The border between the simulated pool's core and what serves it: calls in, replies out.
//!
//! Only types and one trait. The core implements [`Api`] without I/O; the server drives it, and so do tests.

use super::value::Value;
use crate::time::Time;
use std::fmt;

/// A host of the simulated pool, by its position; stable for the life of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostIx(pub usize);

/// How a host's address behaves for someone who connects to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// xapi accepts connections.
    Open,
    /// The machine is up but nothing listens (toolstack restarting, booting), or it was just switched off: connections are refused.
    Refused,
    /// Packets vanish: cut off, or the machine is dead. Connections hang; open ones never answer.
    Silent,
}

/// A call as it arrived at one host's xapi.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// E.g. `host.get_all_records`, `Async.host.reboot`.
    pub method: String,
    /// All parameters, the session first where there is one.
    pub params: Vec<Value>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Done.
    Done(Result<Value, Failure>),
    /// It takes time on the virtual clock: ask again with [`Api::poll`].
    Waiting(Ticket),
}

/// A call that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A XenAPI error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// E.g. `HOST_NOT_DISABLED`.
    pub code: String,
    /// Its parameters.
    pub params: Vec<String>,
    /// Raised before dispatch: JSON-RPC 2.0 then carries it as an array with id 0.
    pub before_dispatch: bool,
}

impl Failure {
    /// An error with parameters.
    pub fn new<P: Into<String>>(code: &str, params: impl IntoIterator<Item = P>) -> Self {
        Self { code: code.to_owned(), params: params.into_iter().map(Into::into).collect(), before_dispatch: false }
    }

    /// An error without parameters.
    pub fn bare(code: &str) -> Self {
        Self::new::<String>(code, [])
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if self.params.is_empty() { Ok(()) } else { write!(f, " [{}]", self.params.join(", ")) }
    }
}

/// A request for `/rrd_updates`, as far as the core has to know it.
#[derive(Clone, Debug, PartialEq)]
pub struct RrdRequest {
    /// The session that asks.
    pub session: String,
    /// Rows after this time, Unix seconds; negative: relative to now.
    pub start: i64,
    /// Whether host sources are wanted.
    pub host: bool,
    /// `all`, `none` or a uuid.
    pub vm_uuid: String,
    /// Wanted step in seconds; rounded up to an archive that there is.
    pub interval: u32,
}

/// The answer: columns and rows, newest row first, as xapi orders them.
#[derive(Clone, Debug, PartialEq)]
pub struct RrdUpdates {
    /// Unix seconds.
    pub start: i64,
    /// Unix seconds.
    pub end: i64,
    /// Seconds between rows.
    pub step: u32,
    /// `AVERAGE:host:<uuid>:<source>` for each column.
    pub legend: Vec<String>,
    /// Time in Unix seconds and one value a column (may be NaN).
    pub rows: Vec<(i64, Vec<f64>)>,
}

/// A request for `/system-status`, as far as the core has to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusRequest {
    /// The session that asks.
    pub session: String,
    /// The entries that are wanted; none: those that are collected by default.
    pub entries: Vec<String>,
}

/// A file of a bug report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusFile {
    /// Its path in the report, the report's own folder included.
    pub path: String,
    /// When it was last written to.
    pub at: Time,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What a served world can do.
pub trait Api: Send {
    /// The virtual time.
    fn now(&self) -> Time;
    /// Lets virtual time pass, doing everything that falls due on the way. Never goes backwards.
    fn advance(&mut self, to: Time);
    /// When something falls due next, if anything does.
    fn next_due(&self) -> Option<Time>;
    /// The hosts' management addresses, in order. The first is the coordinator's at the start.
    fn addresses(&self) -> Vec<String>;
    /// How a host behaves for someone who connects to it.
    fn door(&self, host: HostIx) -> Door;
    /// A call that arrived at `host`.
    fn call(&mut self, host: HostIx, call: Call) -> Reply;
    /// Whether a waiting call has ended. After `Some` the ticket is gone.
    fn poll(&mut self, ticket: Ticket) -> Option<Result<Value, Failure>>;
    /// The client of a waiting call went away.
    fn forget(&mut self, ticket: Ticket);
    /// `GET /updates` at `host`, as JSON; `None`: the session is not valid (HTTP 401).
    fn updates(&mut self, host: HostIx, session: &str) -> Option<Result<String, Failure>> {
        let _ = (host, session);
        None
    }
    /// `/system-status` at `host`: the files of its bug report; `None`: the session is not valid (HTTP 401). An error: it may not (403).
    fn system_status(&mut self, host: HostIx, request: &StatusRequest) -> Option<Result<Vec<StatusFile>, Failure>> {
        let _ = (host, request);
        None
    }
    /// `/rrd_updates` at `host`; `None`: the session is not valid (HTTP 401).
    fn rrd_updates(&mut self, host: HostIx, request: &RrdRequest) -> Option<RrdUpdates>;
}
