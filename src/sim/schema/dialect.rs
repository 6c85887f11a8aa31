//! What one dialect of the API has and the other has not.

use super::classes::cluster::MEMBERSHIP;
use super::def::{ClassDef, FieldDef, STR, refs, ro};

/// Which API the simulated pool speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// xapi as it is shipped (26.17).
    #[default]
    Shipped,
    /// xapi as its design documents describe it.
    Designed,
}

/// Columns that only the designed API has, by class; appended to the class's fields.
const DESIGNED_COLUMNS: &[(&str, &[FieldDef])] = &[
    ("host", &[ro("memberships", refs("Membership")).of("Membership", "host")]),
    // Of the cluster plugin: `o2cb`.
    ("Cluster", &[ro("name", STR)]),
    // What the crash analysis found: `o2cb`, `xhad` or `bug`.
    ("host_crashdump", &[ro("cause", STR)]),
];

/// Classes that only the designed API has.
const DESIGNED_CLASSES: &[&ClassDef] = &[&MEMBERSHIP];

impl Dialect {
    /// Columns on top of the shipped ones.
    pub(super) const fn columns(self) -> &'static [(&'static str, &'static [FieldDef])] {
        match self {
            Self::Shipped => &[],
            Self::Designed => DESIGNED_COLUMNS,
        }
    }

    /// Classes on top of the shipped ones.
    pub(super) const fn classes(self) -> &'static [&'static ClassDef] {
        match self {
            Self::Shipped => &[],
            Self::Designed => DESIGNED_CLASSES,
        }
    }
}
