//! A set of numbers from 0 to 255, for nodes and regions: forecasts of large clusters make and compare millions of them.

/// The set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits([u64; 4]);

impl Bits {
    fn place(number: u8) -> (usize, u64) {
        (usize::from(number >> 6), 1 << (number & 63))
    }

    pub fn contains(&self, number: u8) -> bool {
        let (word, bit) = Self::place(number);
        self.0.get(word).is_some_and(|w| w & bit != 0)
    }

    /// Whether it was not there.
    pub fn insert(&mut self, number: u8) -> bool {
        let (word, bit) = Self::place(number);
        let Some(w) = self.0.get_mut(word) else { return false };
        let new = *w & bit == 0;
        *w |= bit;
        new
    }

    /// Whether it was there.
    pub fn remove(&mut self, number: u8) -> bool {
        let (word, bit) = Self::place(number);
        let Some(w) = self.0.get_mut(word) else { return false };
        let was = *w & bit != 0;
        *w &= !bit;
        was
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|w| w.count_ones() as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The lowest.
    pub fn first(&self) -> Option<u8> {
        self.iter().next()
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + use<> {
        let words = self.0;
        (0u8..4).zip(words).flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = word.trailing_zeros() as u8;
                    word &= word - 1;
                    (at << 6) | bit
                })
            })
        })
    }

    /// What is in both.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        self.with(other, |a, b| a & b)
    }

    /// What is in either.
    #[must_use]
    pub fn either(&self, other: &Self) -> Self {
        self.with(other, |a, b| a | b)
    }

    /// What is in this one alone.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.with(other, |a, b| a & !b)
    }

    fn with(&self, other: &Self, how: impl Fn(u64, u64) -> u64) -> Self {
        let mut words = self.0;
        for (word, theirs) in words.iter_mut().zip(other.0) {
            *word = how(*word, theirs);
        }
        Self(words)
    }
}

impl FromIterator<u8> for Bits {
    fn from_iter<I: IntoIterator<Item = u8>>(numbers: I) -> Self {
        let mut bits = Self::default();
        for number in numbers {
            bits.insert(number);
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_gives_it_back_in_order() {
        let mut set: Bits = [255, 0, 63, 64, 200, 64].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 200, 255]);
        assert_eq!((set.len(), set.first(), set.is_empty()), (5, Some(0), false));
        assert!(set.contains(63) && !set.contains(62) && !set.insert(0) && set.insert(1));
        assert!(set.remove(0) && !set.remove(0));
        let other: Bits = [1, 2, 255].into_iter().collect();
        assert_eq!(set.both(&other).iter().collect::<Vec<_>>(), [1, 255]);
        assert_eq!(other.without(&set).iter().collect::<Vec<_>>(), [2]);
        assert_eq!(set.either(&other).len(), 6);
        assert_eq!(Bits::default().first(), None);
    }
}
