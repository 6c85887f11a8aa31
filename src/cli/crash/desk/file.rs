//! A crash in a file of its own: never over another, and nowhere but in its folder.

use crate::crash::report::{self, Crash, Reading};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// So many files about the same moment of a host.
const SAME: u32 = 999;

/// Writes one crash into a file of its own; where.
pub(super) fn save(folder: &Path, reading: &Reading) -> Result<PathBuf, String> {
    let broken = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| broken(folder, &error))?;
    let stem = stem(reading.crashes.first());
    let page = report::html(reading);
    for number in 1..=SAME {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{more}.html"));
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(broken(&path, &error)),
        };
        return match file.write_all(page.as_bytes()).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(path),
            Err(error) => {
                // Half a report is none.
                let _ = std::fs::remove_file(&path);
                Err(broken(&path, &error))
            }
        };
    }
    Err(format!("{} has {SAME} files about this crash already; remove some of them", folder.display()))
}

/// What the file is called: by host and time, of characters that every file system takes.
fn stem(crash: Option<&Crash>) -> String {
    let name = crash.map_or_else(String::new, Crash::name);
    let tame: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' }).take(60).collect();
    let tame = tame.trim_matches('-');
    let host = if tame.is_empty() { "host" } else { tame };
    let at = crash.and_then(|crash| crash.at).map_or_else(String::new, |at| {
        let digits: String = report::utc(at).chars().filter(char::is_ascii_digit).collect();
        digits.split_at_checked(8).map_or_else(String::new, |(day, time)| format!("-{day}-{time}Z"))
    });
    format!("{host}{at}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::report::Dump;
    use crate::crash::verdict::{Cause, Confidence, Finer, Verdict};
    use crate::time::Time;

    fn reading(host: &str) -> Reading {
        let verdict = Verdict {
            cause: Cause::O2cb,
            finer: Finer::Disk,
            confidence: Confidence::Sure,
            why: "It says so.".to_owned(),
            notes: Vec::new(),
            at: None,
            evidence: Vec::new(),
        };
        let crash = Crash {
            host: Some(host.to_owned()),
            folder: None,
            at: Time::parse_xapi("20261121T02:17:44Z"),
            clock: None,
            dump: Dump::Missing,
            logs: Vec::new(),
            verdict,
            advice: Vec::new(),
            story: Vec::new(),
        };
        Reading { crashes: vec![crash], ..Reading::default() }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("poolwatch-crashes-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_file_is_called_by_host_and_time_and_never_overwritten() {
        let folder = folder("same");
        let first = save(&folder, &reading("xcp3")).expect("written");
        assert_eq!(first, folder.join("xcp3-20261121-021744Z.html"));
        let kept = std::fs::read_to_string(&first).expect("there");
        assert!(kept.contains("xcp3 was fenced by o2cb"), "{kept}");
        let mut other = reading("xcp3");
        other.crashes[0].verdict.why = "another".to_owned();
        assert_eq!(save(&folder, &other).expect("written"), folder.join("xcp3-20261121-021744Z-2.html"));
        assert_eq!(std::fs::read_to_string(&first).expect("there"), kept);
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_name_never_climbs_out_of_the_folder() {
        let folder = folder("hostile");
        for name in ["../../etc/passwd", "/abs", "..", "\u{1b}[2J", "日本語", ""] {
            let path = save(&folder, &reading(name)).expect("written");
            assert_eq!(path.parent(), Some(folder.as_path()), "{name}");
            assert!(
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().ends_with("-20261121-021744Z.html")
                        || name.to_string_lossy().contains("Z-")),
                "{}",
                path.display()
            );
        }
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said() {
        let folder = folder("file");
        std::fs::write(&folder, "in the way").expect("written");
        let why = save(&folder.join("below"), &reading("xcp3")).expect_err("refused");
        assert!(why.contains("below"), "{why}");
        std::fs::remove_file(folder).expect("removed");
    }
}
