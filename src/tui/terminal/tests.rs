//! Real bytes on an emulated terminal.
