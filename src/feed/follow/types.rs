//! What goes into the machine and what comes out of it.

use super::hosts;
use super::retry::Place;
use crate::observation::{Observation, Week};
use crate::probe::Report;
use crate::time::Time;
use crate::xenapi::Error;
use crate::xenapi::events::{EventBatch, Token};
use crate::xenapi::record::{Class, Record, Ref};
use crate::xenapi::reply::Unreadable;
use crate::xenapi::trust::Fingerprint;
use std::time::Duration;

/// Names a call that was ordered, so that an answer that comes too late is known as such.
pub type CallId = u64;

/// What happens to the machine.
#[derive(Debug)]
pub enum Event {
    /// Time has passed: do what is due. Also starts it.
    Timer,
    /// The call was answered.
    Done(CallId, Reply),
    /// The call failed.
    Failed(CallId, Error),
    /// The operator leaves.
    Stop,
}

/// What a call returned.
#[derive(Debug)]
pub enum Reply {
    /// To [`Ask::Login`].
    LoggedIn {
        /// `host:port` of the coordinator.
        coordinator: String,
    },
    /// To [`Ask::Read`], [`Ask::Poll`] and [`Ask::Probe`].
    Batch(EventBatch),
    /// To [`Ask::Messages`].
    Messages(Vec<(Ref, Record)>, Vec<Unreadable>),
    /// To [`Ask::Host`].
    Host {
        /// How long it took, in milliseconds.
        took_ms: u32,
        /// What it said, or what went wrong.
        said: Result<HostReply, Error>,
    },
}

/// What a host said.
#[derive(Debug)]
pub enum HostReply {
    /// Its clock.
    Clock(Time),
    /// The newest row of its round-robin database, if it has one.
    Row(Option<(Time, Vec<(String, f64)>)>),
    /// Its statistics of the last days, if it has any.
    Week(Option<Week>),
    /// Its probe's report; or why that could not be understood.
    Report(Result<Box<Report>, String>),
}

/// A call that somebody is to make.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Log in.
    Login(Place),
    /// `event.from` with an empty token: everything there is of these classes.
    Read(&'static [Class]),
    /// The same, for classes whose count was wrong.
    Reread(Vec<Class>),
    /// The same, for the probed classes.
    Probe,
    /// `message.get_since`.
    Messages {
        /// By the pool's clock, as far as ours is right.
        since: Time,
    },
    /// `event.from`: wait for changes.
    Poll {
        /// Where to go on.
        token: Token,
        /// How long to wait on the server.
        wait: Duration,
    },
    /// Ask a host.
    Host(hosts::Due, Duration),
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Something was seen.
    Emit(Observation),
    /// Make this call and come back with [`Event::Done`] or [`Event::Failed`].
    Call(CallId, Ask),
    /// Answers to all calls ordered so far do not matter any more.
    Abandon,
    /// The coordinator names these as the certificates of the host at this address.
    Vouch(Box<str>, Vec<Fingerprint>),
    /// Log the old session out, if it is still one.
    Logout,
    /// It is over.
    End(End),
}

/// Why it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The operator left.
    Left,
    /// The operator has to do something first.
    NeedsOperator(Error),
}
