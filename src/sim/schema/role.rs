//! The roles of xapi's access control, weakest first.

/// A role. Each may do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May look, and handle its own tasks.
    ReadOnly,
    /// May use guests: start, stop, console.
    VmOperator,
    /// May also create and destroy guests.
    VmAdmin,
    /// May also move guests and take checkpoints.
    VmPowerAdmin,
    /// May also handle hosts, storage, networks and the pool.
    PoolOperator,
    /// May do everything.
    PoolAdmin,
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 6] =
        [Self::ReadOnly, Self::VmOperator, Self::VmAdmin, Self::VmPowerAdmin, Self::PoolOperator, Self::PoolAdmin];

    /// Its name in xapi, e.g. `pool-operator`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::VmOperator => "vm-operator",
            Self::VmAdmin => "vm-admin",
            Self::VmPowerAdmin => "vm-power-admin",
            Self::PoolOperator => "pool-operator",
            Self::PoolAdmin => "pool-admin",
        }
    }
}
