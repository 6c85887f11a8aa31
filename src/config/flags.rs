//! The flags that every command with a screen or a configuration shares, and the order in which things win: flag,
//! environment, file, default.

use std::path::PathBuf;

use super::{Config, Switch, ThemeChoice};
use crate::tui::theme::ColourChoice;

/// Flags over the configuration file. An environment variable stands in for a flag that is not given.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// The configuration file [default: poolwatch.toml in the configuration folder, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "POOLWATCH_CONFIG")]
    pub config: Option<PathBuf>,
    /// The theme: auto, a name or a path
    #[arg(long, global = true, value_name = "THEME", env = "POOLWATCH_THEME")]
    pub theme: Option<String>,
    /// How many colours: auto, none, 16, 256 or truecolor
    #[arg(long, alias = "colors", global = true, value_name = "HOW", env = "POOLWATCH_COLOURS")]
    pub colours: Option<ColourChoice>,
    /// Draw with ASCII alone: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", env = "POOLWATCH_ASCII", num_args = 0..=1, default_missing_value = "always", require_equals = true)]
    pub ascii: Option<Switch>,
    /// Take mouse reports; the terminal's own selecting then needs Shift
    #[arg(long, global = true, env = "POOLWATCH_MOUSE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub mouse: Option<bool>,
}

impl Config {
    /// This configuration with what the flags say.
    #[must_use]
    pub fn with(mut self, flags: &Flags) -> Self {
        if let Some(theme) = &flags.theme {
            self.theme = ThemeChoice::named(theme);
            // A theme that is asked for on the command line is asked for this time, whatever the pool.
            for profile in self.profiles.values_mut() {
                profile.theme = None;
            }
        }
        self.colours = flags.colours.unwrap_or(self.colours);
        self.ascii = flags.ascii.unwrap_or(self.ascii);
        self.mouse = flags.mouse.unwrap_or(self.mouse);
        self
    }
}
