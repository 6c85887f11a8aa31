//! How much is read at most, and who stops it: what was read until then is still judged.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much is read of one source at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes that come in, packed.
    pub input: u64,
    /// Bytes that come out of all layers of packing together.
    pub unpacked: u64,
    /// So much may come out whatever went in; beyond it [`Self::ratio`] counts.
    pub free: u64,
    /// Bytes out for each byte in.
    pub ratio: u64,
    /// Archives and packed files within each other.
    pub depth: usize,
    /// Files and folders.
    pub members: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { input: 1 << 40, unpacked: 64 << 30, free: 3 << 30, ratio: 300, depth: 8, members: 200_000 }
    }
}

/// Why the reading was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Too much came in.
    Input,
    /// Too much came out.
    Unpacked,
    /// Too much came out of too little.
    Ratio,
    /// Too many files.
    Members,
}

/// Counts for one source. All clones count together.
#[derive(Clone, Debug)]
pub struct Meter(Rc<Counts>);

#[derive(Debug)]
struct Counts {
    limits: Limits,
    input: Cell<u64>,
    unpacked: Cell<u64>,
    members: Cell<u64>,
    /// The same for who waits elsewhere.
    seen: Option<Arc<AtomicU64>>,
    stop: Cell<Option<Stop>>,
}

impl Meter {
    /// Nothing yet.
    pub fn new(limits: Limits, seen: Option<Arc<AtomicU64>>) -> Self {
        let (input, unpacked, members, stop) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(None));
        Self(Rc::new(Counts { limits, input, unpacked, members, seen, stop }))
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Whether it was stopped.
    pub fn stopped(&self) -> Option<Stop> {
        self.0.stop.get()
    }

    /// Files and folders until now.
    pub fn members(&self) -> u64 {
        self.0.members.get()
    }

    /// One more file or folder. False if it is one too many.
    pub fn member(&self) -> bool {
        self.0.members.set(self.0.members.get() + 1);
        if let Some(seen) = &self.0.seen {
            seen.store(self.0.members.get(), Ordering::Relaxed);
        }
        if self.0.members.get() > self.0.limits.members {
            self.stop(Stop::Members);
        }
        self.stopped().is_none()
    }

    fn stop(&self, why: Stop) {
        if self.0.stop.get().is_none() {
            self.0.stop.set(Some(why));
        }
    }

    fn input_left(&self) -> u64 {
        self.0.limits.input.saturating_sub(self.0.input.get())
    }

    fn came_in(&self, bytes: u64) {
        let all = self.0.input.get().saturating_add(bytes);
        self.0.input.set(all);
        if all > self.0.limits.input {
            self.stop(Stop::Input);
        }
    }

    fn came_out(&self, bytes: u64) {
        let (limits, all) = (&self.0.limits, self.0.unpacked.get().saturating_add(bytes));
        self.0.unpacked.set(all);
        if all > limits.unpacked {
            self.stop(Stop::Unpacked);
        } else if all > limits.free && all / limits.ratio > self.0.input.get() {
            self.stop(Stop::Ratio);
        }
    }
}

/// Counts what passes, and ends it when it is too much.
pub struct Metered<R> {
    inner: R,
    meter: Meter,
    /// Whether it comes from outside, not out of a layer of packing.
    outside: bool,
}

impl<R: Read> Metered<R> {
    /// What comes from outside.
    pub const fn outside(inner: R, meter: Meter) -> Self {
        Self { inner, meter, outside: true }
    }

    /// What comes out of a layer of packing.
    pub const fn unpacked(inner: R, meter: Meter) -> Self {
        Self { inner, meter, outside: false }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.meter.stopped().is_some() {
            return Err(io::Error::other("a limit of this program was reached"));
        }
        if !self.outside {
            let count = self.inner.read(buffer)?;
            self.meter.came_out(count as u64);
            return Ok(count);
        }
        // Up to the limit it is read, so that all of that can be judged; what is beyond ends it.
        let most = usize::try_from(self.meter.input_left()).unwrap_or(usize::MAX).min(buffer.len());
        let count = match buffer.get_mut(..most.max(1)) {
            Some(free) => self.inner.read(free)?,
            None => 0,
        };
        self.meter.came_in(count as u64);
        if most == 0 && count > 0 { Err(io::Error::other("a limit of this program was reached")) } else { Ok(count) }
    }
}
