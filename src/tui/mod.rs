//! The terminal: model, pure update, event loop, keymap, theme, panes.
//!
//! [`run::run`] owns the terminal and the loop; everything that happens becomes a [`msg::Msg`], [`update::update`]
//! changes the [`model::Model`] by it and says what is to be done outside, and [`draw::draw`] shows the model. Only
//! `run` does I/O or reads a clock.

pub mod draw;
pub mod effect;
mod fuzzy;
pub mod keymap;
pub mod log;
pub mod model;
pub mod msg;
mod panes;
pub mod picture;
mod popups;
pub mod run;
mod sheet;
pub mod svg;
pub mod terminal;
pub mod theme;
pub mod update;
pub(crate) mod wizard;

#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
