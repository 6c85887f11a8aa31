//! What is written is read again, whatever happened to it on the way.
