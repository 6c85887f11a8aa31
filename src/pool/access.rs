//! What a plan and its checks ask of a pool beyond single records (for those see [`super::records`]). Decides nothing.

use super::gate::{self, Obstacle};
use super::rebuild;
use super::{Pool, words};
use crate::time::Time;
use crate::xenapi::record::Ref;

/// A connection to storage that is not plugged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplugged {
    /// The PBD.
    pub pbd: Ref,
    /// The SR that it leads to.
    pub sr: Ref,
    /// Whether that SR is shared between hosts, or mirrored between them.
    pub shared: bool,
    /// Whether the host cannot do without it: it was seen plugged, or its mirrors are on it.
    pub lost: bool,
    /// When it was seen to be unplugged; `None` if it was never seen plugged.
    pub since: Option<Time>,
}

impl Pool {
    /// The PBDs of a host that are not plugged, by the names of their SRs.
    pub fn unplugged(&self, host: &Ref) -> Vec<Unplugged> {
        if self.pbds(host).all(|(_, p)| p.currently_attached) {
            return Vec::new();
        }
        let mut out: Vec<Unplugged> = self
            .pbds(host)
            .filter(|(_, p)| !p.currently_attached)
            .filter_map(|(r, p)| {
                let sr = self.tables.sr(&p.sr)?;
                let since = self.detached.get(r).copied().flatten();
                let shared = sr.shared || sr.clustered;
                let lost = shared && (since.is_some() || sr.clustered);
                Some(Unplugged { pbd: r.clone(), sr: p.sr.clone(), shared, lost, since })
            })
            .collect();
        out.sort_by(|a, b| words::natural(&self.name_of(&a.sr), &self.name_of(&b.sr)).then_with(|| a.pbd.cmp(&b.pbd)));
        out
    }

    /// Who keeps the pool's tasks: the coordinator, and when its toolstack last started, which forgets all tasks. `None`: not known.
    pub fn keeper(&self) -> Option<(Ref, Time)> {
        let coordinator = self.coordinator()?;
        Some((coordinator.clone(), self.tables.host(coordinator)?.agent_start_time()?))
    }

    /// Whether some SR keeps mirrors on the hosts, also where the pool does not tell whether they are in step.
    pub fn keeps_mirrors(&self) -> bool {
        self.tables.srs().any(|(_, sr)| {
            sr.clustered || matches!(&*sr.r#type, "linstor" | "drbd" | "xosan") || rebuild::hints(sr).in_step.is_some()
        })
    }

    /// Whether every SR that keeps mirrors says by itself how many of them are in step, so that a rebuild that is out of sight is no riddle.
    pub fn tells_what_is_in_step(&self) -> bool {
        let keeps = |sr: &crate::xenapi::record::Sr| sr.clustered || matches!(&*sr.r#type, "linstor" | "drbd" | "xosan");
        self.tables.srs().filter(|(_, sr)| keeps(sr)).all(|(_, sr)| rebuild::hints(sr).in_step.is_some())
    }

    /// Everything that the gates are made of, each by itself with what it is about. See [`crate::pool::picture::Gate`].
    pub fn obstacles(&self, now: Time) -> Vec<Obstacle> {
        gate::obstacles(&self.known(now.max(self.at)))
    }

    /// What is worth knowing before a round though no gate is made of it: paths that were lost of late, time-outs in the wrong order.
    pub fn notes(&self, now: Time) -> Vec<Obstacle> {
        let known = self.known(now.max(self.at));
        let paths = known.paths().iter().map(|path| &path.view);
        let budget = self.budget_view(known.names(), known.hosts(), paths, known.skews());
        gate::notes(&known, &budget)
    }
}
