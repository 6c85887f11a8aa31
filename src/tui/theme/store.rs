//! Where themes come from: the ones inside the program, and files of the user's, which win. Follows `inherits` and
//! refuses circles. Never looks at colours.

use std::path::{Path, PathBuf};

use super::ThemeError;
use super::sheet::{Sheet, Word};
use crate::config::document::{Problems, nearest, read_file};

/// The bundled themes, in the order in which a picker shows them.
const BUNDLED: [&str; 7] = [
    include_str!("../../../themes/dark.toml"),
    include_str!("../../../themes/light.toml"),
    include_str!("../../../themes/high-contrast.toml"),
    include_str!("../../../themes/deutan.toml"),
    include_str!("../../../themes/tritan.toml"),
    include_str!("../../../themes/ansi.toml"),
    include_str!("../../../themes/mono.toml"),
];
const NAMES: [&str; 7] = ["dark", "light", "high-contrast", "deutan", "tritan", "ansi", "mono"];
/// The longest chain of `inherits`.
const DEPTH: usize = 8;

/// The names of the themes inside the program.
pub fn bundled() -> &'static [&'static str] {
    &NAMES
}

/// The text of a bundled theme, to start an own one from.
pub fn source(name: &str) -> Option<&'static str> {
    NAMES.iter().zip(BUNDLED).find(|(bundled, _)| **bundled == name).map(|(_, text)| text)
}

/// All names that [`super::load`] takes: the bundled themes, then the user's own by name.
pub fn available(user_dir: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let files = user_dir.and_then(|dir| std::fs::read_dir(dir).ok());
    let mut own: Vec<String> = files
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_stem()?.to_str()?.to_owned();
            (path.extension()? == "toml" && !names.contains(&name)).then_some(name)
        })
        .collect();
    own.sort();
    names.append(&mut own);
    names
}

/// One place a theme can come from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Bundled(&'static str, &'static str),
    File(PathBuf),
}

impl Source {
    fn find(name: &str, user_dir: Option<&Path>) -> Option<Self> {
        let is_path = name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "toml");
        if is_path {
            return Some(Self::File(PathBuf::from(name)));
        }
        let own = user_dir.map(|dir| dir.join(format!("{name}.toml"))).filter(|path| path.is_file());
        own.map(Self::File).or_else(|| Self::bundled(name))
    }

    fn bundled(name: &str) -> Option<Self> {
        NAMES.iter().zip(BUNDLED).find(|(bundled, _)| **bundled == name).map(|(name, text)| Self::Bundled(name, text))
    }

    fn label(&self) -> String {
        match self {
            Self::Bundled(name, _) => format!("themes/{name}.toml"),
            Self::File(path) => path.display().to_string(),
        }
    }

    fn read(&self) -> Result<Sheet, ThemeError> {
        let label = self.label();
        match self {
            Self::Bundled(_, text) => Ok(Sheet::read(&label, text)?),
            Self::File(path) => {
                let text = read_file(path).map_err(|source| ThemeError::Read { path: label.clone(), source })?;
                Ok(Sheet::read(&label, &text)?)
            }
        }
    }
}

/// Reads a theme and everything that it inherits from into one sheet.
pub(super) fn resolve(name: &str, user_dir: Option<&Path>) -> Result<Sheet, ThemeError> {
    let unknown = || {
        let known = available(user_dir);
        let near = nearest(name, &known.iter().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned);
        ThemeError::Unknown { name: name.to_owned(), near, known }
    };
    let mut at = Source::find(name, user_dir).ok_or_else(unknown)?;
    let mut seen = vec![];
    let mut sheets = vec![];
    loop {
        let sheet = at.read()?;
        let parent = sheet.inherits.clone();
        seen.push(at);
        sheets.push(sheet);
        let Some(parent) = parent else { break };
        at = next(&parent, &seen, user_dir)?;
    }
    let Some(root) = sheets.pop() else { return Err(unknown()) };
    Ok(sheets.into_iter().rev().fold(root, |parent, sheet| sheet.over(parent)))
}

/// The theme that is inherited from. A file of the user's that has a bundled theme's name may inherit from that.
fn next(parent: &Word, seen: &[Source], user_dir: Option<&Path>) -> Result<Source, ThemeError> {
    let fail = |what: String| ThemeError::Invalid(Problems::one(&*parent.file, parent.line, "inherits", what));
    let name: &str = &parent.text;
    let found = Source::find(name, user_dir);
    let source = match found {
        Some(source) if seen.last() == Some(&source) => Source::bundled(name),
        found => found,
    };
    let Some(source) = source.or_else(|| seen.iter().find(|seen| seen.label().ends_with(&format!("/{name}.toml"))).cloned())
    else {
        let known = available(user_dir);
        let near = nearest(name, &known.iter().map(String::as_str).collect::<Vec<_>>());
        let hint = near.map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("did you mean {near:?}?"));
        return Err(fail(format!("there is no theme {name:?}; {hint}")));
    };
    if seen.contains(&source) || seen.len() >= DEPTH {
        let chain: Vec<String> = seen.iter().map(Source::label).collect();
        return Err(fail(format!("the themes inherit in a circle: {} -> {name}", chain.join(" -> "))));
    }
    Ok(source)
}
