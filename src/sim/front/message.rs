//! Messages: alerts for people. In xapi they are files, not part of the database; so they have a generation of
//! their own in event tokens and are not counted among its objects.

use super::args::Args;
use crate::sim::api::Failure;
use crate::sim::db::Db;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// xapi keeps this many; the oldest go.
const KEPT: usize = 10_000;

/// Posts a message. `class` is `VM`, `Host`, `SR`, `Pool`, `VMPP`, `VMSS`, `PVS_proxy`, `VDI` or `Certificate`; `object` its uuid;
/// `priority` 1 (critical) to 5 (for information).
pub fn post_message(db: &mut Db, now: Time, name: &str, priority: i64, class: &str, object: &str, body: &str) -> Ref {
    let message = db.create(
        "message",
        &[
            ("name", name.into()),
            ("priority", priority.into()),
            ("cls", class.into()),
            ("obj_uuid", object.into()),
            ("timestamp", now.into()),
            ("body", body.into()),
        ],
    );
    while db.count("message") > KEPT {
        let Some(oldest) = db.refs_of("message").next().cloned() else { break };
        db.destroy(&oldest);
    }
    message
}

/// The table that a message's class speaks of.
fn table_of(class: &str) -> Option<&'static str> {
    Some(match class.to_ascii_lowercase().as_str() {
        "vm" => "VM",
        "host" => "host",
        "sr" => "SR",
        "pool" => "pool",
        "vmpp" => "VMPP",
        "vmss" => "VMSS",
        "pvs_proxy" => "PVS_proxy",
        "vdi" => "VDI",
        "certificate" => "Certificate",
        _ => return None,
    })
}

/// `message.create(name, priority, cls, obj_uuid, body)`.
pub(super) fn create(db: &mut Db, now: Time, args: Args<'_>) -> Result<Value, Failure> {
    let (name, priority, class) = (args.text(0)?, args.int(1)?, args.text(2)?);
    let (object, body) = (args.text(3)?, args.text(4)?);
    let Some(table) = table_of(class) else { return Err(Failure::new("INVALID_VALUE", ["cls", class])) };
    if db.by_uuid(table, object).is_none() {
        return Err(Failure::new("UUID_INVALID", [class, object]));
    }
    Ok(post_message(db, now, name, priority, class, object, body).into())
}

/// `message.destroy(self)`.
pub(super) fn destroy(db: &mut Db, args: Args<'_>) -> Result<Value, Failure> {
    let message = args.handle(0, db, "message")?;
    db.destroy(&message);
    Ok(Value::Void)
}

/// `message.destroy_many(messages)`: those that are not there are not missed.
pub(super) fn destroy_many(db: &mut Db, args: Args<'_>) -> Result<Value, Failure> {
    for text in args.texts(0)? {
        let r = Ref::from(text);
        if db.is(&r, "message") {
            db.destroy(&r);
        }
    }
    Ok(Value::Void)
}

/// `message.destroy_all(filters)`: `name`, `priority`, `cls`, `obj_uuid` have to be as given; `before` and `after` are dates.
pub(super) fn destroy_all(db: &mut Db, args: Args<'_>) -> Result<Value, Failure> {
    let filters = args.map(0)?;
    let time = |text: &str| {
        let bad = || Failure::new("INVALID_VALUE", ["filters", text]);
        Time::parse_xapi(text).ok_or_else(bad)
    };
    let mut doomed = db.all("message");
    for (key, value) in filters {
        match key {
            "priority" => doomed.retain(|m| db.int(m, "priority").to_string() == value),
            "name" | "cls" | "obj_uuid" => doomed.retain(|m| db.text(m, key).eq_ignore_ascii_case(value)),
            "before" => {
                let limit = time(value)?;
                doomed.retain(|m| db.date(m, "timestamp") < limit);
            }
            "after" => {
                let limit = time(value)?;
                doomed.retain(|m| db.date(m, "timestamp") > limit);
            }
            _ => return Err(Failure::new("INVALID_VALUE", ["filters", key])),
        }
    }
    for message in doomed {
        db.destroy(&message);
    }
    Ok(Value::Void)
}

/// `message.get_since(since)`: what is newer.
pub(super) fn get_since(db: &Db, args: Args<'_>) -> Result<Value, Failure> {
    let since = args.date(0)?;
    Ok(records(db, |db, message| db.date(message, "timestamp") > since))
}

/// `message.get(cls, obj_uuid, since)`: what is newer, about one object.
pub(super) fn get(db: &Db, args: Args<'_>) -> Result<Value, Failure> {
    let (class, object, since) = (args.text(0)?, args.text(1)?, args.date(2)?);
    Ok(records(db, |db, message| {
        db.text(message, "cls").eq_ignore_ascii_case(class)
            && db.text(message, "obj_uuid") == object
            && db.date(message, "timestamp") > since
    }))
}

fn records(db: &Db, wanted: impl Fn(&Db, &Ref) -> bool) -> Value {
    let all = db.refs_of("message").filter(|message| wanted(db, message));
    Value::Map(all.filter_map(|m| Some((m.as_str().into(), Value::Record(db.record(m)?)))).collect())
}
