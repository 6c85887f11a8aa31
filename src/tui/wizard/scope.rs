//! What is wanted: reboot or update, which hosts in which order, and how. The rows of the first page, and what each key does to them.

use crate::pool::NetworkView;
use crate::pool::picture::HostView;
use crate::rollout::plan::{Limit, Options, Scope as Asked, Wanted};
use crate::text;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeSet;
use std::time::Duration;

/// What is wanted, while it is being chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// What for.
    pub purpose: Wanted,
    /// All hosts, in the order that was chosen.
    pub order: Vec<Ref>,
    /// Those that are left out.
    pub out: BTreeSet<Ref>,
    /// XenServer 7: name or uuid of the update; empty: the only one.
    pub update: String,
    /// How.
    pub options: Options,
    /// Whether it is rehearsed first.
    pub rehearse: bool,
    /// How many random things go wrong in the rehearsal's further runs.
    pub faults: u32,
    /// Whether this product is updated by one named update a round (XenServer 7).
    pub legacy: bool,
    /// The networks that there are, as the page last showed them.
    pub networks: Vec<NetworkView>,
    /// Whether each stage's deadline is shown.
    pub unfolded: bool,
}

/// A row of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Reboot or update.
    What(Wanted),
    /// A host.
    Host(Ref),
    /// An option.
    Choice(Choice),
    /// A stage's deadline.
    Limit(Limit),
}

/// The options that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter)]
pub(crate) enum Choice {
    /// XenServer 7: which update.
    Update,
    /// Shut down guests that cannot move.
    ShutDown,
    /// Bring guests home.
    Home,
    /// Guests at a time.
    Batch,
    /// The network that they move over.
    Network,
    /// How long it must be quiet.
    Settle,
    /// How long a host is watched.
    Soak,
    /// How long each stage may take.
    Deadlines,
    /// When no host is begun any more.
    NotAfter,
    /// Rehearse it on a twin.
    Rehearse,
    /// What goes wrong in the rehearsal.
    Faults,
}

/// Shortest time of quiet, in seconds.
const QUIET: u64 = crate::pool::limits::SETTLE.as_secs();
const SETTLES: [u64; 7] = [QUIET, 2 * QUIET, 5 * QUIET, 10 * QUIET, 15 * QUIET, 30 * QUIET, 60 * QUIET];
const SOAKS: [u64; 10] = [0, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200];
const FAULTS: [u64; 7] = [0, 1, 2, 3, 5, 10, 20];
const BATCHES: [u64; 9] = [0, 1, 2, 3, 4, 6, 8, 10, 16];
/// Steps of the hour after which no host is begun, in milliseconds.
const HALF_HOUR: i64 = 1_800_000;
/// As far ahead as that can be.
const MOST: i64 = 48;

impl Choice {
    /// What it is, in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Update => "update, by name or uuid",
            Self::ShutDown => "shut down guests that cannot move, start them again after",
            Self::Home => "bring guests back to the host that they were on",
            Self::Batch => "guests that leave a host at a time",
            Self::Network => "network that guests move over",
            Self::Settle => "quiet that is waited for before the next host",
            Self::Soak => "watch each host before the next one",
            Self::Deadlines => "how long a stage may take before it asks",
            Self::NotAfter => "begin no host after",
            Self::Rehearse => "rehearse it on a simulated twin of this pool first",
            Self::Faults => "things that go wrong in the rehearsal, by chance",
        }
    }

    /// Whether it is a box to tick.
    pub fn ticks(self) -> bool {
        matches!(self, Self::ShutDown | Self::Home | Self::Rehearse)
    }
}

/// Deadlines, in seconds; the last one is for ever.
const LIMITS: [u64; 14] = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400, 604_800, u64::MAX];

/// The value `by` steps from `now` in `steps`.
fn step(steps: &[u64], now: u64, by: i32) -> u64 {
    let at = steps.iter().position(|s| *s >= now).unwrap_or(steps.len().saturating_sub(1));
    let next = if by > 0 { at.saturating_add(1).min(steps.len().saturating_sub(1)) } else { at.saturating_sub(1) };
    steps.get(next).copied().unwrap_or(now)
}

impl Scope {
    /// Hosts that came or went. New ones stand at the end, the coordinator of a new list first.
    pub fn follow(&mut self, hosts: &[HostView]) {
        self.order.retain(|r| hosts.iter().any(|h| h.r#ref == *r));
        self.out.retain(|r| hosts.iter().any(|h| h.r#ref == *r));
        let mut new: Vec<&HostView> = hosts.iter().filter(|h| !self.order.contains(&h.r#ref)).collect();
        new.sort_by_key(|h| !h.coordinator);
        self.order.extend(new.into_iter().map(|h| h.r#ref.clone()));
        self.put_coordinator_first(hosts);
    }

    /// In an update nothing may be newer than the coordinator.
    fn put_coordinator_first(&mut self, hosts: &[HostView]) {
        if self.purpose != Wanted::Update {
            return;
        }
        let coordinator = |r: &Ref| hosts.iter().any(|h| h.r#ref == *r && h.coordinator);
        if let Some(at) = self.order.iter().position(coordinator).filter(|at| *at > 0) {
            let first = self.order.remove(at);
            self.order.insert(0, first);
        }
    }

    /// The rows of the page.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = vec![Row::What(Wanted::Reboot), Row::What(Wanted::Update)];
        rows.extend(self.order.iter().cloned().map(Row::Host));
        let which = |choice: &Choice| match choice {
            Choice::Update => self.legacy && self.purpose == Wanted::Update,
            Choice::Faults => self.rehearse,
            _ => true,
        };
        for choice in <Choice as strum::IntoEnumIterator>::iter().filter(which) {
            rows.push(Row::Choice(choice));
            if choice == Choice::Deadlines && self.unfolded {
                rows.extend(<Limit as strum::IntoEnumIterator>::iter().map(Row::Limit));
            }
        }
        rows
    }

    /// The hosts that take part, in order.
    pub fn hosts(&self) -> Vec<Ref> {
        self.order.iter().filter(|r| !self.out.contains(r)).cloned().collect()
    }

    /// What is asked for. Hosts are asked for by uuid: two may have one name. All of them in the order that they have by themselves are
    /// not listed, so that the plan says why each stands where it does.
    pub fn asked(&self, hosts: &[HostView]) -> Asked {
        let mut usual: Vec<&HostView> = hosts.iter().collect();
        usual.sort_by_key(|h| !h.coordinator);
        let as_usual = self.out.is_empty() && self.order.iter().eq(usual.iter().map(|h| &h.r#ref));
        let uuid = |r: &Ref| hosts.iter().find(|h| h.r#ref == *r).map(|h| h.uuid.clone());
        let update = (self.purpose == Wanted::Update).then(|| self.update.trim().to_owned()).filter(|u| !u.is_empty());
        Asked { wanted: self.purpose, hosts: (!as_usual).then(|| self.hosts().iter().filter_map(uuid).collect()), update }
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, choice: Choice) -> bool {
        match choice {
            Choice::ShutDown => self.options.shut_down_pinned,
            Choice::Home => self.options.home,
            Choice::Rehearse => self.rehearse,
            _ => false,
        }
    }

    /// The value of an option, in words; `zone` is where the operator is.
    pub fn value(&self, choice: Choice, moment: impl Fn(Time) -> String) -> String {
        let secs = |s| text::duration(Duration::from_secs(s));
        match choice {
            Choice::Update if self.update.trim().is_empty() => "the only one".to_owned(),
            Choice::Update => self.update.clone(),
            Choice::Batch if self.options.batch == 0 => "as the pool is set up".to_owned(),
            Choice::Batch => self.options.batch.to_string(),
            Choice::Network => match self.options.network.non_null() {
                None => "the management network".to_owned(),
                Some(r) => self
                    .networks
                    .iter()
                    .find(|n| n.network == *r)
                    .map_or_else(|| "a network that is gone".to_owned(), |n| n.name.clone()),
            },
            Choice::Deadlines => match self.options.deadlines.changed().as_slice() {
                [] => "as usual".to_owned(),
                changed => {
                    let names: Vec<&str> = changed.iter().map(|limit| (*limit).into()).collect();
                    format!("as usual but {}", names.join(", "))
                }
            },
            Choice::Settle => secs(self.options.settle_s),
            Choice::Soak if self.options.soak_s == 0 => "not at all".to_owned(),
            Choice::Soak => secs(self.options.soak_s),
            Choice::NotAfter => self.options.not_after.map_or_else(|| "no limit".to_owned(), moment),
            Choice::Faults if self.faults == 0 => "nothing".to_owned(),
            Choice::Faults => self.faults.to_string(),
            Choice::ShutDown | Choice::Home | Choice::Rehearse => String::new(),
        }
    }

    /// Takes a host in or out, ticks a box, chooses what it is for, or takes the next value.
    pub fn mark(&mut self, row: &Row, now: Time, hosts: &[HostView]) {
        match row {
            Row::What(purpose) => {
                self.purpose = *purpose;
                self.put_coordinator_first(hosts);
            }
            Row::Host(host) => {
                if !self.out.remove(host) {
                    self.out.insert(host.clone());
                }
            }
            Row::Choice(choice) => self.turn(*choice, 1, now),
            Row::Limit(limit) => self.turn_limit(*limit, 1),
        }
    }

    /// Takes all hosts in, or all out if all are in.
    pub fn mark_all(&mut self) {
        if self.out.is_empty() { self.out.extend(self.order.iter().cloned()) } else { self.out.clear() }
    }

    /// The next or the previous value of an option.
    pub fn turn(&mut self, choice: Choice, by: i32, now: Time) {
        let options = &mut self.options;
        match choice {
            // It is typed.
            Choice::Update => {}
            Choice::ShutDown => options.shut_down_pinned = !options.shut_down_pinned,
            Choice::Home => options.home = !options.home,
            Choice::Rehearse => self.rehearse = !self.rehearse,
            Choice::Faults => self.faults = u32::try_from(step(&FAULTS, self.faults.into(), by)).unwrap_or(self.faults),
            Choice::Batch => options.batch = step(&BATCHES, options.batch.into(), by) as u32,
            Choice::Network => {
                let offered: Vec<Ref> =
                    self.networks.iter().filter(|n| !n.management && n.refused().is_none()).map(|n| n.network.clone()).collect();
                // The management network is the first of them, and has no reference here.
                let at = offered.iter().position(|r| *r == options.network).map_or(0, |at| at + 1);
                let all = offered.len() + 1;
                let to = (if by < 0 { at + all - 1 } else { at + 1 }) % all;
                options.network = to.checked_sub(1).and_then(|to| offered.get(to).cloned()).unwrap_or_default();
            }
            Choice::Deadlines => self.unfolded = !self.unfolded,
            Choice::Settle => options.settle_s = step(&SETTLES, options.settle_s, by).max(QUIET),
            Choice::Soak => options.soak_s = step(&SOAKS, options.soak_s, by),
            Choice::NotAfter => {
                let half_hours = now.as_millis().div_euclid(HALF_HOUR);
                let at = |n: i64| Time::from_millis(n * HALF_HOUR);
                let steps = options.not_after.map_or(0, |t| t.as_millis().div_euclid(HALF_HOUR) - half_hours);
                let steps = (steps.max(0) + i64::from(by.signum())).clamp(0, MOST);
                options.not_after = (steps > 0).then(|| at(half_hours + steps));
            }
        }
    }

    /// The next or the previous value of a deadline.
    pub fn turn_limit(&mut self, limit: Limit, by: i32) {
        let now = match self.options.deadlines.get(limit) {
            0 => u64::MAX,
            secs => secs,
        };
        let to = step(&LIMITS, now, by);
        self.options.deadlines.set(limit, if to == u64::MAX { 0 } else { to });
    }

    /// A deadline in words.
    pub fn limit(&self, limit: Limit) -> String {
        match self.options.deadlines.get(limit) {
            0 => "for ever".to_owned(),
            secs => text::duration(Duration::from_secs(secs)),
        }
    }

    /// Networks that guests cannot be moved over, with why. What the hosts are managed over is offered in any case.
    pub fn not_offered(&self) -> impl Iterator<Item = String> {
        let other = |n: &&NetworkView| !n.management;
        self.networks.iter().filter(other).filter_map(|n| n.refused().map(|why| format!("{}: {why}", n.words())))
    }

    /// Moves a host one place; the new place, or why not as a sentence.
    pub fn shift(&mut self, host: &Ref, down: bool, hosts: &[HostView]) -> Result<(), String> {
        let Some(at) = self.order.iter().position(|r| r == host) else { return Err("This host is gone.".to_owned()) };
        let to = if down { at + 1 } else { at.checked_sub(1).ok_or("It is the first one already.")? };
        if to >= self.order.len() {
            return Err("It is the last one already.".to_owned());
        }
        let coordinator = |r: Option<&Ref>| r.is_some_and(|r| hosts.iter().any(|h| h.r#ref == *r && h.coordinator));
        if self.purpose == Wanted::Update && (coordinator(self.order.get(at)) || coordinator(self.order.get(to))) {
            return Err("In an update the coordinator goes first: no other host may be newer than it.".to_owned());
        }
        self.order.swap(at, to);
        Ok(())
    }

    /// Why this cannot be planned, as a sentence.
    pub fn wrong(&self) -> Option<&'static str> {
        if self.order.is_empty() {
            return Some("Nothing is known of the pool's hosts yet.");
        }
        self.hosts().is_empty().then_some("No host is chosen: space takes one in, a takes all.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testkit::{NOW, busy};
    use strum::IntoEnumIterator;

    #[test]
    fn the_coordinator_is_first_in_an_update_and_anywhere_in_a_reboot() {
        let hosts = busy().hosts;
        let mut scope = Scope::default();
        scope.follow(&hosts);
        let coordinator = hosts[0].r#ref.clone();
        assert_eq!(scope.order[0], coordinator);
        assert_eq!(scope.shift(&coordinator, true, &hosts), Ok(()));
        assert_eq!(scope.order[1], coordinator);
        scope.mark(&Row::What(Wanted::Update), NOW, &hosts);
        assert_eq!(scope.order[0], coordinator);
        assert!(scope.shift(&coordinator, true, &hosts).is_err_and(|why| why.contains("coordinator")));
        let second = scope.order[1].clone();
        assert!(scope.shift(&second, false, &hosts).is_err());
        assert_eq!(scope.shift(&second, true, &hosts), Ok(()));
    }

    #[test]
    fn hosts_that_go_are_forgotten_and_new_ones_are_taken_in() {
        let mut hosts = busy().hosts;
        let mut scope = Scope::default();
        scope.follow(&hosts);
        let gone = hosts.remove(2);
        scope.out.insert(gone.r#ref.clone());
        scope.follow(&hosts);
        assert!(scope.order.len() == 3 && scope.out.is_empty());
        hosts.push(gone);
        scope.follow(&hosts);
        assert_eq!(scope.hosts().len(), 4);
        scope.mark_all();
        assert!(scope.wrong().is_some_and(|why| why.contains("No host")));
        scope.mark_all();
        assert_eq!(scope.wrong(), None);
        // All of them as they stand are not listed; any other choice is, by uuid.
        let mut scope = Scope::default();
        scope.follow(&hosts);
        assert_eq!(scope.asked(&hosts).hosts, None);
        let second = scope.order[1].clone();
        assert_eq!(scope.shift(&second, true, &hosts), Ok(()));
        assert_eq!(scope.asked(&hosts).hosts.map(|h| h.len()), Some(4));
    }

    #[test]
    fn guests_move_over_a_network_that_every_host_has_an_address_on() {
        let network = |name: &str, management: bool, without: &[&str]| NetworkView {
            network: Ref::from(name),
            uuid: name.into(),
            name: name.into(),
            via: vec!["bond0".into()],
            management,
            without: without.iter().map(|h| (*h).to_owned()).collect(),
            hosts: 2,
        };
        let networks = vec![
            network("Backup", false, &["xcp2"]),
            network("Management", true, &[]),
            network("Storage", false, &[]),
            network("Fast", false, &[]),
        ];
        let mut scope = Scope { networks, ..Scope::default() };
        let mut values = Vec::new();
        for by in [1, 1, 1, -1] {
            scope.turn(Choice::Network, by, NOW);
            values.push(scope.value(Choice::Network, |t| t.to_string()));
        }
        assert_eq!(values, ["Storage", "Fast", "the management network", "Fast"]);
        assert_eq!(scope.not_offered().collect::<Vec<_>>(), ["Backup (bond0): xcp2 has no address on it"]);
        scope.networks.clear();
        assert_eq!(scope.value(Choice::Network, |t| t.to_string()), "a network that is gone");
    }

    #[test]
    fn what_goes_wrong_is_asked_only_of_a_rehearsal() {
        let mut scope = Scope::default();
        assert!(!scope.rows().contains(&Row::Choice(Choice::Faults)));
        scope.turn(Choice::Rehearse, 1, NOW);
        assert!(scope.rows().contains(&Row::Choice(Choice::Faults)));
        assert_eq!(scope.value(Choice::Faults, |t| t.to_string()), "nothing");
        for _ in 0..20 {
            scope.turn(Choice::Faults, 1, NOW);
        }
        assert_eq!((scope.faults, scope.value(Choice::Faults, |t| t.to_string()).as_str()), (20, "20"));
    }

    #[test]
    fn deadlines_are_shown_when_wanted_and_go_up_to_for_ever() {
        let mut scope = Scope::default();
        let count = scope.rows().len();
        scope.turn(Choice::Deadlines, 1, NOW);
        assert_eq!(scope.rows().len(), count + Limit::iter().count());
        for limit in Limit::iter() {
            for _ in 0..20 {
                scope.turn_limit(limit, 1);
            }
            assert_eq!(scope.limit(limit), "for ever");
            for _ in 0..20 {
                scope.turn_limit(limit, -1);
            }
            assert_eq!(scope.options.deadlines.get(limit), LIMITS[0]);
        }
        assert!(scope.value(Choice::Deadlines, |t| t.to_string()).starts_with("as usual but settle, enable"));
    }

    #[test]
    fn every_value_can_be_turned_both_ways_and_stays_in_its_bounds() {
        for choice in Choice::iter() {
            let mut scope = Scope::default();
            for by in [1, 1, 1, -1, -1, -1, -1, -1, -1].into_iter().chain([1; 80]).chain([-1; 80]) {
                scope.turn(choice, by, NOW);
                assert!(scope.options.settle_s >= QUIET);
                assert!(scope.options.not_after.is_none_or(|t| t > NOW && t.millis_after(NOW) <= (MOST + 1) * HALF_HOUR));
                assert_eq!(scope.value(choice, |t| t.to_string()).is_empty(), choice.ticks());
            }
        }
    }
}
