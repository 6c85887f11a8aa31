//! Lines of the kernel log that foretell a fence, or tell why one came: typed, with what they name.
//!
//! Format strings of linux 2.6.24 to 6.12, both spellings where they changed. Text is matched after the prefixes of syslog,
//! journal, `dmesg` (also `-x`, `-T`, `-e`) and serial consoles were taken off; a line that only quotes such a text is none.

mod lines;
mod prefix;
mod rules;
#[cfg(test)]
mod tests;

pub use lines::{Line, Sign, is_reversed, recent, signs};
pub use prefix::{Stripped, strip};
