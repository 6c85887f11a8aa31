//! The terminal: model, pure update, event loop, keymap, theme, panes.

pub mod terminal;
pub mod theme;
