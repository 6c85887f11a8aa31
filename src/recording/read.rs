//! A recording read again: one file, or a folder of segments, also while it is being written, and whatever is in it.
//!
//! What is cut off is read up to where it is cut; a line that is not understood is left out and counted; a recording of another version is refused.
//! Sizes are bounded on the way. Gives what was observed in order; what it means is [`super::player`]'s and the pool's business.

use super::folder;
use super::frame::{self, Entry, Frame};
use super::line::{FAMILY, Gap, Header, KEPT_BEGINS, Key, Line, SCHEMA, Special};
use super::lines::Lines;
use super::marks::{Mark, TimeLine};
use super::source::Source;
use crate::observation::Observation;
use crate::pool::keep::Kept;
use crate::text;
use crate::time::Time;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Two segments that lie further apart have a gap between them.
const GAP: Duration = Duration::from_secs(30);

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened or read.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is nothing in it.
    #[error("{} is empty: nothing was recorded in it", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{} is not a recording of poolwatch ({why}). Recordings are made by `poolwatch watch`, `roll` and `record`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is of another version.
    #[error("{} is a recording of the version {found}, and this poolwatch reads {SCHEMA}. A newer poolwatch can read it", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
}

/// One file of a recording.
struct Part {
    path: PathBuf,
    source: Arc<dyn Source>,
    header: Header,
    frames: Vec<Frame>,
    /// Where the last frame ends that is whole.
    whole: u64,
    size: u64,
}

/// A recording.
pub struct Recording {
    path: PathBuf,
    parts: Vec<Arc<Part>>,
    /// What was wrong with files that were left out.
    left_out: Vec<String>,
}

/// Something in a recording.
#[derive(Debug)]
pub enum Item {
    /// A file begins: what was known before may be of long ago.
    Begin(Box<Header>),
    /// A key frame begins.
    Key(Key),
    /// Something was observed.
    Seen(Observation),
    /// A key frame ends: this is remembered beyond the records.
    Kept(Box<Kept>),
    /// An event of note.
    Mark(Mark),
    /// Something is missing.
    Gap(Gap),
}

/// Where to begin to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    part: usize,
    frame: usize,
}

impl Part {
    fn open(path: &Path, source: Arc<dyn Source>) -> Result<Self, ReadError> {
        let path = path.to_owned();
        let failed = |error: io::Error| ReadError::Io { path: path.clone(), error };
        let size = source.size().map_err(failed)?;
        if size == 0 {
            return Err(ReadError::Empty { path });
        }
        let (frames, whole) = match frame::hop(&*source).map_err(failed)? {
            Some(frames) => (frames, size),
            None => frame::scan(&*source, 0).map_err(failed)?,
        };
        let foreign = |why: &str| ReadError::Foreign { path: path.clone(), why: why.to_owned() };
        let first = frames.first().ok_or_else(|| foreign("it is not packed with zstd"))?;
        let mut lines = Lines::open(&source, first).map_err(failed)?;
        let mut line = Vec::new();
        lines.next(&mut line).ok_or_else(|| foreign("its first line is not there or cannot be unpacked"))?;
        let header: Header = serde_json::from_slice(&line).map_err(|_| foreign("its first line is no header"))?;
        if header.schema != SCHEMA {
            let found = text::clean(&header.schema, 60).into_owned();
            return Err(if found.starts_with(FAMILY) {
                ReadError::Version { path, found }
            } else {
                foreign("its first line is no header")
            });
        }
        let mut part = Self { path, source, header, frames, whole, size };
        part.complete(0);
        Ok(part)
    }

    /// Whether this may be what `first` went on in.
    fn goes_on(&self, first: &Self) -> bool {
        self.header.uuid == first.header.uuid && self.header.start >= first.header.start
    }

    /// Looks into the frames from `first` on of which the index says nothing.
    fn complete(&mut self, first: usize) {
        let mut known = self.header.start;
        for frame in self.frames.iter_mut().skip(first) {
            if frame.entry.is_none() {
                frame.entry = Some(look_into(&self.source, frame, known));
            }
            known = frame.entry.as_ref().map_or(known, |entry| entry.to);
        }
    }
}

/// What the index would say of a frame. Without an observation in it, it has the time `known`.
fn look_into(source: &Arc<dyn Source>, frame: &Frame, known: Time) -> Entry {
    let mut entry = Entry { len: frame.len, ..Entry::default() };
    let mut times: Option<(Time, Time)> = None;
    if let Ok(mut lines) = Lines::open(source, frame) {
        let mut line = Vec::new();
        let mut first = true;
        while lines.next(&mut line).is_some() {
            let at = match Line::parse(&line) {
                Some(Line::Seen(seen)) => Some(seen.at),
                Some(Line::Special(Special::Key(key))) => {
                    entry.key |= first;
                    Some(key.at)
                }
                Some(Line::Special(Special::Mark(mark))) => {
                    entry.marks.push(mark);
                    None
                }
                Some(Line::Special(_)) => None,
                // The header is one of these, too.
                None => {
                    lines.unread += 1;
                    None
                }
            };
            first = false;
            times = at.map(|at| times.map_or((at, at), |(from, to)| (from, to.max(at)))).or(times);
        }
    }
    (entry.from, entry.to) = times.unwrap_or((known, known));
    entry
}

impl Recording {
    /// Opens a file, or a folder with the segments of one pool.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut recording = Self { path: path.to_owned(), parts: Vec::new(), left_out: Vec::new() };
        recording.refresh()?;
        Ok(recording)
    }

    /// Opens what is in memory; `name` is what it is called in messages.
    pub fn of_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let path = PathBuf::from(name);
        let part = Part::open(&path, Arc::new(bytes))?;
        Ok(Self { path, parts: vec![Arc::new(part)], left_out: Vec::new() })
    }

    /// Looks for what was written since.
    pub fn refresh(&mut self) -> Result<(), ReadError> {
        let failed = |error: io::Error| ReadError::Io { path: self.path.clone(), error };
        let is_folder = std::fs::metadata(&self.path).map_err(failed)?.is_dir();
        let paths = if is_folder { folder::segments(&self.path).map_err(failed)? } else { folder::continued(&self.path) };
        let mut parts: Vec<Arc<Part>> = Vec::with_capacity(paths.len());
        let mut error = None;
        self.left_out.clear();
        for path in paths {
            let known = self.parts.iter().find(|part| part.path == path);
            match reread(&path, known) {
                // Beside a file there may be one that is called as if it went on there, and is of something else.
                Ok(part) if !is_folder && parts.first().is_some_and(|first| !part.goes_on(first)) => {}
                Ok(part) => parts.push(part),
                // A segment whose first line is on its way.
                Err(ReadError::Empty { .. }) if is_folder || !parts.is_empty() => {}
                Err(why) if !is_folder && path == self.path => return Err(why),
                Err(why) => {
                    self.left_out.push(why.to_string());
                    error = Some(why);
                }
            }
        }
        if parts.is_empty() {
            return Err(error.unwrap_or_else(|| ReadError::Empty { path: self.path.clone() }));
        }
        self.parts = parts;
        Ok(())
    }

    /// The header: of the newest segment, if there are several.
    pub fn header(&self) -> Header {
        self.parts.last().map(|part| part.header.clone()).unwrap_or_default()
    }

    /// Files that were left out, and why.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    fn frames(&self) -> impl DoubleEndedIterator<Item = (Place, &Frame, &Entry)> {
        self.parts.iter().enumerate().flat_map(|(at, part)| {
            let frames = part.frames.iter().enumerate();
            frames.filter_map(move |(frame, f)| Some((Place { part: at, frame }, f, f.entry.as_ref()?)))
        })
    }

    /// The first and the last moment.
    pub fn span(&self) -> (Time, Time) {
        let from = self.parts.first().map(|part| part.header.start).unwrap_or_default();
        let to = self.frames().map(|(.., entry)| entry.to).max().unwrap_or(from);
        (from, to.max(from))
    }

    /// The line of time with its events of note.
    pub fn time_line(&self) -> TimeLine {
        let (from, to) = self.span();
        let marks =
            self.frames().flat_map(|(.., entry)| entry.marks.iter().cloned()).filter(|m| m.at >= from && m.at <= to).collect();
        let ends = self.parts.iter().map(|part| {
            let last = part.frames.iter().filter_map(|f| f.entry.as_ref()).map(|entry| entry.to).max();
            last.unwrap_or(part.header.start)
        });
        let gaps = ends
            .zip(self.parts.iter().skip(1).map(|part| part.header.start))
            .filter(|(end, start)| start.since(*end) >= GAP)
            .collect();
        TimeLine { from, to, marks, gaps }.in_order()
    }

    /// The last place at or before `at` from which everything is known that is known then.
    pub fn place(&self, at: Time) -> Place {
        let mut starts = self.frames().rev().filter(|(place, _, entry)| entry.key || place.frame == 0);
        starts.find(|(.., entry)| entry.from <= at).map(|(place, ..)| place).unwrap_or_default()
    }

    /// Whether the index can be believed about a place. What does not hold there is looked for in the file itself.
    pub(super) fn mistrust(&mut self, place: Place) -> bool {
        let Some(part) = self.parts.get_mut(place.part) else { return false };
        let Some(entry) = part.frames.get(place.frame).and_then(|frame| frame.entry.clone()) else { return false };
        let header = part.header.clone();
        let fresh = Part { frames: Vec::new(), path: part.path.clone(), source: Arc::clone(&part.source), header, ..**part };
        let looked = part.frames.get(place.frame).map(|frame| look_into(&part.source, frame, part.header.start));
        if looked.is_none_or(|looked| looked.from == entry.from && looked.key == entry.key) {
            return false;
        }
        let mut fresh = fresh;
        fresh.frames = part.frames.iter().map(|frame| Frame { entry: None, ..frame.clone() }).collect();
        fresh.complete(0);
        *part = Arc::new(fresh);
        true
    }

    /// Everything from a place on. A key frame is given only where the reading begins.
    pub fn items(&self, from: Place) -> Items {
        Items {
            parts: self.parts.clone(),
            at: from,
            lines: None,
            line: Vec::new(),
            fresh: true,
            in_key: false,
            unread: 0,
            problem: None,
        }
    }

    /// What was observed from `from` on, in order. First, unless `from` is before the beginning, comes everything that was known at the last key
    /// frame before, as observations of that moment.
    pub fn observations(&self, from: Time) -> impl Iterator<Item = Result<Observation, ReadError>> + use<> {
        self.items(self.place(from)).filter_map(|item| match item {
            Ok(Item::Seen(seen)) => Some(Ok(seen)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

/// A file, as it was known if it did not change since.
fn reread(path: &Path, known: Option<&Arc<Part>>) -> Result<Arc<Part>, ReadError> {
    let failed = |error: io::Error| ReadError::Io { path: path.to_owned(), error };
    let Some(known) = known else {
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(ReadError::Foreign { path: path.to_owned(), why: "it is no file".to_owned() });
        }
        return Part::open(path, Arc::new(file)).map(Arc::new);
    };
    let size = known.source.size().map_err(failed)?;
    if size == known.size {
        return Ok(Arc::clone(known));
    }
    let (more, whole) = frame::scan(&*known.source, known.whole).map_err(failed)?;
    let mut frames: Vec<Frame> = known.frames.iter().filter(|frame| frame.whole).cloned().collect();
    let before = frames.len();
    frames.extend(more);
    let (source, header) = (Arc::clone(&known.source), known.header.clone());
    let mut part = Part { path: path.to_owned(), source, header, frames, whole, size };
    part.complete(before);
    Ok(Arc::new(part))
}

/// What is in a recording, one after the other.
pub struct Items {
    parts: Vec<Arc<Part>>,
    at: Place,
    lines: Option<Lines>,
    line: Vec<u8>,
    /// Whether the next key frame is wanted: what was before it is not known.
    fresh: bool,
    in_key: bool,
    /// Lines that were not understood.
    unread: u64,
    problem: Option<String>,
}

impl Items {
    /// Lines so far that were not understood or too long.
    pub fn unread(&self) -> u64 {
        self.unread + self.lines.as_ref().map_or(0, |lines| lines.unread)
    }

    /// What was wrong with a frame, if there was something: the rest of it could not be read.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn item(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(part) = self.parts.get(self.at.part) else { return Ok(None) };
                let Some(frame) = part.frames.get(self.at.frame) else {
                    self.at = Place { part: self.at.part + 1, frame: 0 };
                    continue;
                };
                let key = frame.entry.as_ref().is_some_and(|entry| entry.key);
                if key && !self.fresh {
                    self.at.frame += 1;
                    continue;
                }
                let failed = |error: io::Error| ReadError::Io { path: part.path.clone(), error };
                self.lines = Some(Lines::open(&part.source, frame).map_err(failed)?);
                self.in_key = false;
                continue;
            };
            if lines.next(&mut self.line).is_none() {
                self.unread += lines.unread;
                let torn = self.parts.get(self.at.part).and_then(|p| p.frames.get(self.at.frame)).is_some_and(|f| !f.whole);
                if let Some(problem) = lines.problem.take().filter(|_| !torn) {
                    self.problem = Some(problem);
                }
                self.lines = None;
                self.fresh &= !self.in_key;
                self.in_key = false;
                self.at.frame += 1;
                continue;
            }
            if !self.fresh && self.line.starts_with(KEPT_BEGINS) {
                self.in_key = false;
                continue;
            }
            match Line::parse(&self.line) {
                Some(Line::Seen(seen)) => {
                    if self.in_key && !self.fresh {
                        continue;
                    }
                    if !self.in_key {
                        self.fresh = false;
                    }
                    return Ok(Some(Item::Seen(seen)));
                }
                Some(Line::Special(Special::Key(key))) => {
                    self.in_key = true;
                    if self.fresh {
                        return Ok(Some(Item::Key(key)));
                    }
                }
                Some(Line::Special(Special::Kept(kept))) => {
                    self.in_key = false;
                    self.fresh = false;
                    return Ok(Some(Item::Kept(kept)));
                }
                Some(Line::Special(Special::Mark(mark))) => return Ok(Some(Item::Mark(mark))),
                Some(Line::Special(Special::Gap(gap))) => return Ok(Some(Item::Gap(gap))),
                None => match serde_json::from_slice::<Header>(&self.line) {
                    Ok(header) if header.schema == SCHEMA => {
                        self.fresh = true;
                        return Ok(Some(Item::Begin(Box::new(header))));
                    }
                    _ => lines.unread += 1,
                },
            }
        }
    }
}

impl Iterator for Items {
    type Item = Result<Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.item() {
            Ok(item) => item.map(Ok),
            Err(error) => {
                // Said once.
                self.at = Place { part: usize::MAX, frame: 0 };
                self.lines = None;
                Some(Err(error))
            }
        }
    }
}
