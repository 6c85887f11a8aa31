//! What xapi puts into the bodies of its messages. Bodies are untrusted text: whatever does not fit is no fact.

/// A line of `MULTIPATH_PERIODIC_ALERT` about one map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipath<'a> {
    /// uuid of the host.
    pub host: &'a str,
    /// SCSI id; empty for the root disk.
    pub scsi_id: &'a str,
    /// Paths up.
    pub current: u32,
    /// Paths in all.
    pub max: u32,
}

/// The maps under "Unhealthy paths:", not the list of events after it.
pub fn multipath(body: &str) -> Vec<Multipath<'_>> {
    let mut out = Vec::new();
    for line in body.lines().take(512) {
        if line.starts_with("Events received") {
            break;
        }
        let rest = line.split_once("] ").map_or(line, |(_, rest)| rest);
        let field = |key: &str| {
            rest.split("; ")
                .find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='))
                .map(|v| v.trim_matches(['"', ';', ' ']))
        };
        let (Some(host), Some(current), Some(max)) = (field("host"), field("current"), field("max")) else { continue };
        let (Ok(current), Ok(max)) = (current.parse(), max.parse()) else { continue };
        out.push(Multipath { host, scsi_id: field("scsi_id").unwrap_or(""), current, max });
    }
    out
}

/// `The status of the eth0+eth1 bond changed: 1/2 up (was 2/2)` or `… bond is: 1/2 up`: interfaces, up, total.
pub fn bond(body: &str) -> Option<(&str, u32, u32)> {
    let rest = body.trim().strip_prefix("The status of the ")?;
    let (slaves, rest) = rest.split_once(" bond ")?;
    let (_, counts) = rest.split_once(": ")?;
    let (up, total) = counts.split(' ').next()?.split_once('/')?;
    Some((slaves, up.parse().ok()?, total.parse().ok()?))
}

/// The text of the first `<tag>…</tag>` in a body.
pub fn tag<'a>(body: &'a str, tag: &str) -> Option<&'a str> {
    let start = body.find(&format!("<{tag}>"))? + tag.len() + 2;
    let rest = body.get(start..)?;
    rest.get(..rest.find(&format!("</{tag}>"))?)
}

/// `ALARM`: what was measured, and the value.
pub fn alarm(body: &str) -> Option<(&str, f64)> {
    let value =
        body.lines().find_map(|l| l.trim().strip_prefix("value:"))?.trim().parse().ok().filter(|v: &f64| v.is_finite())?;
    let (_, rest) = body.split_once("<name value=\"")?;
    Some((rest.split_once('"')?.0, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipath_lines_are_read_up_to_the_events() {
        let body = "Unhealthy paths:\n[20261121T00:00:00Z] host=u1; host-name=\"xcp1\"; pbd=p; scsi_id=3600a; current=1; max=2\n\
                    [20261121T00:00:00Z] host=u1; host-name=\"xcp1\"; root=true; current=0; max=2\n\
                    Events received during the last 120 seconds:\n\
                    [20261121T00:00:00Z] host=u2; host-name=\"x\"; pbd=p; scsi_id=b; current=2; max=2\n";
        let maps = multipath(body);
        assert_eq!(maps.len(), 2);
        assert_eq!(maps[0], Multipath { host: "u1", scsi_id: "3600a", current: 1, max: 2 });
        assert_eq!(maps[1].scsi_id, "");
        assert!(multipath("Unhealthy paths:").is_empty());
        assert!(multipath("host=; current=x; max=").is_empty());
    }

    #[test]
    fn other_bodies() {
        assert_eq!(bond("The status of the eth0+eth1 bond changed: 1/2 up (was 2/2)"), Some(("eth0+eth1", 1, 2)));
        assert_eq!(bond("The status of the eth0+eth1 bond is: 0/2 up"), Some(("eth0+eth1", 0, 2)));
        assert_eq!(bond("The status of the"), None);
        assert_eq!(tag("<body><message>hi</message></body>", "message"), Some("hi"));
        assert_eq!(tag("<message>hi", "message"), None);
        assert_eq!(
            alarm("value: 0.95\nconfig:\n<variable>\n<name value=\"cpu_usage\"/>\n</variable>"),
            Some(("cpu_usage", 0.95))
        );
        assert_eq!(alarm("value: nan"), None);
    }
}
