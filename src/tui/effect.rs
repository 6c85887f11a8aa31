//! What the dashboard wants done outside of itself, as data. The loop in [`super::run`] does the terminal's part; the
//! rest goes to the caller through [`super::run::RunOptions::requests`].

use super::msg::PoolIx;
use crate::xenapi::record::{Class, Ref};

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Give the terminal to the shell until we are continued.
    Suspend,
    /// Forget what is on the screen and draw all of it.
    Redraw,
    /// Put this text into the clipboard.
    Copy(String),
    /// For the caller.
    Request(Request),
}

/// Something that the caller of the dashboard does.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Read a record as it is now and answer with [`super::msg::Answer::Raw`].
    FetchRaw {
        /// Of which pool.
        pool: PoolIx,
        /// Its class.
        class: Class,
        /// Which object.
        r#ref: Ref,
    },
    /// Set off a fault in the simulated pool and answer with [`super::msg::Answer::Fault`].
    Inject {
        /// The id of the choice.
        id: String,
    },
    /// Let the simulated time run this many times as fast as ours and answer with [`super::msg::Answer::Speed`].
    Speed(f64),
    /// Keep this theme for the next time.
    SaveTheme(String),
}
