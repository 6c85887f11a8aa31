//! What only a host knows, in one report: the state of o2cb and how near a fence is, multipath, mirrors (DRBD, LINSTOR, md),
//! the clock, whether a crash would leave a dump, kernel lines that foretell a fence, and what the HA daemon says, and the
//! time-outs that all of these are set to.
//!
//! [`mod@collect`] reads it from the running host, or below any folder that stands for `/` (a saved state, a bug report); every
//! part says where it is from and how old it is, and what is missing says why. The parsers ([`drbd`], [`kernel`],
//! [`linstor`], [`md`], [`multipath`], [`clock`], [`crash`], [`timeouts`], [`xha`]) are pure and take hostile text. Changes nothing on
//! a host; `docs/probe.md` describes the report and the layout of folders.

pub mod clock;
pub mod collect;
pub mod crash;
pub mod drbd;
pub mod kernel;
pub mod lenient;
pub mod linstor;
pub mod md;
pub mod multipath;
pub mod rebuild;
pub mod report;
pub mod source;
pub mod stamp;
#[cfg(test)]
mod tests;
pub mod timeouts;
pub mod words;
pub mod xha;

pub use collect::{Network, Options, collect};
pub use report::Report;
