//! The house as `docs/architecture.md` describes it: who uses whom, which rooms are pure, and what no file is or says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines that a file may have at most.
const LONGEST: usize = 600;

/// What a pure room must not touch.
const IMPURE: [&str; 10] = [
    "SystemTime",
    "Instant",
    "tokio",
    "std::fs",
    "std::net",
    "std::io::std",
    "std::process",
    "std::thread",
    "std::env",
    "fastrand::u64(",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, ends));
        } else if path.extension().is_some_and(|end| ends.contains(&end.to_str().unwrap())) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A source file without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.split(" // ").next().unwrap().to_owned() + "\n")
        .collect()
}

/// All sources by their path below `src`, without modules that only tests have.
fn sources() -> BTreeMap<String, String> {
    let src = root().join("src");
    let all: Vec<(PathBuf, String)> =
        files_below(&src, &["rs"]).into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let mut tests = BTreeSet::new();
    for (path, text) in &all {
        let within = if matches!(path.file_name().unwrap().to_str().unwrap(), "mod.rs" | "lib.rs" | "main.rs") {
            path.parent().unwrap().to_owned()
        } else {
            path.with_extension("")
        };
        for (line, next) in text.lines().zip(text.lines().skip(1)) {
            let name = next
                .trim_start_matches("pub ")
                .trim_start_matches("pub(crate) ")
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'));
            if let (true, Some(name)) = (line.contains("cfg(test)") || line.contains("cfg(any(test"), name) {
                tests.insert(within.join(name));
            }
        }
    }
    let only_test = |path: &Path| path.with_extension("").ancestors().any(|above| tests.contains(above));
    let kept = all.iter().filter(|(path, _)| !only_test(path));
    kept.map(|(path, text)| (path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned(), code(text))).collect()
}

/// The room of a file.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The table of the document: each room, and what it may use.
fn allowed() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, rest) = text.split_once("## Rooms, and who may use whom").expect("the chapter is there");
    let (chapter, _) = rest.split_once("\n## ").expect("it ends");
    let rows = chapter.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").map(str::to_owned).collect::<Vec<_>>());
    cells.map(|cells| (quoted(&cells[0])[0].clone(), quoted(&cells[2]))).collect()
}

/// Every path into the crate that a file names, such as `xenapi::record::Ref`.
fn edges(code: &str) -> Vec<String> {
    assert!(!code.contains("crate::{"), "`use crate::{{…}}` hides what is used from this test: one line a room");
    let paths = code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        rest[..end].trim_end_matches(':').to_owned()
    });
    paths.collect()
}

#[test]
fn every_room_uses_what_its_row_allows_and_nothing_else() {
    let allowed = allowed();
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for (path, code) in sources().iter().filter(|(path, _)| *path != "lib.rs" && *path != "main.rs") {
        let room = room(path);
        let may = allowed.get(room).unwrap_or_else(|| panic!("docs/architecture.md has no room {room} ({path})"));
        for edge in edges(code) {
            let starts = |with: &String| edge == *with || edge.starts_with(&format!("{with}::"));
            match may.iter().find(|with| starts(with)) {
                Some(with) => drop(used.insert((room.to_owned(), with.clone()))),
                None if edge.split("::").next() == Some(room) => {}
                None => wrong.push(format!("src/{path} uses {edge}")),
            }
        }
    }
    assert!(wrong.is_empty(), "not in the table of docs/architecture.md:\n{}", wrong.join("\n"));
    let row = |(room, uses): (&String, &Vec<String>)| uses.iter().map(|what| (room.clone(), what.clone())).collect::<Vec<_>>();
    let unused: Vec<_> = allowed.iter().flat_map(row).filter(|edge| !used.contains(edge)).collect();
    assert_eq!(unused, [], "allowed in the table, but nobody does it any more");
}

#[test]
fn pure_rooms_have_no_clock_no_waiting_and_no_input_or_output() {
    let pure = |path: &str| {
        [
            "pool/",
            "recording/marks.rs",
            "recording/thin.rs",
            "feed/follow/",
            "tui/update/",
            "tui/model/",
            "tui/wizard/",
            "rollout/",
            "sim/",
        ]
        .iter()
        .any(|room| path.starts_with(room))
            && !["rollout/driver/", "rollout/journal/file.rs", "sim/server/", "sim/start.rs"]
                .iter()
                .any(|shell| path.starts_with(shell))
    };
    let sources = sources();
    let pure: Vec<_> = sources.iter().filter(|(path, _)| pure(path)).collect();
    assert!(pure.len() > 100, "these rooms are where they were");
    let mut wrong = Vec::new();
    for (path, code) in pure {
        for line in code.lines() {
            wrong.extend(
                IMPURE.iter().filter(|word| line.contains(*word)).map(|word| format!("src/{path}: {word} in {}", line.trim())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_driver_of_rollouts_writes_to_a_pool() {
    let sources = sources();
    let writers: Vec<_> = sources
        .iter()
        .filter(|(_, code)| code.contains("xenapi::writer") || code.contains("call_once("))
        .map(|(path, _)| path.as_str())
        .filter(|path| !path.starts_with("rollout/driver/"))
        .collect();
    // Where it is defined, and what it is made of.
    assert_eq!(writers, ["xenapi/client.rs", "xenapi/writer.rs"]);
    // And nobody passes a method that changes something to a call that is meant for reading.
    let changing = [
        "add_to_other_config",
        "remove_from_other_config",
        "\"host.disable\"",
        "host.reboot\"",
        "host.evacuate\"",
        "VM.pool_migrate\"",
        "VM.clean_shutdown\"",
        "pool.enable_ha\"",
        "task.cancel\"",
    ];
    let mut elsewhere = Vec::new();
    for (path, code) in sources.iter().filter(|(path, _)| !path.starts_with("sim/") && *path != "rollout/wire.rs") {
        for line in code.lines().filter(|line| line.contains(".ask(") || line.contains("METHOD: &str")) {
            elsewhere.extend(changing.iter().filter(|name| line.contains(*name)).map(|name| format!("src/{path}: {name}")));
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let all = ["src", "tests"].iter().flat_map(|folder| files_below(&root().join(folder), &["rs"]));
    let lines = all.map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path));
    let long: Vec<_> = lines.filter(|(lines, _)| *lines > LONGEST).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn nothing_unfinished_and_no_place_of_one_machine_is_written_down() {
    // Put together here, so that this file does not say them.
    let words = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["to", "do!("],
        ["unimple", "mented!("],
        ["db", "g!("],
        ["/wo", "rk/"],
        ["/tm", "p/"],
        ["/ro", "ot/"],
    ];
    let words: Vec<String> = words.iter().map(|halves| halves.concat()).collect();
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "docs", "themes", "scenarios"] {
        for path in files_below(&root().join(folder), &["rs", "md", "toml", "snap", "json"]) {
            let text = fs::read_to_string(&path).unwrap();
            for (line, at) in text.lines().zip(1..) {
                wrong.extend(
                    words.iter().filter(|word| line.contains(*word)).map(|word| format!("{}:{at}: {word}", path.display())),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = files_below(&root().join("docs"), &["md"]);
    documents.push(root().join("README.md"));
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                assert!(document.parent().unwrap().join(file).exists(), "{}: {link} is not there", document.display());
            }
        }
    }
}
