//! What changed between two pictures of a pool, as lines for people.
//!
//! Pure. Says what an operator wants to hear read aloud: the verdict, hosts, rebuilds, paths, clusters,
//! alerts, our own connection. Does not speak of what changes all the time (memory, latency, progress
//! below a quarter).

use crate::pool::control::rewind_words;
use crate::pool::picture::{GateState, HostView, LinkState, PathKind, PathView, Picture, Rebuild};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The lines that lead from `before` to `after`, most important first. `before` may be empty (the first look).
pub fn changes(before: &Picture, after: &Picture) -> Vec<String> {
    let mut lines = Vec::new();
    link(before, after, &mut lines);
    if after.link.state == LinkState::Syncing {
        return lines;
    }
    verdict(before, after, &mut lines);
    hosts(before, after, &mut lines);
    rebuilds(before, after, &mut lines);
    clusters(before, after, &mut lines);
    paths(before, after, &mut lines);
    alerts(before, after, &mut lines);
    rewind(before, after, &mut lines);
    lines
}

fn link(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    let told = before.link.text == after.link.text || before.link.state == after.link.state;
    if !told {
        lines.push(format!("connection: {}", after.link.text));
    }
}

/// The gate as one word, as the screen says it.
pub fn gate_word(state: GateState) -> &'static str {
    match state {
        GateState::Open => "YES",
        GateState::Closed => "NO",
        GateState::Unknown => "CANNOT TELL",
    }
}

fn verdict(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    let why = |p: &Picture| p.verdict.reasons.iter().map(|r| r.code).collect::<Vec<_>>();
    // The words of a no count down, and are news only with its reasons; those of a yes are news whenever they change.
    let same = before.verdict.state == after.verdict.state && why(before) == why(after);
    let words = after.verdict.state == GateState::Open && before.verdict.headline != after.verdict.headline;
    if same && !words && !before.verdict.headline.is_empty() {
        return;
    }
    let verdict = &after.verdict;
    let mut line = format!("reboot the next host: {} - {}", gate_word(verdict.state), verdict.headline);
    if !verdict.opens_when.is_empty() {
        line.push_str(" Opens when: ");
        line.push_str(&verdict.opens_when);
    }
    lines.push(line);
}

fn hosts(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    let old: BTreeMap<_, &HostView> = before.hosts.iter().map(|h| (&h.r#ref, h)).collect();
    for host in &after.hosts {
        let role = if host.coordinator { " (coordinator)" } else { "" };
        match old.get(&host.r#ref) {
            None => lines.push(format!("host {}{role}: {}", host.name, host.state.text)),
            Some(was) if was.state.stage != host.state.stage => {
                lines.push(format!("host {}{role}: {} ({})", host.name, host.state.text, host.state.evidence));
            }
            Some(was) if was.coordinator != host.coordinator && host.coordinator => {
                lines.push(format!("host {} is now the coordinator", host.name));
            }
            Some(was) if was.gate.state != host.gate.state => {
                lines.push(format!("host {}: gate {}", host.name, gate_word(host.gate.state).to_lowercase()));
            }
            Some(_) => {}
        }
    }
    for was in &before.hosts {
        if !after.hosts.iter().any(|h| h.r#ref == was.r#ref) {
            lines.push(format!("host {} left the pool", was.name));
        }
    }
}

fn quarter(rebuild: &Rebuild) -> Option<u8> {
    rebuild.progress.map(|p| (p.clamp(0.0, 1.0) * 4.0) as u8)
}

fn rebuilds(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    for rebuild in &after.rebuilds {
        let was = before.rebuilds.iter().find(|r| r.sr == rebuild.sr && r.source == rebuild.source && r.since == rebuild.since);
        let news = match was {
            None => true,
            Some(was) => was.ended.is_some() != rebuild.ended.is_some() || quarter(was) < quarter(rebuild),
        };
        if news {
            lines.push(format!("rebuild of {}: {}", rebuild.sr, rebuild.text));
        }
    }
}

fn clusters(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    for cluster in &after.clusters {
        let was = before.clusters.iter().find(|c| c.stack == cluster.stack);
        if was == Some(cluster) {
            continue;
        }
        if was.is_none_or(|was| was.quorate != cluster.quorate) {
            let quorate = match cluster.quorate {
                Some(true) => "quorate",
                Some(false) => "NOT quorate",
                None => "quorum unknown",
            };
            lines.push(format!("cluster {}: {quorate}, {} members", cluster.stack, cluster.members.len()));
        }
        for member in &cluster.members {
            let state = was.and_then(|was| was.members.iter().find(|m| m.host == member.host)).map(|m| m.state);
            if state.is_some_and(|state| state != member.state) {
                lines.push(format!("cluster {}: {} is {}", cluster.stack, member.host, member.state));
            }
        }
    }
}

fn path_key(p: &PathView) -> (&str, PathKind, &str, &str) {
    (&p.host, p.kind, &p.name, &p.sr)
}

fn paths(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    // There may be thousands, and as a rule none of them has changed.
    if before.paths == after.paths {
        return;
    }
    let old: BTreeMap<_, _> = before.paths.iter().map(|p| (path_key(p), (p.up, p.total))).collect();
    for path in &after.paths {
        let was = old.get(&path_key(path));
        let news = was.map_or(path.up < path.total, |was| *was != (path.up, path.total));
        if news {
            lines.push(format!("paths of {} to {}: {} of {} up", path.host, path.name, path.up, path.total));
        }
    }
}

/// A database that went back before we looked is no alert that is still so, and yet the first thing to know.
fn rewind(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    if let (true, Some(rewind)) = (before.hosts.is_empty(), &after.control.rewind) {
        let mut line = format!("the pool's database went back in time, from change {} to {}", rewind.from, rewind.to);
        if !rewind.changes.is_empty() {
            let _ = write!(line, "; {}", rewind_words(rewind));
        }
        lines.push(line);
    }
}

fn alerts(before: &Picture, after: &Picture, lines: &mut Vec<String>) {
    if before.alerts == after.alerts {
        return;
    }
    let first_look = before.hosts.is_empty();
    for alert in after.alerts.iter().rev() {
        let was = before.alerts.iter().find(|a| a.name == alert.name && a.about == alert.about && a.at == alert.at);
        let news = was.is_none_or(|was| was.still_true != alert.still_true || was.count < alert.count);
        // On the first look only what is still true matters; history is on the screen, not in a stream.
        if !news || (first_look && alert.still_true != Some(true)) {
            continue;
        }
        let about = if alert.about.is_empty() { String::new() } else { format!(" {}", alert.about) };
        let over = if was.is_some() && alert.still_true == Some(false) { " (over)" } else { "" };
        lines.push(format!("alert{about}: {}{over}", alert.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::picture::{HostState, LinkView, Stage, Verdict};
    use crate::time::Time;

    fn picture(stage: Stage, text: &str) -> Picture {
        Picture {
            link: LinkView { state: LinkState::Live, text: "live".into(), ..LinkView::default() },
            verdict: Verdict { state: GateState::Open, headline: "All hosts are live.".into(), ..Verdict::default() },
            hosts: vec![HostView {
                name: "xcp1".into(),
                state: HostState { stage, since: None, text: text.into(), evidence: "host_metrics.live is false".into() },
                ..HostView::default()
            }],
            ..Picture::default()
        }
    }

    #[test]
    fn the_first_look_says_connection_verdict_and_every_host() {
        let lines = changes(&Picture::default(), &picture(Stage::Live, "live"));
        assert_eq!(lines, ["connection: live", "reboot the next host: YES - All hosts are live.", "host xcp1: live"]);
    }

    #[test]
    fn nothing_new_is_no_line_and_a_stage_is_one() {
        let (calm, down) = (picture(Stage::Live, "live"), picture(Stage::Down, "down for 3 s"));
        assert_eq!(changes(&calm, &calm), Vec::<String>::new());
        assert_eq!(changes(&calm, &down), ["host xcp1: down for 3 s (host_metrics.live is false)"]);
    }

    #[test]
    fn a_rebuild_speaks_when_it_begins_at_each_quarter_and_at_its_end() {
        let at = |progress, ended| {
            let mut p = picture(Stage::Live, "live");
            p.rebuilds.push(Rebuild {
                sr: "xostor".into(),
                source: "task".into(),
                progress: Some(progress),
                rate: None,
                ends: None,
                since: Time::EPOCH,
                ended,
                text: format!("{:.0} %", progress * 100.0),
                seen: Time::EPOCH,
            });
            p
        };
        let none = picture(Stage::Live, "live");
        assert_eq!(changes(&none, &at(0.01, None)), ["rebuild of xostor: 1 %"]);
        assert_eq!(changes(&at(0.01, None), &at(0.2, None)), Vec::<String>::new());
        assert_eq!(changes(&at(0.2, None), &at(0.26, None)), ["rebuild of xostor: 26 %"]);
        assert_eq!(changes(&at(0.9, None), &at(1.0, Some(Time::EPOCH))).len(), 1);
    }
}
