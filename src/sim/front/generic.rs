//! The calls that every class has: records, getters, setters.

use super::args::{Args, element, typed, unexpected};
use super::expr::Expr;
use crate::sim::api::Failure;
use crate::sim::db::Db;
use crate::sim::schema::{Class, Field, Kind, Role, Schema};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;

/// A generic call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Generic {
    GetAll,
    GetAllRecords,
    GetAllWhere,
    GetAllRecordsWhere,
    GetRecord,
    GetByUuid,
    GetByNameLabel,
    Get(&'static Field),
    Set(&'static Field),
    AddTo(&'static Field),
    RemoveFrom(&'static Field),
    Add(&'static Field),
    Remove(&'static Field),
}

/// Calls that follow from the rules below but that xapi does not have. Sorted.
pub(super) const EXCEPTIONS: &[&str] = &[
    "Observer.add_components",
    "Observer.add_endpoints",
    "Observer.add_hosts",
    "Observer.add_to_attributes",
    "Observer.remove_components",
    "Observer.remove_endpoints",
    "Observer.remove_from_attributes",
    "Observer.remove_hosts",
    "PBD.add_to_device_config",
    "PBD.remove_from_device_config",
    "VM.add_groups",
    "VM.add_to_bios_strings",
    "VM.remove_from_bios_strings",
    "VM.remove_groups",
    "host.add_ntp_custom_servers",
    "host.remove_ntp_custom_servers",
    "message.get_all_where",
    "message.get_body",
    "message.get_cls",
    "message.get_name",
    "message.get_obj_uuid",
    "message.get_priority",
    "message.get_timestamp",
    "message.get_uuid",
    "network.set_purpose",
    "pool.add_repositories",
    "pool.get_by_name_label",
    "pool.remove_repositories",
    "pool.set_guest_agent_config",
];

/// Finds the generic call `class.method`.
pub(super) fn find(schema: &'static Schema, method: &str) -> Option<(&'static Class, Generic)> {
    let (class, call) = method.split_once('.')?;
    if EXCEPTIONS.binary_search(&method).is_ok() {
        return None;
    }
    let class = schema.class(class).filter(|class| class.def.table)?;
    let field = |name: &str, wanted: fn(&Field) -> bool| class.field(name).filter(|field| wanted(field));
    let found = match call {
        "get_all" if class.def.listed => Generic::GetAll,
        "get_all_records" if class.def.listed => Generic::GetAllRecords,
        "get_all_where" if class.def.listed => Generic::GetAllWhere,
        "get_all_records_where" if class.def.listed => Generic::GetAllRecordsWhere,
        "get_record" => Generic::GetRecord,
        "get_by_uuid" => Generic::GetByUuid,
        "get_by_name_label" if class.position("name_label").is_some() => Generic::GetByNameLabel,
        _ => {
            if let Some(name) = call.strip_prefix("get_") {
                Generic::Get(field(name, |_| true)?)
            } else if let Some(name) = call.strip_prefix("set_") {
                Generic::Set(field(name, |f| f.def.writable)?)
            } else if let Some(name) = call.strip_prefix("add_to_") {
                Generic::AddTo(field(name, is_writable_map)?)
            } else if let Some(name) = call.strip_prefix("remove_from_") {
                Generic::RemoveFrom(field(name, is_writable_map)?)
            } else if let Some(name) = call.strip_prefix("add_") {
                Generic::Add(field(name, is_writable_set)?)
            } else {
                Generic::Remove(field(call.strip_prefix("remove_")?, is_writable_set)?)
            }
        }
    };
    Some((class, found))
}

fn is_writable_map(field: &Field) -> bool {
    field.def.writable && matches!(field.def.kind, Kind::Map(_))
}

fn is_writable_set(field: &Field) -> bool {
    field.def.writable && matches!(field.def.kind, Kind::Set(_))
}

/// The names of all generic calls of a class, in xapi's order.
pub(super) fn names(class: &Class, into: &mut Vec<String>) {
    if !class.def.table {
        return;
    }
    let name = class.def.name;
    let mut add = |call: &str| {
        let method = format!("{name}.{call}");
        if EXCEPTIONS.binary_search(&method.as_str()).is_err() {
            into.push(method);
        }
    };
    add("get_record");
    add("get_by_uuid");
    if class.position("name_label").is_some() {
        add("get_by_name_label");
    }
    for field in &class.fields {
        add(&format!("get_{}", field.def.name));
    }
    for field in class.fields.iter().filter(|field| field.def.writable) {
        let name = field.def.name;
        add(&format!("set_{name}"));
        if is_writable_map(field) {
            add(&format!("add_to_{name}"));
            add(&format!("remove_from_{name}"));
        } else if is_writable_set(field) {
            add(&format!("add_{name}"));
            add(&format!("remove_{name}"));
        }
    }
    if class.def.listed {
        ["get_all", "get_all_where", "get_all_records_where", "get_all_records"].into_iter().for_each(add);
    }
}

impl Generic {
    /// The number of parameters, without the session.
    pub(super) const fn params(self) -> usize {
        match self {
            Self::GetAll | Self::GetAllRecords => 0,
            Self::Set(_) | Self::RemoveFrom(_) | Self::Add(_) | Self::Remove(_) => 2,
            Self::AddTo(_) => 3,
            _ => 1,
        }
    }

    /// The least role that may call it.
    pub(super) fn role(self, class: &Class) -> Role {
        match self {
            Self::Set(field) | Self::AddTo(field) | Self::RemoveFrom(field) | Self::Add(field) | Self::Remove(field) => {
                field.def.setter.unwrap_or(class.def.setter)
            }
            _ if class.def.name == "secret" => Role::PoolOperator,
            _ => Role::ReadOnly,
        }
    }

    /// Does it.
    pub(super) fn run(self, db: &mut Db, class: &'static Class, args: Args<'_>) -> Result<Value, Failure> {
        let name = class.def.name;
        let map = |db: &Db, refs: &mut dyn Iterator<Item = &Ref>| {
            Value::Map(refs.filter_map(|r| Some((r.as_str().into(), Value::Record(db.record(r)?)))).collect())
        };
        Ok(match self {
            Self::GetAll => db.all(name).into(),
            Self::GetAllRecords => map(db, &mut db.refs_of(name)),
            Self::GetAllWhere => selected(db, class, args)?.into(),
            Self::GetAllRecordsWhere => map(db, &mut selected(db, class, args)?.iter()),
            Self::GetRecord => {
                let r = args.handle(0, db, name)?;
                db.record(&r).map_or(Value::Void, Value::Record)
            }
            Self::GetByUuid => {
                let uuid = args.text(0)?;
                db.by_uuid(name, uuid).ok_or_else(|| Failure::new("UUID_INVALID", [name, uuid]))?.into()
            }
            Self::GetByNameLabel => db.find_all(name, "name_label", &args.text(0)?.into()).into(),
            Self::Get(field) => db.get(&args.handle(0, db, name)?, field.def.name).clone(),
            Self::Set(field) => {
                let value = typed(field.def.kind, args.0.get(1).unwrap_or(&Value::Void))?;
                let r = args.handle(0, db, name)?;
                db.set(&r, field.def.name, value);
                Value::Void
            }
            Self::AddTo(field) => {
                let (key, value) = (args.text(1)?, value(field, args, 2)?);
                let r = args.handle(0, db, name)?;
                if db.map(&r, field.def.name).contains_key(key) {
                    return Err(Failure::new("MAP_DUPLICATE_KEY", [name, field.def.name, r.as_str(), key]));
                }
                db.map_add(&r, field.def.name, key, value);
                Value::Void
            }
            Self::RemoveFrom(field) => {
                let key = args.text(1)?;
                let r = args.handle(0, db, name)?;
                db.map_remove(&r, field.def.name, key);
                Value::Void
            }
            Self::Add(field) => {
                let value = value(field, args, 1)?;
                let r = args.handle(0, db, name)?;
                db.set_add(&r, field.def.name, value);
                Value::Void
            }
            Self::Remove(field) => {
                let value = value(field, args, 1)?;
                let r = args.handle(0, db, name)?;
                db.set_remove(&r, field.def.name, value);
                Value::Void
            }
        })
    }
}

/// An argument that goes into a set or a map.
fn value(field: &Field, args: Args<'_>, position: usize) -> Result<Value, Failure> {
    let value = args.0.get(position).unwrap_or(&Value::Void);
    match field.def.kind {
        Kind::Set(of) | Kind::Map(of) => typed(element(of), value),
        _ => Err(unexpected("string", value)),
    }
}

/// The objects of a class for which an expression holds.
fn selected(db: &Db, class: &Class, args: Args<'_>) -> Result<Vec<Ref>, Failure> {
    let expr = Expr::parse(class, args.text(0)?)?;
    Ok(db.rows(class.def.name).filter(|(_, values)| expr.holds(values)).map(|(r, _)| r.clone()).collect())
}
