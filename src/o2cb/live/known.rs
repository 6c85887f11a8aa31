//! A value from a host, or why it cannot be known. Never a guess in its place.

use crate::text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that was read and understood, or the reason why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Known<T> {
    /// Not known.
    No(Unknown),
    /// Known.
    Yes(T),
}

/// Why something is not known: which file or command, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// The file or command that would have told.
    pub cannot_know_from: String,
    /// What is wrong with it.
    pub because: Because,
}

/// What is wrong with a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It is not there: not installed, not loaded, not mounted, or another kernel.
    Absent,
    /// We may not read it.
    Denied,
    /// It was not looked at, for the reason given.
    NotLooked(String),
    /// It does not say what its format says. With the beginning of what it says.
    NotUnderstood(String),
    /// It is longer than we read, in bytes.
    TooLong(u64),
    /// It did not end in time, in seconds.
    TooSlow(u64),
    /// Reading it failed, or the command did, with its own words.
    Failed(String),
}

impl Unknown {
    /// `from` cannot be known because of `because`.
    pub fn new(from: impl Into<String>, because: Because) -> Self {
        Self { cannot_know_from: from.into(), because }
    }

    /// `from` says `text`, which is none of what it may say.
    pub fn not_understood(from: impl Into<String>, said: &str) -> Self {
        Self::new(from, Because::NotUnderstood(text::clean(said.trim(), 80).into_owned()))
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = text::clean(&self.cannot_know_from, 200);
        match &self.because {
            Because::Absent => write!(f, "{from} is not there"),
            Because::Denied => write!(f, "{from} may not be read: run as root"),
            Because::NotLooked(why) => write!(f, "{from} was not read: {}", text::clean(why, 200)),
            Because::NotUnderstood(said) if said.is_empty() => write!(f, "{from} is empty"),
            Because::NotUnderstood(said) => write!(f, "{from} is not understood: {}", text::clean(said, 80)),
            Because::TooLong(limit) => write!(f, "{from} is longer than {limit} bytes"),
            Because::TooSlow(secs) => write!(f, "{from} did not answer within {secs} s"),
            Because::Failed(why) => write!(f, "{from} failed: {}", text::clean(why, 200)),
        }
    }
}

impl<T> Known<T> {
    /// The value, if it is known.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Yes(value) => Some(value),
            Self::No(_) => None,
        }
    }

    /// The value or its lack, if that is a copy.
    pub fn copied(&self) -> Option<T>
    where
        T: Copy,
    {
        self.get().copied()
    }

    /// Why it is not known.
    pub const fn why_not(&self) -> Option<&Unknown> {
        match self {
            Self::Yes(_) => None,
            Self::No(why) => Some(why),
        }
    }

    /// The first of the two that is known; if none is, why the first is not.
    #[must_use]
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes(_) => self,
            Self::No(why) => match other() {
                Self::No(_) => Self::No(why),
                found @ Self::Yes(_) => found,
            },
        }
    }

    /// What `change` makes of the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Yes(value) => Known::Yes(change(value)),
            Self::No(why) => Known::No(why),
        }
    }
}

impl<T> From<Result<T, Unknown>> for Known<T> {
    fn from(result: Result<T, Unknown>) -> Self {
        match result {
            Ok(value) => Self::Yes(value),
            Err(why) => Self::No(why),
        }
    }
}

impl<T> Default for Known<T> {
    /// Nothing was read at all.
    fn default() -> Self {
        Self::No(Unknown::new("this host", Because::NotLooked("nothing was read".into())))
    }
}

impl<T: fmt::Display> fmt::Display for Known<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes(value) => value.fmt(f),
            Self::No(why) => write!(f, "cannot know: {why}"),
        }
    }
}
