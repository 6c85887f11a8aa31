//! One file of a recording as it is written: lines into frames, frames into the file, an entry of the index behind each.
//!
//! A frame is closed after [`FRAME_TIME`] or [`FRAME_BYTES`]; what is in it reaches the file with every [`Segment::flush`], as whole blocks, which a
//! reader unpacks although the frame is not closed yet.

use super::frame::Entry;
use super::line::{self, Header, Key, Special};
use super::marks::Mark;
use super::thin;
use crate::observation::Observation;
use crate::time::Time;
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;
use zstd::stream::write::Encoder;

/// A frame holds at most so much time: as much as lies between two key frames.
pub const FRAME_TIME: Duration = Duration::from_secs(300);
/// A frame holds at most about so much text. Bytes.
pub const FRAME_BYTES: usize = 16 << 20;
/// How hard it is packed.
const LEVEL: i32 = 6;
/// How far back it looks for what is said again, as a power of two: 4 MiB for one pool, 128 KiB where there are many, for that is memory of each.
pub const WINDOW: u32 = 22;
/// See [`WINDOW`].
pub const WINDOW_OF_MANY: u32 = 17;

/// How hard key frames are packed: they are rare and large.
const KEY_LEVEL: i32 = 9;

/// Where the bytes of a segment go.
pub trait Sink: Write + Send {
    /// Cuts off what was written after so many bytes.
    fn cut(&mut self, to: u64) -> io::Result<()>;
    /// Sees to it that what was written survives the machine.
    fn sync(&mut self) -> io::Result<()>;
}

impl Sink for std::fs::File {
    fn cut(&mut self, to: u64) -> io::Result<()> {
        self.set_len(to)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The frame that is open.
struct Open {
    packed: Encoder<'static, Vec<u8>>,
    /// Text in it.
    text: usize,
    /// Bytes of it that are in the file.
    written: u64,
    entry: Entry,
    /// Whether there is something that was not flushed.
    waiting: bool,
}

/// A file being written.
pub struct Segment {
    sink: Box<dyn Sink>,
    /// Bytes in the file.
    size: u64,
    open: Option<Open>,
    line: Vec<u8>,
    how: How,
}

/// How it is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// How hard.
    pub level: i32,
    /// How far back it looks for what is said again, as a power of two.
    pub window: u32,
    /// A frame holds at most so much time.
    pub frame: Duration,
}

impl Default for How {
    fn default() -> Self {
        Self { level: LEVEL, window: WINDOW, frame: FRAME_TIME }
    }
}

impl Segment {
    /// Writes the header.
    pub fn begin(sink: Box<dyn Sink>, header: &Header, how: How) -> io::Result<Self> {
        let mut segment = Self { sink, size: 0, open: None, line: Vec::new(), how };
        segment.put(header, header.start)?;
        segment.close()?;
        Ok(segment)
    }

    /// Bytes in the file.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Writes an observation.
    pub fn seen(&mut self, seen: &Observation) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.text >= FRAME_BYTES || seen.at.since(open.entry.from) >= self.how.frame) {
            self.close()?;
        }
        self.put(seen, seen.at)
    }

    /// Writes a line that is no observation.
    pub fn special(&mut self, special: &Special, at: Time) -> io::Result<()> {
        self.put(special, at)
    }

    /// Writes an event of note, also into the index.
    pub fn mark(&mut self, mark: Mark, at: Time) -> io::Result<()> {
        let special = Special::Mark(mark);
        self.put(&special, at)?;
        if let (Special::Mark(mark), Some(open)) = (special, &mut self.open) {
            open.entry.marks.push(mark);
        }
        Ok(())
    }

    /// Writes a key frame: everything that is known, and what is remembered beyond it.
    pub fn key<'o>(
        &mut self,
        at: Time,
        all: impl ExactSizeIterator<Item = std::borrow::Cow<'o, Observation>>,
        kept: &Special,
    ) -> io::Result<()> {
        self.close()?;
        let level = self.how.level;
        self.how.level = level.max(KEY_LEVEL);
        let done = self.whole_key(at, all, kept);
        self.how.level = level;
        done
    }

    fn whole_key<'o>(
        &mut self,
        at: Time,
        all: impl ExactSizeIterator<Item = std::borrow::Cow<'o, Observation>>,
        kept: &Special,
    ) -> io::Result<()> {
        self.put(&Special::Key(Key { at, records: all.len() }), at)?;
        for seen in all {
            self.put(&*seen, at)?;
        }
        self.put(kept, at)?;
        if let Some(open) = &mut self.open {
            open.entry.key = true;
        }
        self.close()
    }

    fn put(&mut self, value: &impl Serialize, at: Time) -> io::Result<()> {
        self.line.clear();
        line::write(value, &mut self.line)?;
        thin::scrub(&mut self.line);
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let mut packed = Encoder::new(Vec::new(), self.how.level)?;
                packed.include_checksum(true)?;
                packed.window_log(self.how.window)?;
                let entry = Entry { from: at, to: at, ..Entry::default() };
                none.insert(Open { packed, text: 0, written: 0, entry, waiting: false })
            }
        };
        open.packed.write_all(&self.line)?;
        open.text += self.line.len();
        open.entry.to = open.entry.to.max(at);
        open.waiting = true;
        Ok(())
    }

    /// Brings all that was said so far into the file.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| open.waiting) else { return Ok(()) };
        open.packed.flush()?;
        open.waiting = false;
        let bytes = std::mem::take(open.packed.get_mut());
        open.written += bytes.len() as u64;
        self.write(&bytes)
    }

    /// Closes the frame that is open.
    pub fn close(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let Open { packed, written, mut entry, .. } = open;
        let mut bytes = packed.finish()?;
        entry.len = written + bytes.len() as u64;
        bytes.extend(entry.to_bytes());
        self.write(&bytes)
    }

    /// Sees to it that what was written survives the machine.
    pub fn sync(&mut self) -> io::Result<()> {
        self.sink.sync()
    }

    /// All of it or nothing: half a block would end the reading of the file.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.sink.write_all(bytes).and_then(|()| self.sink.flush()) {
            Ok(()) => {
                self.size += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What cannot be cut off either is left out by the reader.
                let _ = self.sink.cut(self.size);
                Err(error)
            }
        }
    }
}
