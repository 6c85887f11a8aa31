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

impl Finding {
    /// Something of a code that [`super::preflight::CODES`] knows; what to do about it is what stands there.
    fn new(code: &str, severity: Severity, about: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            about: about.to_owned(),
            text: text.into(),
            evidence: String::new(),
            mend: super::preflight::mend_of(code).to_owned(),
            fix: None,
        }
    }

    /// Something that refuses the round.
    pub fn hard(code: &str, about: &str, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Hard, about, text)
    }

    /// Something that an operator may accept.
    pub fn soft(code: &str, about: &str, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Soft, about, text)
    }

    /// Something worth knowing.
    pub fn note(code: &str, about: &str, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, about, text)
    }

    /// The same with another weight.
    #[must_use]
    pub fn weigh(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same, with where it was seen.
    #[must_use]
    pub fn evidence(mut self, text: impl Into<String>) -> Self {
        self.evidence = text.into();
        self
    }

    /// The same, with something better to do about it than what stands in the table.
    #[must_use]
    pub fn mend(mut self, text: impl Into<String>) -> Self {
        self.mend = text.into();
        self
    }

    /// The same, with what poolwatch can do about it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
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
    /// Take down that the operator has looked at what was lost when the pool's database went back.
    DatabaseChecked {
        /// When they were told of it.
        at: crate::time::Time,
    },
}
