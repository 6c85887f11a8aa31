//! The configuration file: profiles, theme, keys. Unknown keys are errors that name the line.

pub mod document;
