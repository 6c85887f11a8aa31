//! Themes: every colour on the screen is one of [`Role`]'s, looked up here and nowhere else.
//!
//! A view paints the ground first ([`Role::Surface`], [`Role::Bar`], [`Role::Popup`]) and writes words over it; roles that
//! are words leave the ground as it is unless the theme gives them one. [`Role::Selection`] is laid over a whole row last:
//! where a theme gives it no foreground, the statuses in the row keep theirs.

mod colour;
mod glyphs;
mod level;
mod role;
mod sheet;
mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vision;

use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use strum::{EnumCount, IntoEnumIterator};

use crate::config::document::{Problems, nearest};
use colour::Paint;
pub use glyphs::{ASCII, Glyphs, UNICODE};
pub use level::{CHOICES as COLOUR_CHOICES, ColourChoice, ColourLevel, NoSuchLevel};
pub use role::Role;
use sheet::{Lines, Sheet, Spec, Word};
pub use store::{available, bundled, source};

/// What kind of terminal a theme is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Variant {
    /// Light words on a dark ground.
    Dark,
    /// Dark words on a light ground.
    Light,
    /// Both; it uses the terminal's own ground.
    #[default]
    Any,
}

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Neither a bundled theme nor one in the user's folder.
    #[error("there is no theme {name:?}{} Themes: {}", near.as_ref().map_or(".".to_owned(), |near| format!("; did you mean {near:?}?")), known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        near: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// The file is there but cannot be read.
    #[error("cannot read the theme file {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that is no theme.
    #[error("{0}")]
    Invalid(#[from] Problems),
}

/// A theme, fitted to a terminal.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name, as [`load`] takes it.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is made for.
    pub variant: Variant,
    /// What it was fitted to.
    pub level: ColourLevel,
    styles: [Style; Role::COUNT],
    series: Vec<Style>,
    lines: Lines,
    ascii: bool,
}

/// Below this share a gauge is low.
const GAUGE_MID: f64 = 0.75;
/// From this share on a gauge is high.
const GAUGE_HIGH: f64 = 0.90;

impl Theme {
    /// How to draw what has this role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// How to draw the `i`th line of a chart. Starts again after the last.
    pub fn series(&self, i: usize) -> Style {
        i.checked_rem(self.series.len()).and_then(|i| self.series.get(i)).copied().unwrap_or_else(|| self.style(Role::Series))
    }

    /// How to draw the filled part of a gauge of something that is worse the fuller it is (memory, paths in use).
    pub fn gauge(&self, fraction: f64) -> Style {
        self.style(match fraction {
            f if f >= GAUGE_HIGH => Role::GaugeHigh,
            f if f >= GAUGE_MID => Role::GaugeMid,
            _ => Role::GaugeLow,
        })
    }

    /// The characters to draw with.
    pub fn glyphs(&self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &UNICODE }
    }

    /// The lines to draw around panes.
    pub fn borders(&self) -> border::Set<'static> {
        match self.lines {
            _ if self.is_ascii() => ASCII_BORDER,
            Lines::Ascii => ASCII_BORDER,
            Lines::Plain => border::PLAIN,
            Lines::Rounded => border::ROUNDED,
            Lines::Thick => border::THICK,
            Lines::Double => border::DOUBLE,
        }
    }

    /// The same theme drawn with ASCII alone, or with everything.
    #[must_use]
    pub fn with_ascii(mut self, ascii: bool) -> Self {
        self.ascii = ascii;
        self
    }

    /// True if only ASCII is drawn.
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    fn build(name: &str, sheet: &Sheet, level: ColourLevel) -> Result<Self, Problems> {
        let mut painter = Painter { sheet, level, problems: Problems::default() };
        let mut styles = [Style::default(); Role::COUNT];
        for role in Role::iter() {
            if let Some(style) = styles.get_mut(role as usize) {
                *style = painter.role(role);
            }
        }
        if let Some(selection) = styles.get_mut(Role::Selection as usize)
            && level == ColourLevel::Ansi16
            && matches!(selection.bg, None | Some(Color::Reset))
        {
            // The ground that the theme wanted is not among the 16: the selected row is told by reverse instead.
            *selection = Style::default().add_modifier(selection.add_modifier | Modifier::REVERSED);
        }
        let series = match &sheet.series {
            Some(words) => words.iter().map(|word| painter.style(Some(word), None, Modifier::empty())).collect(),
            None => vec![],
        };
        if let (Some(style), Some(first)) = (styles.get_mut(Role::Series as usize), series.first()) {
            *style = *first;
        }
        if !painter.problems.list.is_empty() {
            painter.problems.list.sort_by_key(|problem| problem.line);
            return Err(painter.problems);
        }
        Ok(Self {
            name: name.to_owned(),
            title: sheet.name.clone().unwrap_or_else(|| name.to_owned()),
            variant: sheet.variant.unwrap_or_default(),
            level,
            styles,
            series,
            lines: sheet.lines.unwrap_or_default(),
            ascii: false,
        })
    }
}

/// Borders for terminals without line drawing.
const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

struct Painter<'s> {
    sheet: &'s Sheet,
    level: ColourLevel,
    problems: Problems,
}

impl Painter<'_> {
    fn role(&mut self, role: Role) -> Style {
        if let Some(Spec { fg, bg, modifiers }) = self.sheet.roles.get(&role) {
            return self.style(fg.as_ref(), bg.as_ref(), *modifiers);
        }
        match role.fallback() {
            Some((next, modifiers)) => self.role(next).add_modifier(modifiers),
            None => Style::default(),
        }
    }

    fn style(&mut self, fg: Option<&Word>, bg: Option<&Word>, modifiers: Modifier) -> Style {
        let (fg, bg) = (fg.and_then(|word| self.paint(word)), bg.and_then(|word| self.paint(word)));
        let style = Style { fg, bg, ..Style::default() };
        // Two colours that the terminal cannot tell apart: words must not vanish.
        if fg.is_some() && fg == bg && fg != Some(Color::Reset) {
            return Style::default().add_modifier(modifiers | Modifier::REVERSED);
        }
        style.add_modifier(modifiers)
    }

    fn paint(&mut self, word: &Word) -> Option<Color> {
        let name: &str = &word.text;
        let paint = match self.sheet.palette.get(name) {
            Some(value) => Paint::parse(&value.text),
            None => Paint::parse(name),
        };
        let Some(paint) = paint else {
            let palette: Vec<&str> = self.sheet.palette.keys().map(String::as_str).collect();
            let hint = match nearest(name, &palette) {
                Some(near) => format!("did you mean {near:?}?"),
                None if palette.is_empty() => "the theme has no palette".to_owned(),
                None => format!("the palette has {}", palette.join(", ")),
            };
            let what = format!("{name:?} is neither in the palette nor a colour; {hint}");
            let problem = Problems::one(&*word.file, word.line, &*word.key, what);
            // Fall-backs ask for the same word again; a parent's own mistakes come up when this file's are gone.
            if self.problems.list.is_empty() {
                self.problems = problem;
            } else if self.problems.file == problem.file {
                let new = problem.list.into_iter().filter(|new| !self.problems.list.contains(new));
                let new: Vec<_> = new.collect();
                self.problems.list.extend(new);
            }
            return None;
        };
        let own = self.sheet.ansi.get(name).copied().filter(|_| self.level == ColourLevel::Ansi16);
        own.unwrap_or(paint).fit(self.level)
    }
}

/// Loads a theme by the name of a bundled one, of a file in `user_dir`, or by a path (anything with a `/` or ending in
/// `.toml`), and fits it to `level`. Without colours every theme is drawn as `mono`.
pub fn load(name_or_path: &str, level: ColourLevel, user_dir: Option<&Path>) -> Result<Theme, ThemeError> {
    let sheet = store::resolve(name_or_path, user_dir)?;
    let theme = Theme::build(name_or_path, &sheet, level)?;
    if level != ColourLevel::None || sheet.is_colourless() {
        return Ok(theme);
    }
    let mono = store::resolve("mono", None)?;
    let mut plain = Theme::build(name_or_path, &mono, level)?;
    plain.lines = theme.lines;
    Ok(plain)
}
