//! What a run does next: a pure function of its state, the pool and the time.
//!
//! It never does anything itself. What it wants written goes into the journal, is folded into the [`Run`], and only then (for an
//! [`Entry::Intent`]) made as a call. It is asked again after every change until it wants nothing more.

use super::entry::{Command, Entry};
use super::look::{Look, Looked};
use super::run::Run;
use crate::pool::Pool;
use crate::pool::picture::Picture;
use crate::time::Time;
use std::collections::BTreeMap;

/// What the machine sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Now.
    pub now: Time,
    /// The pool's records.
    pub pool: &'a Pool,
    /// What they mean, at `now`.
    pub picture: &'a Picture,
    /// The last answer to each look.
    pub looked: &'a BTreeMap<Look, Looked>,
    /// Who we are, as our claim says it.
    pub owner: &'a str,
}

/// What the machine wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write this into the journal; if it is an intent, then make the call.
    Write(Entry),
    /// Read this now.
    Look(Look),
    /// Ask again at this time at the latest, even if nothing changes.
    Wake(Time),
}

/// What is to be done next. Empty but for [`Action::Wake`]: nothing, until something changes.
pub fn step(run: &Run, view: &View) -> Vec<Action> {
    let _ = (run, view);
    todo!()
}

/// What a command of the operator writes; or why it cannot be given now.
pub fn command(run: &Run, view: &View, command: Command) -> Result<Vec<Entry>, String> {
    let _ = (run, view, command);
    todo!()
}
