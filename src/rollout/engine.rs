//! A run with its journal: steps the machine, writes what it wants, hands out the calls and reads that are to be made.
//!
//! Synchronous and without I/O of its own but for the journal behind [`Log`]; the driver and the simulated proof run the same engine.

use super::call::{Call, Outcome};
use super::entry::{CallId, Command, Entry};
use super::look::{Look, Looked};
use super::run::Run;
use crate::pool::Pool;
use crate::pool::picture::Picture;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// Where the journal goes.
pub trait Log {
    /// Writes a line and waits until it is on disk. After an error nothing may be done whose intent this was.
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError>;
}

/// Why a line could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LogError(pub String);

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// Make this call; then say [`Engine::accepted`] (if it became a task) and [`Engine::ended`] (if it did not).
    Make {
        /// Its number.
        id: CallId,
        /// Which.
        call: Call,
    },
    /// Read this; then say [`Engine::looked`].
    Look(Look),
}

/// A run that is being worked on.
pub struct Engine<L> {
    /// Its state.
    pub run: Run,
    /// Its journal.
    pub log: L,
}

impl<L: Log> Engine<L> {
    /// Lets the machine act on what is known now; returns what is to be done outside, and when to come back at the latest.
    /// An error is the journal's: then nothing more is done.
    pub fn turn(&mut self, now: Time, pool: &Pool, picture: &Picture) -> Result<(Vec<Job>, Option<Time>), LogError> {
        let _ = (now, pool, picture);
        todo!()
    }

    /// The pool took a call, and works on it as this task. Its end is read from the pool's task records.
    pub fn accepted(&mut self, now: Time, id: CallId, task: Ref) -> Result<(), LogError> {
        let _ = (now, id, task);
        todo!()
    }

    /// A call ended, or cannot be told to have ended.
    pub fn ended(&mut self, now: Time, id: CallId, outcome: Outcome) -> Result<(), LogError> {
        let _ = (now, id, outcome);
        todo!()
    }

    /// A look was answered.
    pub fn looked(&mut self, look: Look, looked: Looked) {
        let _ = (look, looked);
        todo!()
    }

    /// The operator says something. The error says why that cannot be now.
    pub fn command(&mut self, now: Time, pool: &Pool, picture: &Picture, command: Command) -> Result<(), String> {
        let _ = (now, pool, picture, command);
        todo!()
    }
}
