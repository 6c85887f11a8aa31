//! One moment of a recording drawn once, without a terminal: for documents.

use super::draw::draw;
use super::keymap::{Keymap, Keys};
use super::model::past::{Moment, Past};
use super::model::{Model, Setup};
use super::msg::Msg;
use super::svg::svg;
use super::theme::Theme;
use super::update::update;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What is to be drawn.
pub struct Still {
    /// What the pool is called as long as its name is not known.
    pub called: String,
    /// The moment.
    pub moment: Moment,
    /// How it looks.
    pub theme: Theme,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Keys that are pressed first.
    pub press: Vec<String>,
    /// In which times of day are told.
    pub zone: TimeZone,
}

/// Draws it.
///
/// # Errors
/// In words, if a key has no name that is known.
pub fn picture(still: Still) -> Result<String, String> {
    Ok(svg(&screen(still)?, "poolwatch"))
}

/// Draws it as cells.
///
/// # Errors
/// As [`picture`].
pub fn screen(still: Still) -> Result<Buffer, String> {
    let mut model = Model::new(Setup {
        targets: vec![still.called],
        theme: still.theme.clone(),
        themes: vec![still.theme],
        keymap: Keymap::default(),
        problems: Vec::new(),
        demo: None,
        read_only: true,
        records: true,
        replay: true,
        zone: still.zone,
        now: still.moment.at,
        size: still.size,
    });
    if let Some(view) = model.pools.first_mut() {
        view.past = Some(Past { moment: Some(still.moment), ..Past::default() });
    }
    model.settle();
    for text in &still.press {
        let keys: Keys = text.parse().map_err(|error| format!("--press {text}: {error}"))?;
        for key in &keys.0 {
            // What a key asks for outside is not to be had here.
            let _ = update(&mut model, Msg::Key(*key));
            model.settle();
        }
    }
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    draw(&model, &mut buffer);
    Ok(buffer)
}
