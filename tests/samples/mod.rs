//! Samples that are not part of the project: `POOLWATCH_SAMPLES` names their folder.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of one kind of samples.
pub fn samples(kind: &str) -> PathBuf {
    let folder = std::env::var_os("POOLWATCH_SAMPLES").expect("POOLWATCH_SAMPLES must name the folder with the samples");
    PathBuf::from(folder).join(kind)
}

/// A state dump of one node, unfolded into a folder that stands for its `/`.
pub struct Dump {
    /// Milliseconds since the fault.
    pub at: i64,
    pub host: String,
    pub root: PathBuf,
}

/// A recorded scene.
pub struct Scene {
    pub name: String,
    /// By time.
    pub dumps: Vec<Dump>,
    /// Milliseconds since the fault at which o2cb fenced a node.
    pub fenced: BTreeMap<String, i64>,
    folder: PathBuf,
}

impl Scene {
    /// All scenes below `folder` that have dumps with a time.
    pub fn all(folder: &Path) -> Vec<Self> {
        let mut names: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()).collect();
        names.sort();
        names.iter().map(|path| Self::read(path)).filter(|scene| !scene.dumps.is_empty()).collect()
    }

    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.dumps.iter().map(|dump| dump.host.clone()).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = std::env::temp_dir().join(format!("poolwatch-samples-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let unpacked = folder.join("unpacked");
        fs::create_dir_all(&unpacked).unwrap();
        let archive = path.join("timelapse.tar.gz");
        if archive.exists() {
            let done = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&unpacked).status().unwrap();
            assert!(done.success(), "{}", archive.display());
        }
        let mut scene = Self { name, dumps: Vec::new(), fenced: BTreeMap::new(), folder };
        for from in [path, &unpacked] {
            for entry in fs::read_dir(from).unwrap() {
                let file = entry.unwrap().path();
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                if let Some((host, rest)) = name.split_once(".state.t+") {
                    let secs: f64 = rest.split(['s']).next().unwrap().parse().unwrap();
                    let root = scene.folder.join(&name);
                    unfold(&fs::read(&file).unwrap(), &root);
                    scene.dumps.push(Dump { at: (secs * 1000.0) as i64, host: host.to_owned(), root });
                } else if let Some(host) = name.strip_suffix(".console.timed.log") {
                    let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
                    if let Some(line) = text.lines().find(|line| line.contains("ocfs2 is very sorry to be fencing")) {
                        let secs: f64 = line.trim().split(' ').next().unwrap().trim_start_matches('+').parse().unwrap();
                        scene.fenced.insert(host.to_owned(), (secs * 1000.0) as i64);
                    }
                }
            }
        }
        scene.dumps.sort_by(|a, b| (a.at, &a.host).cmp(&(b.at, &b.host)));
        scene
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes a folder of a dump's rows (`/path: line`), and its uptime from the heading.
pub fn unfold(dump: &[u8], root: &Path) {
    let text = String::from_utf8_lossy(dump);
    fs::create_dir_all(root.join("proc/sys/kernel")).unwrap();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for row in text.lines() {
        if let Some(heading) = row.strip_prefix("# ") {
            for word in heading.split(' ') {
                match word.split_once('=') {
                    Some(("uptime", value)) => drop(files.insert("/proc/uptime".into(), format!("{value} 0.00\n"))),
                    Some(("host", value)) => drop(files.insert("/proc/sys/kernel/hostname".into(), format!("{value}\n"))),
                    _ => {}
                }
            }
            continue;
        }
        if let Some(folder) = row.strip_suffix(" <dir>").filter(|path| path.starts_with('/')) {
            fs::create_dir_all(root.join(folder.trim_matches('/'))).unwrap();
            continue;
        }
        let Some((path, line)) = row.split_once(": ").or_else(|| row.strip_suffix(':').map(|path| (path, ""))) else { continue };
        let odd = ["<absent>", "<write-only>"].contains(&line) || line.starts_with("<read failed") || path.contains(' ');
        if path.starts_with('/') && !odd {
            let text = files.entry(path.to_owned()).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    for (path, text) in files {
        let file = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}
