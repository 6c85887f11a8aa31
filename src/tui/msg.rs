//! Everything that can happen to the dashboard, as data. Together with the time in [`Msg::Tick`] this is all that
//! [`super::update::update`] ever learns, so a list of messages replays a run.

use super::keymap::Key;
use crate::observation::Observation;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// A pool, by its position in the list that the dashboard was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolIx(pub usize);

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// It is this late.
    Tick(Time),
    /// Things were seen of a pool.
    Observed {
        /// Which.
        pool: PoolIx,
        /// What.
        observations: Vec<Observation>,
    },
    /// A key was pressed.
    Key(Key),
    /// The mouse was used; only if it was turned on.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// Something that an effect asked for is there.
    Answer(Answer),
    /// The log of poolwatch itself, newest first.
    Logged(Vec<super::log::LogLine>),
}

/// What the mouse did, and at which cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "column and row, from 0")]
pub enum Mouse {
    /// The left button was pressed.
    Click { x: u16, y: u16 },
    /// The wheel was turned away.
    WheelUp { x: u16, y: u16 },
    /// The wheel was turned near.
    WheelDown { x: u16, y: u16 },
}

/// What came of an effect, or a word from the shell.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A record as the pool has it now: JSON, or why it could not be had.
    Raw {
        /// Which pool.
        pool: PoolIx,
        /// Which object.
        r#ref: Ref,
        /// The JSON of the record, or what went wrong in words.
        result: Result<String, String>,
    },
    /// A fault was set off in the simulated pool, or could not be.
    Fault {
        /// The id of the choice.
        id: String,
        /// What happens now, or what went wrong, in words.
        result: Result<String, String>,
    },
    /// The simulated time now runs this many times as fast as ours.
    Speed(f64),
    /// A word to the operator, such as that a certificate was seen for the first time.
    Notice {
        /// The pool that it is about, if it is about one.
        pool: Option<PoolIx>,
        /// In words.
        text: String,
        /// Whether something is wrong.
        wrong: bool,
    },
}
