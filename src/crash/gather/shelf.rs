//! Logs that a host keeps on disk, put aside until it is known which crashes there are.
//!
//! Such a log covers weeks, and it may come before the crash folders that it belongs to. So its lines are kept, squeezed to about a
//! tenth, up to [`MOST`] bytes in all; then the oldest go first.

use super::super::log::Kind;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};

/// Bytes that all logs together may take, squeezed.
pub const MOST: usize = 64 << 20;
/// So much is squeezed at once. Bytes.
const CHUNK: usize = 256 << 10;
/// Host names that are counted in one log.
const NAMES: usize = 4;

/// All logs that were put aside.
#[derive(Debug, Default)]
pub struct Shelf {
    logs: Vec<Kept>,
    held: usize,
    most: Option<usize>,
}

/// One of them.
#[derive(Debug)]
pub struct Kept {
    /// The folder that is its host's `/`.
    pub root: String,
    /// Its path as it stands in what is read.
    pub shown: String,
    /// What it is.
    pub kind: Kind,
    /// What it is a part of.
    pub base: String,
    /// Its age among the parts: the oldest has the greatest.
    pub age: u64,
    /// When it was last written to, in seconds since 1970, if that is known.
    pub mtime: Option<i64>,
    /// Lines at its beginning that were given up.
    pub lost: u64,
    /// Its lines, those that were given up included.
    pub lines: u64,
    /// Hosts that syslog names in it, and how often.
    pub hosts: Vec<(String, u64)>,
    chunks: VecDeque<Chunk>,
    open: Vec<u8>,
}

#[derive(Debug)]
struct Chunk {
    lines: u64,
    bytes: Vec<u8>,
}

impl Kept {
    /// An empty one.
    pub fn new(root: String, shown: String, kind: Kind, base: String, age: u64, mtime: Option<i64>) -> Self {
        let (lost, lines) = (0, 0);
        Self { root, shown, kind, base, age, mtime, lost, lines, hosts: Vec::new(), chunks: VecDeque::new(), open: Vec::new() }
    }

    fn close(&mut self) -> usize {
        let lines = memchr::memchr_iter(b'\n', &self.open).count() as u64;
        if lines == 0 {
            return 0;
        }
        let mut squeezed = DeflateEncoder::new(Vec::with_capacity(CHUNK / 8), Compression::fast());
        // Into memory: cannot fail.
        let bytes = squeezed.write_all(&self.open).and_then(|()| squeezed.finish()).unwrap_or_default();
        self.open.clear();
        let size = bytes.len();
        self.chunks.push_back(Chunk { lines, bytes });
        size
    }

    /// Counts a host that a line names.
    pub fn names(&mut self, host: &str) {
        if let Some((_, count)) = self.hosts.iter_mut().find(|(name, _)| name == host) {
            *count += 1;
        } else if self.hosts.len() < NAMES {
            self.hosts.push((host.to_owned(), 1));
        }
    }

    /// Hands over every line that is left, with its number from 1.
    pub fn each(&self, mut take: impl FnMut(u64, &[u8])) {
        let mut number = self.lost;
        let mut text = Vec::with_capacity(CHUNK);
        for chunk in &self.chunks {
            text.clear();
            // What we squeezed ourselves; if it could not be read back, its lines would only be missing.
            let _ = DeflateDecoder::new(chunk.bytes.as_slice()).read_to_end(&mut text);
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                number += 1;
                take(number, line.strip_suffix(b"\n").unwrap_or(line));
            }
        }
        for line in self.open.split_inclusive(|byte| *byte == b'\n') {
            number += 1;
            take(number, line.strip_suffix(b"\n").unwrap_or(line));
        }
    }
}

impl Shelf {
    /// One that holds less, for tests.
    #[cfg(test)]
    pub fn of(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// Adds a line to a log, which is not on the shelf yet. A line holds no line break.
    pub fn add(&mut self, log: &mut Kept, line: &[u8]) {
        log.open.extend_from_slice(line);
        log.open.push(b'\n');
        log.lines += 1;
        if log.open.len() >= CHUNK {
            self.held += log.close();
            self.make_room(Some(log));
        }
    }

    /// Puts a log away that has come to its end.
    pub fn put(&mut self, mut log: Kept) {
        self.held += log.close();
        log.open = Vec::new();
        self.logs.push(log);
        self.make_room(None);
    }

    /// All logs, the parts of one after another, the oldest first.
    pub fn into_logs(mut self) -> Vec<Kept> {
        self.logs.sort_by(|a, b| (&a.root, &a.base).cmp(&(&b.root, &b.base)).then(b.age.cmp(&a.age)));
        self.logs
    }

    /// Gives up the oldest parts until what is left fits.
    fn make_room(&mut self, mut current: Option<&mut Kept>) {
        let most = self.most.unwrap_or(MOST);
        while self.held > most {
            let put = self.logs.iter_mut().filter(|log| !log.chunks.is_empty()).max_by_key(|log| log.age);
            let mine = current.as_deref_mut().filter(|log| !log.chunks.is_empty());
            let oldest = match (put, mine) {
                (Some(put), Some(mine)) => Some(if put.age >= mine.age { put } else { mine }),
                (put, mine) => put.or(mine),
            };
            let Some((log, chunk)) = oldest.and_then(|log| log.chunks.pop_front().map(|chunk| (log, chunk))) else { return };
            self.held -= chunk.bytes.len();
            log.lost += chunk.lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(base: &str, age: u64) -> Kept {
        Kept::new(String::new(), format!("{base}.{age}"), Kind::KernelLog, base.to_owned(), age, None)
    }

    #[test]
    fn lines_come_back_as_they_were_and_in_order_of_time() {
        let mut shelf = Shelf::default();
        for age in [0, 2, 1] {
            let mut kept = log("kern.log", age);
            for number in 0..20_000 {
                shelf.add(&mut kept, format!("{age} {number} {}", "x".repeat(40)).as_bytes());
            }
            shelf.add(&mut kept, b"");
            shelf.put(kept);
        }
        let logs = shelf.into_logs();
        assert_eq!(logs.iter().map(|log| log.age).collect::<Vec<_>>(), [2, 1, 0]);
        for log in &logs {
            let mut seen = 0;
            log.each(|number, line| {
                seen += 1;
                assert_eq!(number, seen);
                if number <= 20_000 {
                    assert!(line.starts_with(format!("{} {} x", log.age, number - 1).as_bytes()), "{number}");
                } else {
                    assert!(line.is_empty());
                }
            });
            assert_eq!((seen, log.lines, log.lost), (20_001, 20_001, 0));
        }
    }

    #[test]
    fn when_it_is_full_the_oldest_go_and_numbers_stay_right() {
        let mut random = 1_u64;
        let mut noise = || {
            let mut line = String::new();
            for _ in 0..8 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                line.push_str(&random.to_string());
            }
            line
        };
        let mut shelf = Shelf::of(1 << 20);
        for age in [0, 1] {
            let mut kept = log("kern.log", age);
            for number in 1..=12_000 {
                shelf.add(&mut kept, format!("{number} {}", noise()).as_bytes());
            }
            shelf.put(kept);
        }
        assert!(shelf.held <= 1 << 20);
        let logs = shelf.into_logs();
        assert!(logs[0].lost > logs[1].lost, "the older part goes first: {} {}", logs[0].lost, logs[1].lost);
        for log in &logs {
            log.each(|number, line| assert!(line.starts_with(format!("{number} ").as_bytes())));
        }
    }
}
