//! The lines of one frame, unpacked within bounds.

use super::frame::{Frame, WINDOW_MOST};
use super::line::LINE_MOST;
use super::source::{Source, Stretch};
use std::io::{self, BufRead, BufReader};
use std::sync::Arc;
use zstd::stream::read::Decoder;

/// The most that a frame is unpacked to, whatever it is. Bytes.
const FRAME_MOST: u64 = 256 << 20;
/// A frame may unpack to so many times its own size, and [`FRAME_FREE`] besides. Recordings come to ten or twenty times.
const RATIO_MOST: u64 = 500;
/// So many lines of a frame may make no sense before the rest of it is given up.
const SENSELESS_MOST: u64 = 1_000;
const FRAME_FREE: u64 = 1 << 20;

/// The lines of a frame, and why they end if not with the frame.
pub(super) struct Lines {
    unpacked: BufReader<Decoder<'static, BufReader<Stretch>>>,
    left: u64,
    /// What was wrong, in words.
    pub problem: Option<String>,
    /// Lines that were too long, or that made no sense.
    pub unread: u64,
}

impl Lines {
    pub fn open(source: &Arc<dyn Source>, frame: &Frame) -> io::Result<Self> {
        let stretch = Stretch::new(Arc::clone(source), frame.at, frame.len);
        let mut decoder = Decoder::with_buffer(BufReader::with_capacity(64 << 10, stretch))?.single_frame();
        decoder.window_log_max(WINDOW_MOST)?;
        let left = frame.len.saturating_mul(RATIO_MOST).saturating_add(FRAME_FREE).min(FRAME_MOST);
        Ok(Self { unpacked: BufReader::with_capacity(128 << 10, decoder), left, problem: None, unread: 0 })
    }

    /// The next whole line, without its end. `None` at the end of what can be read.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Option<()> {
        line.clear();
        let mut skipping = false;
        loop {
            if self.left == 0 {
                self.problem = Some("it unpacks to far more than a recording does; the rest of it is not read".to_owned());
                return None;
            }
            if self.unread >= SENSELESS_MOST {
                self.problem = Some("too much of it makes no sense; the rest of it is not read".to_owned());
                return None;
            }
            let bytes = match self.unpacked.fill_buf() {
                Ok([]) => return None,
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.problem = Some(format!("it cannot be unpacked further: {error}"));
                    return None;
                }
            };
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            if !skipping && line.len() + part.len() > LINE_MOST {
                skipping = true;
                self.unread += 1;
                *line = Vec::new();
            }
            if !skipping {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.left = self.left.saturating_sub(used as u64);
            self.unpacked.consume(used);
            if end.is_some() {
                if !skipping {
                    return Some(());
                }
                skipping = false;
            }
        }
    }
}
