//! Is the clock right, by whom, and how far off: `chronyc tracking`, `ntpq -pn`, `ntpstat`, `timedatectl`.

use crate::text;
use serde::{Deserialize, Serialize};

/// What a time service says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Which one said it.
    pub by: String,
    /// Is the clock held to a source?
    pub synchronised: Option<bool>,
    /// The source.
    pub source: Option<String>,
    /// Its stratum: 1 has a reference clock, 16 is none.
    pub stratum: Option<u32>,
    /// How far this host is from it, in ms; positive is ahead.
    pub offset_ms: Option<f64>,
    /// How wrong that may be at most, in ms.
    pub error_ms: Option<f64>,
}

fn first(value: &str) -> Option<f64> {
    value.split_ascii_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite())
}

fn keep(value: &str) -> String {
    text::clean(value.trim(), 128).into_owned()
}

/// `chronyc tracking`, with or without `-n`.
pub fn chrony(said: &str) -> Option<Clock> {
    let field = |name: &str| {
        said.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name)).map(|(_, value)| value.trim())
    };
    let leap = field("Leap status")?;
    let stratum = field("Stratum").and_then(|value| value.parse().ok());
    // `0.000000123 seconds fast of NTP time`: fast is ahead.
    let offset = field("System time").and_then(|value| {
        let sign = if value.contains("slow") { -1.0 } else { 1.0 };
        first(value).map(|secs| sign * secs * 1_000.0)
    });
    let of = |name: &str| field(name).and_then(first);
    let error = of("Root dispersion").zip(of("Root delay")).map(|(dispersion, delay)| (dispersion + delay / 2.0) * 1_000.0);
    let reference =
        field("Reference ID").map(|value| value.split_once('(').map_or(value, |(_, rest)| rest.trim_end_matches(')')));
    Some(Clock {
        by: "chrony".into(),
        synchronised: Some(leap != "Not synchronised" && stratum.is_none_or(|stratum: u32| stratum > 0 && stratum < 16)),
        source: reference.filter(|source| !source.is_empty()).map(keep),
        stratum,
        offset_ms: offset,
        error_ms: error,
    })
}

/// `ntpq -pn`: the peer with `*` (or `o`, with a pulse) is the one that is followed. Offsets are in ms.
pub fn ntpq(said: &str) -> Option<Clock> {
    said.lines().find(|line| line.contains("refid") && line.contains("offset"))?;
    let rows = said.lines().skip_while(|line| !line.starts_with("===")).skip(1);
    let chosen = rows.filter(|line| line.starts_with(['*', 'o'])).find_map(|line| {
        let words: Vec<&str> = line.get(1..)?.split_ascii_whitespace().collect();
        let [peer, _refid, stratum, _kind, _when, _poll, _reach, delay, offset, jitter] = words.as_slice() else { return None };
        let number = |word: &str| word.parse::<f64>().ok().filter(|number| number.is_finite());
        // ntpq's offset is the peer's clock less ours.
        Some(Clock {
            by: "ntpq".into(),
            synchronised: Some(true),
            source: Some(keep(peer)),
            stratum: stratum.parse().ok(),
            offset_ms: number(offset).map(|ms| -ms),
            error_ms: number(delay).zip(number(jitter)).map(|(delay, jitter)| delay / 2.0 + jitter),
        })
    });
    Some(chosen.unwrap_or_else(|| Clock { by: "ntpq".into(), synchronised: Some(false), ..Clock::default() }))
}

/// `ntpstat`: `synchronised to NTP server (10.0.0.1) at stratum 3`, `time correct to within 48 ms`.
pub fn ntpstat(said: &str) -> Option<Clock> {
    let line = said.lines().map(str::trim).find(|line| line.contains("synchronised"))?;
    let synchronised = !line.starts_with("unsynchronised");
    let source = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(source, _)| keep(source));
    let within = said.split_once("within ").map(|(_, rest)| rest);
    Some(Clock {
        by: "ntpstat".into(),
        synchronised: Some(synchronised),
        source,
        stratum: line.rsplit_once("stratum ").and_then(|(_, stratum)| stratum.trim().parse().ok()),
        offset_ms: None,
        error_ms: within.and_then(first),
    })
}

/// `timedatectl` and `timedatectl show`: only yes or no.
pub fn timedatectl(said: &str) -> Option<Clock> {
    let value = |line: &str| {
        let (key, value) = line.split_once([':', '='])?;
        let known = ["NTP synchronized", "System clock synchronized", "NTPSynchronized"];
        known.contains(&key.trim()).then(|| value.trim() == "yes")
    };
    let synchronised = said.lines().find_map(value)?;
    Some(Clock { by: "timedatectl".into(), synchronised: Some(synchronised), ..Clock::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_service_in_its_words() {
        let said = "Reference ID    : C0A80001 (ntp1.example)\nStratum         : 3\nSystem time     : 0.002500000 seconds slow of NTP time\nRoot delay      : 0.010000000 seconds\n\
            Root dispersion : 0.001000000 seconds\nLeap status     : Normal\n";
        let clock = chrony(said).unwrap();
        assert_eq!(
            (clock.synchronised, clock.source.as_deref(), clock.offset_ms, clock.error_ms),
            (Some(true), Some("ntp1.example"), Some(-2.5), Some(6.0))
        );
        assert_eq!(
            chrony("Reference ID    : 00000000 ()\nStratum : 0\nLeap status     : Not synchronised\n").unwrap().synchronised,
            Some(false)
        );
        let said = "     remote           refid      st t when poll reach   delay   offset  jitter\n==============\n+10.0.0.2   .GPS. 1 u 5 64 377 0.5 1.0 0.1\n*10.0.0.1   10.1.0.1 2 u 5 64 377 1.000 -7.500 0.250\n";
        let clock = ntpq(said).unwrap();
        assert_eq!((clock.source.as_deref(), clock.offset_ms, clock.error_ms), (Some("10.0.0.1"), Some(7.5), Some(0.75)));
        let clock = ntpstat("synchronised to NTP server (10.0.0.1) at stratum 3 \n   time correct to within 48 ms\n   polling server every 1024 s").unwrap();
        assert_eq!((clock.stratum, clock.error_ms), (Some(3), Some(48.0)));
        assert_eq!(ntpstat("unsynchronised\n  time server re-starting\n").unwrap().synchronised, Some(false));
        assert_eq!(timedatectl("      Local time: x\n NTP synchronized: no\n").unwrap().synchronised, Some(false));
        assert_eq!(timedatectl("NTPSynchronized=yes\n").unwrap().synchronised, Some(true));
        assert!(chrony("506 Cannot talk to daemon").is_none() && ntpq("ntpq: read: Connection refused").is_none());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((Leap status|Stratum|System time|\\*é?|o|=== ?) ?:? ?\\PC{0,40}\n){0,6}") {
            let _ = (chrony(&text), ntpq(&format!("refid offset\n{text}")), ntpstat(&text), timedatectl(&text));
        }
    }
}
