//! Themes: every colour on the screen is one of [`Role`]'s, looked up here and nowhere else.

mod role;

pub use role::Role;
