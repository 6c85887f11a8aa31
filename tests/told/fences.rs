//! Before and after a fence: the warning comes before it, with the time that is left.

use crate::rig::{Told, alert_of, host};
use poolwatch::pool::heartbeats::HeartbeatKind;
use poolwatch::pool::picture::{GateState, Picture, Stage};

/// What the first warning of a fence says is left, in seconds.
fn left(text: &str) -> f64 {
    let words = ["fences itself in ", "restarts itself in about "];
    let rest = words.iter().find_map(|w| Some(text.split_once(w)?.1)).unwrap_or_else(|| panic!("no time in {text:?}"));
    rest.split(' ').next().unwrap().parse().unwrap()
}

/// At every second between these, the margin of a host is the time that is really left until `fence`, but for `error`.
fn margins_are_right(told: &Told, name: &str, (from, to): (f64, f64), fence: f64, error: f64) {
    for picture in &told.pictures {
        let at = told.secs_of(picture);
        if (from..=to).contains(&at) {
            let margin = host(picture, name).fence_margin_s.unwrap_or_else(|| panic!("no margin at {at} s\n{}", told.story()));
            assert!(
                (margin - (fence - at)).abs() <= error,
                "at {at} s {margin} s are shown, {} are left\n{}",
                fence - at,
                told.story()
            );
        }
    }
}

/// Nobody but these is ever said to fence.
fn only(told: &Told, names: &[&str]) {
    for picture in &told.pictures {
        for alert in picture.alerts.iter().filter(|a| a.name == "fence-near" || a.name == "statefile-lost") {
            assert!(names.iter().any(|n| alert.text.starts_with(n)), "{}\n{}", alert.text, told.story());
        }
    }
}

fn said(picture: &Picture, words: &[&str]) {
    let headline = &picture.verdict.headline;
    assert!(words.iter().all(|w| headline.contains(w)), "{words:?} are not in: {headline}");
}

#[test]
fn fence_o2cb_warns_when_the_first_path_goes_and_counts_down_when_the_last_does() {
    let mut told = Told::of("fence-o2cb");
    told.watch(300.0);
    // The first path goes at 20 s, the last at 60 s, the fence comes at 120 s.
    let first = told.alert("path-lost", "xcp3");
    assert!((20.0..=23.0).contains(&first), "{first}");
    said(told.at(30.0), &["xcp3 has 1 of 2 paths"]);
    let warned = told.alert("fence-near", "xcp3 fences itself");
    assert!((60.0..=88.0).contains(&warned), "{warned}");
    let alert = alert_of(told.at(warned), "fence-near", "xcp3").unwrap().clone();
    assert!((warned + left(&alert.text) - 120.0).abs() <= 3.0, "at {warned}: {}", alert.text);
    assert!(alert.text.contains("bring the paths") && alert.text.contains("dm-0"), "{}", alert.text);
    margins_are_right(&told, "xcp3", (90.0, 119.0), 120.0, 3.0);
    assert_eq!(told.at(100.0).verdict.state, GateState::Closed);
    said(told.at(100.0), &["xcp3 fences itself in", "no heartbeat"]);
    assert!(host(told.at(100.0), "xcp3").fence.as_ref().unwrap().warnings.iter().any(|w| w.contains("no crash dump")));
    // And after it: silent, and who is dead to the others.
    let silent = told.first("xcp3 is silent", |p| host(p, "xcp3").state.stage == Stage::Silent);
    assert!((120.0..=150.0).contains(&silent), "{silent}");
    let dead = told.first("dead in the cluster", |p| {
        p.clusters.iter().any(|c| c.members.iter().any(|m| m.host == "xcp3" && m.state == "dead"))
    });
    assert!((122.0..=160.0).contains(&dead), "{dead}");
    only(&told, &["xcp3"]);
}

#[test]
fn split_network_tells_by_the_others_that_the_lonely_host_will_fence_and_a_short_cut_comes_and_goes() {
    let mut told = Told::of("split-network");
    told.watch(560.0);
    // One link at 20 s, the last at 60 s, the fence at 156 s. Its own probe cannot be asked any more.
    let link = told.first("a link of the bond is down", |p| {
        p.paths.iter().any(|path| path.host == "xcp3" && path.name == "bond0" && path.up == 1)
    });
    assert!((20.0..=23.0).contains(&link), "{link}");
    let silent = told.alert("host-silent", "xcp3");
    assert!((60.0..=90.0).contains(&silent), "{silent}");
    let warned = told.alert("fence-near", "xcp3 fences itself");
    assert!((60.0..=105.0).contains(&warned), "{warned}");
    let alert = alert_of(told.at(warned), "fence-near", "xcp3").unwrap().clone();
    assert!((warned + left(&alert.text) - 156.0).abs() <= 4.0, "at {warned}: {}", alert.text);
    margins_are_right(&told, "xcp3", (110.0, 150.0), 156.0, 4.0);
    only(&told, &["xcp3", "xcp2"]);
    // The cut of 40 s: told, and told to be over; nobody is down, nobody fenced.
    let cut = told.first("xcp2 is silent", |p| told.secs_of(p) > 420.0 && host(p, "xcp2").state.stage == Stage::Silent);
    assert!((420.0..=450.0).contains(&cut), "{cut}");
    let back = told.first("xcp2 is back", |p| told.secs_of(p) > 460.0 && host(p, "xcp2").state.stage != Stage::Silent);
    assert!((460.0..=490.0).contains(&back), "{back}");
    assert!(!told.ever(420.0, 560.0, |p| host(p, "xcp2").state.stage == Stage::Down));
    let end = told.at(559.0);
    assert!(end.alerts.iter().filter(|a| a.about == "xcp2").all(|a| a.still_true != Some(true)), "{}", told.story());
}

#[test]
fn split_halves_tells_which_half_fences() {
    let mut told = Told::of("split-halves");
    told.watch(200.0);
    // Split at 30 s; those without the lowest number fence at 126 s.
    for name in ["xcp2", "xcp3"] {
        let warned = told.alert("fence-near", &format!("{name} fences itself"));
        assert!((30.0..=80.0).contains(&warned), "{name}: {warned}");
        margins_are_right(&told, name, (85.0, 120.0), 126.0, 4.0);
    }
    only(&told, &["xcp2", "xcp3"]);
}

#[test]
fn three_regions_tell_of_the_first_loss_and_count_down_at_the_second() {
    let mut told = Told::of("three-regions");
    told.watch(260.0);
    // One region at 30 s, the second at 150 s, the fence at 210 s.
    let first = told.alert("fence-near", "1 of 3 heartbeat regions");
    assert!((30.0..=60.0).contains(&first), "{first}");
    assert!(!told.ever(30.0, 149.0, |p| p.verdict.headline.contains("xcp3 fences itself")), "{}", told.story());
    let second = told.alert("fence-near", "xcp3 fences itself");
    assert!((150.0..=185.0).contains(&second), "{second}");
    margins_are_right(&told, "xcp3", (185.0, 209.0), 210.0, 3.0);
    assert!(!told.ever(30.0, 210.0, |p| alert_of(p, "fence-passed", "").is_some()), "no relief before\n{}", told.story());
    only(&told, &["xcp3"]);
}

#[test]
fn fence_xhad_warns_of_the_statefile_with_the_time_that_is_left_and_of_the_network() {
    let mut told = Told::of("fence-xhad");
    told.watch(760.0);
    // Half of the paths at 20 s, all at 60 s; xhad fences at 120 s. xapi tells of the statefile at 80 s.
    let first = told.alert("path-lost", "xcp3");
    assert!((20.0..=23.0).contains(&first), "{first}");
    let lost = told.alert("statefile-lost", "xcp3");
    assert!((60.0..=84.0).contains(&lost), "{lost}");
    let alert = alert_of(told.at(lost), "statefile-lost", "xcp3").unwrap().clone();
    assert!((lost + left(&alert.text) - 120.0).abs() <= 3.0, "at {lost}: {}", alert.text);
    margins_are_right(&told, "xcp3", (85.0, 119.0), 120.0, 3.0);
    said(told.at(100.0), &["xcp3"]);
    assert_eq!(told.at(100.0).verdict.state, GateState::Closed);
    assert!(
        told.at(100.0).control.ha && told.at(100.0).control.statefiles.iter().any(|(name, seen)| name == "xcp3" && *seen == 0)
    );
    // Its statefile's latency against its limit, and what that means for the others, before xapi tells of the statefile at 80 s.
    let slow = told.first("a slow heartbeat", |p| {
        host(p, "xcp1").gate.reasons.iter().any(|r| r.code == "heartbeat-slow" || r.code == "ha-statefile")
    });
    assert!((60.0..=96.0).contains(&slow), "{slow}");
    let beats = &host(told.at(100.0), "xcp3").heartbeats;
    let beat = beats.iter().find(|b| b.kind == HeartbeatKind::HaStatefile).unwrap_or_else(|| panic!("{beats:?}"));
    assert!(beat.now_s.is_some_and(|s| (25.0..=45.0).contains(&s)) && (beat.limit_s - 60.0).abs() < 0.1, "{beat:?}");
    said(told.at(100.0), &["xcp3 fences itself in", "Don't reboot any other host."]);
    let failed = told.alert("HA_HOST_FAILED", "xcp3");
    assert!((120.0..=125.0).contains(&failed), "{failed}");
    // xcp2 is cut off at 600 s and fenced at 660 s.
    let silent = told.alert("host-silent", "HA restarts it at about");
    assert!((600.0..=630.0).contains(&silent), "{silent}");
    margins_are_right(&told, "xcp2", (635.0, 658.0), 660.0, 12.0);
    only(&told, &["xcp3"]);
}

#[test]
fn path_loss_is_told_at_once_and_weighs_by_what_is_left() {
    let mut told = Told::of("path-loss");
    told.watch(360.0);
    // 2 of 4 paths at 10 s, a bond link at 45 s, 1 of 2 paths at 90 s, all 4 paths of a LUN at 260 s.
    assert!((10.0..=13.0).contains(&told.alert("path-lost", "xcp3 has 2 of 4")));
    assert!((45.0..=48.0).contains(&told.alert("path-lost", "xcp2 has 1 of 2")));
    said(told.at(30.0), &["But xcp3 has 2 of 4 paths to LUN 3600a098000aa01f"]);
    assert_eq!(told.at(30.0).verdict.state, GateState::Open, "at risk is no wall");
    assert!((260.0..=270.0).contains(&told.first("closed", |p| p.verdict.state == GateState::Closed)));
    said(told.at(275.0), &["xcp4"]);
    assert!((150.0..=153.0).contains(&told.alert("path-restored", "xcp3")));
    assert!(told.first("open again", |p| told.secs_of(p) > 275.0 && p.verdict.state == GateState::Open) <= 350.0);
    let noted =
        |p: &Picture| p.verdict.reasons.iter().any(|r| r.code == "path-unsteady" && r.text.starts_with("xcp3 had 2 of 4"));
    assert!((150.0..=153.0).contains(&told.first("the week is noted", noted)), "{}", told.story());
}

#[test]
fn io_errors_are_told_with_what_they_do_to_a_mounted_volume() {
    let text = "title = \"io\"\npool = \"p\"\nprobe = true\n[[hosts]]\nname = \"a\"\n[[hosts]]\nname = \"b\"\n[[hosts]]\nname = \"c\"\n\
                [[srs]]\nname = \"vms\"\nkind = \"ocfs2\"\nluns = [{ scsi_id = \"lun1\", paths = 2 }]\n";
    let mut told = Told::text(text);
    told.watch(20.0);
    told.fault("fail-path host=c paths=2 how=error");
    told.watch(100.0);
    let warned = told.alert("fence-near", "c fences itself");
    assert!((20.0..=48.0).contains(&warned), "{warned}");
    let view = host(told.at(60.0), "c").fence.clone().unwrap();
    assert!(view.warnings.iter().any(|w| w.contains("ocfs2 may panic within seconds")), "{view:?}");
    margins_are_right(&told, "c", (50.0, 79.0), 80.0, 3.0);
}
