//! The guards of a run, each of which can be taken out by the proof, which then has to notice that it is missing. No program does that:
//! a run has all of them.

/// What keeps a run from doing harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Guard {
    /// The pool's gate (`pool::gate`).
    Gate,
    /// Every other host is live and enabled, and the one before is well again.
    Others,
    /// No mirror is being rebuilt or out of step.
    Mirrors,
    /// It has been quiet for the settle window.
    Settle,
    /// No guest runs on a host that is rebooted.
    Guests,
    /// The pool is ours (I4).
    Claim,
    /// Nothing is done by a database that went back before an operator has looked (I6).
    Database,
    /// Intent is on disk before a call is made (I3).
    Intent,
}

/// Which guards a run has: all, unless the proof took one out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    out: Option<Guard>,
}

impl Guards {
    /// All but one.
    #[doc(hidden)]
    pub const fn without(guard: Guard) -> Self {
        Self { out: Some(guard) }
    }

    /// Whether a guard is there.
    pub fn has(self, guard: Guard) -> bool {
        self.out != Some(guard)
    }
}
