//! How the tables of classes are written down: constant, compact, checked when the schema is built.

use super::role::Role;

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; also enums that no call can set.
    Str,
    /// One of these texts.
    Enum(&'static [&'static str]),
    /// A 64-bit integer.
    Int,
    /// A float.
    Float,
    /// A truth value.
    Bool,
    /// A date.
    Date,
    /// A reference to an object of a class.
    Ref(&'static str),
    /// A set.
    Set(Scalar),
    /// A map; its keys are text on the wire.
    Map(Scalar),
}

/// What is in a set, or the values of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text or an enum.
    Str,
    /// A 64-bit integer.
    Int,
    /// A float.
    Float,
    /// References to objects of a class (not known for maps: empty).
    Ref(&'static str),
    /// Sets of text.
    Set,
}

/// The value of a field that is not given when an object is created, where it is not the type's own empty value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Preset {
    /// Empty text, 0, false, the epoch, the null reference, an empty set or map.
    Empty,
    /// A text.
    Str(&'static str),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A map of texts.
    Map(&'static [(&'static str, &'static str)]),
}

/// One field of a class.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// Its name, e.g. `other_config`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether the API has setters for it.
    pub writable: bool,
    /// The least role that may use them, where it is not the class's.
    pub setter: Option<Role>,
    /// Its value when it is not given.
    pub preset: Preset,
    /// For a set of references that the database keeps by itself: class and field of the reference that points back here.
    pub reverse: Option<(&'static str, &'static str)>,
}

impl FieldDef {
    /// With a value other than the empty one when it is not given.
    pub const fn or(self, preset: Preset) -> Self {
        Self { preset, ..self }
    }

    /// With setters for a role other than the class's.
    pub const fn by(self, role: Role) -> Self {
        Self { setter: Some(role), ..self }
    }

    /// Kept by the database: all objects of `class` whose `field` points here.
    pub const fn of(self, class: &'static str, field: &'static str) -> Self {
        Self { reverse: Some((class, field)), ..self }
    }
}

/// One class.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct ClassDef {
    /// Its name as calls spell it, e.g. `Cluster_host`.
    pub name: &'static str,
    /// Its fields in xapi's order.
    pub fields: &'static [FieldDef],
    /// The least role that may use its setters.
    pub setter: Role,
    /// Whether it has `get_all`, `get_all_records` and the like.
    pub listed: bool,
    /// Whether it has objects at all.
    pub table: bool,
}

impl ClassDef {
    /// Without `get_all` and `get_all_records`.
    pub const fn unlisted(self) -> Self {
        Self { listed: false, ..self }
    }

    /// Without objects: a name that only groups calls.
    pub const fn no_table(self) -> Self {
        Self { listed: false, table: false, ..self }
    }
}

/// A class.
pub const fn class(name: &'static str, setter: Role, fields: &'static [FieldDef]) -> ClassDef {
    ClassDef { name, fields, setter, listed: true, table: true }
}

/// A field without setters.
pub const fn ro(name: &'static str, kind: Kind) -> FieldDef {
    FieldDef { name, kind, writable: false, setter: None, preset: Preset::Empty, reverse: None }
}

/// A field with setters.
pub const fn rw(name: &'static str, kind: Kind) -> FieldDef {
    FieldDef { writable: true, ..ro(name, kind) }
}

/// A reference to an object of `class`.
pub const fn one(class: &'static str) -> Kind {
    Kind::Ref(class)
}

/// A set of references to objects of `class`.
pub const fn refs(class: &'static str) -> Kind {
    Kind::Set(Scalar::Ref(class))
}

/// Text.
pub const STR: Kind = Kind::Str;
/// An integer.
pub const INT: Kind = Kind::Int;
/// A float.
pub const FLOAT: Kind = Kind::Float;
/// A truth value.
pub const BOOL: Kind = Kind::Bool;
/// A date.
pub const DATE: Kind = Kind::Date;
/// A set of texts.
pub const SET: Kind = Kind::Set(Scalar::Str);
/// A set of integers.
pub const INTS: Kind = Kind::Set(Scalar::Int);
/// A map from text to text.
pub const MAP: Kind = Kind::Map(Scalar::Str);
/// A map to integers.
pub const INT_MAP: Kind = Kind::Map(Scalar::Int);
/// A map to floats.
pub const FLOAT_MAP: Kind = Kind::Map(Scalar::Float);
/// A map to references.
pub const REF_MAP: Kind = Kind::Map(Scalar::Ref(""));
/// A map to sets of texts.
pub const SET_MAP: Kind = Kind::Map(Scalar::Set);
