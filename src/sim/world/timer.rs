//! What falls due when. Equal times keep the order in which they were set, so a seed always plays the same way.

use crate::time::Time;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

#[derive(Clone)]
struct Entry<T> {
    at: Time,
    order: u64,
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl<T> Eq for Entry<T> {}
impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Entry<T> {
    // Reversed: the heap gives the greatest first, we want the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// A queue of things to come.
#[derive(Clone)]
pub struct Timers<T> {
    heap: BinaryHeap<Entry<T>>,
    order: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), order: 0 }
    }
}

impl<T> Timers<T> {
    /// Sets a timer. There is no way to take one back: who handles it checks whether it still applies.
    pub fn set(&mut self, at: Time, what: T) {
        self.order += 1;
        self.heap.push(Entry { at, order: self.order, what });
    }

    /// When the next falls due.
    pub fn next(&self) -> Option<Time> {
        self.heap.peek().map(|e| e.at)
    }

    /// The next one that is due at `now` or before, with its time.
    pub fn pop(&mut self, now: Time) -> Option<(Time, T)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|e| (e.at, e.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_equals_in_order() {
        let mut timers = Timers::default();
        for (at, what) in [(20, 'c'), (10, 'a'), (10, 'b'), (30, 'd')] {
            timers.set(Time::from_secs(at), what);
        }
        let mut seen = String::new();
        while let Some((_, what)) = timers.pop(Time::from_secs(20)) {
            seen.push(what);
        }
        assert_eq!(seen, "abc");
        assert_eq!(timers.next(), Some(Time::from_secs(30)));
    }
}
