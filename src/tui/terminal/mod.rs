//! The terminal as a thing that is borrowed: taken, drawn on with as few bytes as possible, and given back whole on every
//! way out. Never decides what is drawn.

mod backend;
mod clipboard;
mod detect;
mod look;
mod modes;
mod restore;
mod screen;
mod signals;
#[cfg(test)]
mod tests;

pub use backend::{DrawReport, QuietBackend};
pub use clipboard::{LIMIT as COPY_LIMIT, Path as CopyPath, TooLong, sequence as copy_sequence};
pub use detect::{Background, PATIENCE, background, is_utf8, needs_ascii};
pub use look::Look;
pub use modes::Modes;
pub use restore::{Tty, give_back, install_panic_hook, is_closed, is_held};
pub use screen::{CopyError, Screen};
pub use signals::{Call, Signals, can_stop, stop};
