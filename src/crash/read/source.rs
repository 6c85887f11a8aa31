//! A stream that can be looked into before it is read, and parts of it.

use std::io::{self, BufRead, Read};

/// Bytes that are held of a stream.
const BUFFER: usize = 64 << 10;

/// A stream with a buffer, whatever it comes from.
pub struct Source<'a> {
    inner: &'a mut dyn Read,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// What went wrong while looking ahead: told once all before it is read.
    broken: Option<io::Error>,
}

impl<'a> Source<'a> {
    /// Around a stream.
    pub fn new(inner: &'a mut dyn Read) -> Self {
        Self { inner, buffer: vec![0; BUFFER], at: 0, filled: 0, broken: None }
    }

    /// The next `count` bytes (64 KiB at most) without taking them; fewer at the end, or before an error, which comes when they
    /// are read.
    pub fn peek(&mut self, count: usize) -> &[u8] {
        if self.filled - self.at < count {
            self.buffer.copy_within(self.at..self.filled, 0);
            self.filled -= self.at;
            self.at = 0;
            while self.filled < count.min(BUFFER) && self.broken.is_none() {
                let Some(free) = self.buffer.get_mut(self.filled..) else { break };
                match self.inner.read(free) {
                    Ok(0) => break,
                    Ok(more) => self.filled += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => self.broken = Some(error),
                }
            }
        }
        let end = self.filled.min(self.at + count);
        self.buffer.get(self.at..end).unwrap_or_default()
    }

    /// Passes over `count` bytes; how many there were.
    pub fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let here = self.fill_buf()?.len();
            if here == 0 {
                break;
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(here);
            self.consume(step);
            left -= step as u64;
        }
        Ok(count - left)
    }

    /// Fills `block`; how many bytes there were.
    pub fn block(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while let Some(rest) = block.get_mut(got..).filter(|rest| !rest.is_empty()) {
            match self.read(rest) {
                Ok(0) => break,
                Ok(count) => got += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }
}

/// What is buffered, as far as there is room for it.
fn copy(from: &mut impl BufRead, out: &mut [u8]) -> io::Result<usize> {
    let count = from.fill_buf()?.read(out)?;
    from.consume(count);
    Ok(count)
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        copy(self, out)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.filled {
            if let Some(error) = self.broken.take() {
                return Err(error);
            }
            match self.inner.read(&mut self.buffer) {
                Ok(count) => {
                    (self.at, self.filled) = (0, count.min(BUFFER));
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.buffer.get(self.at..self.filled).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at = self.filled.min(self.at + count);
    }
}

/// The next `left` bytes of a source.
pub struct Part<'a, 's> {
    source: &'a mut Source<'s>,
    left: u64,
}

impl<'a, 's> Part<'a, 's> {
    /// Its next `length` bytes.
    pub const fn new(source: &'a mut Source<'s>, length: u64) -> Self {
        Self { source, left: length }
    }

    /// Passes over what nobody read. False if the source ended before.
    pub fn finish(self) -> io::Result<bool> {
        Ok(self.source.skip(self.left)? == self.left)
    }
}

impl Read for Part<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        copy(self, out)
    }
}

impl BufRead for Part<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let here = self.source.fill_buf()?;
        Ok(here.get(..most).unwrap_or(here))
    }

    fn consume(&mut self, count: usize) {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(count);
        self.source.consume(count);
        self.left -= count as u64;
    }
}
