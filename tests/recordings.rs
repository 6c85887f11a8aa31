//! The recordings in `recordings/`: each is replayed by the program, and what it shows is looked for.
//!
//! They are made from the simulated pool on its virtual clock: `POOLWATCH_BLESS=1 cargo test --test recordings made` makes them anew, the same
//! byte by byte as long as the simulation is the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, told};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The most that one of them takes. Bytes.
const MOST: u64 = 60_000;

/// How a scene is made.
struct Scene {
    file: &'static str,
    scenario: &'static str,
    secs: &'static str,
    faults: &'static [&'static str],
    about: &'static str,
}

const SCENES: [Scene; 7] = [
    Scene {
        file: "calm",
        scenario: "calm",
        secs: "600",
        faults: &[],
        about: "Four hosts, all well: what the screen looks like when the next host may be rebooted.",
    },
    Scene {
        file: "mirror-rebuild",
        scenario: "mirror-rebuild",
        secs: "480",
        faults: &[],
        about: "A host reboots and comes back, its mirrors are rebuilt and the gate waits for them; then the next host.",
    },
    Scene {
        file: "path-loss",
        scenario: "fence-o2cb",
        secs: "300",
        faults: &["75 repair-path host=xcp3"],
        about: "A host loses both paths to its heartbeat, and one is repaired before the 60 seconds are over: no fence.",
    },
    Scene {
        file: "fence-o2cb",
        scenario: "fence-o2cb",
        secs: "420",
        faults: &[],
        about: "A host loses one path, then the last one to its heartbeat, and o2cb fences it after 60 seconds; it comes back.",
    },
    Scene {
        file: "fence-xhad",
        scenario: "fence-xhad",
        secs: "480",
        faults: &[],
        about: "With HA on a host loses its statefile, and xhad fences it; its guests are started elsewhere.",
    },
    Scene {
        file: "kernel-bug",
        scenario: "kernel-bug",
        secs: "480",
        faults: &[],
        about: "A host dies at once with all its paths well, of a fault in its kernel; it leaves a dump and comes back.",
    },
    Scene {
        file: "rewound-database",
        scenario: "rewound-database",
        secs: "420",
        faults: &[],
        about: "The coordinator comes back with an older database: it is noticed, and what is not as it was before is listed.",
    },
];

fn shipped(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join(format!("{file}.jsonl.zst"))
}

fn make(home: &Home, scene: &Scene, secs: &str, to: &Path) {
    let mut args =
        vec!["record", "--scenario", scene.scenario, "--duration", secs, "--about", scene.about, "-o", to.to_str().unwrap()];
    for fault in scene.faults {
        args.extend(["--fault", fault]);
    }
    let (code, out, err) = told(&home.run(&args));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""), "{}", scene.file);
}

/// The state so many seconds after the beginning, as `replay --json` tells it.
fn at(file: &str, secs: u32) -> Value {
    let home = Home::new(&format!("recordings-{file}"));
    let (path, after) = (shipped(file), format!("+{secs}s"));
    let (code, out, err) = told(&home.run(&["replay", path.to_str().unwrap(), "--json", "--at", &after]));
    assert_eq!((code, err.as_str()), (0, ""), "{file} after {secs} s");
    serde_json::from_str(&out).unwrap()
}

/// Makes all of them once, if that is asked for; what looks at their bytes waits for it.
fn make_anew() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if std::env::var_os("POOLWATCH_BLESS").is_none() {
            return;
        }
        let home = Home::new("recordings-anew");
        std::fs::create_dir_all(shipped("x").parent().unwrap()).unwrap();
        for scene in &SCENES {
            let _ = std::fs::remove_file(shipped(scene.file));
            make(&home, scene, scene.secs, &shipped(scene.file));
        }
    });
}

#[test]
fn they_are_made_by_the_program() {
    make_anew();
    let home = Home::new("recordings-made");
    // The same words make the same bytes.
    let (one, other) = (home.path().join("one.zst"), home.path().join("other.zst"));
    make(&home, &SCENES[1], "60", &one);
    make(&home, &SCENES[1], "60", &other);
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
}

#[test]
fn each_is_small_says_what_it_shows_and_is_in_the_readme() {
    make_anew();
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for scene in &SCENES {
        let path = shipped(scene.file);
        let size = std::fs::metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).len();
        assert!(size < MOST, "{} takes {size} bytes", scene.file);
        let text = zstd::decode_all(std::fs::File::open(&path).unwrap()).unwrap();
        let header: Value = serde_json::from_slice(text.split(|b| *b == b'\n').next().unwrap()).unwrap();
        assert_eq!(header["about"], scene.about);
        let command = format!("poolwatch replay recordings/{}.jsonl.zst", scene.file);
        assert!(readme.contains(&command), "README.md has no `{command}`");
    }
    let files = std::fs::read_dir(shipped("x").parent().unwrap()).unwrap().count();
    assert_eq!(files, SCENES.len(), "nothing else is in recordings/");
}

/// Codes of the reasons of the verdict.
fn codes(state: &Value) -> Vec<&str> {
    state["verdict"]["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

fn host<'s>(state: &'s Value, name: &str) -> &'s Value {
    state["hosts"].as_array().unwrap().iter().find(|host| host["name"] == name).unwrap()
}

/// Paths of a host to its LUNs: up, and in all.
fn paths(state: &Value, name: &str) -> (u64, u64) {
    let all = state["paths"].as_array().unwrap().iter().filter(|path| path["host"] == name && path["kind"] == "multipath");
    all.fold((0, 0), |(up, total), path| (up + path["up"].as_u64().unwrap(), total + path["total"].as_u64().unwrap()))
}

/// Whether an alert is there, and whether it still is so.
#[allow(clippy::option_option, reason = "whether it was told, and whether it still is so, if that can be told")]
fn alert(state: &Value, name: &str) -> Option<Option<bool>> {
    state["alerts"].as_array().unwrap().iter().find(|alert| alert["name"] == name).map(|alert| alert["still_true"].as_bool())
}

#[test]
fn calm_is_open() {
    for secs in [60, 300, 600] {
        let state = at("calm", secs);
        assert_eq!(state["verdict"]["reboot_next"], "open");
        assert!(state["hosts"].as_array().unwrap().iter().all(|host| host["state"] == "live" && host["gate"]["state"] == "open"));
    }
}

#[test]
fn a_rebuild_keeps_the_gate_closed_until_it_is_done_and_quiet() {
    let down = at("mirror-rebuild", 30);
    assert_eq!((host(&down, "xcp2")["state"].as_str(), down["verdict"]["reboot_next"].as_str()), (Some("down"), Some("closed")));
    let rebuilding = at("mirror-rebuild", 100);
    assert!(codes(&rebuilding).contains(&"rebuild"), "{:?}", codes(&rebuilding));
    let progress = rebuilding["rebuilds"][0]["progress"].as_f64().unwrap();
    assert!(progress > 0.1 && progress < 0.9, "{progress}");
    assert!(codes(&at("mirror-rebuild", 180)).contains(&"rebuild-settling"));
    assert_eq!(at("mirror-rebuild", 250)["verdict"]["reboot_next"], "open");
    let next = at("mirror-rebuild", 400);
    assert_eq!((host(&next, "xcp3")["state"].as_str(), alert(&next, "rebuild-began")), (Some("back"), Some(Some(true))));
}

#[test]
fn a_path_that_is_repaired_in_time_ends_the_countdown() {
    assert_eq!(paths(&at("path-loss", 40), "xcp3"), (1, 2));
    let counting = at("path-loss", 72);
    assert_eq!(paths(&counting, "xcp3"), (0, 2));
    let margin = host(&counting, "xcp3")["fence_margin_s"].as_f64().unwrap();
    assert!(margin > 40.0 && margin < 55.0, "{margin}");
    let after = at("path-loss", 250);
    assert_eq!((paths(&after, "xcp3"), after["verdict"]["reboot_next"].as_str()), ((2, 2), Some("open")));
    assert_eq!((alert(&after, "path-restored"), alert(&after, "fence-passed")), (Some(None), Some(None)));
    assert_eq!(alert(&after, "host-silent"), None);
}

#[test]
fn a_fence_by_o2cb_is_seen_coming() {
    let margin = |secs| host(&at("fence-o2cb", secs), "xcp3")["fence_margin_s"].as_f64().unwrap();
    assert!(margin(110) < 15.0 && margin(110) < margin(74));
    assert!(codes(&at("fence-o2cb", 110)).contains(&"fence-near"));
    let gone = at("fence-o2cb", 150);
    assert_eq!((host(&gone, "xcp3")["state"].as_str(), alert(&gone, "host-silent")), (Some("silent"), Some(Some(true))));
    assert!(codes(&gone).contains(&"cluster-member-dead"), "{:?}", codes(&gone));
    let back = at("fence-o2cb", 400);
    assert_eq!((host(&back, "xcp3")["state"].as_str(), alert(&back, "boot-time-changed")), (Some("live"), Some(None)));
}

#[test]
fn a_fence_by_xhad_comes_with_its_statefile() {
    assert_eq!(paths(&at("fence-xhad", 110), "xcp3"), (0, 4));
    let down = at("fence-xhad", 130);
    assert_eq!(host(&down, "xcp3")["state"], "down");
    assert_eq!((alert(&down, "statefile-lost"), alert(&down, "HA_HOST_FAILED")), (Some(Some(true)), Some(Some(true))));
    assert_eq!(host(&at("fence-xhad", 400), "xcp3")["state"], "live");
}

#[test]
fn a_host_that_dies_of_itself_had_all_its_paths() {
    let before = at("kernel-bug", 55);
    let (up, total) = paths(&before, "xcp3");
    assert!(up == total && total > 0 && before["verdict"]["reboot_next"] == "open");
    let dead = at("kernel-bug", 75);
    assert_eq!(host(&dead, "xcp3")["state"], "silent");
    assert!(codes(&dead).contains(&"host-silent"), "{:?}", codes(&dead));
    assert_eq!(alert(&at("kernel-bug", 400), "boot-time-changed"), Some(None));
    assert_eq!(at("kernel-bug", 400)["verdict"]["reboot_next"], "open");
}

#[test]
fn an_older_database_is_noticed_and_what_it_changed_is_listed() {
    assert_eq!(at("rewound-database", 200)["control"]["database"]["went_back"], Value::Null);
    let lost = at("rewound-database", 245);
    assert_eq!((lost["verdict"]["reboot_next"].as_str(), alert(&lost, "link-lost")), (Some("unknown"), Some(Some(true))));
    let after = at("rewound-database", 300);
    let back = &after["control"]["database"]["went_back"];
    assert!(back["from"].as_u64().unwrap() > back["to"].as_u64().unwrap(), "{back}");
    assert!(!back["changes"].as_array().unwrap().is_empty(), "{back}");
    assert!(alert(&after, "database-went-back").is_some());
}

/// The commands of the README that draw its pictures: the file, and the rest of the command.
fn pictures() -> Vec<(String, Vec<String>)> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let lines =
        readme.lines().filter_map(|line| line.strip_prefix("poolwatch replay ")).filter(|rest| rest.contains(" --svg docs/"));
    let of = |rest: &str| {
        let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        let at = words.iter().position(|word| word == "--svg").unwrap();
        (words[at + 1].clone(), words)
    };
    lines.map(of).collect()
}

#[test]
fn the_pictures_of_the_readme_are_what_its_commands_draw() {
    make_anew();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let all = pictures();
    assert!(all.len() >= 2, "{all:?}");
    let home = Home::new("recordings-pictures");
    for (file, words) in all {
        assert!(readme.contains(&format!("]({file})")), "{file} is drawn and not shown");
        let drawn = home.path().join("drawn.svg");
        let mut args = vec!["replay".to_owned(), root.join(&words[0]).display().to_string()];
        args.extend(words[1..].iter().map(|word| if *word == file { drawn.display().to_string() } else { word.clone() }));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (code, _, err) = told(&home.run(&args));
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        let (new, kept) = (std::fs::read_to_string(&drawn).unwrap(), root.join(&file));
        assert!(new.len() < 60_000, "{file} takes {} bytes", new.len());
        if std::env::var_os("POOLWATCH_BLESS").is_some() {
            std::fs::write(&kept, &new).unwrap();
        }
        let same = std::fs::read_to_string(&kept).is_ok_and(|old| old == new);
        assert!(same, "{file} is not what its command draws; POOLWATCH_BLESS=1 cargo test --test recordings draws it anew");
    }
}
