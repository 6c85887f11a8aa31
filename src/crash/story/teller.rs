//! Is shown what was observed around one crash, and keeps what its story needs. Bounded, however busy the pool was.

use super::eve::Eve;
use super::{Account, judge, known::Known, signs::Signs, steps};
use crate::crash::advice;
use crate::crash::report::{Crash, Dump};
use crate::o2cb::margin::{Margin, Reason};
use crate::observation::{Observation, Outcome, Probed, Seen, Via};
use crate::pool::Pool;
use crate::pool::keep::News;
use crate::pool::outages::OutageView;
use crate::pool::picture::{Alert, Health};
use crate::text;
use crate::time::Time;
use crate::xenapi::record::{Record, Ref};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// News that are kept.
const NEWS: usize = 2_000;
/// Messages of xapi's that are kept.
const MESSAGES: usize = 500;
/// What happened to other hosts this near to it may have the same reason.
pub(super) const SAME: Duration = Duration::from_secs(120);
/// Before it for so long everything is looked at.
pub(super) const BEFORE: Duration = Duration::from_secs(15 * 60);
/// After it was back for so long everything is looked at.
pub(super) const AFTER: Duration = Duration::from_secs(15 * 60);
/// Crashes within so long before are told.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// What xapi wrote.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// When, by the pool's clock.
    pub at: Time,
    /// Its name.
    pub name: String,
    /// Whether it is about the host.
    pub mine: bool,
    /// What it is about, by name.
    pub about: String,
    /// How bad.
    pub health: Health,
    /// In words.
    pub text: String,
}

/// A guest that ran on the host.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    /// Its name.
    pub name: String,
    /// Where it runs again, and since when.
    pub again: Option<(Time, String)>,
}

/// What was seen of one crash.
pub struct Teller {
    pub(super) outage: OutageView,
    pub(super) eve: Option<Eve>,
    pub(super) news: Vec<News>,
    messages: BTreeMap<Ref, Told>,
    pub(super) guests: BTreeMap<Ref, Lost>,
    /// The last reading in which a fence by o2cb was coming.
    pub(super) counting: Option<(Time, Margin)>,
    /// The first question that it did not answer: when it was asked, and what came instead.
    pub(super) missed: Option<(Time, String)>,
    /// When the pool said that it is not live.
    pub(super) declared: Option<Time>,
    /// When its cluster said that it is dead, and which.
    pub(super) evicted: Option<(Time, String)>,
    /// Ways on which it has answered.
    answered: BTreeSet<Via>,
    looked: Time,
    uuid: String,
}

impl Teller {
    /// Of this crash, of which the pool as it is known by now tells.
    pub fn new(outage: OutageView) -> Self {
        Self {
            outage,
            eve: None,
            news: Vec::new(),
            messages: BTreeMap::new(),
            guests: BTreeMap::new(),
            counting: None,
            missed: None,
            declared: None,
            evicted: None,
            answered: BTreeSet::new(),
            looked: Time::EPOCH,
            uuid: String::new(),
        }
    }

    /// From when on it wants to be shown everything.
    pub fn from(&self) -> Time {
        self.heard() - BEFORE
    }

    /// The moment of the last sign of life: then it wants to [look](Self::look) at the pool.
    pub fn heard(&self) -> Time {
        self.outage.at()
    }

    /// Until when it wants to be shown everything.
    pub fn until(&self) -> Time {
        self.outage.back.or(self.outage.away).unwrap_or_else(|| self.heard()) + AFTER
    }

    /// The pool as it was when the host was last heard.
    pub fn look(&mut self, pool: &Pool, at: Time) {
        let eve = Eve::of(pool, &self.outage.host, at);
        if let Some(Record::Host(host)) = pool.record(&self.outage.host) {
            self.uuid = host.uuid.to_string();
        }
        self.guests = eve.guests.iter().map(|(r, name)| (r.clone(), Lost { name: name.clone(), again: None })).collect();
        self.eve = Some(eve);
    }

    /// Something was observed; the pool has it already.
    pub fn see(&mut self, pool: &mut Pool, seen: &Observation) {
        for news in pool.take_news() {
            if self.news.len() < NEWS {
                self.news.push(news);
            }
        }
        let host = &self.outage.host;
        let gone = self.eve.is_some();
        match &seen.seen {
            Seen::Probe { host: of, told: Probed::Report(_) } if of == host && !self.is_back(seen.at) => {
                let Some(margin) = pool.o2cb_margin(host, seen.at) else { return };
                let counts = matches!(margin.reason, Reason::Disk { .. } | Reason::Network { .. });
                self.counting = counts.then_some((seen.at, margin));
            }
            // What the others tell of one that does not tell any more.
            Seen::Probe { told: Probed::Report(_), .. } if gone && self.counting.is_none() && !self.is_back(seen.at) => {
                let margin = pool.o2cb_margin(host, seen.at);
                self.counting = margin.filter(|m| matches!(m.reason, Reason::Network { .. })).map(|margin| (seen.at, margin));
                self.members(pool, seen.at);
            }
            Seen::Probe { told: Probed::Report(_), .. } if gone => self.members(pool, seen.at),
            Seen::Answer(answer) if answer.host == *host && self.missed.is_none() => match &answer.outcome {
                Outcome::Ok { .. } => drop(self.answered.insert(answer.via)),
                // A refusal for another reason, or a way on which it never answered, says nothing about the host.
                Outcome::Failed { code, error }
                    if gone
                        && code.as_deref().map_or(self.answered.contains(&answer.via), |code| {
                            matches!(code, "CANNOT_CONTACT_HOST" | "HOST_OFFLINE")
                        }) =>
                {
                    let asked = seen.at - Duration::from_millis(u64::from(answer.took_ms));
                    let what = code.as_deref().unwrap_or(error);
                    self.missed = Some((asked, text::clean(what, 80).into_owned()));
                }
                Outcome::Failed { .. } => {}
            },
            Seen::Set { r#ref, record } => self.set(pool, r#ref, record, seen.at),
            _ => {}
        }
    }

    fn set(&mut self, pool: &Pool, r: &Ref, record: &Record, at: Time) {
        match record {
            Record::Message(message) => {
                let Some(when) = message.timestamp.0 else { return };
                if when < self.from() || when > self.until() || self.messages.len() >= MESSAGES {
                    return;
                }
                if let Some(news) = pool.news_of(message, when) {
                    let mine = !self.uuid.is_empty() && *message.obj_uuid == *self.uuid;
                    let News { name, health, about, text, .. } = news;
                    self.messages.insert(r.clone(), Told { at: when, name, mine, about, health, text });
                }
            }
            Record::HostMetrics(metrics) if self.eve.is_some() && !metrics.live && self.declared.is_none() => {
                if matches!(pool.record(&self.outage.host), Some(Record::Host(host)) if host.metrics == *r) {
                    self.declared = Some(at);
                }
            }
            Record::Vm(_) => {
                let Some(lost) = self.guests.get_mut(r).filter(|lost| lost.again.is_none()) else { return };
                // What runs on it before it is back was not told to have gone yet.
                let on = pool.guest(r).and_then(|guest| guest.on.as_ref());
                let since = self.outage.booted.or(self.outage.back);
                if let Some(on) = on.filter(|on| **on != self.outage.host || since.is_some_and(|since| at >= since)) {
                    lost.again = Some((at, pool.name_of(on)));
                }
            }
            Record::Cluster(_) | Record::ClusterHost(_) if self.eve.is_some() => self.members(pool, at),
            _ => {}
        }
    }

    /// Whether its cluster counts it as dead by now. Looked at once a second: it is a look at all members.
    fn members(&mut self, pool: &Pool, at: Time) {
        if self.evicted.is_some() || self.is_back(at) || at.since(self.looked) < Duration::from_secs(1) {
            return;
        }
        self.looked = at;
        let name = &self.outage.name;
        let dead = pool.glance(at).clusters().find_map(|cluster| {
            let member = cluster.members.iter().find(|member| member.host == *name)?;
            matches!(member.state, "dead" | "left").then(|| cluster.stack.clone())
        });
        self.evicted = dead.map(|stack| (at, stack));
    }

    fn is_back(&self, at: Time) -> bool {
        self.outage.booted.is_some_and(|booted| at >= booted) || self.outage.back.is_some_and(|back| at >= back)
    }

    /// What xapi wrote, in the order of time.
    pub(super) fn told(&self) -> Vec<&Told> {
        let mut told: Vec<&Told> = self.messages.values().collect();
        told.sort_by(|a, b| (a.at, &a.name, &a.about).cmp(&(b.at, &b.about, &b.name)));
        told
    }

    /// Everything was shown. `pool` is as it was at the end, `all` are the crashes that the recording has, and `file` is what the recording is called.
    pub fn end(mut self, pool: &Pool, all: &[OutageView], file: &str) -> Account {
        let end = pool.seen_until();
        if self.eve.is_none() {
            self.look(pool, self.heard());
        }
        self.word(&pool.picture(end).alerts);
        self.fates(pool, end);
        let eve = self.eve.take().unwrap_or_else(|| Eve::of(pool, &self.outage.host, self.outage.at()));
        let heard = self.heard();
        let near = |other: &&OutageView| other.host != self.outage.host && apart(other.at(), heard) <= SAME;
        let with: Vec<&OutageView> = all.iter().filter(near).collect();
        let earlier =
            |other: &&OutageView| other.host == self.outage.host && other.at() + SAME < heard && heard.since(other.at()) <= WEEK;
        let before: Vec<&OutageView> = all.iter().filter(earlier).collect();
        let signs = Signs::of(&self, &eve);
        let verdict = judge::judge(&self, &eve, &signs, file);
        let known = known(&self, &eve, &with, &before);
        let story = steps::steps(&self, &eve, &signs, &verdict, &with, &before);
        let dump = if self.outage.dump.is_some() { Dump::Unsaid } else { Dump::Missing };
        let mut crash = Crash {
            host: Some(self.outage.name.clone()).filter(|name| !name.is_empty()),
            folder: None,
            at: verdict.at,
            clock: None,
            dump,
            logs: Vec::new(),
            verdict,
            advice: Vec::new(),
            story,
        };
        crash.advice = advice::advise_with(&crash, &known);
        let back = self.outage.back.or(self.outage.away).unwrap_or(heard);
        Account {
            crash,
            names: eve.names,
            between: (heard, back.max(heard)),
            clock_ahead: eve.clock_ahead.map(|(ahead, _)| ahead),
            known,
        }
    }

    /// The words that the alerts of the dashboard have for what xapi wrote.
    fn word(&mut self, alerts: &[Alert]) {
        for told in self.messages.values_mut() {
            if let Some(alert) = alerts.iter().find(|alert| alert.name == told.name && alert.about == told.about) {
                told.text.clone_from(&alert.text);
            }
        }
    }

    /// Guests that run again, of which no record came by since.
    fn fates(&mut self, pool: &Pool, end: Time) {
        for (r, lost) in &mut self.guests {
            let back = self.outage.back;
            let on = pool.guest(r).and_then(|guest| guest.on.as_ref());
            let on = on.filter(|on| **on != self.outage.host || back.is_some());
            if let (None, Some(on)) = (&lost.again, on) {
                lost.again = Some((back.unwrap_or(end), pool.name_of(on)));
            }
        }
    }
}

/// How far two moments are apart.
pub(super) fn apart(a: Time, b: Time) -> Duration {
    a.since(b).max(b.since(a))
}

fn known(teller: &Teller, eve: &Eve, with: &[&OutageView], before: &[&OutageView]) -> Known {
    let limit = teller.counting.as_ref().and_then(|(_, margin)| match margin.reason {
        Reason::Disk { budget_ms, .. } => u64::try_from(budget_ms).ok(),
        _ => None,
    });
    let days = eve.host.booted.map(|booted| eve.at.since(booted).as_secs() / 86_400);
    Known {
        lost: steps::luns(eve),
        single: eve.single.clone(),
        limit_ms: limit,
        no_dump: eve.method.is_some_and(|method| !method.leaves_a_dump()),
        failover: eve.failover.clone(),
        ha_s: eve.ha.as_ref().map(|(_, seconds)| *seconds),
        still_down: teller.guests.values().filter(|lost| lost.again.is_none()).map(|lost| lost.name.clone()).collect(),
        dump: teller.outage.dump.is_some(),
        before: before.len(),
        others: with.iter().map(|other| other.name.clone()).collect(),
        skew_s: eve.skew_s.filter(|(ahead, error)| ahead.abs() - error > 1.0).map(|(ahead, _)| ahead),
        uptime_days: days.filter(|days| *days >= 200),
    }
}
