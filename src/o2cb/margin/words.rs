//! The margin in words: what happens, why, and what to do now.

use super::{Difference, Margin, Reason, Sure, Warning};
use crate::text;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// Seconds up to ten minutes: near a fence each of them counts.
fn secs(ms: i64) -> String {
    let length = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    if length < Duration::from_secs(600) { format!("{} s", length.as_secs()) } else { text::duration(length) }
}

/// By their names if all are known, else by their numbers.
fn nodes(set: &BTreeSet<u8>, names: &[(u8, String)]) -> String {
    let known: Option<Vec<String>> =
        set.iter().map(|node| Some(text::clean(&names.iter().find(|(of, _)| of == node)?.1, 64).into_owned())).collect();
    if let Some(known) = known.filter(|known| !known.is_empty()) {
        let Some((last, rest)) = known.split_last() else { return String::new() };
        return if rest.is_empty() { last.clone() } else { format!("{} and {last}", rest.join(", ")) };
    }
    let list: Vec<String> = set.iter().map(u8::to_string).collect();
    if list.len() == 1 { format!("node {}", list.concat()) } else { format!("nodes {}", list.join(", ")) }
}

fn are(set: &BTreeSet<u8>) -> &'static str {
    if set.len() == 1 { "is" } else { "are" }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &[])
    }
}

impl Reason {
    /// In words, with these names of nodes.
    fn write(&self, f: &mut fmt::Formatter<'_>, names: &[(u8, String)]) -> fmt::Result {
        match self {
            Self::Beating => write!(f, "heartbeats are written"),
            Self::NotHeartbeating => write!(f, "o2cb has no heartbeat here, so it does not fence this host"),
            Self::NeverArmed => write!(f, "no heartbeat was written yet, so no deadline runs"),
            Self::Disk { region, device, elapsed_ms, budget_ms, lost_of: (lost, of) } => {
                let name = device.as_ref().unwrap_or(region);
                write!(f, "no heartbeat to {} for {} of {}", text::clean(name, 64), secs(*elapsed_ms), secs(*budget_ms))?;
                if *of > 1 { write!(f, ", {lost} of {of} regions are late or lost") } else { Ok(()) }
            }
            Self::RegionsLost { lost, of, more } => {
                write!(f, "{lost} of {of} heartbeat regions are late or lost, {more} more fences")
            }
            Self::AllStalled { elapsed_ms, inferred: false } => {
                write!(
                    f,
                    "all live nodes have waited for the heartbeat disk for {}: nobody fences while they all do",
                    secs(*elapsed_ms)
                )
            }
            Self::AllStalled { elapsed_ms, inferred: true } => {
                let waited = secs(*elapsed_ms);
                write!(
                    f,
                    "no heartbeat for {waited} and still alive: the driver re-arms nodes when all of them wait for the disk"
                )
            }
            Self::Network { silent, silence_ms, connected, beating } => write!(
                f,
                "{} silent for {}: connected to {connected} of {beating} nodes, itself counted, which is no quorum",
                nodes(silent, names),
                secs(*silence_ms)
            ),
            Self::PeersSilent { silent } => {
                write!(f, "{} {} silent, this node keeps the quorum", nodes(silent, names), are(silent))
            }
            Self::CannotKnow { why } => write!(f, "cannot know: {}", text::clean(why, 300)),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDump => {
                write!(f, "fence_method is reset: a fence would leave no crash dump (echo panic > …/fence_method, at every boot)")
            }
            Self::IoErrors => {
                write!(f, "the kernel logged I/O errors of the heartbeat: with the volume mounted ocfs2 may panic within seconds")
            }
            Self::NetworkNotSeen(why) => write!(f, "silence of the peers: {}", text::clean(why, 300)),
            Self::NoUptime => {
                write!(
                    f,
                    "the uptime is not known: peers may be silent for longer, and less time may be left (--uptime, or /proc/uptime)"
                )
            }
            Self::NetworkSeenAgo(ms) => write!(f, "silence of the peers was looked at {} ago", secs(*ms)),
        }
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Why<'a>(&'a Margin);
        impl fmt::Display for Why<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.reason.write(f, &self.0.names)
            }
        }
        let host = text::clean(&self.host, 64);
        let reason = Why(self);
        match (self.left_ms, self.is_counting()) {
            (Some(left), true) if left < 1_000 => write!(f, "{host} should be fencing itself now: {reason}")?,
            (Some(left), true) => {
                let method = self.fence_method.map_or(String::new(), |method| format!(" by {method}"));
                write!(f, "{host} fences itself in {} s{method}: {reason}", left.div_euclid(1_000))?;
            }
            (Some(left), false) => write!(f, "{host} has {} s: {reason}", left.div_euclid(1_000))?,
            (None, _) => write!(f, "{host}: {reason}")?,
        }
        if let Sure::Unless(what) = &self.sure {
            write!(f, "; unless {}", text::clean(what, 300))?;
        }
        Ok(())
    }
}

impl Margin {
    /// The countdown in as few words as will do: what would save the host is said with the evidence.
    pub fn headline(&self) -> String {
        let host = text::clean(&self.host, 64);
        let left = self.left_ms.unwrap_or_default().div_euclid(1_000);
        let device = |device: &Option<String>, region: &str| text::clean(device.as_deref().unwrap_or(region), 24).into_owned();
        match &self.reason {
            Reason::Disk { device: of, region, elapsed_ms, budget_ms, .. } if self.is_counting() => {
                format!(
                    "{host} fences itself in {left} s: no heartbeat to {} for {} of {}",
                    device(of, region),
                    secs(*elapsed_ms),
                    secs(*budget_ms)
                )
            }
            Reason::Network { silent, silence_ms, connected, beating } if self.is_counting() => format!(
                "{host} fences itself in {left} s: {} silent for {}, {connected} of {beating} nodes are no quorum",
                nodes(silent, &self.names),
                secs(*silence_ms)
            ),
            _ => Self { sure: Sure::Yes, ..self.clone() }.to_string(),
        }
    }

    /// What to do at once; `None` if nothing.
    pub fn todo(&self) -> Option<String> {
        Some(match &self.reason {
            Reason::Disk { device, region, .. } => {
                let name = text::clean(device.as_ref().unwrap_or(region), 24).into_owned();
                format!(
                    "bring the paths to {name} back (cable, switch port, HBA, target), or move what must survive off this host now"
                )
            }
            Reason::Network { silent, .. } => {
                format!(
                    "mend the link to {} (cable, bond, switch, VLAN), and move what must survive off this host now",
                    nodes(silent, &self.names)
                )
            }
            _ => return self.advice(),
        })
    }

    /// What to do now, and afterwards; `None` if nothing.
    pub fn advice(&self) -> Option<String> {
        let minimum = |ms: i64| ms / super::BEAT_MS + 1;
        Some(match &self.reason {
            Reason::Disk { device, region, budget_ms, .. } => {
                let name = text::clean(device.as_ref().unwrap_or(region), 64).into_owned();
                format!(
                    "bring the paths to {name} back (cable, switch port, HBA, target), or move what must survive off this host now; \
                     if this I/O layer may pause longer than {}, raise O2CB_HEARTBEAT_THRESHOLD on all nodes ({} is twice as long)",
                    secs(*budget_ms),
                    minimum(budget_ms.saturating_mul(2)),
                )
            }
            Reason::RegionsLost { .. } => {
                "bring the lost regions back before another one goes; no maintenance on the storage until then".into()
            }
            Reason::AllStalled { .. } => {
                "the storage is down for every node: mend it at the array or the switch, and do not touch the cluster network: \
                 cut from each other they would all fence"
                    .into()
            }
            Reason::Network { silent, .. } => format!(
                "mend the link to {} (cable, bond, switch, VLAN, firewall on port 7777); a network that is back may still be too late, \
                 so move what must survive off this host now",
                nodes(silent, &self.names)
            ),
            Reason::PeersSilent { silent } => {
                let self_ = if silent.len() == 1 { "itself" } else { "themselves" };
                let who = nodes(silent, &self.names);
                format!("look at {who}: dead, or about to fence {self_}; change nothing here until that is over")
            }
            Reason::CannotKnow { .. } => "run `poolwatch probe` as root on that host".into(),
            Reason::Beating | Reason::NotHeartbeating | Reason::NeverArmed => return None,
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} differs:", self.what)?;
        for (at, (value, hosts)) in self.values.iter().enumerate() {
            let sep = if at == 0 { "" } else { ";" };
            write!(f, "{sep} {} on {}", text::clean(value, 300), text::clean(&hosts.join(", "), 200))?;
        }
        write!(f, " (a node that differs keeps all nodes from mounting: make them equal)")
    }
}
