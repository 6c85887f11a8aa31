//! A pool's database that went back in time: a coordinator with an older copy of it took over, or one was restored.
//!
//! xapi counts every change of its database; the count (the generation in the event token) never goes down while all is well. The
//! [`Ledger`] follows what is seen, remembers the highest generation and what there was then, and when the count goes down compares: what is
//! lost, what is as it was before, what is back. What it remembers can be kept ([`Mark`]) and given back after a restart of the program; where that is
//! is not its business. Once the older database has had as many changes again as the newer one had, the count alone shows nothing any more: that it
//! went back is then known only if somebody looked meanwhile. Pure.

use super::words;
use crate::observation::{KeptPath, Observation, Reverted, RevertedWhat, Rewind, Seen};
use crate::text::clean;
use crate::time::Time;
use crate::xenapi::record::{Class, Record, Ref};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Objects that are remembered at most; of more the rest is not compared.
pub const MOST: usize = 20_000;
/// Differences that are listed at most; of more the rest is counted.
pub const LISTED: usize = 200;
/// How long a rewind is told of.
pub const TOLD: Duration = Duration::from_secs(7 * 24 * 3600);
/// A reading that begins so soon after the count went down is the one that shows the older database.
const REREAD: Duration = Duration::from_secs(300);

/// What is remembered of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its class.
    pub class: Class,
    /// Its uuid.
    pub uuid: Box<str>,
    /// Its name.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Box<str>,
    /// What matters of its state: a word and its value, which may be a reference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(Box<str>, Box<str>)>,
}

/// All objects, by reference.
pub type Objects = BTreeMap<Ref, Object>;

/// What is kept of a pool between runs of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The pool.
    pub uuid: String,
    /// The highest generation since the database last went back.
    pub generation: u64,
    /// When that was.
    pub at: Time,
    /// What there was then.
    pub objects: Objects,
    /// The last time that it went back, as long as that is told of.
    pub rewind: Option<Rewind>,
    /// What I/O paths did over the last week; kept in the same place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<KeptPath>,
}

impl Mark {
    /// Whether this one knows more than `other`: of a later rewind, or more changes since the same one.
    pub fn is_newer(&self, other: &Self) -> bool {
        let order = |mark: &Self| (mark.rewind.as_ref().map(|rewind| rewind.at), mark.generation);
        order(self) > order(other)
    }
}

/// Follows one pool.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    uuid: Option<Box<str>>,
    objects: Objects,
    /// Classes that are being read, with what was seen of them so far.
    reading: BTreeMap<Class, BTreeSet<Ref>>,
    /// Classes that were read whole once.
    read: BTreeSet<Class>,
    /// The highest generation since the database last went back, and when it was seen.
    highest: Option<(u64, Time)>,
    /// What there was at [`Self::highest`], if it cannot be looked up in [`Self::objects`] any more.
    before: Option<(Objects, Time)>,
    rewind: Option<Rewind>,
    /// The older database is still to be read: what there was before it, and until when that reading must begin.
    unread: Option<(Objects, Time)>,
}

impl Ledger {
    /// Takes in what was seen. Returns what went back, when that is known or known better.
    pub fn see(&mut self, o: &Observation) -> Option<Rewind> {
        match &o.seen {
            Seen::Set { r#ref, record } => self.set(r#ref, record),
            Seen::Gone { r#ref, .. } => {
                self.objects.remove(r#ref);
            }
            Seen::Resync { classes, .. } => self.begin(classes, o.at),
            Seen::Synced { classes } => return self.end(classes),
            Seen::Heard { generation: Some(generation) } => return self.hear(*generation, o.at),
            _ => {}
        }
        None
    }

    /// The pool's uuid, once it was seen.
    pub fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }

    /// Gives back what was kept of this pool. Returns what there is to tell of it.
    pub fn recall(&mut self, mark: Mark, now: Time) -> Option<Rewind> {
        if self.uuid.as_deref() != Some(mark.uuid.as_str()) {
            return None;
        }
        // It may have been found by a clock that is ahead of ours: for us it is then found now.
        let found = mark.rewind.map(|rewind| Rewind { at: rewind.at.min(now), ..rewind });
        let told = found.filter(|rewind| now.since(rewind.at) < TOLD);
        self.rewind = self.rewind.take().max_by_time(told);
        let seen = self.highest;
        if seen.is_none_or(|(generation, _)| generation < mark.generation) {
            self.highest = Some((mark.generation, mark.at));
            self.before = Some((mark.objects, mark.at));
            if let Some((generation, at)) = seen
                && let Some(found) = self.hear(generation, at)
            {
                return Some(found);
            }
        }
        self.rewind.clone()
    }

    /// What is to be kept now; `None` while it is not whole.
    pub fn mark(&self) -> Option<Mark> {
        let (generation, at) = self.highest?;
        if !self.is_whole() || self.before.is_some() || self.unread.is_some() {
            return None;
        }
        Some(Mark {
            uuid: self.uuid.as_deref()?.to_owned(),
            generation,
            at,
            objects: self.objects.clone(),
            rewind: self.rewind.clone(),
            paths: Vec::new(),
        })
    }

    fn is_whole(&self) -> bool {
        self.reading.is_empty() && self.read.contains(&Class::Pool) && self.read.contains(&Class::Host)
    }

    fn set(&mut self, r: &Ref, record: &Record) {
        if let Record::Pool(pool) = record {
            if self.uuid.as_ref().is_some_and(|known| *known != pool.uuid) {
                // Another pool answers at this address now.
                let reading = std::mem::take(&mut self.reading);
                *self = Self { reading, ..Self::default() };
            }
            self.uuid = Some(pool.uuid.clone());
        }
        let Some(object) = object(record) else { return };
        if let Some(seen) = self.reading.get_mut(&object.class) {
            seen.insert(r.clone());
        }
        if self.objects.len() < MOST || self.objects.contains_key(r) {
            self.objects.insert(r.clone(), object);
        }
    }

    fn begin(&mut self, classes: &[Class], at: Time) {
        let kept: Vec<Class> = classes.iter().copied().filter(|class| is_kept(*class)).collect();
        if kept.is_empty() {
            return;
        }
        if let (true, None, None, Some((_, seen))) = (self.is_whole(), &self.before, &self.unread, self.highest) {
            // Whatever this reading brings: if the count turns out to have gone down, this is what there was before.
            self.before = Some((self.objects.clone(), seen));
        }
        self.unread.take_if(|(_, until)| at > *until);
        for class in kept {
            self.reading.insert(class, BTreeSet::new());
        }
    }

    fn end(&mut self, classes: &[Class]) -> Option<Rewind> {
        for class in classes {
            if let Some(seen) = self.reading.remove(class) {
                self.objects.retain(|r, object| object.class != *class || seen.contains(r));
                self.read.insert(*class);
            }
        }
        if !self.is_whole() {
            return None;
        }
        let (before, _) = self.unread.take()?;
        let found = self.rewind.as_mut()?;
        (found.changes, found.more) = compare(&before, &self.objects);
        Some(found.clone())
    }

    fn hear(&mut self, generation: u64, at: Time) -> Option<Rewind> {
        match self.highest {
            Some((highest, last)) if generation < highest => {
                let kept = self.before.take();
                // Read again already (after a new log-in, or since the program was started), or still as it was?
                let reread = kept.is_some() && self.is_whole();
                let (before, last) = kept.unwrap_or_else(|| (self.objects.clone(), last));
                let (changes, more) = if reread { compare(&before, &self.objects) } else { (Vec::new(), 0) };
                self.unread = (!reread).then_some((before, at + REREAD));
                self.highest = Some((generation, at));
                self.rewind = Some(Rewind { from: highest, to: generation, at, last, changes, more });
                self.rewind.clone()
            }
            _ => {
                self.highest = Some((generation, at));
                self.before = None;
                None
            }
        }
    }
}

/// The later of two rewinds.
trait Later {
    fn max_by_time(self, other: Self) -> Self;
}

impl Later for Option<Rewind> {
    fn max_by_time(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) => Some(if b.at > a.at { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

const fn is_kept(class: Class) -> bool {
    matches!(
        class,
        Class::Pool | Class::Host | Class::Vm | Class::Sr | Class::Pbd | Class::Bond | Class::Cluster | Class::ClusterHost
    )
}

/// What is remembered of a record; `None` if nothing is.
fn object(record: &Record) -> Option<Object> {
    let yes = |is: bool| if is { "yes" } else { "no" };
    let (uuid, name, facts): (_, &str, Vec<(&str, &str)>) = match record {
        Record::Pool(p) => {
            (&p.uuid, &p.name_label, vec![("coordinator", p.master.as_str()), ("HA", if p.ha_enabled { "on" } else { "off" })])
        }
        Record::Host(h) => (&h.uuid, &h.name_label, vec![("enabled", yes(h.enabled)), ("address", &h.address)]),
        Record::Vm(v) if v.is_control_domain => return None,
        Record::Vm(v) => {
            let on = v.resident_on.non_null().map_or("nowhere", Ref::as_str);
            (&v.uuid, &v.name_label, vec![("state", &*v.power_state), ("on", on), ("HA restart", &*v.ha_restart_priority)])
        }
        Record::Sr(s) => (&s.uuid, &s.name_label, vec![("type", &*s.r#type)]),
        Record::Pbd(p) => {
            (&p.uuid, "", vec![("SR", p.sr.as_str()), ("host", p.host.as_str()), ("attached", yes(p.currently_attached))])
        }
        Record::Bond(b) => (&b.uuid, "", vec![]),
        Record::Cluster(c) => (&c.uuid, &c.cluster_stack, vec![]),
        Record::ClusterHost(c) => (&c.uuid, "", vec![("host", c.host.as_str()), ("enabled", yes(c.enabled))]),
        _ => return None,
    };
    let short = |text: &str| -> Box<str> { clean(text, 100).into() };
    let facts = facts.into_iter().map(|(key, value)| (key.into(), short(value))).collect();
    Some(Object { class: record.class(), uuid: short(uuid), name: short(name), facts })
}

/// What differs, the worst first, and how many more there are than are listed.
fn compare(before: &Objects, after: &Objects) -> (Vec<Reverted>, usize) {
    let by_uuid = |objects: &'_ Objects| -> HashMap<Box<str>, Ref> {
        objects.iter().map(|(r, object)| (object.uuid.clone(), r.clone())).collect()
    };
    let (then, now) = (by_uuid(before), by_uuid(after));
    let mut changes = Vec::new();
    let mut push = |object: &Object, objects: &Objects, what: RevertedWhat, text: String| {
        changes.push(Reverted { class: object.class, uuid: object.uuid.to_string(), name: named(object, objects), what, text });
    };
    for object in before.values() {
        match now.get(&object.uuid).and_then(|r| after.get(r)) {
            None => push(object, before, RevertedWhat::Lost, lost(object, before)),
            Some(is) => {
                let text = differs(object, before, is, after);
                if !text.is_empty() {
                    push(is, after, RevertedWhat::Reverted, text);
                }
            }
        }
    }
    for object in after.values().filter(|object| !then.contains_key(&object.uuid)) {
        let text = "was not there and is: deleted before and back again, or made since".to_owned();
        push(object, after, RevertedWhat::Back, text);
    }
    changes.sort_by(|a, b| (a.what, a.class).cmp(&(b.what, b.class)).then_with(|| words::natural(&a.name, &b.name)));
    let more = changes.len().saturating_sub(LISTED);
    changes.truncate(LISTED);
    (changes, more)
}

/// A value, with a name where it is a reference.
fn value(text: &str, objects: &Objects) -> String {
    match objects.get(&Ref::from(text)) {
        Some(object) if !object.name.is_empty() => words::name(&object.name),
        Some(object) => words::name(&object.uuid),
        None if text.starts_with("OpaqueRef:") => "something unknown".to_owned(),
        None => words::name(text),
    }
}

fn named(object: &Object, objects: &Objects) -> String {
    let fact = |key: &str| object.facts.iter().find(|(k, _)| **k == *key).map(|(_, v)| value(v, objects));
    match (object.name.is_empty(), fact("SR"), fact("host")) {
        (false, ..) => words::name(&object.name),
        (true, Some(sr), Some(host)) => format!("{sr} on {host}"),
        (true, None, Some(host)) => format!("of {host}"),
        _ => words::name(&object.uuid),
    }
}

fn lost(object: &Object, objects: &Objects) -> String {
    let fact = |key: &str| object.facts.iter().find(|(k, _)| **k == *key).map(|(_, v)| v);
    match (object.class, fact("state"), fact("on")) {
        (Class::Vm, Some(state), Some(on)) if **state == *"Running" => {
            format!("the pool does not know it any more; it ran on {}: look whether it still does", value(on, objects))
        }
        _ => "the pool does not know it any more".to_owned(),
    }
}

/// What of an object is different, in words; empty if nothing is.
fn differs(was: &Object, before: &Objects, is: &Object, after: &Objects) -> String {
    let mut parts = Vec::new();
    if was.name != is.name {
        parts.push(format!("name was {}, is {}", words::name(&was.name), words::name(&is.name)));
    }
    for (key, old) in &was.facts {
        if let Some((_, new)) = is.facts.iter().find(|(k, _)| k == key)
            && old != new
        {
            parts.push(format!("{} was {}, is {}", words::name(key), value(old, before), value(new, after)));
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests;
