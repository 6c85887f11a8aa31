//! Node numbers: the lowest that is free, and never one that somebody may still take for another node.

use super::{LAST_NUMBER, MAX_NODES};
use crate::text;
use std::collections::BTreeMap;

/// Why a number cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum NumberError {
    #[error(
        "node number {number} is too high: o2cb has 0 to {LAST_NUMBER}. To free the numbers of nodes that left, restart every node of \
         the cluster, and then: poolwatch o2cb forget NUMBER"
    )]
    TooHigh { number: u32 },
    #[error(
        "all {MAX_NODES} node numbers are spent: {used} by nodes, {held} held by nodes that left. Restart every node of the cluster, and then: \
         poolwatch o2cb forget NUMBER"
    )]
    Spent { used: usize, held: usize },
    #[error("node number {number} belongs to {by}. Give another, or none for the lowest that is free")]
    Used { number: u8, by: String },
    #[error(
        "node number {number} is held by {by}, which left: until every node has restarted, some would take the new node for it. Give another \
         number, or free this one with: poolwatch o2cb forget {number}"
    )]
    Held { number: u8, by: String },
}

/// Who has which number in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    used: BTreeMap<u8, String>,
    held: BTreeMap<u8, String>,
}

impl Numbers {
    /// A node has this number.
    pub fn uses(&mut self, number: u8, name: &str) {
        self.used.entry(number).or_insert_with(|| text::clean(name, 64).into_owned());
    }

    /// A node that left holds this number.
    pub fn holds(&mut self, number: u8, name: &str) {
        self.held.entry(number).or_insert_with(|| text::clean(name, 100).into_owned());
    }

    /// The numbers that are held, and by whom; not those that are used as well.
    pub fn held(&self) -> impl Iterator<Item = (u8, &str)> {
        self.held.iter().filter(|(number, _)| !self.used.contains_key(number)).map(|(number, name)| (*number, name.as_str()))
    }

    /// The lowest number that nobody has or holds.
    ///
    /// # Errors
    /// If there is none.
    pub fn lowest_free(&self) -> Result<u8, NumberError> {
        let free = (0..=LAST_NUMBER).find(|number| !self.used.contains_key(number) && !self.held.contains_key(number));
        free.ok_or_else(|| NumberError::Spent { used: self.used.len(), held: self.held().count() })
    }

    /// Checks a number that was asked for.
    ///
    /// # Errors
    /// If it is too high, used or held.
    pub fn claim(&self, number: u32) -> Result<u8, NumberError> {
        let number = u8::try_from(number).ok().filter(|n| *n <= LAST_NUMBER).ok_or(NumberError::TooHigh { number })?;
        if let Some(by) = self.used.get(&number) {
            return Err(NumberError::Used { number, by: by.clone() });
        }
        if let Some(by) = self.held.get(&number) {
            return Err(NumberError::Held { number, by: by.clone() });
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_skips_those_that_are_held() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.lowest_free(), Ok(0));
        numbers.uses(0, "xs0");
        numbers.holds(1, "xs1");
        numbers.uses(3, "xs3");
        assert_eq!(numbers.lowest_free(), Ok(2));
        assert_eq!(numbers.claim(1), Err(NumberError::Held { number: 1, by: "xs1".into() }));
        assert_eq!(numbers.claim(3), Err(NumberError::Used { number: 3, by: "xs3".into() }));
        assert_eq!(numbers.claim(254), Ok(254));
        assert_eq!(numbers.claim(255), Err(NumberError::TooHigh { number: 255 }));
        assert_eq!(numbers.claim(70_000), Err(NumberError::TooHigh { number: 70_000 }));
    }

    #[test]
    fn when_all_are_spent_it_says_how_to_free_some() {
        let mut numbers = Numbers::default();
        (0..=200).for_each(|n| numbers.uses(n, "x"));
        (201..=LAST_NUMBER).for_each(|n| numbers.holds(n, "y"));
        let error = numbers.lowest_free().unwrap_err();
        assert_eq!(error, NumberError::Spent { used: 201, held: 54 });
        assert!(error.to_string().contains("Restart every node"), "{error}");
    }
}
