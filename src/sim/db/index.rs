//! Where an object is, by its reference.

use crate::sim::schema::ClassId;
use crate::sim::schema::names::FastHash;
use crate::xenapi::record::Ref;
use std::collections::HashMap;

/// The place of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its class.
    pub(super) class: ClassId,
    /// Its row in the table.
    pub(super) slot: u32,
}

/// All places. Never iterated: its order is not the same in every run.
pub(super) type Index = HashMap<Ref, Place, FastHash>;
