//! Tests that cross the files of the dashboard.

mod bytes;
mod crash;
mod crash_screens;
mod flows;
mod fuzz;
mod live;
mod look_at;
mod past;
mod run;
mod screens;
mod view;
mod wizard;
mod wizard_screens;
