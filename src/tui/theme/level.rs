//! How many colours the terminal has. Decided once, before the first frame, from a flag, the configuration file and the
//! environment, in this order.

use std::str::FromStr;

/// How many colours may be used, least first.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::Display,
)]
#[strum(serialize_all = "lowercase")]
pub enum ColourLevel {
    /// No colour at all: everything is told by glyphs, words and modifiers.
    None,
    /// The terminal's own 16 colours, whatever they look like.
    #[strum(serialize = "16")]
    Ansi16,
    /// xterm's 256 colours.
    #[strum(serialize = "256")]
    Ansi256,
    /// 24 bits.
    #[strum(serialize = "truecolor")]
    TrueColour,
}

/// What a flag or the configuration file asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourChoice {
    /// Whatever the environment says.
    #[default]
    Auto,
    /// Exactly this, even with `NO_COLOR`.
    Fixed(ColourLevel),
}

/// What [`ColourChoice`] is written as.
pub const CHOICES: [&str; 5] = ["auto", "none", "16", "256", "truecolor"];

/// A word that is no [`ColourChoice`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no number of colours; use one of auto, none, 16, 256, truecolor")]
pub struct NoSuchLevel(String);

impl FromStr for ColourChoice {
    type Err = NoSuchLevel;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Fixed(ColourLevel::None)),
            "truecolour" | "24bit" => Ok(Self::Fixed(ColourLevel::TrueColour)),
            word => ColourLevel::from_str(word).map(Self::Fixed).map_err(|_| NoSuchLevel(word.to_owned())),
        }
    }
}

impl ColourLevel {
    /// What the terminal on standard output has: `choice` if it is fixed, else `NO_COLOR`, `COLORTERM` and `TERM`.
    pub fn detect(choice: ColourChoice) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let term = std::env::var("TERM").unwrap_or_default();
        let detected = supports_color::on(supports_color::Stream::Stdout).map_or(Self::None, |level| {
            if level.has_16m {
                Self::TrueColour
            } else if level.has_256 {
                Self::Ansi256
            } else {
                Self::Ansi16
            }
        });
        Self::decide(choice, no_color, &term, detected)
    }

    /// The rule behind [`ColourLevel::detect`], without the environment. `NO_COLOR` counts when it is set and not
    /// empty (no-color.org).
    pub fn decide(choice: ColourChoice, no_color: bool, term: &str, detected: Self) -> Self {
        match choice {
            ColourChoice::Fixed(level) => level,
            ColourChoice::Auto if no_color => Self::None,
            // `ssh` carries TERM but not COLORTERM, so these would be taken for 16-colour terminals.
            ColourChoice::Auto if detected > Self::None && knows_rgb(term) => Self::TrueColour,
            ColourChoice::Auto => detected,
        }
    }
}

/// Terminals that all have 24-bit colour, known by their own `TERM`.
fn knows_rgb(term: &str) -> bool {
    let family = term.strip_prefix("xterm-").unwrap_or(term);
    ["kitty", "ghostty", "alacritty", "foot", "wezterm", "contour", "rio"]
        .iter()
        .any(|name| family == *name || family.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
        || term.ends_with("-direct")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColourLevel::{Ansi16, Ansi256, None as NoColour, TrueColour};

    #[test]
    fn a_flag_beats_no_color_and_no_color_beats_the_terminal() {
        let decide = ColourLevel::decide;
        assert_eq!(decide(ColourChoice::Fixed(Ansi16), true, "xterm-kitty", TrueColour), Ansi16);
        assert_eq!(decide(ColourChoice::Auto, true, "xterm-kitty", TrueColour), NoColour);
        assert_eq!(decide(ColourChoice::Auto, false, "xterm-256color", Ansi256), Ansi256);
    }

    #[test]
    fn terminals_known_by_name_keep_their_colours_over_ssh() {
        for term in ["xterm-kitty", "alacritty", "foot-extra", "xterm-ghostty", "xterm-direct"] {
            assert_eq!(ColourLevel::decide(ColourChoice::Auto, false, term, Ansi16), TrueColour, "{term}");
        }
        assert_eq!(ColourLevel::decide(ColourChoice::Auto, false, "footloose", Ansi16), Ansi16);
        // Not a terminal at all: names do not matter.
        assert_eq!(ColourLevel::decide(ColourChoice::Auto, false, "foot", NoColour), NoColour);
    }

    #[test]
    fn every_documented_choice_is_read_and_others_are_named() {
        for choice in CHOICES {
            assert!(choice.parse::<ColourChoice>().is_ok(), "{choice}");
        }
        assert_eq!("256".parse(), Ok(ColourChoice::Fixed(Ansi256)));
        assert_eq!("never".parse(), Ok(ColourChoice::Fixed(NoColour)));
        let error = "many".parse::<ColourChoice>().unwrap_err().to_string();
        assert!(error.contains("\"many\"") && error.contains("truecolor"), "{error}");
    }
}
