//! Who is in control: other orchestrators, clocks, an older database.

use crate::rig::{Told, alert_of, host};
use poolwatch::pool::picture::GateState;

#[test]
fn two_captains_names_the_other_one_and_says_what_it_does() {
    let mut told = Told::of("two-captains");
    told.watch(200.0);
    let who = "Xen Orchestra v9sc05bvrh at 10.1.0.9";
    // Its card at 10 s, auto_poweron off at 20 s, xcp2 disabled at 30 s, emptied from 32 s on, rebooted at 120 s.
    let card = told.alert("other-captain", who);
    assert!((10.0..=12.0).contains(&card), "{card}");
    let off = told.alert("auto-poweron", "switched off");
    assert!((20.0..=22.0).contains(&off), "{off}");
    assert!(alert_of(told.at(25.0), "auto-poweron", who).is_some(), "{}", told.story());
    let marks = &told.at(25.0).control.marks;
    assert!(marks.iter().any(|m| m.contains(who) && m.contains("may act on this pool")), "{marks:?}");
    assert!(marks.iter().any(|m| m.starts_with("auto_poweron was switched off at 00:00:2")), "{marks:?}");
    // Before any host is touched the verdict already says it; nothing is closed by it.
    let verdict = &told.at(25.0).verdict;
    assert_eq!(verdict.state, GateState::Open);
    assert!(verdict.headline.contains("But somebody else, perhaps") && verdict.headline.contains(who), "{}", verdict.headline);
    let emptied = told.first("xcp2 is being emptied", |p| {
        p.control.marks.iter().any(|m| m == "xcp2 is being emptied, and not by a round of poolwatch")
    });
    assert!((32.0..=34.0).contains(&emptied), "{emptied}");
    assert!(
        told.ever(120.0, 135.0, |p| p.verdict.reasons.iter().any(|r| r.code == "other-captain" && r.text.contains("xcp2 is ")))
    );
    assert!((30.0..=32.0).contains(&told.alert("host-disabled", "xcp2")));
    assert!(told.ever(121.0, 200.0, |p| p.verdict.state == GateState::Closed), "while its host is away no other may go");
}

#[test]
fn clock_skew_is_told_within_seconds_and_again_when_it_is_right() {
    let mut told = Told::of("clock-skew");
    told.watch(340.0);
    // 8 s at 10 s, -45 s at 60 s, 400 s at 120 s; right again at 220, 260 and 300 s.
    for (name, at, skew) in [("xcp3", 10.0, 8.0), ("xcp2", 60.0, -45.0), ("xcp4", 120.0, 400.0)] {
        let told_at = told.alert("clock-skew", &format!("the clock of {name}"));
        assert!((at..=at + 15.0).contains(&told_at), "{name}: {told_at}");
        let clock = told.at(at + 30.0).clocks.iter().find(|c| c.host == name).unwrap().clone();
        assert!((clock.skew_s - skew).abs() <= clock.error_s + 0.1 && clock.error_s <= 1.1, "{clock:?}");
    }
    let headline = &told.at(40.0).verdict.headline;
    assert!(headline.contains("the clock of xcp3 is 8 s ahead of the coordinator's"), "{headline}");
    assert_eq!(told.at(40.0).verdict.state, GateState::Open, "a word, not a wall");
    assert!(told.alert("HOST_CLOCK_SKEW_DETECTED", "xcp4") <= 125.0, "xapi itself says something at 300 s only");
    for (name, at) in [("xcp4", 220.0), ("xcp2", 260.0), ("xcp3", 300.0)] {
        let over = told.alert("clock-in-step", &format!("the clock of {name}"));
        assert!((at..=at + 15.0).contains(&over), "{name}: {over}");
    }
    assert!(told.at(339.0).alerts.iter().all(|a| a.still_true != Some(true)), "{}", told.story());
    assert!(host(told.at(339.0), "xcp3").live);
}

#[test]
fn rewound_database_is_told_as_soon_as_the_coordinator_answers_again() {
    let mut told = Told::of("rewound-database");
    told.watch(330.0);
    // Back to the copy of 20 s at 240 s; its toolstack takes some seconds to start again.
    let lost = told.first("the connection is lost", |p| told.secs_of(p) > 239.0 && !p.link.text.is_empty() && !p.link.current);
    let back = told.alert("database-went-back", "went back in time");
    assert!((240.0..=290.0).contains(&back) && lost <= back + 1.0, "{lost} {back}");
    let generation = |at: f64| told.at(at).control.generation.unwrap();
    assert!(generation(235.0) > generation(300.0));
    assert!(alert_of(told.at(300.0), "database-went-back", "").is_some());
    let headline = &told.at(300.0).verdict.headline;
    assert!(headline.contains("But the pool's database went back in time at 00:04"), "{headline}");
}
