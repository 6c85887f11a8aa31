//! Puts the picture together. Each part is computed elsewhere; here they meet, once, in one order.

use super::Pool;
use super::control;
use super::gate;
use super::known::{Known, PathAt};
use super::picture::{FenceView, Health, HostView, Memory, PathKind, PathView, Picture, Reason, Rebuild, Stage, TaskView};
use super::probes;
use super::rebuild::{self, Phase};
use super::words;
use crate::o2cb::margin::{Level, Margin};
use crate::text::{self, clean, duration};
use crate::time::Time;
use crate::xenapi::record::{Ref, Task, TaskStatus};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

mod levels;

/// The same with these reasons behind all others.
fn with_notes(mut picture: Picture, notes: &[Reason]) -> Picture {
    for host in &mut picture.hosts {
        host.gate.reasons.extend_from_slice(notes);
    }
    picture.verdict.reasons.extend_from_slice(notes);
    picture
}

impl Pool {
    /// All that is known at `now`, and what it means.
    pub fn picture(&self, now: Time) -> Picture {
        let glance = self.glance(now);
        let known = glance.known();
        let now = known.now;
        let record = self.tables.the_pool();
        let coordinator = self.coordinator().and_then(|r| self.tables.host(r));
        let paths = known.paths().iter().map(|path| &path.view);
        let budget = self.budget_view(known.names(), known.hosts(), paths, known.skews());
        let standing = gate::standing(known, &budget);
        let picture = Picture {
            at: now,
            name: record.map(|p| words::name(&p.name_label)).filter(|n| !n.is_empty()).unwrap_or_else(|| self.target.to_string()),
            uuid: record.map(|p| words::name(&p.uuid)).unwrap_or_default(),
            coordinator: coordinator.map(|h| words::name(&h.name_label)).unwrap_or_default(),
            product: coordinator.map(|h| control::product(&h.software_version)).unwrap_or_default(),
            xapi: coordinator.map(|h| control::xapi(&h.software_version)).unwrap_or_default(),
            dialect: self.dialect,
            link: self.link.view(now),
            tasks: self.task_views(now),
            control: self.control_view(known),
            budget,
            unreadable: self.unreadable,
            guests: self.tables.running(),
            ..glance.into_picture()
        };
        with_notes(picture, &standing)
    }

    /// The next moment after `now` at which the picture changes by itself, if there is one: a settle window ends, a sign of
    /// life gets too old, a missing path counts as lost. Words that count seconds are not meant.
    pub fn next_change(&self, now: Time) -> Option<Time> {
        let hosts = self.tracks.iter().flat_map(|(r, track)| super::liveness::changes(track, &self.around(r, None, now)));
        let rebuilds = self.rebuilds.iter().filter_map(|(_, r)| r.until_quiet());
        hosts.chain(rebuilds).chain(self.paths.changes()).chain(self.link.changes()).filter(|at| *at > now).min()
    }

    pub(super) fn host_view(&self, at: usize, known: &Known) -> HostView {
        let (Some(r), Some(name), Some(state)) = (known.hosts().get(at), known.names().get(at), known.states().get(at)) else {
            return HostView::default();
        };
        let Some(host) = self.tables.host(r) else { return HostView::default() };
        let track = self.tracks.get(r);
        let mine = known.paths_of(at);
        let paths = mine.iter().fold(None, |sum: Option<(u32, u32)>, p| {
            let (up, total) = sum.unwrap_or_default();
            Some((up.saturating_add(p.view.up), total.saturating_add(p.view.total)))
        });
        let mut state = state.clone();
        let doing = state.stage;
        if doing == Stage::Live && mine.iter().any(|p| p.view.health >= Health::Degraded) {
            state.text = "live, at risk".into();
        }
        HostView {
            r#ref: r.clone(),
            uuid: words::name(&host.uuid),
            name: name.clone(),
            address: words::name(&host.address),
            coordinator: self.is_coordinator(r),
            state,
            enabled: host.enabled,
            live: self.is_live(r),
            gate: super::picture::Gate::default(),
            vms: self.tables.load(r).guests,
            memory: self.memory(r, known.now),
            paths,
            latency: track.map(|t| t.latency.view(known.now)).unwrap_or_default(),
            version: control::version(host),
            guidance: control::guidance(host),
            booted: host.boot_time(),
            fence_margin_s: known.margin(r).and_then(|m| Some(m.left_ms? as f64 / 1_000.0)).map_or_else(
                || self.fence_margin(r, doing, known.now),
                |o2cb| Some(self.fence_margin(r, doing, known.now).map_or(o2cb, |xhad| xhad.min(o2cb))),
            ),
            fence: known.margin(r).map(|m| self.fence_view(r, m, known.now)),
            heartbeats: self.heartbeat_views(r, known.now),
            failover: known.failover(r),
            xhad: self.probes.of(r).and_then(|told| probes::xhad_words(told.report(known.now)?.1, &host.uuid)),
            probe: self.probes.standing(r),
            allowed: host.allowed_operations.iter().map(Into::into).collect(),
            current: host.current_operations.values().map(Into::into).collect(),
        }
    }

    /// By its own statistics if there are any, else by what xapi notes, else by what its guests take.
    pub(super) fn memory(&self, r: &Ref, now: Time) -> Memory {
        let Some(host) = self.tables.host(r) else { return Memory::default() };
        let metrics = self.tables.metrics(&host.metrics);
        let total = metrics.map_or(0, |m| m.memory_total);
        let sample = self.tracks.get(r).and_then(|t| t.free_kib).filter(|(at, _)| now.since(*at).as_secs() < 120);
        let used = if total == 0 {
            None
        } else if let Some((_, kib)) = sample {
            Some(total.saturating_sub((kib.max(0.0) * 1024.0) as u64))
        } else if let Some(free) = metrics.map(|m| m.memory_free).filter(|f| *f > 0) {
            Some(total.saturating_sub(free))
        } else {
            Some(self.tables.load(r).memory.saturating_add(host.memory_overhead).min(total))
        };
        Memory { total, used }
    }

    /// How long HA lets it live without its statefile, or unheard: the time-out less what has passed.
    pub(super) fn fence_margin(&self, r: &Ref, stage: Stage, now: Time) -> Option<f64> {
        self.tables.the_pool().filter(|p| p.ha_enabled)?;
        let timeout = self.ha_timeout().map_or(super::control::HA_TIMEOUT, |(seconds, _)| seconds);
        let track = self.tracks.get(r)?;
        let silent = track.alive().filter(|_| stage == Stage::Silent);
        if let Some(since) = [track.statefile_lost, silent].into_iter().flatten().min() {
            return Some((timeout - now.since(since).as_secs_f64()).max(0.0));
        }
        let (_, latency) = track.heartbeat_s.filter(|(at, _)| now.since(*at).as_secs() < 60)?;
        Some((timeout - latency.max(0.0)).max(0.0))
    }

    /// o2cb's margins, with the hosts' names in them.
    pub(super) fn margins(&self, hosts: &[Ref], names: &[String], now: Time) -> Vec<(Ref, Margin)> {
        let one = |(r, name): (&Ref, &String)| {
            let margin = self.probes.margin(r, now)?;
            Some((r.clone(), Margin { host: name.clone(), ..margin }))
        };
        if self.probes.any() { hosts.iter().zip(names).filter_map(one).collect() } else { Vec::new() }
    }

    fn fence_view(&self, r: &Ref, margin: &Margin, now: Time) -> FenceView {
        let health = match margin.level {
            Level::Green => Health::Good,
            Level::Unknown => Health::Pending,
            Level::Amber => Health::Degraded,
            Level::Red => Health::Failed,
        };
        let seen = self.probes.of(r).and_then(|told| told.report(now)).map(|(at, _)| at).unwrap_or_default();
        let warnings = margin.warnings.iter().map(ToString::to_string).collect();
        FenceView { text: margin.to_string(), advice: margin.advice().unwrap_or_default(), warnings, health, seen }
    }

    pub(super) fn path_views(&self, hosts: &[Ref], names: &[String], now: Time) -> Vec<PathAt> {
        // Virtual pools have interfaces that never show a carrier: then none of them says anything.
        let carriers = self.paths.iter().any(|(key, path)| key.kind == PathKind::Link && path.was_up)
            || self.tables.all_pif_metrics().any(|(_, m)| m.carrier);
        let order: HashMap<&Ref, usize> = hosts.iter().enumerate().map(|(at, r)| (r, at)).collect();
        let mut srs: HashMap<&Ref, String> = HashMap::new();
        let mut out: Vec<PathAt> = Vec::new();
        for (key, path) in self.paths.iter() {
            let Some(at) = order.get(&key.host) else { continue };
            let counts = match key.kind {
                PathKind::Link => {
                    let management = self.tables.pif(&key.source).is_some_and(|p| p.management);
                    carriers && (path.was_up || management)
                }
                PathKind::Bond => path.was_up || carriers,
                PathKind::Multipath | PathKind::Boot => true,
            };
            if !counts {
                continue;
            }
            let (up, total, since) = path.now(now);
            let sr = self.tables.pbd(&key.source).map(|p| srs.entry(&p.sr).or_insert_with(|| self.name_of(&p.sr)).clone());
            let sr = sr.unwrap_or_default();
            let name = match key.kind {
                PathKind::Multipath => words::name(&key.id),
                PathKind::Boot => "boot".into(),
                _ => self.path_name(key),
            };
            let view = PathView {
                host: names.get(*at).cloned().unwrap_or_default(),
                kind: key.kind,
                name,
                sr,
                up,
                total,
                since,
                health: path.health(now, key.kind),
                week: path.week(now),
            };
            out.push(PathAt { at: *at, source: key.source.clone(), view });
        }
        out.sort_by(|a, b| {
            let names = words::natural(&a.view.name, &b.view.name);
            (a.at, a.view.kind).cmp(&(b.at, b.view.kind)).then(names).then_with(|| a.source.cmp(&b.source))
        });
        out
    }

    pub(super) fn rebuild_views(&self, known: &Known) -> Vec<Rebuild> {
        let now = known.now;
        let seen = if known.unfit.is_none() { self.link.heard.unwrap_or(now) } else { self.link.current.unwrap_or_default() };
        let mut out: Vec<Rebuild> = Vec::new();
        for (task, r) in self.rebuilds.iter() {
            if r.until_quiet().is_some_and(|at| now >= at) {
                continue;
            }
            let sr = r.sr.clone().or_else(|| self.tables.task(task).and_then(|t| self.sr_of(t)));
            let after = r.after.as_ref().map(|h| self.name_of(h)).filter(|n| !n.is_empty());
            let counts = if matches!(r.phase, Phase::Running) { self.in_step(sr.as_ref()) } else { None };
            let text = counts.map_or_else(|| r.words(now), |counts| format!("{}, {counts}", r.words(now)));
            out.push(Rebuild {
                sr: sr.as_ref().map(|s| self.name_of(s)).filter(|n| !n.is_empty()).unwrap_or_else(|| "unknown SR".into()),
                source: "task".into(),
                progress: r.progress(),
                rate: r.rate(),
                ends: r.ends(now),
                since: r.since,
                ended: if let Phase::Ended(at) = r.phase { Some(at) } else { None },
                text: after.map_or(text.clone(), |host| format!("{text} (since {host} came back)")),
                seen: if matches!(r.phase, Phase::Running) { seen } else { seen.min(now) },
            });
        }
        for (r, sr) in self.tables.srs() {
            let as_task =
                self.rebuilds.iter().any(|(_, known)| known.sr.as_ref() == Some(r) && matches!(known.phase, Phase::Running));
            if let Some(said) = rebuild::hints(sr).rebuild.filter(|_| !as_task) {
                out.push(Rebuild {
                    sr: words::name(&sr.name_label),
                    source: "cluster".into(),
                    progress: None,
                    rate: None,
                    ends: None,
                    since: seen,
                    ended: None,
                    text: format!("its storage cluster says that a mirror is being rebuilt ({said})"),
                    seen,
                });
            }
        }
        for (host, at, one) in self.probes.rebuilds(now) {
            let ends = one.eta_secs.map(|secs| at + Duration::from_secs(secs));
            out.push(Rebuild {
                sr: text::clean(&one.resource, text::NAME_LIMIT).into_owned(),
                source: format!("probe on {}", self.name_of(host)),
                progress: one.progress,
                rate: None,
                ends,
                since: at,
                ended: None,
                text: probes::words(one),
                seen: at,
            });
        }
        out.sort_by(|a, b| (a.ended.is_some(), a.since).cmp(&(b.ended.is_some(), b.since)).then_with(|| a.sr.cmp(&b.sr)));
        out
    }

    /// How many mirrors of an SR are in step, if its backend says so.
    pub(super) fn in_step(&self, sr: Option<&Ref>) -> Option<String> {
        let (good, all) = rebuild::hints(self.tables.sr(sr?)?).in_step?;
        Some(format!("{good} of {all} mirrors in step"))
    }

    fn task_views(&self, now: Time) -> Vec<TaskView> {
        // A rebuild that runs has a row of its own, which says more.
        let told = |t: &Task| t.status.is_running() && rebuild::is_rebuild(t);
        let mut tasks: Vec<(&Ref, &Task)> = self.tables.tasks().filter(|(_, t)| !told(t)).collect();
        tasks.sort_by(|a, b| {
            (!a.1.status.is_running(), Reverse(a.1.created), a.0).cmp(&(!b.1.status.is_running(), Reverse(b.1.created), b.0))
        });
        tasks.truncate(500);
        tasks.into_iter().map(|(r, t)| self.task_view(r, t, now)).collect()
    }

    fn task_view(&self, r: &Ref, t: &Task, now: Time) -> TaskView {
        let age = t.created.0.map(|at| duration(now.since(at)));
        let why = || {
            let parts: Vec<String> = t
                .error_info
                .iter()
                .map(|p| {
                    let name = self.name_of(&Ref::from(&**p));
                    if name.is_empty() { words::name(p) } else { name }
                })
                .collect();
            clean(&parts.join(" "), 200).into_owned()
        };
        let (health, text) = match t.status {
            TaskStatus::Pending | TaskStatus::Other => {
                (Health::Pending, age.map_or_else(|| "running".into(), |age| format!("running for {age}")))
            }
            TaskStatus::Cancelling => (Health::Degraded, "being cancelled".into()),
            TaskStatus::Cancelled => (Health::Degraded, "cancelled".into()),
            TaskStatus::Success => (Health::Good, "done".into()),
            TaskStatus::Failure => (Health::Failed, format!("failed: {}", why())),
        };
        let sr = if rebuild::is_rebuild(t) { self.sr_of(t) } else { None };
        let name = match sr {
            Some(sr) => format!("{} rebuilds its mirrors", self.sr_name(Some(&sr))),
            None => task_words(&t.name_label),
        };
        TaskView {
            r#ref: r.clone(),
            name,
            host: self.name_of(&t.resident_on),
            progress: (t.progress.is_finite() && t.progress > 0.0).then(|| t.progress.clamp(0.0, 1.0)),
            created: t.created.0,
            health,
            text,
            ended: !t.status.is_running(),
        }
    }
}

/// A task's name in plain words, where it is one of the calls that operators meet.
fn task_words(label: &str) -> String {
    match label.trim_start_matches("Async.") {
        "host.evacuate" => "evacuate a host".into(),
        "host.reboot" | "Host is rebooting" => "reboot a host".into(),
        "host.shutdown" => "shut a host down".into(),
        "host.disable" => "disable a host".into(),
        "host.enable" => "enable a host".into(),
        "host.apply_updates" => "apply updates to a host".into(),
        "VM.pool_migrate" => "move a guest".into(),
        "VM.migrate_send" => "move a guest to other storage".into(),
        "VM.start" | "VM.start_on" => "start a guest".into(),
        "VM.clean_shutdown" | "VM.hard_shutdown" => "stop a guest".into(),
        "VM.clean_reboot" | "VM.hard_reboot" => "reboot a guest".into(),
        "pool.enable_ha" => "switch HA on".into(),
        "pool.disable_ha" => "switch HA off".into(),
        "SR.scan" => "scan an SR".into(),
        other => words::name(other),
    }
}
