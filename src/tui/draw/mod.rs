//! Drawing: from the model to the cells of a frame. Reads the model, changes nothing of it, and writes only through
//! `pen::Pen`.

pub(crate) mod layout;
pub(crate) mod look;
pub(crate) mod pen;
mod screen;
pub(crate) mod table;
pub(crate) mod words;

pub use look::Look;
pub use screen::draw;
