//! What speaks against a rollout, and how to mend it.

use crate::pool::picture::Severity;
use crate::xenapi::record::Ref;
use serde::Serialize;

/// Something that preflight found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Short and stable, for scripts and acceptance: `host-silent`, `rebuild`, `cannot-move`, …
    pub code: String,
    /// Hard: the round is refused. Soft: it can be accepted, with a reason. Note: worth knowing.
    pub severity: Severity,
    /// What it is about: name of a host, guest or SR; empty for the pool. With `code` it identifies the finding.
    pub about: String,
    /// What is wrong, as a sentence.
    pub text: String,
    /// Where that was seen.
    pub evidence: String,
    /// What to do about it, as a sentence.
    pub mend: String,
    /// What poolwatch can do about it if the operator wants it.
    #[serde(skip)]
    pub fix: Option<Fix>,
}

/// What poolwatch can do about a finding before the round, on demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Enable a host.
    Enable {
        /// Which.
        host: Ref,
    },
    /// Plug storage.
    Plug {
        /// Which.
        pbd: Ref,
    },
    /// Shut down guests that cannot move for the time of the round, and start them again where they were.
    ShutDownPinned,
    /// Take over the claim of an owner that is dead.
    TakeOverClaim,
}
