//! Linux software RAID: `/proc/mdstat`, `mdadm --detail`, and the answer of XCP-ng's `raid.py`.

mod detail;
mod mdstat;
#[cfg(test)]
mod tests;

pub use detail::{Detail, details, raid_py};
pub use mdstat::{Activity, Array, Kind, Member, arrays};
