//! What the doctor sees: plain facts about this machine, this terminal and these files. Judges nothing.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::{Config, Dirs, Flags, Password};
use crate::tui::terminal::{self, Background, CopyPath};
use crate::tui::theme::{self, ColourLevel};
use crate::xenapi::trust::{self, Store};

/// Everything that is judged.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub is_terminal: bool,
    /// Columns and rows.
    pub size: Option<(u16, u16)>,
    pub term: String,
    pub locale: String,
    pub is_utf8: bool,
    pub no_color: bool,
    pub level: ColourLevel,
    pub background: Option<Background>,
    pub through: CopyPath,
    pub is_ssh: bool,
    pub config: Result<PathBuf, String>,
    pub config_exists: bool,
    /// What is wrong with the configuration, in full sentences.
    pub config_error: Option<String>,
    pub config_file: Option<FileFacts>,
    pub profiles: usize,
    pub passwords: Vec<PasswordFacts>,
    pub data: Option<FolderFacts>,
    pub trust: Option<FileFacts>,
    /// How many certificates are trusted, or why the file of them cannot be used.
    pub trusted: Result<usize, String>,
    /// How many themes were read, and what is wrong with the others.
    pub themes: usize,
    pub theme_errors: Vec<String>,
    /// The most open files, if there is a limit.
    pub files: Option<u64>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileFacts {
    pub path: PathBuf,
    pub state: Result<Rights, String>,
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rights {
    /// Permission bits.
    pub mode: u32,
    /// True if it belongs to who runs poolwatch, or to root.
    pub is_own: bool,
}

/// Where a profile's password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordFacts {
    File { profile: String, file: FileFacts },
    Command { profile: String, program: String, found: bool },
}

/// A folder, which need not be there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderFacts {
    pub path: PathBuf,
    pub exists: bool,
    pub writable: Result<(), String>,
}

/// Looks. `background` is how the terminal is asked about its ground.
pub(super) fn look(flags: &Flags, background: impl FnOnce() -> Option<Background>) -> Facts {
    let dirs = Dirs::from_env();
    let usual = dirs.as_ref().map(Dirs::config_file).map_err(ToString::to_string);
    let config_path = flags.config.clone().map_or(usual, Ok);
    let loaded = dirs.as_ref().ok().map(|dirs| Config::load(flags.config.as_deref(), dirs));
    let (config, config_error) = match loaded {
        Some(Ok(config)) => (config, None),
        Some(Err(error)) => (Config::default(), Some(error.to_string())),
        None => (Config::default(), None),
    };
    let config = config.with(flags);
    let level = ColourLevel::detect(config.colours);
    let themes_dir = dirs.as_ref().ok().map(Dirs::themes);
    let (themes, theme_errors) = themes(&config, level, themes_dir.as_deref());
    let size = rustix::termios::tcgetwinsize(io::stdout().as_fd()).ok().map(|size| (size.ws_col, size.ws_row));
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Facts {
        is_terminal: io::stdout().is_terminal() && io::stdin().is_terminal(),
        size,
        term: env("TERM").unwrap_or_default(),
        locale: ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env(name)).unwrap_or_default(),
        is_utf8: terminal::is_utf8(),
        no_color: env("NO_COLOR").is_some(),
        level,
        background: background(),
        through: CopyPath::from_env(),
        is_ssh: env("SSH_CONNECTION").is_some(),
        config_exists: config_path.as_ref().is_ok_and(|path| path.exists()),
        config_file: config_path.as_ref().ok().filter(|path| path.exists()).map(|path| file(path)),
        config: config_path,
        config_error,
        profiles: config.profiles.len(),
        passwords: passwords(&config),
        data: dirs.as_ref().ok().map(|dirs| folder(&dirs.data)),
        trust: dirs.as_ref().ok().map(|dirs| dirs.data.join(trust::FILE)).filter(|path| path.exists()).map(|path| file(&path)),
        trusted: dirs
            .as_ref()
            .map_or(Ok(0), |dirs| Store::open(&dirs.data).map(|store| store.len()).map_err(|error| error.to_string())),
        themes,
        theme_errors,
        files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
    }
}

/// Reads every theme that can be chosen, and those that the configuration names.
fn themes(config: &Config, level: ColourLevel, folder: Option<&Path>) -> (usize, Vec<String>) {
    let mut names = theme::available(folder);
    let chosen = std::iter::once(&config.theme).chain(config.profiles.values().filter_map(|profile| profile.theme.as_ref()));
    for choice in chosen {
        for ground in [theme::Variant::Dark, theme::Variant::Light] {
            let name = choice.name(Some(ground)).to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let errors: Vec<String> =
        names.iter().filter_map(|name| theme::load(name, level, folder).err().map(|error| error.to_string())).collect();
    (names.len() - errors.len(), errors)
}

fn passwords(config: &Config) -> Vec<PasswordFacts> {
    let facts = config.profiles.values().filter_map(|profile| {
        let name = profile.name.clone();
        Some(match profile.password.as_ref()? {
            Password::File(path) => PasswordFacts::File { profile: name, file: file(path) },
            Password::Command(words) => {
                let program = words.first().cloned().unwrap_or_default();
                PasswordFacts::Command { profile: name, found: is_program(&program), program }
            }
        })
    });
    facts.collect()
}

/// True if a program of this name would be started.
fn is_program(name: &str) -> bool {
    let runs = |path: &Path| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if name.contains('/') {
        return runs(Path::new(name));
    }
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| runs(&folder.join(name))))
}

fn file(path: &Path) -> FileFacts {
    let me = rustix::process::geteuid().as_raw();
    let rights =
        |data: std::fs::Metadata| Rights { mode: data.permissions().mode() & 0o777, is_own: data.uid() == me || data.uid() == 0 };
    // Opening it says whether it can be read; what is in it is nobody's business here.
    let state = std::fs::File::open(path).and_then(|file| file.metadata()).map(rights).map_err(|error| error.to_string());
    FileFacts { path: path.to_owned(), state }
}

fn folder(path: &Path) -> FolderFacts {
    let exists = path.is_dir();
    // Whether it could be made is decided where the first folder above it is.
    let above = path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    let writable = if above.is_dir() {
        rustix::fs::access(above, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
            .map_err(|error| io::Error::from(error).to_string())
    } else {
        Err(format!("{} is no folder", above.display()))
    };
    FolderFacts { path: path.to_owned(), exists, writable }
}
