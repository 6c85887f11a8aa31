//! A round on a twin of the pool: the real engine with a real journal, on the simulated pool's core and its virtual clock.
//!
//! | file | what it is for |
//! |---|---|
//! | `stage` | the engine, the pool and the clock, step by step |
//! | `eye` | the pool as a feed would tell it |
//! | `memory` | what the program remembers of the pool's database between its starts |
//! | `hands` | calls and reads done to the twin |
//! | `book` | the journal in memory, whose writer can die at any line |
//! | `check` | the checker, which looks at the simulated pool itself |
//! | `play` | from the beginning of a round to its end, with an operator |
//! | `trouble`, `chance`, `captain` | what goes wrong meanwhile, by plan or by chance, and what others do |
//! | `rehearse` | what a round on this pool would come to |
//!
//! Pure: no clock, no input or output. Nothing here reaches a real pool.

mod book;
mod captain;
mod chance;
mod check;
mod eye;
mod hands;
mod memory;
mod play;
mod rehearse;
mod stage;
mod trouble;

pub use book::{Book, Death};
pub use chance::{Targets, rewind, trouble};
pub use check::{Checker, Rule, Side, Violation};
pub use eye::Eye;
pub use hands::Mishap;
pub use play::{Operator, Played, play, play_watched};
pub use rehearse::{HostRehearsal, Moved, Rehearsal, Summary, Waited, rehearse_on};
pub use stage::{OWNER, Stage};
pub use trouble::{Deed, Trouble, What, When};
