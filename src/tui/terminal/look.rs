//! Everything about the terminal that is decided before the first frame, in the order in which it must be asked.

use std::path::Path;

use super::{Background, Modes, PATIENCE, background, needs_ascii};
use crate::config::{Config, Profile};
use crate::tui::theme::{self, ColourLevel, Theme, ThemeError};

/// How the dashboard will look.
#[derive(Clone, Debug)]
pub struct Look {
    /// The theme, fitted to the terminal's colours and alphabet.
    pub theme: Theme,
    /// How many colours there are.
    pub level: ColourLevel,
    /// What to switch on.
    pub modes: Modes,
    /// What the terminal said about its ground; not asked if the theme does not depend on it.
    pub background: Option<Background>,
}

impl Look {
    /// Decides. Call it before [`super::Screen::enter`]: it may ask the terminal about its ground.
    ///
    /// `profile` is the pool's, if it is one alone: its theme goes before the general one. `user_themes` is the folder of
    /// the user's own themes.
    ///
    /// # Errors
    /// If there is no such theme, or something is wrong with it.
    pub fn decide(config: &Config, profile: Option<&Profile>, user_themes: Option<&Path>) -> Result<Self, ThemeError> {
        let choice = profile.and_then(|profile| profile.theme.as_ref()).unwrap_or(&config.theme);
        let background = if choice.needs_ground() { background(PATIENCE) } else { None };
        let level = ColourLevel::detect(config.colours);
        let theme = theme::load(choice.name(background.map(|ground| ground.variant)), level, user_themes)?;
        Ok(Self {
            theme: theme.with_ascii(config.ascii.decide(needs_ascii())),
            level,
            modes: Modes { mouse: config.mouse, title: config.title },
            background,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Switch, ThemeChoice};
    use crate::tui::theme::ColourChoice;

    #[test]
    fn a_pools_own_theme_goes_first_and_the_configuration_decides_the_rest() {
        let config = Config {
            theme: ThemeChoice::named("light"),
            colours: ColourChoice::Fixed(ColourLevel::Ansi256),
            ascii: Switch::Always,
            mouse: true,
            ..Config::default()
        };
        let look = Look::decide(&config, None, None).unwrap();
        assert_eq!((&*look.theme.name, look.level, look.background), ("light", ColourLevel::Ansi256, None));
        assert!(look.theme.is_ascii() && look.modes.mouse && !look.modes.title);
        let profile = Profile { theme: Some(ThemeChoice::named("mono")), ..Profile::default() };
        assert_eq!(Look::decide(&config, Some(&profile), None).unwrap().theme.name, "mono");
        let wrong = Config { theme: ThemeChoice::named("lihgt"), ..config };
        assert!(Look::decide(&wrong, None, None).unwrap_err().to_string().contains("did you mean \"light\"?"));
    }
}
