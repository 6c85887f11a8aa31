//! The metrics of made-up pictures, and that the page about them is fresh.

use super::*;
use crate::pool::picture::{
    Alert, ClockView, Control, HostState, LinkView, Memory, PathView, PathWeek, Reason, Rebuild, Stage, Verdict,
};
use crate::time::Time;
use std::fmt::Write as _;

fn t(secs: i64) -> Time {
    Time::from_secs(1_800_000_000 + secs)
}

fn host(name: &str, uuid: &str) -> HostView {
    HostView {
        name: name.into(),
        uuid: uuid.into(),
        state: HostState { stage: Stage::Live, ..HostState::default() },
        enabled: true,
        live: true,
        memory: Memory { total: 64 << 30, used: None },
        ..HostView::default()
    }
}

fn path(host: &str, name: &str, up: u32, total: u32) -> PathView {
    let kind = PathKind::Multipath;
    PathView {
        host: host.into(),
        kind,
        name: name.into(),
        sr: String::new(),
        up,
        total,
        since: None,
        health: Health::Good,
        week: PathWeek::default(),
    }
}

fn picture() -> Picture {
    Picture {
        at: t(100),
        name: "prod".into(),
        link: LinkView { state: LinkState::Live, current: true, heard: Some(t(98)), ..LinkView::default() },
        verdict: Verdict {
            state: GateState::Closed,
            reasons: vec![Reason {
                code: "rebuild",
                severity: Severity::Hard,
                text: String::new(),
                evidence: String::new(),
                seen: t(0),
                opens_when: String::new(),
                until: None,
            }],
            ..Verdict::default()
        },
        hosts: vec![host("xcp1", "aaaaaaaa-1"), host("xcp2", "bbbbbbbb-2")],
        rebuilds: [0.5, 0.25]
            .into_iter()
            .map(|progress| Rebuild {
                sr: "xostor".into(),
                source: "task".into(),
                progress: Some(progress),
                rate: None,
                ends: Some(t(400)),
                since: t(40),
                ended: None,
                text: String::new(),
                seen: t(99),
            })
            .collect(),
        paths: vec![path("xcp1", "a", 4, 4), path("xcp1", "b", 1, 4), path("xcp1", "c", 0, 2)],
        clocks: vec![ClockView { host: "xcp2".into(), skew_s: -1.25, error_s: 0.5, seen: t(90) }],
        control: Control { ha: true, ha_tolerates: 1, ..Control::default() },
        alerts: vec![Alert {
            at: t(1),
            name: "x".into(),
            health: Health::Failed,
            about: String::new(),
            text: String::new(),
            still_true: Some(true),
            count: 1,
        }],
        ..Picture::default()
    }
}

fn one(picture: &Picture) -> String {
    render(Format::OpenMetrics, &[Source { called: "lab", picture }])
}

#[test]
fn a_picture_becomes_series() {
    let text = one(&picture());
    for line in [
        "poolwatch_up{pool=\"lab\"} 1",
        "poolwatch_age_seconds{pool=\"lab\"} 2",
        "poolwatch_reboot_next{pool=\"lab\",poolwatch_reboot_next=\"closed\"} 1",
        "poolwatch_reboot_next{pool=\"lab\",poolwatch_reboot_next=\"open\"} 0",
        "poolwatch_reboot_next_reasons{pool=\"lab\",severity=\"hard\",code=\"rebuild\"} 1",
        "poolwatch_host_live{pool=\"lab\",host=\"xcp1\"} 1",
        "poolwatch_host_state{pool=\"lab\",host=\"xcp2\",poolwatch_host_state=\"live\"} 1",
        "poolwatch_host_memory_bytes{pool=\"lab\",host=\"xcp1\"} 68719476736",
        "poolwatch_rebuild_progress_ratio{pool=\"lab\",sr=\"xostor\"} 0.25",
        "poolwatch_rebuild_eta_seconds{pool=\"lab\",sr=\"xostor\"} 300",
        "poolwatch_rebuild_running_seconds{pool=\"lab\",sr=\"xostor\"} 60",
        "poolwatch_paths_up{pool=\"lab\",host=\"xcp1\",kind=\"multipath\"} 5",
        "poolwatch_paths_known{pool=\"lab\",host=\"xcp1\",kind=\"multipath\"} 10",
        "poolwatch_paths_degraded{pool=\"lab\",host=\"xcp1\",kind=\"multipath\"} 1",
        "poolwatch_paths_lost{pool=\"lab\",host=\"xcp1\",kind=\"multipath\"} 1",
        "poolwatch_clock_skew_seconds{pool=\"lab\",host=\"xcp2\"} -1.25",
        "poolwatch_ha_tolerates{pool=\"lab\"} 1",
        "poolwatch_round_claimed{pool=\"lab\"} 0",
        "poolwatch_alerts{pool=\"lab\",severity=\"failed\"} 1",
        "poolwatch_unreadable_records_total{pool=\"lab\"} 0",
        "poolwatch_dropped_series 0",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
    }
    assert!(!text.lines().any(|l| l.starts_with("poolwatch_host_memory_used_bytes{")), "not known is not 0");
    assert!(!text.lines().any(|l| l.starts_with("poolwatch_host_fence_margin_seconds{")), "not known is not 0");
}

#[test]
fn what_is_not_current_is_not_given_as_if_it_were() {
    let mut lost = picture();
    lost.link.state = LinkState::Lost;
    assert!(one(&lost).contains("poolwatch_up{pool=\"lab\"} 0"));
    assert!(one(&lost).contains("poolwatch_host_live{"), "within its limit it still counts");
    lost.link.current = false;
    lost.verdict = Verdict::default();
    let text = one(&lost);
    for line in [
        "poolwatch_up{pool=\"lab\"} 0",
        "poolwatch_link{pool=\"lab\",poolwatch_link=\"lost\"} 1",
        "poolwatch_age_seconds{pool=\"lab\"} 2",
        "poolwatch_reboot_next{pool=\"lab\",poolwatch_reboot_next=\"unknown\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
    }
    let always = ["poolwatch_up", "poolwatch_link", "poolwatch_age", "poolwatch_reboot_next", "poolwatch_unreadable"];
    for line in text.lines().filter(|l| !l.starts_with('#') && l.contains("pool=")) {
        assert!(always.iter().any(|name| line.starts_with(name)), "{line}");
    }
}

#[test]
fn two_hosts_of_one_name_stay_two() {
    let mut twins = picture();
    twins.hosts = vec![host("xcp", "aaaaaaaa-1"), host("xcp", "bbbbbbbb-2")];
    let text = one(&twins);
    assert!(text.contains("host=\"xcp (aaaaaaaa)\"") && text.contains("host=\"xcp (bbbbbbbb)\""), "{text}");
}

#[test]
fn many_pools_share_each_familys_head() {
    let (a, b) = (picture(), Picture::default());
    let text = render(Format::OpenMetrics, &[Source { called: "a", picture: &a }, Source { called: "b", picture: &b }]);
    assert_eq!(text.matches("# TYPE poolwatch_up gauge").count(), 1);
    assert!(text.contains("poolwatch_up{pool=\"a\"} 1\npoolwatch_up{pool=\"b\"} 0\n"), "{text}");
}

#[test]
fn names_are_well_formed_and_said_once() {
    let mut seen = std::collections::BTreeSet::new();
    for head in families().map(|f| f.head).chain([BUILD, DROPPED]) {
        assert!(seen.insert(head.name), "{} twice", head.name);
        assert!(
            head.name.starts_with("poolwatch_") && head.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{}",
            head.name
        );
        assert!(!head.help.is_empty() && !head.help.ends_with('.'), "{}", head.name);
        for end in ["_total", "_info", "_count", "_sum", "_bucket", "_created"] {
            assert!(!head.name.ends_with(end), "{} ends like a series of another kind", head.name);
        }
    }
}

#[test]
fn every_state_that_can_be_is_in_its_list() {
    use strum::IntoEnumIterator as _;
    let stages: Vec<&str> = crate::pool::picture::Stage::iter().map(Into::into).collect();
    assert_eq!(stages, STAGES);
}

#[test]
fn what_may_fence_a_host_becomes_series() {
    use crate::pool::Standing;
    use crate::pool::budget::Budget;
    use crate::pool::heartbeats::{HeartbeatKind, HeartbeatView};
    use crate::pool::paths::Failover;
    use crate::pool::picture::ClusterView;
    let mut p = picture();
    let beat = |kind, now_s, worst| HeartbeatView {
        kind,
        what: String::new(),
        now_s,
        limit_s: 60.0,
        worst: Some((t(0), worst)),
        health: Health::Good,
        seen: Some(t(95)),
    };
    p.hosts[0].heartbeats = vec![
        beat(HeartbeatKind::HaStatefile, Some(0.5), 12.0),
        beat(HeartbeatKind::HaStatefile, Some(2.5), 3.0),
        beat(HeartbeatKind::O2cb, None, 31.0),
    ];
    let fence = Some((60.0, "o2cb".to_owned()));
    let failover = Failover { host: "h1".into(), luns: 50, paths: 40, devices: 2000, noticed_s: 25.0, blocked_s: 80.0, fence };
    p.hosts[0].failover = Some(failover);
    p.hosts[0].probe = (Some(t(90)), Standing::Reports);
    p.hosts[1].probe = (Some(t(90)), Standing::Absent);
    p.paths[0].week = PathWeek { changes: 3, least: Some(2), flaps: false };
    p.paths.push(path("xcp2", "d", 1, 1));
    p.clusters = vec![ClusterView { stack: "o2cb".into(), restart: vec!["xcp1".into()], ..ClusterView::default() }];
    p.budget = Budget { fence_s: Some(60.0), pause_s: Some(15.0), ..Budget::default() };
    p.budget.lease.dead_after_s = Some(75.0);
    p.budget.lease.skew_s = 1.75;
    p.control.ha_timeout_s = Some(300.0);
    let text = one(&p);
    for line in [
        "poolwatch_host_heartbeat_seconds{pool=\"lab\",host=\"xcp1\",kind=\"ha_statefile\"} 2.5",
        "poolwatch_host_heartbeat_limit_seconds{pool=\"lab\",host=\"xcp1\",kind=\"ha_statefile\"} 60",
        "poolwatch_host_heartbeat_worst_seconds{pool=\"lab\",host=\"xcp1\",kind=\"ha_statefile\"} 12",
        "poolwatch_host_heartbeat_worst_seconds{pool=\"lab\",host=\"xcp1\",kind=\"o2cb\"} 31",
        "poolwatch_host_failover_seconds{pool=\"lab\",host=\"xcp1\"} 105",
        "poolwatch_host_failover_devices{pool=\"lab\",host=\"xcp1\"} 2000",
        "poolwatch_host_failover_too_slow{pool=\"lab\",host=\"xcp1\"} 1",
        "poolwatch_host_probe{pool=\"lab\",host=\"xcp1\",poolwatch_host_probe=\"reports\"} 1",
        "poolwatch_host_probe{pool=\"lab\",host=\"xcp2\",poolwatch_host_probe=\"absent\"} 1",
        "poolwatch_paths_short_in_week{pool=\"lab\",host=\"xcp1\",kind=\"multipath\"} 1",
        "poolwatch_paths_changes_in_week{pool=\"lab\",host=\"xcp1\",kind=\"multipath\"} 3",
        "poolwatch_paths_single{pool=\"lab\",host=\"xcp2\",kind=\"multipath\"} 1",
        "poolwatch_cluster_restart_needed{pool=\"lab\",stack=\"o2cb\"} 1",
        "poolwatch_pause_budget_seconds{pool=\"lab\"} 15",
        "poolwatch_lease_host_dead_seconds{pool=\"lab\"} 75",
        "poolwatch_lease_clock_spread_seconds{pool=\"lab\"} 1.75",
        "poolwatch_ha_timeout_seconds{pool=\"lab\"} 300",
        "poolwatch_ha_plan_exists_for{pool=\"lab\"} 0",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
    }
    assert!(!text.contains("poolwatch_host_heartbeat_seconds{pool=\"lab\",host=\"xcp1\",kind=\"o2cb\"}"), "no reading is not 0");
    assert!(!text.lines().any(|l| l.starts_with("poolwatch_host_failover_seconds") && l.contains("xcp2")));
}

/// The table of `docs/export.md`.
fn table() -> String {
    let mut out = String::from("| metric | kind | labels | meaning |\n|---|---|---|---|\n");
    let own = [(BUILD, true), (DROPPED, true)];
    for (head, always) in families().map(|f| (f.head, f.always)).chain(own) {
        let kind = match head.kind {
            Kind::Gauge => "gauge".to_owned(),
            Kind::Counter => "counter".to_owned(),
            Kind::Info => "info".to_owned(),
            Kind::States(states) => format!("states: {}", states.join(", ")),
        };
        let mut labels: Vec<&str> = if [BUILD.name, DROPPED.name].contains(&head.name) { vec![] } else { vec!["pool"] };
        labels.extend(head.labels);
        let star = if always { " *" } else { "" };
        let _ = writeln!(out, "| `{}`{star} | {kind} | {} | {} |", head.series(), labels.join(", "), head.help);
    }
    out
}

#[test]
fn the_page_has_every_metric() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/export.md");
    let before = std::fs::read_to_string(path).expect("docs/export.md");
    let (open, close) = ("<!-- generated: metrics -->\n", "<!-- end: metrics -->");
    let start = before.find(open).expect("where it begins") + open.len();
    let end = start + before[start..].find(close).expect("where it ends");
    let mut text = before.clone();
    text.replace_range(start..end, &table());
    if text != before && std::env::var_os("POOLWATCH_BLESS").is_some() {
        return std::fs::write(path, text).expect("docs/export.md can be written");
    }
    assert!(text == before, "docs/export.md is stale; run the tests once with POOLWATCH_BLESS=1");
}
