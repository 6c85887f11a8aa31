//! Finding a name in a fixed list with one cheap hash, because every access to a field by name does so.

use std::hash::{BuildHasherDefault, Hasher};

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// A fast hasher for names and references. Not for keys that an attacker chooses; the simulated pool makes its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastHasher(u64);

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in chunks.by_ref() {
            let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(MIX);
        }
        let rest = chunks.remainder().iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        self.0 = (self.0.rotate_left(5) ^ rest ^ (bytes.len() as u64) << 56).wrapping_mul(MIX);
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 ^= u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}

/// Builds [`FastHasher`]s.
pub type FastHash = BuildHasherDefault<FastHasher>;

/// Positions of names in a list.
#[derive(Clone, Debug)]
pub struct Names {
    slots: Box<[u16]>,
    names: Box<[&'static str]>,
}

impl Names {
    /// Of a list of fewer than 65,535 different names.
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        let names: Box<[&'static str]> = names.into_iter().collect();
        let size = (names.len() * 2 + 1).next_power_of_two();
        let mut slots = vec![u16::MAX; size].into_boxed_slice();
        for (position, name) in names.iter().enumerate() {
            let mut at = hash(name) & (size - 1);
            while slots.get(at).is_some_and(|slot| *slot != u16::MAX) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = position as u16;
            }
        }
        Self { slots, names }
    }

    /// The position of `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash(name) & mask;
        loop {
            let position = usize::from(*self.slots.get(at)?);
            let found = self.names.get(position)?;
            if *found == name {
                return Some(position);
            }
            at = (at + 1) & mask;
        }
    }

    /// The names in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied()
    }

    /// The names in their order.
    pub fn as_slice(&self) -> &[&'static str] {
        &self.names
    }
}

fn hash(name: &str) -> usize {
    let mut hasher = FastHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_where_it_is_and_nothing_else_is() {
        let names = ["uuid", "name_label", "name_description", "other_config", "a", ""];
        let index = Names::new(names);
        for (position, name) in names.iter().enumerate() {
            assert_eq!(index.position(name), Some(position), "{name}");
        }
        for other in ["UUID", "name_labels", "b", "other_confi"] {
            assert_eq!(index.position(other), None, "{other}");
        }
        assert_eq!(Names::new([]).position("x"), None);
    }
}
