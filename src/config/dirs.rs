//! Where poolwatch keeps things: XDG's folders, or the ones that `POOLWATCH_CONFIG_DIR`, `POOLWATCH_DATA_DIR` and
//! `POOLWATCH_STATE_DIR` name. Never creates any of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

/// The folders of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// The home folder, for `~/`.
    pub home: PathBuf,
    /// `poolwatch.toml` and `themes/`.
    pub config: PathBuf,
    /// What must be kept: pinned certificates, recordings.
    pub data: PathBuf,
    /// What may be lost: logs.
    pub state: PathBuf,
}

/// There is no home folder to put anything in.
#[derive(Debug, thiserror::Error)]
#[error("cannot find your home folder: set HOME, or POOLWATCH_CONFIG_DIR, POOLWATCH_DATA_DIR and POOLWATCH_STATE_DIR")]
pub struct NoHome;

impl Dirs {
    /// Looks at the environment.
    pub fn from_env() -> Result<Self, NoHome> {
        let own = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let base = etcetera::choose_base_strategy().ok();
        let base = base.map(|base| Self {
            home: base.home_dir().to_owned(),
            config: base.config_dir().join("poolwatch"),
            data: base.data_dir().join("poolwatch"),
            state: base.state_dir().unwrap_or_else(|| base.data_dir()).join("poolwatch"),
        });
        Self::choose(base, own("POOLWATCH_CONFIG_DIR"), own("POOLWATCH_DATA_DIR"), own("POOLWATCH_STATE_DIR"))
    }

    fn choose(
        base: Option<Self>,
        config: Option<OsString>,
        data: Option<OsString>,
        state: Option<OsString>,
    ) -> Result<Self, NoHome> {
        let (home, usual) = match base {
            Some(base) => (base.home, [Some(base.config), Some(base.data), Some(base.state)]),
            None => (PathBuf::new(), [None, None, None]),
        };
        let [usual_config, usual_data, usual_state] = usual;
        let or = |own: Option<OsString>, usual: Option<PathBuf>| own.map(PathBuf::from).or(usual).ok_or(NoHome);
        Ok(Self { home, config: or(config, usual_config)?, data: or(data, usual_data)?, state: or(state, usual_state)? })
    }

    /// The configuration file, unless another is named.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("poolwatch.toml")
    }

    /// The user's own themes.
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// A path from the configuration file: `~/` is the home folder, and what is relative is relative to that file.
    pub fn expand(&self, path: &str, file: &Path) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => file.parent().map_or_else(|| PathBuf::from(path), |folder| folder.join(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Dirs {
        Dirs { home: "/h".into(), config: "/h/.config/poolwatch".into(), data: "/h/d".into(), state: "/h/s".into() }
    }

    #[test]
    fn an_own_folder_wins_and_a_missing_home_is_only_fatal_when_needed() {
        let dirs = Dirs::choose(Some(base()), Some("/etc/pw".into()), None, None).unwrap();
        assert_eq!(dirs.config_file(), Path::new("/etc/pw/poolwatch.toml"));
        assert_eq!(dirs.data, Path::new("/h/d"));
        assert!(Dirs::choose(None, Some("/a".into()), Some("/b".into()), Some("/c".into())).is_ok());
        let error = Dirs::choose(None, Some("/a".into()), None, None).unwrap_err().to_string();
        assert!(error.contains("POOLWATCH_DATA_DIR"), "{error}");
    }

    #[test]
    fn paths_are_taken_from_home_and_from_the_files_folder() {
        let file = Path::new("/etc/pw/poolwatch.toml");
        assert_eq!(base().expand("~/p", file), Path::new("/h/p"));
        assert_eq!(base().expand("p", file), Path::new("/etc/pw/p"));
        assert_eq!(base().expand("/p", file), Path::new("/p"));
    }
}
