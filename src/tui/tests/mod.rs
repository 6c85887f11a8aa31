//! Tests that cross the files of the dashboard.

mod look_at;
