//! The log of poolwatch itself: collected by `tui-logger` (a bounded ring that never blocks who logs), read out here.
//!
//! Its widget is not used for drawing, because it can neither filter nor be tested without the global ring; and its
//! background thread is not started, because it wakes a hundred times a second. Instead [`Notify`] wakes the loop when
//! something was logged, and [`snapshot`] hands the lines to the model as a message.

use crate::text;
use crate::time::Time;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;
use tui_logger::{ExtLogRecord, LevelFilter, LogFormatter, TuiLoggerWidget, TuiTracingSubscriberLayer};

/// Lines that are kept.
const KEPT: u16 = 1_000;

/// Characters of a line that are kept.
const LONGEST: usize = 500;

/// How much a line of the log weighs, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the usual levels")]
pub enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

impl Level {
    /// Five columns.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Time,
    /// How much it weighs.
    pub level: Level,
    /// The part of the program.
    pub target: String,
    /// What it says.
    pub text: String,
}

/// Rings when something was logged.
#[derive(Clone, Debug, Default)]
pub struct Notify(Arc<tokio::sync::Notify>);

impl Notify {
    /// Waits until something was logged since the last time.
    pub async fn logged(&self) {
        self.0.notified().await;
    }
}

struct Collect {
    inner: TuiTracingSubscriberLayer,
    notify: Notify,
}

impl<S> Layer<S> for Collect
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attrs: &tracing::span::Attributes<'_>, id: &tracing::span::Id, ctx: Context<'_, S>) {
        self.inner.on_new_span(attrs, id, ctx);
    }

    fn on_event(&self, event: &tracing::Event<'_>, ctx: Context<'_, S>) {
        self.inner.on_event(event, ctx);
        self.notify.0.notify_one();
    }
}

/// The layer for the program's `tracing` subscriber, and what rings when it took something in.
pub fn layer<S>() -> (impl Layer<S>, Notify)
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    tui_logger::set_default_level(LevelFilter::Debug);
    tui_logger::set_buffer_depth(usize::from(KEPT));
    let notify = Notify::default();
    (Collect { inner: TuiTracingSubscriberLayer, notify: notify.clone() }, notify)
}

/// The part of the program in one word.
fn part(target: &str) -> &str {
    target.strip_prefix("poolwatch::").and_then(|rest| rest.split("::").next()).unwrap_or(target)
}

/// Takes what a widget that is as high as the ring would show. That is the only door that `tui-logger` has to its ring.
struct Reader(Arc<Mutex<Vec<LogLine>>>);

impl LogFormatter for Reader {
    fn min_width(&self) -> u16 {
        1
    }

    fn format(&self, _width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let level = match record.level {
            log_level if log_level == tui_logger::LevelFilter::Error => Level::Error,
            log_level if log_level == tui_logger::LevelFilter::Warn => Level::Warning,
            log_level if log_level == tui_logger::LevelFilter::Info => Level::Info,
            _ => Level::Debug,
        };
        if let Ok(mut lines) = self.0.lock() {
            lines.push(LogLine {
                at: Time::from_millis(record.timestamp.timestamp().as_millisecond()),
                level,
                target: text::clean(part(record.target()), 60).into_owned(),
                text: text::clean(record.msg(), LONGEST).into_owned(),
            });
        }
        vec![Line::default()]
    }
}

/// The lines that are kept, newest first.
pub fn snapshot() -> Vec<LogLine> {
    tui_logger::move_events();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let area = Rect::new(0, 0, 1, KEPT);
    TuiLoggerWidget::default().formatter(Box::new(Reader(Arc::clone(&lines)))).render(area, &mut Buffer::empty(area));
    let mut lines = lines.lock().map(|mut lines| std::mem::take(&mut *lines)).unwrap_or_default();
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[tokio::test]
    async fn what_is_logged_rings_and_is_read_back_clean_and_newest_first() {
        let (layer, notify) = layer();
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "feed", "first line of the log test");
            tracing::error!(target: "poolwatch::xenapi::session", "second\x1b[2J line of the log test");
        });
        notify.logged().await;
        let lines: Vec<LogLine> = snapshot().into_iter().filter(|l| l.text.contains("line of the log test")).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let error = lines.iter().find(|l| l.level == Level::Error).expect("the error is there");
        assert_eq!(error.target, "xenapi");
        assert!(!error.text.contains('\x1b'), "{error:?}");
        assert!(lines[0].at >= lines[1].at);
    }
}
