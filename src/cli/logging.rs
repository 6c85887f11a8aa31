//! The log of the program itself: into the dashboard's pane, and into a file if the configuration names one. Holds our own words
//! alone: the libraries below us may speak of what must not be written down.

use super::error::CliError;
use crate::config::{Level, Log};
use crate::tui::log::{self, Notify};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs into the dashboard's pane too; rings with what is returned when something was logged.
pub fn with_pane(config: &Log) -> Result<Notify, CliError> {
    let (pane, notify) = log::layer();
    let file = file(config)?.map(|file| to_file(file, config.level));
    let pane = pane.with_filter(level(config.level)).with_filter(filter_fn(is_ours));
    let _ = tracing_subscriber::registry().with(pane).with(file).try_init();
    Ok(notify)
}

/// Logs into the file that the configuration names, if it names one.
pub fn without_pane(config: &Log) -> Result<(), CliError> {
    if let Some(file) = file(config)? {
        let _ = tracing_subscriber::registry().with(to_file(file, config.level)).try_init();
    }
    Ok(())
}

fn file(config: &Log) -> Result<Option<File>, CliError> {
    let Some(path) = &config.file else { return Ok(None) };
    let cannot = |error| CliError::Log { path: path.clone(), error };
    // What pools are called and where they are is nobody else's business.
    Ok(Some(OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(cannot)?))
}

fn to_file<S>(file: File, most: Level) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
    layer.with_filter(level(most)).with_filter(filter_fn(is_ours))
}

fn is_ours(meta: &Metadata<'_>) -> bool {
    meta.target().starts_with("poolwatch")
}

const fn level(level: Level) -> LevelFilter {
    match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn written(most: Level) -> String {
        let path: PathBuf = std::env::temp_dir().join(format!("poolwatch-log-{most}-{}", std::process::id()));
        let config = Log { level: most, file: Some(path.clone()) };
        let file = file(&config).expect("can be written").expect("is asked for");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(to_file(file, most)), || {
            tracing::warn!("ours, a warning");
            tracing::debug!("ours, a detail");
            tracing::warn!(target: "somebody::below", "theirs");
        });
        let text = std::fs::read_to_string(&path).expect("was written");
        std::fs::remove_file(path).expect("is ours");
        text
    }

    #[test]
    fn the_file_has_what_the_level_says_and_our_own_words_alone() {
        let (info, trace, off) = (written(Level::Info), written(Level::Trace), written(Level::Off));
        assert!(info.contains("a warning") && !info.contains("a detail"), "{info}");
        assert!(trace.contains("a warning") && trace.contains("a detail"), "{trace}");
        assert_eq!(off, "");
        assert!(!trace.contains("theirs"), "{trace}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let config = Log { level: Level::Info, file: Some("/nonexistent/poolwatch.log".into()) };
        let error = without_pane(&config).expect_err("there is no such folder").to_string();
        assert!(error.contains("/nonexistent/poolwatch.log") && error.contains("[log]"), "{error}");
    }
}
