//! The fence margin over recorded scenes of the real driver.
//!
//! Needs the samples, which are not part of the project:
//! `POOLWATCH_SAMPLES=<folder> cargo test --test samples_o2cb -- --ignored --nocapture`. Without it the test is not run, never passed silently.
//!
//! A scene is a folder of state dumps of each node, every two to five seconds, and the timed consoles. Each dump becomes
//! a folder tree and is read as a host would be. In every scene with a fence the margin must have told the time that was
//! really left; where a node lived, it must never have run out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod samples;

use poolwatch::o2cb::live::read::{Look, live};
use poolwatch::o2cb::live::root::Root;
use poolwatch::o2cb::margin::{Level, Margin, Reason, Signs, Watch};
use poolwatch::time::Time;
use samples::{Scene, samples};
use std::collections::BTreeMap;

/// How far the margin may be off, in ms, when it warns.
const OFF: i64 = 3_000;

/// One node's margins over a scene: (ms since the fault, margin).
type Told = BTreeMap<String, Vec<(i64, Margin)>>;

/// The margins every two seconds, as a watcher sees them that has all readings up to then.
fn play(scene: &Scene, only: Option<&str>) -> Told {
    let mut watch = Watch::new();
    let mut told = Told::new();
    let start = scene.dumps.iter().map(|dump| dump.at).min().unwrap_or(0);
    let end = scene.dumps.iter().map(|dump| dump.at).max().unwrap_or(0);
    let mut next = 0;
    let mut at = start;
    while at <= end {
        while let Some(dump) = scene.dumps.get(next).filter(|dump| dump.at <= at) {
            next += 1;
            if only.is_none_or(|only| dump.host == only) {
                let root = Root::new(&dump.root);
                let reading = live(&root, Time::from_millis(dump.at), &Look::Yes);
                watch.add(&dump.host, Time::from_millis(dump.at), &reading, Signs::default());
            }
        }
        for margin in watch.margins(Time::from_millis(at)) {
            told.entry(margin.host.clone()).or_default().push((at, margin));
        }
        at += 2_000;
    }
    told
}

fn check(scene: &Scene, told: &Told, wrong: &mut Vec<String>, alone: bool) {
    for (host, margins) in told {
        let end = scene.fenced.get(host);
        let mut warned = None;
        for (at, margin) in margins.iter().filter(|(_, margin)| margin.is_counting()) {
            let left = margin.left_ms.unwrap();
            let say = |what: &str| format!("{} {host} at {at}: {what}: {margin} ({:?})", scene.name, margin.level);
            match end {
                Some(end) if at < end => {
                    if margin.level >= Level::Amber && warned.is_none() {
                        warned = Some(end - at);
                    }
                    if (end - at - left).abs() > OFF {
                        wrong.push(say(&format!("{} were left", end - at)));
                    }
                }
                // Alone, what spares all nodes is only known when the deadline has passed.
                None if left <= 0 && !alone => wrong.push(say("nobody died")),
                // After its end nothing is asked any more.
                Some(_) | None => {}
            }
        }
        if let Some(end) = end {
            println!("{} {host}: fenced at {end}, first amber {warned:?} ms before", scene.name);
            if warned.is_none_or(|before| before < 20_000) {
                wrong.push(format!("{} {host} fenced at {end}, warned {warned:?} ms before", scene.name));
            }
        } else {
            let reasons: Vec<&Reason> = margins.iter().map(|(_, margin)| &margin.reason).collect();
            let counting = margins.iter().filter(|(_, margin)| margin.is_counting()).filter_map(|(_, m)| m.left_ms).min();
            println!("{} {host}: lived, least {counting:?}, {} readings", scene.name, reasons.len());
        }
    }
}

#[test]
#[ignore = "needs POOLWATCH_SAMPLES"]
fn the_margin_tells_the_time_that_was_left_and_never_cries_for_who_lived() {
    let folder = samples("o2cb");
    let mut wrong = Vec::new();
    for scene in Scene::all(&folder) {
        check(&scene, &play(&scene, None), &mut wrong, false);
        // And as a host that is alone with itself.
        for host in scene.hosts() {
            check(&scene, &play(&scene, Some(&host)), &mut wrong, true);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
