//! The report in words, one part a block, the worst first in each.

use super::report::{Rebuild, Report, Section, Work};
use super::timeouts::{Retry, Timeouts};
use super::{linstor, multipath};
use crate::o2cb::margin::Level;
use crate::text;
use std::fmt::Write as _;
use std::time::Duration;

/// The whole report.
pub fn report(report: &Report) -> String {
    let mut out = String::new();
    let line = |out: &mut String, text: String| {
        let _ = writeln!(out, "{}", text::clean(&text, 1_000));
    };
    line(&mut out, format!("{}: {} on {}", report.schema, report.taken, report.host));
    section(&mut out, "o2cb", &report.o2cb, |o2cb| {
        let level = match o2cb.margin.level {
            Level::Red => "RED",
            Level::Amber => "AMBER",
            Level::Green => "green",
            Level::Unknown => "unknown",
        };
        let mut lines = vec![format!("{level}: {}", o2cb.says)];
        lines.extend(o2cb.advice.iter().map(|advice| format!("do: {advice}")));
        lines.extend(o2cb.margin.warnings.iter().map(ToString::to_string));
        lines.extend(o2cb.differences.iter().map(ToString::to_string));
        lines
    });
    section(&mut out, "multipath", &report.multipath, |maps| {
        if maps.is_empty() { vec!["no maps".into()] } else { maps.iter().map(map).collect() }
    });
    section(&mut out, "drbd", &report.drbd, |all| {
        let bad = all.iter().filter(|resource| !resource.is_healthy()).map(|resource| {
            let disks: Vec<&str> = resource.volumes.iter().map(|volume| volume.disk.as_str()).collect();
            let peers: Vec<String> = resource.peers.iter().map(|peer| format!("{} {}", peer.name, peer.connection)).collect();
            format!("{} is not healthy: {} here; {}", resource.name, disks.join(", "), peers.join(", "))
        });
        count(all.len(), "resource", bad.collect())
    });
    section(&mut out, "linstor", &report.linstor, |linstor| {
        let bad = linstor.copies.iter().filter(|copy| !copy.is_healthy()).map(copy);
        count(linstor.copies.len(), "copy", bad.collect())
    });
    section(&mut out, "md", &report.md, |md| {
        let bad = md.arrays.iter().filter(|array| array.is_degraded()).map(|array| {
            format!("{} lacks {} of its members ({})", array.name, array.missing(), array.map.as_deref().unwrap_or("?"))
        });
        count(md.arrays.len().max(md.details.len()), "array", bad.collect())
    });
    section(&mut out, "clock", &report.clock, |clock| {
        let held = match clock.synchronised {
            Some(true) => "held to",
            Some(false) => "NOT held to",
            None => "perhaps held to",
        };
        let offset = clock.offset_ms.map_or(String::new(), |ms| format!(", {ms:.3} ms off"));
        let error = clock.error_ms.map_or(String::new(), |ms| format!(", at most {ms:.1} ms wrong"));
        vec![format!("{held} {}{offset}{error} ({})", clock.source.as_deref().unwrap_or("any source"), clock.by)]
    });
    section(&mut out, "crash dump", &report.crash, |crash| {
        vec![
            format!("crash kernel loaded: {}", crash.loaded),
            format!("free below /var/crash: {}", crash.free.clone().map(text::bytes)),
            format!(
                "dumps: {}",
                crash.dumps.clone().map(|dumps| if dumps.is_empty() { "none".into() } else { dumps.join(", ") })
            ),
        ]
    });
    section(&mut out, "kernel", &report.kernel, |lines| {
        let bad: Vec<String> =
            lines.iter().filter(|line| line.sign.foretells()).rev().take(10).map(|line| line.text.clone()).collect();
        if bad.is_empty() { vec!["nothing that foretells a fence".into()] } else { bad }
    });
    section(&mut out, "HA daemon", &report.xha, |xha| {
        let mut lines: Vec<String> = xha.lines.iter().rev().take(5).map(|line| line.text.clone()).collect();
        lines.extend(xha.liveset.as_ref().map(|set| {
            format!("live set: {} of {} hosts", set.hosts.iter().filter(|host| host.alive == Some(true)).count(), set.hosts.len())
        }));
        if lines.is_empty() { vec!["nothing".into()] } else { lines }
    });
    section(&mut out, "time-outs", &report.timeouts, timeouts);
    for one in &report.rebuilds {
        line(&mut out, format!("mirror: {}", rebuild(one)));
    }
    out
}

/// A part: its name and age, its lines, or why it is not known.
fn section<T>(out: &mut String, name: &str, section: &Section<T>, lines: impl Fn(&T) -> Vec<String>) {
    let age = section
        .age_secs
        .filter(|age| *age > 0)
        .map_or(String::new(), |age| format!(" ({} old)", text::duration(Duration::from_secs(age))));
    let found = section.get().map(lines);
    let lines = found.unwrap_or_else(|| section.found.why_not().map(|why| format!("cannot know: {why}")).into_iter().collect());
    for line in lines {
        let _ = writeln!(out, "{}{age}: {}", name, text::clean(&line, 1_000));
    }
}

fn count(all: usize, what: &str, bad: Vec<String>) -> Vec<String> {
    let plural = match (all, what) {
        (1, _) => what.to_owned(),
        (_, "copy") => "copies".to_owned(),
        _ => format!("{what}s"),
    };
    if bad.is_empty() { vec![format!("{all} {plural}, all healthy")] } else { bad }
}

fn timeouts(all: &Timeouts) -> Vec<String> {
    let or = |value: Option<String>| value.unwrap_or_else(|| "?".into());
    let secs = |value: Option<u32>| or(value.map(|s| s.to_string()));
    let mut lines: Vec<String> = all
        .iscsi
        .iter()
        .chain(&all.iscsi_new)
        .map(|one| {
            let which = if one.target.is_empty() { "new targets" } else { &one.target };
            let how = if one.in_force { "" } else { " (configured)" };
            format!(
                "iSCSI {which}{how}: ping every {} s, answer within {} s, session given up after {} s",
                secs(one.ping_every_s),
                secs(one.ping_wait_s),
                or(one.replacement_s.map(|s| s.to_string()))
            )
        })
        .collect();
    lines.extend(all.fibre.iter().map(|port| {
        let fast = port.fast_io_fail_s.map_or_else(|| "off".into(), |s| format!("{s} s"));
        format!("Fibre Channel {}: fast_io_fail_tmo {fast}, dev_loss_tmo {} s", port.port, secs(port.dev_loss_s))
    }));
    lines.extend(all.multipath.iter().map(|one| {
        let retry = one.defaults.no_path_retry.map(|retry| match retry {
            Retry::Fail => "fail".to_owned(),
            Retry::Queue => "queue for ever".to_owned(),
            Retry::Checks(n) => format!("{n} checks"),
        });
        format!("multipath: check every {} s, no path left: {} ({})", secs(one.polling_s), or(retry), one.from)
    }));
    lines.extend(all.xhad.iter().map(|one| {
        let (beat, file, dog) = (secs(one.heartbeat_s), secs(one.statefile_s), secs(one.statefile_watchdog_s));
        format!("HA daemon: heartbeat {beat} s, statefile {file} s, watchdog {dog} s, {} hosts", one.hosts)
    }));
    lines
}

fn map(map: &multipath::Map) -> String {
    let queue = match map.queueing {
        Some(multipath::Queueing::Countdown(left)) => format!(", I/O fails after {left} more checks"),
        _ if map.is_dead() && map.queues == Some(true) => ", I/O hangs".to_owned(),
        _ if map.is_dead() => ", I/O FAILS".to_owned(),
        _ => String::new(),
    };
    let faults =
        map.path_faults.filter(|faults| *faults > 0).map_or(String::new(), |faults| format!(", {faults} path failures so far"));
    format!("{}: {} of {} paths{queue}{faults}", map.name, map.usable(), map.total())
}

fn copy(copy: &linstor::Copy) -> String {
    let percent = copy.state.percent.map_or(String::new(), |percent| format!(" {percent} %"));
    let connections: Vec<String> =
        copy.connections.iter().flatten().map(|c| format!("{} to {}", c.state, c.peers.join(", "))).collect();
    format!("{} on {}: {}{percent} {}", copy.resource, copy.node, copy.state.name, connections.join("; "))
}

fn rebuild(one: &Rebuild) -> String {
    let work = match one.work {
        Work::Running => "is being rebuilt",
        Work::Waiting => "waits to be rebuilt",
        Work::Stalled => "STANDS STILL",
        Work::Missing => "lacks a copy and nobody rebuilds it",
    };
    let progress = one.progress.map_or(String::new(), |progress| format!(", {:.1} %", progress * 100.0));
    let eta = one.eta_secs.map_or(String::new(), |secs| format!(", {} left", text::duration(Duration::from_secs(secs))));
    let copies = one.copies.map_or(String::new(), |(good, wanted)| format!(", {good} of {wanted} copies good"));
    let note = one.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
    format!("{} {} {work}{progress}{eta}{copies}, on {}{note}", one.teller, one.resource, one.nodes.join(", "))
}
