//! Alerts: what xapi wrote down and what we saw ourselves, in plain words, merged, with whether it still is so.
//!
//! xapi's messages are edges ("changed"), often long past; an operator asks for levels ("is it still so?"). So each alert
//! whose matter can be looked at now carries that answer ([`level`]). Bounded: the oldest go first.

mod body;
mod level;
mod names;

pub use level::{HostLevel, Levels};
pub use names::{health, is_noise};

use super::limits::{MESSAGES, OWN_ALERTS, SHOWN_ALERTS};
use super::picture::{Alert, Health};
use super::tables::Tables;
use super::words;
use crate::time::Time;
use crate::xenapi::record::{Message, Ref};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Something that we saw ourselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Own {
    /// When.
    pub at: Time,
    /// Stable name.
    pub name: Cow<'static, str>,
    /// How bad.
    pub health: Health,
    /// The host it is about, if it is about one.
    pub host: Option<Ref>,
    /// What it is about, beyond the host, so that its level can be looked up: a task, a path's source.
    pub matter: Option<Ref>,
    /// In words.
    pub text: String,
    /// How often.
    pub count: u32,
}

impl Own {
    /// About the pool.
    pub fn pool(at: Time, name: &'static str, health: Health, text: String) -> Self {
        Self { at, name: name.into(), health, host: None, matter: None, text, count: 1 }
    }

    /// About a host.
    pub fn host(at: Time, name: &'static str, health: Health, host: &Ref, text: String) -> Self {
        Self { host: Some(host.clone()), ..Self::pool(at, name, health, text) }
    }

    /// With the matter whose level is to be looked up.
    pub fn about(self, matter: &Ref) -> Self {
        Self { matter: Some(matter.clone()), ..self }
    }
}

/// All alerts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Alerts {
    own: VecDeque<Own>,
    /// xapi's messages, newest first. Their records are in the tables.
    #[serde(skip)]
    messages: BTreeSet<(Reverse<Time>, Ref)>,
    /// What was said since somebody took the news last; for who marks them on a line of time.
    #[serde(skip)]
    news: VecDeque<Own>,
}

/// News that wait to be taken at most: nobody has to take them.
const NEWS: usize = 64;

impl Alerts {
    /// We saw something. The same thing said again is counted.
    pub fn say(&mut self, own: Own) {
        if self.news.len() >= NEWS {
            self.news.pop_front();
        }
        self.news.push_back(own.clone());
        let same = |o: &&mut Own| o.name == own.name && o.host == own.host && o.matter == own.matter && o.text == own.text;
        if let Some(old) = self.own.iter_mut().rev().take(32).find(same) {
            old.count = old.count.saturating_add(1);
            old.at = own.at;
            return;
        }
        self.own.push_back(own);
        while self.own.len() > OWN_ALERTS {
            self.own.pop_front();
        }
    }

    /// What was said since this was asked last, oldest first; at most the newest few.
    pub fn take_news(&mut self) -> impl Iterator<Item = Own> {
        std::mem::take(&mut self.news).into_iter()
    }

    /// The same own alerts as `other`; the messages stay.
    pub fn recall(&mut self, other: Self) {
        self.own = other.own;
        self.own.truncate(OWN_ALERTS);
        self.news.clear();
    }

    /// What we saw ourselves, oldest first.
    #[cfg(test)]
    pub fn own(&self) -> impl Iterator<Item = &Own> {
        self.own.iter()
    }

    /// xapi wrote a message. Returns the one that has to go for it, if there are too many.
    pub fn message(&mut self, r: &Ref, message: &Message) -> Option<Ref> {
        self.messages.insert((Reverse(message.timestamp.0.unwrap_or_default()), r.clone()));
        if self.messages.len() > MESSAGES { self.messages.pop_last().map(|(_, oldest)| oldest) } else { None }
    }

    /// A message was deleted.
    pub fn forget(&mut self, r: &Ref, message: &Message) {
        self.messages.remove(&(Reverse(message.timestamp.0.unwrap_or_default()), r.clone()));
    }

    /// All of them, newest first, the same thing said several times in one line.
    pub fn view(&self, tables: &Tables, levels: &Levels) -> Vec<Alert> {
        let mut out: Vec<Alert> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        let mut push = |alert: Alert, lines: &mut HashMap<String, usize>| {
            // As it reads: what it is about is only said where the words do not say it.
            let key =
                if alert.text.contains(&alert.about) { alert.text.clone() } else { format!("{}: {}", alert.about, alert.text) };
            if let Some(first) = lines.get(&key).and_then(|at| out.get_mut(*at)) {
                // What we saw and what xapi wrote about it are the same thing once, not twice.
                let same = first.name == alert.name;
                first.count = if same { first.count.saturating_add(alert.count) } else { first.count.max(alert.count) };
                first.at = first.at.max(alert.at);
                return;
            }
            lines.insert(key, out.len());
            out.push(alert);
        };
        for own in self.own.iter().rev() {
            let about = own.host.as_ref().map(|h| levels.name_of(h)).unwrap_or_default();
            let still_true = levels.own(own);
            push(
                Alert {
                    at: own.at,
                    name: own.name.clone().into_owned(),
                    health: own.health,
                    about,
                    text: own.text.clone(),
                    still_true,
                    count: own.count,
                },
                &mut lines,
            );
        }
        for (Reverse(at), r) in self.messages.iter().take(SHOWN_ALERTS) {
            if let Some(message) = tables.message(r) {
                push(translate(*at, message, tables, levels), &mut lines);
            }
        }
        out.sort_by_key(|a| Reverse(a.at));
        out.truncate(SHOWN_ALERTS);
        out
    }
}

/// A message of xapi's in plain words.
fn translate(at: Time, message: &Message, tables: &Tables, levels: &Levels) -> Alert {
    let object = tables.by_uuid(&message.obj_uuid);
    let about = match object {
        Some(r) => {
            if let Some(guest) = tables.guest(r) {
                words::name(&guest.name)
            } else if tables.pool(r).is_some() {
                String::new()
            } else if let Some(sr) = tables.sr(r) {
                words::name(&sr.name_label)
            } else {
                levels.name_of(r)
            }
        }
        None if message.cls.eq_ignore_ascii_case("pool") => String::new(),
        None => words::name(&message.obj_uuid),
    };
    let text = names::text(message, &about, levels);
    let health = names::health(&message.name, message.priority);
    let still_true = levels.message(message, object, at);
    Alert { at, name: words::name(&message.name), health, about, text, still_true, count: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(at: i64, text: &str) -> Own {
        Own::pool(Time::from_secs(at), "x", Health::Good, text.into())
    }

    #[test]
    fn the_same_thing_said_again_is_counted_and_the_ring_is_bounded() {
        let mut alerts = Alerts::default();
        alerts.say(own(1, "a"));
        alerts.say(own(2, "a"));
        assert_eq!(alerts.own().map(|o| (o.count, o.at)).collect::<Vec<_>>(), [(2, Time::from_secs(2))]);
        for i in 0..1000 {
            alerts.say(own(i, &format!("{i}")));
        }
        assert_eq!(alerts.own().count(), OWN_ALERTS);
    }

    #[test]
    fn too_many_messages_push_out_the_oldest() {
        let mut alerts = Alerts::default();
        let mut pushed = None;
        for i in 0..=(MESSAGES as u32) {
            let message =
                Message { timestamp: crate::xenapi::record::Date(Some(Time::from_secs(i64::from(i) + 1))), ..Message::default() };
            pushed = alerts.message(&format!("m{i}").as_str().into(), &message);
        }
        assert_eq!(pushed, Some("m0".into()));
    }
}
