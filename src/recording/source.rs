//! Bytes that can be read at any place: a file, or bytes in memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes that can be read at any place.
pub trait Source: Send + Sync {
    /// How many there are now; a file that is being written grows.
    fn size(&self) -> io::Result<u64>;
    /// Reads from `at` on, until the buffer is full or there is no more. How many bytes that were.
    fn fill(&self, at: u64, to: &mut [u8]) -> io::Result<usize>;
}

impl Source for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn fill(&self, at: u64, to: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = to.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, at.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

impl Source for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn fill(&self, at: u64, to: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(self.len());
        let part = self.get(from..).unwrap_or_default();
        let long = part.len().min(to.len());
        if let (Some(to), Some(part)) = (to.get_mut(..long), part.get(..long)) {
            to.copy_from_slice(part);
        }
        Ok(long)
    }
}

/// A stretch of a source, to be read in order.
pub(super) struct Stretch {
    source: Arc<dyn Source>,
    at: u64,
    end: u64,
}

impl Stretch {
    pub fn new(source: Arc<dyn Source>, at: u64, len: u64) -> Self {
        Self { source, at, end: at.saturating_add(len) }
    }
}

impl Read for Stretch {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(to.len());
        let read = self.source.fill(self.at, to.get_mut(..left).unwrap_or_default())?;
        self.at += read as u64;
        Ok(read)
    }
}
