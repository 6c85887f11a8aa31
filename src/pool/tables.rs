//! The pool's records as last read, by class, with the marks that a fresh reading needs.
//!
//! Guests are kept in a few words each, because there may be tens of thousands; everything else whole. Guests per host
//! are counted as they come and go, so that a picture never looks through all of them. Decides nothing.

use crate::xenapi::record::{
    Bond, Certificate, Class, Cluster, ClusterHost, Host, HostMetrics, Message, Network, Pbd, Pif, PifMetrics, Pool, Record, Ref,
    RefMap, Sr, Task, Vm,
};
use std::collections::HashMap;
use std::sync::Arc;

/// A record and the reading that it was last part of.
#[derive(Clone, Debug)]
struct Slot {
    record: Arc<Record>,
    reading: u32,
}

/// A guest in a few words.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its name.
    pub name: Box<str>,
    /// Where it runs, if it does.
    pub on: Option<Ref>,
    /// Bytes that it takes there.
    pub memory: u64,
    /// Whether it is on its way to another host, by its `current_operations`.
    pub moving: bool,
    uuid: u128,
    reading: u32,
    /// Whether an update takes effect for it only once it is started again.
    pub awaits_restart: bool,
}

impl Guest {
    /// Its uuid as xapi writes it; empty if it is not known.
    pub fn uuid(&self) -> String {
        if self.uuid == 0 {
            return String::new();
        }
        let n = self.uuid;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

/// What runs on a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Guests that run.
    pub guests: usize,
    /// Bytes that they take.
    pub memory: u64,
}

/// One class of records.
#[derive(Clone, Debug, Default)]
struct Table {
    slots: RefMap<Slot>,
    /// The number of the reading that is under way or was the last.
    reading: u32,
    /// Whether a reading is under way.
    open: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    by_class: [Table; 16],
    guests: RefMap<Guest>,
    load: RefMap<Load>,
    /// By uuid: an alert names its object so.
    uuids: HashMap<u128, Ref>,
}

/// What a change did.
#[derive(Debug)]
pub enum Change {
    /// It is new.
    Added,
    /// It was there, and looked like this.
    Was(Arc<Record>),
    /// It was there and is as it was.
    Same,
}

macro_rules! readers {
    (one { $($one:ident $one_class:ident $one_type:ty;)* } all { $($all:ident $class:ident $type:ty;)* }) => {$(
        #[doc = concat!("The `", stringify!($one_class), "` behind a reference.")]
        pub fn $one(&self, r: &Ref) -> Option<&$one_type> {
            match self.get(Class::$one_class, r) { Some(Record::$one_class(record)) => Some(record), _ => None }
        }
    )*$(
        #[doc = concat!("Every `", stringify!($class), "`, in no order.")]
        pub fn $all(&self) -> impl Iterator<Item = (&Ref, &$type)> {
            self.table(Class::$class).into_iter().flat_map(|t| &t.slots).filter_map(|(r, slot)| match &*slot.record {
                Record::$class(record) => Some((r, record)),
                _ => None,
            })
        }
    )*};
}

impl Tables {
    readers! {
        one {
        pool Pool Pool;
        host Host Host;
        metrics HostMetrics HostMetrics;
        task Task Task;
        sr Sr Sr;
        pbd Pbd Pbd;
        pif Pif Pif;
        pif_metrics PifMetrics PifMetrics;
        bond Bond Bond;
        message Message Message;
        }
        all {
        pools Pool Pool;
        hosts Host Host;
        tasks Task Task;
        srs Sr Sr;
        pbds Pbd Pbd;
        pifs Pif Pif;
        all_pif_metrics PifMetrics PifMetrics;
        bonds Bond Bond;
        clusters Cluster Cluster;
        cluster_hosts ClusterHost ClusterHost;
        certificates Certificate Certificate;
        networks Network Network;
        }
    }

    fn table(&self, class: Class) -> Option<&Table> {
        self.by_class.get(class as usize)
    }

    fn table_mut(&mut self, class: Class) -> Option<&mut Table> {
        self.by_class.get_mut(class as usize)
    }

    /// The record of this class behind a reference. Guests are not kept whole: see [`Tables::guest`].
    pub fn get(&self, class: Class, r: &Ref) -> Option<&Record> {
        self.table(class)?.slots.get(r).map(|slot| &*slot.record)
    }

    /// The record behind a reference, of whatever class.
    pub fn find(&self, r: &Ref) -> Option<&Record> {
        self.by_class.iter().find_map(|table| table.slots.get(r)).map(|slot| &*slot.record)
    }

    /// Every record that is kept whole, in no order.
    pub fn whole(&self) -> impl Iterator<Item = (&Ref, &Record)> {
        self.by_class.iter().flat_map(|table| &table.slots).map(|(r, slot)| (r, &*slot.record))
    }

    /// The pool's own record: there is one in each database.
    pub fn the_pool(&self) -> Option<&Pool> {
        self.pools().min_by_key(|(r, _)| *r).map(|(_, pool)| pool)
    }

    /// Every record of a class, in no order. Guests are not kept whole: see [`Tables::guests`].
    pub fn of(&self, class: Class) -> impl Iterator<Item = (&Ref, &Record)> {
        self.table(class).into_iter().flat_map(|t| &t.slots).map(|(r, slot)| (r, &*slot.record))
    }

    /// The reference of the pool's own record.
    pub fn pool_ref(&self) -> Option<&Ref> {
        self.pools().map(|(r, _)| r).min()
    }

    /// A guest.
    pub fn guest(&self, r: &Ref) -> Option<&Guest> {
        self.guests.get(r)
    }

    /// Every guest, in no order.
    pub fn guests(&self) -> impl Iterator<Item = (&Ref, &Guest)> {
        self.guests.iter()
    }

    /// What runs on a host.
    pub fn load(&self, host: &Ref) -> Load {
        self.load.get(host).copied().unwrap_or_default()
    }

    /// How many objects of a class are known.
    pub fn count(&self, class: Class) -> usize {
        if class == Class::Vm { self.guests.len() } else { self.table(class).map_or(0, |t| t.slots.len()) }
    }

    /// Guests that run, on whatever host.
    pub fn running(&self) -> usize {
        self.load.values().map(|load| load.guests).sum()
    }

    /// The object with this uuid.
    pub fn by_uuid(&self, uuid: &str) -> Option<&Ref> {
        self.uuids.get(&parse_uuid(uuid)?)
    }

    /// Whether this class is being read afresh.
    pub fn is_reading(&self, class: Class) -> bool {
        self.table(class).is_some_and(|t| t.open)
    }

    /// A fresh reading of a class begins.
    pub fn begin(&mut self, class: Class) {
        if let Some(table) = self.table_mut(class) {
            table.reading = table.reading.wrapping_add(1);
            table.open = true;
        }
    }

    /// A fresh reading of a class is complete: says which objects were not part of it. They are still there.
    pub fn end(&mut self, class: Class) -> Vec<Ref> {
        let Some(table) = self.table_mut(class) else { return Vec::new() };
        let (was_open, reading) = (table.open, table.reading);
        table.open = false;
        if !was_open {
            return Vec::new();
        }
        if class == Class::Vm {
            return self.guests.iter().filter(|(_, g)| g.reading != reading).map(|(r, _)| r.clone()).collect();
        }
        let mut gone: Vec<Ref> = table.slots.iter().filter(|(_, s)| s.reading != reading).map(|(r, _)| r.clone()).collect();
        gone.sort();
        gone
    }

    /// An object is as `record` says. Guests are shortened.
    pub fn set(&mut self, r: &Ref, record: Arc<Record>) -> Change {
        if let Record::Vm(vm) = &*record {
            self.set_guest(r, vm);
            return Change::Same;
        }
        if let Some(uuid) = uuid_of(&record).and_then(parse_uuid) {
            self.uuids.insert(uuid, r.clone());
        }
        let Some(table) = self.table_mut(record.class()) else { return Change::Same };
        let reading = table.reading;
        match table.slots.get_mut(r) {
            None => {
                table.slots.insert(r.clone(), Slot { record, reading });
                Change::Added
            }
            Some(slot) => {
                slot.reading = reading;
                if Arc::ptr_eq(&slot.record, &record) || slot.record == record {
                    return Change::Same;
                }
                Change::Was(std::mem::replace(&mut slot.record, record))
            }
        }
    }

    /// An object is gone. Returns what it was, if it was there and is kept whole.
    pub fn remove(&mut self, class: Class, r: &Ref) -> Option<Arc<Record>> {
        if class == Class::Vm {
            self.drop_guest(r);
            return None;
        }
        let slot = self.table_mut(class)?.slots.remove(r)?;
        if let Some(uuid) = uuid_of(&slot.record).and_then(parse_uuid)
            && self.uuids.get(&uuid) == Some(r)
        {
            self.uuids.remove(&uuid);
        }
        Some(slot.record)
    }

    fn set_guest(&mut self, r: &Ref, vm: &Vm) {
        self.drop_guest(r);
        if vm.is_control_domain || vm.is_a_template || vm.is_a_snapshot {
            return;
        }
        let on = if vm.is_active_guest() { vm.resident_on.non_null().map(|host| self.shared(host)) } else { None };
        let memory = vm.memory_dynamic_max.saturating_add(vm.memory_overhead);
        if let Some(host) = &on {
            let load = self.load.entry(host.clone()).or_default();
            load.guests += 1;
            load.memory = load.memory.saturating_add(memory);
        }
        let uuid = parse_uuid(&vm.uuid).unwrap_or_default();
        if uuid != 0 {
            self.uuids.insert(uuid, r.clone());
        }
        let reading = self.table(Class::Vm).map_or(0, |t| t.reading);
        let name = crate::text::clean(&vm.name_label, crate::text::NAME_LIMIT).into();
        let awaits_restart = vm.awaits_restart();
        let moving = vm.current_operations.values().any(|op| matches!(&**op, "pool_migrate" | "migrate_send"));
        self.guests.insert(r.clone(), Guest { name, on, memory, moving, uuid, reading, awaits_restart });
    }

    fn drop_guest(&mut self, r: &Ref) {
        let Some(guest) = self.guests.remove(r) else { return };
        if self.uuids.get(&guest.uuid) == Some(r) {
            self.uuids.remove(&guest.uuid);
        }
        let Some(host) = guest.on else { return };
        if let Some(load) = self.load.get_mut(&host) {
            load.guests = load.guests.saturating_sub(1);
            load.memory = load.memory.saturating_sub(guest.memory);
            if load.guests == 0 {
                self.load.remove(&host);
            }
        }
    }

    /// The same reference, but with the text that is already kept, so that many guests share it.
    fn shared(&self, host: &Ref) -> Ref {
        self.table(Class::Host).and_then(|t| t.slots.get_key_value(host)).map_or_else(|| host.clone(), |(r, _)| r.clone())
    }
}

/// A uuid as a number.
fn parse_uuid(text: &str) -> Option<u128> {
    let mut value = 0u128;
    let mut digits = 0;
    for c in text.chars() {
        if c == '-' {
            continue;
        }
        value = (value << 4) | u128::from(c.to_digit(16)?);
        digits += 1;
    }
    (digits == 32).then_some(value)
}

/// The uuid of a record whose uuid is ever looked for.
fn uuid_of(record: &Record) -> Option<&str> {
    Some(match record {
        Record::Pool(r) => &r.uuid,
        Record::Host(r) => &r.uuid,
        Record::Sr(r) => &r.uuid,
        Record::Pbd(r) => &r.uuid,
        Record::Certificate(r) => &r.uuid,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm(on: &str, state: &str) -> Arc<Record> {
        Arc::new(Record::Vm(Vm { resident_on: on.into(), power_state: state.into(), memory_dynamic_max: 10, ..Vm::default() }))
    }

    #[test]
    fn guests_are_counted_as_they_move_and_go() {
        let mut tables = Tables::default();
        tables.set(&"v1".into(), vm("h1", "Running"));
        tables.set(&"v2".into(), vm("h1", "Running"));
        assert_eq!(tables.load(&"h1".into()), Load { guests: 2, memory: 20 });
        tables.set(&"v1".into(), vm("h2", "Running"));
        tables.set(&"v2".into(), vm("h1", "Halted"));
        assert_eq!(tables.load(&"h1".into()), Load::default());
        assert_eq!(tables.running(), 1);
        tables.remove(Class::Vm, &"v1".into());
        tables.remove(Class::Vm, &"v1".into());
        assert_eq!(tables.running(), 0);
        assert_eq!(tables.count(Class::Vm), 1);
    }

    #[test]
    fn a_fresh_reading_names_what_was_not_part_of_it() {
        let mut tables = Tables::default();
        tables.set(&"h1".into(), Arc::new(Record::Host(Host::default())));
        tables.set(&"h2".into(), Arc::new(Record::Host(Host::default())));
        tables.begin(Class::Host);
        tables.set(&"h2".into(), Arc::new(Record::Host(Host::default())));
        assert_eq!(tables.count(Class::Host), 2, "the old picture stays until the new one is complete");
        assert_eq!(tables.end(Class::Host), [Ref::from("h1")]);
        assert!(tables.end(Class::Host).is_empty(), "a second end without a begin names nothing");
    }

    #[test]
    fn a_guest_is_kept_in_few_bytes_and_tells_its_uuid_as_xapi_writes_it() {
        assert!(size_of::<Guest>() <= 80, "{}", size_of::<Guest>());
        let uuid = "0a9aa0bf-37a4-4b25-bfc7-ffa94451ad5a";
        let mut tables = Tables::default();
        let vm = Vm { uuid: uuid.into(), pending_guidances_full: vec!["restart_vm".into()], ..Vm::default() };
        tables.set(&"v".into(), Arc::new(Record::Vm(vm)));
        let guest = tables.guest(&"v".into()).expect("kept");
        assert_eq!((guest.uuid().as_str(), guest.awaits_restart), (uuid, true));
        tables.set(&"v".into(), Arc::new(Record::Vm(Vm::default())));
        assert_eq!(tables.guest(&"v".into()).expect("kept").uuid(), "");
    }

    #[test]
    fn uuids_lead_to_objects() {
        let mut tables = Tables::default();
        let uuid = "a89aa0bf-37a4-4b25-bfc7-ffa94451ad5a";
        tables.set(&"h1".into(), Arc::new(Record::Host(Host { uuid: uuid.into(), ..Host::default() })));
        assert_eq!(tables.by_uuid(uuid), Some(&"h1".into()));
        tables.remove(Class::Host, &"h1".into());
        assert_eq!(tables.by_uuid(uuid), None);
        assert_eq!(tables.by_uuid("not a uuid"), None);
    }
}
