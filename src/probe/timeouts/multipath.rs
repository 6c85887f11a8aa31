//! `/etc/multipath.conf`, and what `multipathd show config` prints, which has the built-in values too.
//!
//! Sections with braces, `name value` a line, `#` and `!` begin comments, values may stand in quotation marks. What is not understood is passed over.

use super::{Multipath, Retry, Section, Settings};
use crate::text;

/// Sections that are kept at most: the built-in table of arrays has some hundred.
const SECTIONS: usize = 1_000;

/// The configuration; `None` if `said` is none.
pub fn config(said: &str, from: &str) -> Option<Multipath> {
    let mut found = Multipath { from: from.into(), ..Multipath::default() };
    let mut open: Vec<String> = Vec::new();
    let mut section = Section::default();
    let mut any = false;
    for line in said.lines() {
        let line = line.split(['#', '!']).next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if let Some(name) = line.strip_suffix('{') {
            open.push(name.trim().to_owned());
            any |= open.len() == 1 && matches!(name.trim(), "defaults" | "devices" | "multipaths" | "overrides" | "blacklist");
            if matches!(name.trim(), "device" | "multipath" | "overrides") {
                section = Section { kind: name.trim().to_owned(), ..Section::default() };
            }
            if open.len() > 16 {
                return None;
            }
            continue;
        }
        if line.starts_with('}') {
            let ended = open.pop();
            let kept = section.settings != Settings::default() && found.sections.len() < SECTIONS;
            if ended.as_deref() == Some(section.kind.as_str()) && kept {
                found.sections.push(std::mem::take(&mut section));
            }
            continue;
        }
        let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let value = value.trim().trim_matches('"').trim();
        match open.last().map(String::as_str) {
            Some("defaults") if key == "polling_interval" => found.polling_s = value.parse().ok().filter(|s| *s > 0),
            Some("defaults") => set(&mut found.defaults, key, value),
            Some("device") if matches!(key, "vendor" | "product") => {
                section.which = text::clean(format!("{} {value}", section.which).trim(), 160).into_owned();
            }
            Some("multipath") if key == "wwid" => section.which = text::clean(value, 160).into_owned(),
            Some("device" | "multipath" | "overrides") => set(&mut section.settings, key, value),
            _ => {}
        }
    }
    any.then_some(found)
}

impl Multipath {
    /// `no_path_retry` of a map, as multipath-tools choose it: overrides, then the map's own section, then the last section of its device, then
    /// the general value.
    pub fn retry_of(&self, wwid: &str, vendor_product: &str) -> Option<Retry> {
        let of = |kind: &'static str| self.sections.iter().rev().filter(move |section| section.kind == kind);
        let retry = |section: &Section| section.settings.no_path_retry;
        let device = vendor_product.replace(',', " ");
        let device = device.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(found) = of("overrides").find_map(retry) {
            return Some(found);
        }
        if let Some(found) = of("multipath").filter(|section| section.which == wwid).find_map(retry) {
            return Some(found);
        }
        for section in of("device").filter(|_| !device.is_empty()) {
            // Where it cannot be told whether a section is for this device, nothing is said.
            if fits(&section.which, &device)?
                && let Some(found) = retry(section)
            {
                return Some(found);
            }
        }
        self.defaults.no_path_retry
    }
}

/// Whether a device is meant by a pattern of names and `.*`; `None` if the pattern has more to it than that.
fn fits(pattern: &str, device: &str) -> Option<bool> {
    let pattern = pattern.replace('^', "");
    let end = pattern.ends_with('$');
    let mut rest = device;
    for (at, piece) in pattern.trim_end_matches('$').split(".*").enumerate() {
        if piece.contains(['[', ']', '(', ')', '|', '?', '+', '\\', '*', '$', '{']) {
            return None;
        }
        let found = if at == 0 { rest.strip_prefix(piece) } else { rest.split_once(piece).map(|(_, rest)| rest) };
        let Some(behind) = found else { return Some(false) };
        rest = behind;
    }
    Some(!end || rest.is_empty() || pattern.trim_end_matches('$').ends_with(".*"))
}

fn set(settings: &mut Settings, key: &str, value: &str) {
    match key {
        "no_path_retry" => {
            settings.no_path_retry = match value {
                "fail" | "0" => Some(Retry::Fail),
                "queue" => Some(Retry::Queue),
                number => number.parse().ok().map(Retry::Checks),
            }
        }
        "fast_io_fail_tmo" => settings.fast_io_fail_s = value.parse().ok(),
        "dev_loss_tmo" => settings.dev_loss_s = if value == "infinity" { Some(u32::MAX) } else { value.parse().ok() },
        _ => {}
    }
}
