//! After the crash: what a dump, a log or a console says, what the cause was, and what led to it.
//!
//! `read` (the only part that does I/O) walks through a folder, an archive, a file or a stream from a host and hands out lines; `classify`
//! turns the lines of one crash into a [`verdict::Verdict`]; `story` puts that verdict beside what was recorded of the pool. Nothing here ever
//! changes a dump, follows a link out of one, or keeps more of it in memory than what it shows.

pub mod advice;
pub mod classify;
pub mod gather;
pub mod layout;
pub mod log;
pub mod read;
pub mod report;
pub mod stamp;
pub mod story;
pub mod verdict;
