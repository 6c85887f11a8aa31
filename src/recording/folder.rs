//! The folder `recordings` in the data folder: a folder for each pool, in it a file for each segment, named by when it begins.
//!
//! Who records holds a lock, so that one program records each pool. Old segments go when they are too old or all of them too much.

use super::line::Header;
use super::recorder::Shelf;
use super::segment::Sink;
use crate::text;
use crate::time::Time;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The folder within the data folder.
pub const FOLDER: &str = "recordings";
/// How names of segments end.
pub const ENDING: &str = ".jsonl.zst";
/// Segments that are looked at in one folder at most; the newest.
const SEGMENTS_MOST: usize = 2_000;
/// So much stays free on the disk, whatever is asked for. Bytes.
const LEAST_FREE: u64 = 64 << 20;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What is older goes.
    pub age: Duration,
    /// The oldest goes when all recordings together are more. Bytes.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { age: Duration::from_secs(14 * 86_400), bytes: 2_000_000_000 }
    }
}

/// The segments in a folder, in the order of time.
pub fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.ends_with(ENDING)) {
            found.push(entry.path());
        }
    }
    found.sort();
    let many = found.len().saturating_sub(SEGMENTS_MOST);
    found.drain(..many);
    Ok(found)
}

/// The folder of a pool; a pool cannot choose another one by what it says its uuid is.
pub fn of_pool(data: &Path, uuid: &str) -> PathBuf {
    let fits = uuid.len() == 36 && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    data.join(FOLDER).join(if fits { uuid.to_ascii_lowercase() } else { "unknown".to_owned() })
}

/// The files of a recording that was begun in `path`: that one, and those beside it in which it went on. Whether each is of the same
/// recording is for who reads them to see: somebody may have called another one so.
pub fn continued(path: &Path) -> Vec<PathBuf> {
    let more = (2..u32::MAX).map(|n| nth(path, n)).take(SEGMENTS_MOST).take_while(|path| path.is_file());
    std::iter::once(path.to_owned()).chain(more).collect()
}

/// The `n`th file of a recording that was begun in `path`: `flight-2.jsonl.zst` for `flight.jsonl.zst`.
fn nth(path: &Path, n: u32) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(match name.split_once('.') {
        Some((stem, ending)) => format!("{stem}-{n}.{ending}"),
        None => format!("{name}-{n}"),
    })
}

/// Whether `bytes` more leave some of this disk free. Asked before a file is made too: a full disk is tried again every few seconds, and must not
/// fill with empty files.
fn room(disk: &rustix::fs::StatVfs, bytes: usize) -> io::Result<()> {
    let full = disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST_FREE + bytes as u64;
    if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

/// A file that leaves some of the disk free.
struct Polite(File);

impl Write for Polite {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        room(&rustix::fs::fstatvfs(&self.0)?, bytes.len())?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Sink for Polite {
    fn cut(&mut self, to: u64) -> io::Result<()> {
        use std::io::Seek as _;
        self.0.set_len(to)?;
        self.0.seek(io::SeekFrom::Start(to)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).write(true);
    options
}

/// The folder of the recordings of all pools.
pub struct Library {
    data: PathBuf,
    limits: Limits,
    /// Held as long as we record; and of which folder.
    lock: Option<(PathBuf, File)>,
    now_in: Option<PathBuf>,
}

impl Library {
    /// In this data folder.
    pub fn new(data: &Path, limits: Limits) -> Self {
        Self { data: data.to_owned(), limits, lock: None, now_in: None }
    }

    fn lock(&mut self, folder: &Path) -> io::Result<()> {
        if self.lock.as_ref().is_some_and(|(held, _)| held == folder) {
            return Ok(());
        }
        let file = private().create(true).truncate(false).open(folder.join("lock"))?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                self.lock = Some((folder.to_owned(), file));
                Ok(())
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Err(io::Error::other(
                "another poolwatch records this pool already, and what it records can be looked at here too",
            )),
            Err(error) => Err(error.into()),
        }
    }
}

impl Shelf for Library {
    fn next(&mut self, header: &Header) -> io::Result<Box<dyn Sink>> {
        let folder = of_pool(&self.data, &header.uuid);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        self.lock(&folder)?;
        room(&rustix::fs::statvfs(&folder)?, 0)?;
        let stamp = header.start.to_xapi().replace(':', "");
        let mut attempt = 1;
        loop {
            // A point sorts before a letter: what was begun later in the same second comes later.
            let more = if attempt == 1 { String::new() } else { format!("_{attempt:03}") };
            let path = folder.join(format!("{stamp}{more}{ENDING}"));
            match private().create_new(true).open(&path) {
                Ok(file) => {
                    self.now_in = Some(path);
                    return Ok(Box::new(Polite(file)));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn tidy(&mut self, _now: Time) {
        if let Err(error) = tidy(&self.data.join(FOLDER), self.limits, self.now_in.as_deref()) {
            tracing::warn!("old recordings could not be looked through: {error}");
        }
    }
}

/// Lets segments go that are too old, and the oldest as long as all together are too much. Never the one at `but`.
fn tidy(folder: &Path, limits: Limits, but: Option<&Path>) -> io::Result<()> {
    let mut all = Vec::new();
    for pool in fs::read_dir(folder)? {
        let pool = pool?.path();
        for path in segments(&pool).unwrap_or_default() {
            let Ok(about) = fs::metadata(&path) else { continue };
            all.push((about.modified()?, about.len(), path));
        }
    }
    all.sort();
    let mut total: u64 = all.iter().map(|(_, size, _)| size).sum();
    for (written, size, path) in all {
        let old = SystemTime::now().duration_since(written).is_ok_and(|age| age > limits.age);
        if !(old || total > limits.bytes) || but == Some(&path) {
            continue;
        }
        match fs::remove_file(&path) {
            Ok(()) => {
                total = total.saturating_sub(size);
                let why = if old { "it is older than is kept" } else { "all recordings together are more than is kept" };
                tracing::info!("the recording {} was deleted: {why}", path.display());
            }
            Err(error) => tracing::warn!("the old recording {} could not be deleted: {error}", path.display()),
        }
    }
    Ok(())
}

/// One file that somebody named. What can no longer be written to it goes on in another beside it.
pub struct OneFile {
    path: PathBuf,
    first: Option<File>,
    count: u32,
}

impl OneFile {
    /// Makes the file, which must not be there yet.
    pub fn create(path: &Path) -> io::Result<Self> {
        let first = private().create_new(true).open(path)?;
        Ok(Self { path: path.to_owned(), first: Some(first), count: 1 })
    }
}

impl Shelf for OneFile {
    fn next(&mut self, _header: &Header) -> io::Result<Box<dyn Sink>> {
        if let Some(first) = self.first.take() {
            return Ok(Box::new(Polite(first)));
        }
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        room(&rustix::fs::statvfs(folder)?, 0)?;
        self.count += 1;
        let path = nth(&self.path, self.count);
        let file = private().create_new(true).open(&path)?;
        tracing::warn!("the recording goes on in {}", text::clean(&path.display().to_string(), 400));
        Ok(Box::new(Polite(file)))
    }

    fn tidy(&mut self, _now: Time) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0a0a0a0a-1b1b-2c2c-3d3d-4e4e4e4e4e4e";

    fn data(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("poolwatch-folder-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn header(secs: i64) -> Header {
        Header { uuid: UUID.to_owned(), start: Time::from_secs(1_795_219_200 + secs), ..Header::default() }
    }

    #[test]
    fn a_pool_cannot_choose_the_folder() {
        for uuid in ["", "..", "../../../../../../../../../etc/passwd1", &"a/".repeat(18), &"\u{e9}".repeat(18)] {
            assert_eq!(of_pool(Path::new("/data"), uuid), Path::new("/data/recordings/unknown"), "{uuid}");
        }
        assert_eq!(of_pool(Path::new("/data"), UUID), Path::new("/data/recordings").join(UUID));
    }

    #[test]
    fn segments_are_in_the_order_of_time_and_one_program_records() {
        let data = data("order");
        let mut library = Library::new(&data, Limits::default());
        for secs in [0, 0, 0, 3600] {
            library.next(&header(secs)).expect("a file");
        }
        let names: Vec<String> = segments(&of_pool(&data, UUID))
            .expect("listed")
            .iter()
            .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect();
        let stamp = |more: &str| format!("20261121T000000Z{more}{ENDING}");
        assert_eq!(names, [stamp(""), stamp("_002"), stamp("_003"), format!("20261121T010000Z{ENDING}")]);
        let why = Library::new(&data, Limits::default()).next(&header(9)).map(|_| ()).expect_err("locked").to_string();
        assert!(why.contains("another poolwatch"), "{why}");
        drop(library);
        Library::new(&data, Limits::default()).next(&header(9)).expect("the lock went with its owner");
        let _ = fs::remove_dir_all(&data);
    }

    #[test]
    fn what_is_too_old_or_too_much_goes_and_never_what_is_written_now() {
        let data = data("tidy");
        let folder = of_pool(&data, UUID);
        let other = of_pool(&data, "ffffffff-1b1b-2c2c-3d3d-4e4e4e4e4e4e");
        let hour = Duration::from_secs(3600);
        let make = |folder: &Path, name: &str, age: u32, size: usize| {
            fs::create_dir_all(folder).expect("a folder");
            let path = folder.join(format!("{name}{ENDING}"));
            fs::write(&path, vec![0; size]).expect("written");
            let when = SystemTime::now() - hour * age;
            File::options().append(true).open(&path).and_then(|file| file.set_modified(when)).expect("dated");
            path
        };
        let all = [make(&folder, "a", 50, 10), make(&other, "b", 9, 400), make(&folder, "c", 5, 400), make(&folder, "d", 1, 400)];
        let foreign = folder.join("notes.txt");
        fs::write(&foreign, "mine").expect("written");
        let there = || all.iter().map(|path| path.exists()).collect::<Vec<_>>();
        let now_in = all[3].clone();
        let tidy =
            |age: u32, bytes| super::tidy(&data.join(FOLDER), Limits { age: hour * age, bytes }, Some(&now_in)).expect("tidied");
        tidy(40, 10_000);
        assert_eq!(there(), [false, true, true, true], "too old");
        tidy(40, 1_000);
        assert_eq!(there(), [false, false, true, true], "too much: the oldest, whatever pool it is of");
        tidy(0, 0);
        assert_eq!(there(), [false, false, false, true]);
        assert!(foreign.exists());
        let _ = fs::remove_dir_all(&data);
    }

    #[test]
    fn a_file_that_was_named_is_never_written_over() {
        let data = data("one");
        fs::create_dir_all(&data).expect("a folder");
        let path = data.join("flight.jsonl.zst");
        let mut shelf = OneFile::create(&path).expect("made");
        assert!(OneFile::create(&path).is_err());
        shelf.next(&header(0)).expect("the file itself");
        shelf.next(&header(1)).expect("another beside it");
        assert!(data.join("flight-2.jsonl.zst").exists());
        assert_eq!(continued(&path), [path.clone(), data.join("flight-2.jsonl.zst")]);
        let _ = fs::remove_dir_all(&data);
    }
}
