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
        scenario: "calm",
        secs: "480",
        faults: &["60 crash host=xcp3"],
        about: "A host dies at once with all its paths well, as after a bug in its kernel.",
    },
    Scene {
        file: "rewound-database",
        scenario: "rewound-database",
        secs: "420",
        faults: &[],
        about: "The coordinator comes back with an older database; what was done since is lost, and listed.",
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

#[test]
fn they_are_made_by_the_program() {
    let home = Home::new("recordings-made");
    if std::env::var_os("POOLWATCH_BLESS").is_some() {
        std::fs::create_dir_all(shipped("x").parent().unwrap()).unwrap();
        for scene in &SCENES {
            let _ = std::fs::remove_file(shipped(scene.file));
            make(&home, scene, scene.secs, &shipped(scene.file));
        }
    }
    // The same words make the same bytes.
    let (one, other) = (home.path().join("one.zst"), home.path().join("other.zst"));
    make(&home, &SCENES[1], "60", &one);
    make(&home, &SCENES[1], "60", &other);
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
}

#[test]
fn each_is_small_says_what_it_shows_and_is_in_the_readme() {
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
