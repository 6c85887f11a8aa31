//! `Membership.create` and `Membership.destroy`.

use super::super::Core;
use super::{Beat, Member, NAME, Peer, STACK};
use crate::o2cb::numbers::Numbers;
use crate::sim::api::Failure;
use crate::time::Time;
use crate::xenapi::record::Ref;

impl Core {
    fn the_cluster(&self, cluster: &Ref) -> Result<(), Failure> {
        match self.o2cb.as_ref().and_then(|o| o.cluster.as_ref()) {
            Some(known) if known == cluster => Ok(()),
            _ => Err(Failure::new("OPERATION_NOT_ALLOWED", ["Only a cluster of the stack o2cb has memberships"])),
        }
    }

    /// A host joins: it gets the lowest number that no membership has, also not of a host that left.
    pub(in super::super) fn membership_create(&mut self, host: usize, cluster: &Ref) -> Result<(), Failure> {
        self.the_cluster(cluster)?;
        let members = self.members();
        let Some(h) = self.hosts.get(host) else { return Ok(()) };
        if members.iter().any(|m| m.host == Some(host) && m.left == Time::EPOCH) {
            return Err(Failure::new("MEMBERSHIP_ALREADY_EXISTS", [h.r.as_str(), cluster.as_str()]));
        }
        let r = h.r.clone();
        let id = self.free_number(cluster)?;
        self.db.create("Membership", &[("id", i64::from(id).into()), ("cluster", cluster.into()), ("host", r.into())]);
        if let Some(peer) = self.peer(host) {
            peer.number = Some(id);
        }
        self.o2cb_sync();
        if self.hosts.get(host).is_some_and(super::super::state::Host::reachable) {
            self.o2cb_online(host);
        }
        self.o2cb_sync();
        Ok(())
    }

    /// The lowest number that no membership has, also not of a host that left.
    pub(in super::super) fn free_number(&self, cluster: &Ref) -> Result<u8, Failure> {
        let members = self.members();
        let mut numbers = Numbers::default();
        for member in &members {
            if let Ok(number) = u8::try_from(member.number) {
                numbers.uses(number, &self.who(member));
            }
        }
        numbers.lowest_free().map_err(|error| {
            Failure::new("CLUSTER_NODE_ID_TOO_HIGH", [cluster.as_str(), &members.len().to_string(), &error.to_string()])
        })
    }

    /// Where xapi keeps no memberships, a host that joins gets the lowest number that no host of the pool has: nobody remembers those that left.
    pub(in super::super) fn shipped_number(&mut self, host: usize) {
        let Some(o2cb) = self.o2cb.as_mut() else { return };
        let taken: Vec<u8> = o2cb.nodes.iter().filter_map(|peer| peer.number).collect();
        if let Some(peer) = o2cb.nodes.get_mut(host).filter(|peer| peer.beats.iter().any(|beat| beat.on)) {
            peer.number = (0..=254).find(|number| !taken.contains(number));
        }
        self.o2cb_sync();
    }

    fn who(&self, member: &Member) -> String {
        member.host.and_then(|h| self.hosts.get(h)).map(|h| h.name.clone()).unwrap_or_default()
    }

    /// A host leaves: its number stays taken until every host has started since.
    pub(in super::super) fn membership_destroy(&mut self, host: usize, cluster: &Ref) -> Result<(), Failure> {
        self.the_cluster(cluster)?;
        let now = self.now;
        let member = self.members().into_iter().find(|m| m.host == Some(host) && m.left == Time::EPOCH);
        let Some(member) = member else {
            let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
            return Err(Failure::new("MEMBERSHIP_DOES_NOT_EXIST", [r.as_str(), cluster.as_str()]));
        };
        if self.stores.iter().any(|s| s.kind == super::KIND && s.pbds.iter().any(|p| p.host == host && p.attached)) {
            return Err(Failure::new("CLUSTER_STACK_IN_USE", [STACK]));
        }
        self.set(&member.r, "left", now);
        // Its own o2cb stops first: a host that is in no file any more must not heartbeat.
        let _ = self.on_folder(host, |node| node.stop(Some(NAME)));
        if let Some(Peer { online, beats, .. }) = self.peer(host) {
            *online = false;
            for beat in beats {
                *beat = Beat { on: beat.on, ..Beat::default() };
            }
        }
        self.o2cb_look();
        self.o2cb_sync();
        Ok(())
    }
}
