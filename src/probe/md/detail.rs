//! `mdadm --detail`, of one array or of many, and the same as JSON from `raid.py`, all strings.

use super::Kind;
use crate::o2cb::live::known::Unknown;
use crate::probe::lenient::{self, list};
use crate::text;
use serde::{Deserialize, Serialize};

/// What `mdadm --detail` says of an array.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// `/dev/mdN`, if it was said.
    pub device: Option<String>,
    /// `raid1`, …
    pub level: Option<String>,
    /// `clean`, `degraded`, `recovering`, … in its order.
    pub state: Vec<String>,
    /// What is being done, and how far in percent.
    pub progress: Option<(Kind, f64)>,
    /// Working members.
    pub active: Option<u64>,
    /// Failed members.
    pub failed: Option<u64>,
    /// `15->21` while the number of members changes.
    pub delta: Option<String>,
    /// Members: device and state (`active sync`, `spare rebuilding`, `faulty`, …).
    pub members: Vec<(String, String)>,
}

impl Detail {
    /// Is it in this state?
    pub fn is(&self, state: &str) -> bool {
        self.state.iter().any(|one| one == state)
    }

    /// Does it lack a member? A check is not that.
    pub fn is_degraded(&self) -> bool {
        self.is("degraded") || self.is("FAILED")
    }

    fn take(&mut self, key: &str, value: &str) {
        let value = value.trim();
        match key.trim() {
            "Raid Level" => self.level = Some(text::clean(value, 32).into_owned()),
            "State" => {
                let words = value.replace('(', ", (");
                self.state =
                    words.split(',').map(|word| text::clean(word.trim().trim_matches(['(', ')']), 32).into_owned()).collect();
                self.state.retain(|word| !word.is_empty());
            }
            "Active Devices" => self.active = value.parse().ok(),
            "Failed Devices" => self.failed = value.parse().ok(),
            "Delta Devices" => {
                self.delta = value
                    .split_once('(')
                    .and_then(|(_, rest)| rest.split_once(')'))
                    .map(|(delta, _)| text::clean(delta, 32).into_owned());
            }
            "Rebuild Status" => self.progress = progress(Kind::Recovery, value),
            "Resync Status" => self.progress = progress(Kind::Resync, value),
            "Reshape Status" => self.progress = progress(Kind::Reshape, value),
            "Check Status" => self.progress = progress(Kind::Check, value),
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.state.is_empty() && self.members.is_empty()
    }
}

fn progress(kind: Kind, value: &str) -> Option<(Kind, f64)> {
    let percent: f64 = value.split('%').next()?.trim().parse().ok()?;
    percent.is_finite().then_some((kind, percent))
}

/// All arrays of an output, and the devices that mdadm could not open.
pub fn details(said: &str) -> (Vec<Detail>, Vec<String>) {
    // A text may begin without naming its array.
    let mut all: Vec<Detail> = Vec::new();
    let mut open = Detail::default();
    let mut missing = Vec::new();
    for line in said.lines().take(100_000) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        if let Some(rest) = line.strip_prefix("mdadm: cannot open ") {
            missing.push(text::clean(rest.split(':').next().unwrap_or(rest), 64).into_owned());
        } else if let Some(device) = line.strip_suffix(':').filter(|device| device.starts_with("/dev/") && !device.contains(' '))
        {
            all.push(std::mem::replace(
                &mut open,
                Detail { device: Some(text::clean(device, 64).into_owned()), ..Detail::default() },
            ));
        } else if let [_, _, _, slot, state @ .., dev] = words.as_slice()
            && words.iter().take(3).all(|word| word.parse::<u32>().is_ok() || *word == "-")
            && (slot.parse::<u32>().is_ok() || *slot == "-")
            && (dev.starts_with("/dev/") || *dev == "removed" || state.is_empty())
        {
            let member = if dev.starts_with('/') {
                (text::clean(dev, 64).into_owned(), state.join(" "))
            } else {
                (String::new(), (*dev).to_owned())
            };
            open.members.push(member);
        } else if let Some((key, value)) = line.split_once(" : ") {
            open.take(key, value);
        }
    }
    all.push(open);
    all.retain(|detail| !detail.is_empty());
    (all, missing)
}

/// `raid.py check_raid_pool`: `{"raid": {"State": …}, "volumes": [[…]]}`, or `{}` where there is no `/dev/md127`.
pub fn raid_py(from: &str, said: &str) -> Result<Option<Detail>, Unknown> {
    let json = lenient::parse(from, said)?;
    let Some(raid) = json.value.get("raid").and_then(serde_json::Value::as_object) else {
        let empty = json.value.as_object().is_some_and(serde_json::Map::is_empty);
        return if empty { Ok(None) } else { Err(Unknown::not_understood(from, said)) };
    };
    let mut detail = Detail { device: Some("/dev/md127".into()), ..Detail::default() };
    for (key, value) in raid {
        detail.take(key, value.as_str().unwrap_or_default());
    }
    for row in list(&json.value, "volumes") {
        let cells: Vec<&str> = row.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
        if let [_, _, _, _, state, rest @ ..] = cells.as_slice() {
            let dev = rest.first().map_or(String::new(), |dev| text::clean(dev, 64).into_owned());
            detail.members.push((dev, text::clean(state, 64).into_owned()));
        }
    }
    Ok(Some(detail))
}
