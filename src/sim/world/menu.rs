//! Faults that fit this world, ready to be done: for the keys of `demo`.

use super::World;
use super::fault::{Action, Bug, Cut, Fault, Hang, Loss};
use super::state::Stage;

/// A fault with a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The key in a menu.
    pub key: char,
    /// What it does, in words.
    pub title: String,
    /// It.
    pub fault: Fault,
}

impl World {
    /// What could be done to this world now: faults that are possible, and repairs of what is broken.
    pub fn suggestions(&self) -> Vec<Suggestion> {
        let core = &self.core;
        let mut list: Vec<(char, String, Fault)> = Vec::new();
        // Members first: a coordinator's trouble is its own entry.
        let well = |h: &&super::state::Host| h.stage == Stage::Up && h.cut.is_none();
        let member = core.hosts.iter().enumerate().rev().filter(|(at, _)| *at != core.coordinator).map(|(_, h)| h).find(well);
        if let Some(h) = member {
            let host = h.name.clone();
            list.push(('c', format!("crash {host}: it dies silently and stays dead"), Fault::Crash { host: host.clone() }));
            list.push(('r', format!("reset {host}: it dies silently and boots again"), Fault::Reset { host: host.clone() }));
            list.push((
                'x',
                format!("a fault in the kernel of {host}: it crashes with a dump, and boots again"),
                Fault::KernelBug { host: host.clone(), how: Bug::Oops },
            ));
            list.push((
                'n',
                format!("cut {host} off from the network"),
                Fault::CutOff { host: host.clone(), what: Cut::Network },
            ));
            list.push(('g', format!("the next boot of {host} hangs"), Fault::HangBoot { host: host.clone(), at: Hang::Post }));
            list.push(('d', format!("another operator disables {host}"), operator(Action::Disable, &host)));
            list.push(('k', format!("the clock of {host} goes 4 s wrong"), Fault::SkewClock { host, millis: 4_000 }));
        }
        if let Some((_, h)) = core.paths().find(|(up, _)| *up) {
            list.push((
                'p',
                format!("{h} loses a path to its storage"),
                Fault::FailPath { host: h, lun: None, paths: 1, how: Loss::Stall },
            ));
        }
        if let Some(h) = core.hosts.iter().filter(well).find(|h| h.links.iter().filter(|l| l.up).count() > 1) {
            let host = h.name.clone();
            list.push(('l', format!("{host} loses a link of its bond"), Fault::FailLink { host, link: None }));
        }
        if core.coordinator_up() {
            let name = core.host_name(core.coordinator);
            list.push(('t', format!("restart the toolstack of {name}, the coordinator"), Fault::RestartToolstack { host: None }));
            list.push(('s', "kill every API session".into(), Fault::KillSessions));
        }
        if let Some(mirror) = core.stores.iter().find_map(|s| s.mirror.as_ref()) {
            if mirror.is_stalled() {
                list.push(('u', "let the rebuild go on".into(), Fault::ResumeRebuild { sr: None }));
            } else {
                list.push(('b', "the rebuild stands still".into(), Fault::StallRebuild { sr: None }));
            }
            if mirror.rebuilding() {
                list.push(('o', "the rebuild starts over".into(), Fault::RestartRebuild { sr: None }));
            }
        }
        if let Some(boot) = core.mischief.boots.iter().find(|b| b.stuck.is_some()) {
            let host = core.host_name(boot.host);
            list.push(('G', format!("the boot of {host} goes on"), Fault::ResumeBoot { host }));
        }
        if core.guests.iter().any(|g| g.busy.is_some()) {
            list.push(('m', "the next migration fails half-way".into(), Fault::FailMove { vm: None, times: 1 }));
        }
        for h in core.hosts.iter().filter(|h| h.stage == Stage::Off) {
            list.push(('w', format!("power {} on", h.name), Fault::PowerOn { host: h.name.clone() }));
        }
        for h in core.hosts.iter().filter(|h| h.cut.is_some() && h.stage != Stage::Off) {
            list.push(('h', format!("connect {} again", h.name), Fault::Heal { host: h.name.clone() }));
        }
        if let Some((_, h)) = core.paths().find(|(up, _)| !*up) {
            list.push(('P', format!("all paths of {h} are back"), Fault::RepairPath { host: h, lun: None }));
        }
        if let Some(h) = core.hosts.iter().find(|h| h.links.iter().any(|l| !l.up)) {
            list.push(('L', format!("all links of {} are up", h.name), Fault::RepairLink { host: h.name.clone(), link: None }));
        }
        let mut seen = std::collections::BTreeSet::new();
        list.retain(|(key, ..)| seen.insert(*key));
        list.into_iter().map(|(key, title, fault)| Suggestion { key, title, fault }).collect()
    }
}

fn operator(action: Action, host: &str) -> Fault {
    Fault::Operator { action, host: Some(host.to_owned()), vm: None, key: None, value: None, who: None }
}

impl super::Core {
    /// Hosts with paths: whether all are up, and the name.
    fn paths(&self) -> impl Iterator<Item = (bool, String)> + '_ {
        self.stores.iter().filter(|s| !s.luns.is_empty()).flat_map(|s| {
            s.pbds.iter().filter(|p| p.attached).filter_map(|p| {
                let whole = p.up.iter().zip(&s.luns).all(|(up, lun)| *up == lun.paths);
                Some((whole, self.hosts.get(p.host)?.name.clone()))
            })
        })
    }
}
