//! `iscsid.conf`, the records of nodes below `/var/lib/iscsi/nodes`, and `iscsiadm -m session -P 3`.

use super::Iscsi;
use crate::text;

/// Targets that are kept at most.
const TARGETS: usize = 1_000;

/// `iscsid.conf`, or the record of a node: `name = value` a line. A value that is no number is not known.
pub fn record(said: &str, from: &str) -> Option<Iscsi> {
    let mut found = Iscsi { from: from.into(), ..Iscsi::default() };
    let mut any = false;
    for line in said.lines() {
        let line = line.trim();
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let value = value.trim();
        match key.trim() {
            "node.name" => found.target = text::clean(value, 240).into_owned(),
            "node.session.timeo.replacement_timeout" => (found.replacement_s, any) = (value.parse().ok(), true),
            "node.conn[0].timeo.noop_out_interval" => (found.ping_every_s, any) = (value.parse().ok(), true),
            "node.conn[0].timeo.noop_out_timeout" => (found.ping_wait_s, any) = (value.parse().ok(), true),
            _ => {}
        }
    }
    any.then_some(found)
}

/// What `iscsiadm -m session -P 3` says of each session. It tells of no pings.
pub fn sessions(said: &str, from: &str) -> Vec<Iscsi> {
    let mut out: Vec<Iscsi> = Vec::new();
    for line in said.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("Target:") {
            let name = name.split_ascii_whitespace().next().unwrap_or_default();
            let target = text::clean(name, 240).into_owned();
            out.push(Iscsi { target, in_force: true, from: from.into(), ..Iscsi::default() });
        } else if let Some(value) = line.strip_prefix("Recovery Timeout:")
            && let Some(one) = out.last_mut()
        {
            one.replacement_s = value.trim().parse().ok();
        }
        if out.len() > TARGETS {
            break;
        }
    }
    out.retain(|one| one.replacement_s.is_some());
    out
}
