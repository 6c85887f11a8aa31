//! What kind of terminal this is, learnt before it is taken.

use std::io::IsTerminal;
use std::time::Duration;

use crate::tui::theme::Variant;

/// How long a terminal is waited for that does not say what its background is. Most answer within a few milliseconds;
/// those that cannot are noticed by their answer to another question.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// What is known about the terminal's background, and from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Background {
    /// Dark or light.
    pub variant: Variant,
    /// True if the terminal said so; false if it was taken from `COLORFGBG`.
    pub asked: bool,
}

/// Whether the terminal's background is dark or light. Asks the terminal, so call it before [`super::Screen::enter`] and
/// before anything else reads from it. `None` if it is no terminal, a simple one, or it does not say.
pub fn background(patience: Duration) -> Option<Background> {
    let term = std::env::var("TERM").unwrap_or_default();
    let ours = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !ours || !can_be_asked(&term) {
        return None;
    }
    let mut options = terminal_colorsaurus::QueryOptions::default();
    options.timeout = patience;
    let told = terminal_colorsaurus::theme_mode(options).ok().map(|mode| match mode {
        terminal_colorsaurus::ThemeMode::Dark => Variant::Dark,
        terminal_colorsaurus::ThemeMode::Light => Variant::Light,
    });
    if let Some(variant) = told {
        return Some(Background { variant, asked: true });
    }
    let hint = std::env::var("COLORFGBG").ok();
    from_colorfgbg(hint.as_deref()?).map(|variant| Background { variant, asked: false })
}

/// Terminals that print a question instead of answering it.
fn can_be_asked(term: &str) -> bool {
    !matches!(term, "" | "dumb" | "linux" | "cons25" | "emacs")
}

/// What rxvt and its relatives leave behind: `foreground;background`, of the 16 colours.
fn from_colorfgbg(value: &str) -> Option<Variant> {
    let ground: u8 = value.rsplit(';').next()?.parse().ok()?;
    match ground {
        0..=6 | 8 => Some(Variant::Dark),
        7 | 9..=15 => Some(Variant::Light),
        _ => None,
    }
}

/// True if the locale says that text is UTF-8. The first of these that is set and not empty counts.
pub fn is_utf8() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| says_utf8(&locale))
}

fn says_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// True if only ASCII should be drawn: the locale is not UTF-8, or it is the Linux console, whose font lacks most symbols.
pub fn needs_ascii() -> bool {
    !is_utf8() || std::env::var("TERM").is_ok_and(|term| term == "linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_and_grounds_are_read() {
        for (locale, utf8) in
            [("en_US.UTF-8", true), ("de_DE.utf8", true), ("C", false), ("C.UTF-8", true), ("de_DE@euro", false)]
        {
            assert_eq!(says_utf8(locale), utf8, "{locale}");
        }
        assert_eq!(from_colorfgbg("15;0"), Some(Variant::Dark));
        assert_eq!(from_colorfgbg("0;default;15"), Some(Variant::Light));
        assert_eq!(from_colorfgbg("default"), None);
        assert_eq!(from_colorfgbg("1;99"), None);
    }

    #[test]
    fn simple_terminals_are_not_asked() {
        assert!(!can_be_asked("dumb") && !can_be_asked("") && !can_be_asked("linux"));
        assert!(can_be_asked("xterm-256color"));
    }
}
