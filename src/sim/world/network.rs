//! Who hears whom: hosts that are cut off one by one, and a network that falls apart into groups.
//!
//! In a split network each host has a side. Hosts that are not on the coordinator's side are cut off for xapi ([`Cut::Side`]), and hear each other all the
//! same, which is what o2cb and xhad decide by. Whoever watches the pool sits on one side, too.

use super::Core;
use super::fault::{Cut, FaultError};
use super::state::Stage;

impl Core {
    /// Whether a host is part of this pool.
    pub(super) fn is_member(&self, host: usize) -> bool {
        self.hosts.get(host).is_some_and(super::state::Host::member)
    }

    /// Whether a host's own link is cut.
    fn own_cut(&self, host: usize) -> bool {
        self.hosts.get(host).is_some_and(|h| matches!(h.cut, Some(Cut::Network | Cut::All)))
    }

    fn side(&self, host: usize) -> u8 {
        self.hosts.get(host).map_or(0, |h| h.side)
    }

    /// Whether two hosts hear each other, if both run.
    pub(super) fn hears(&self, a: usize, b: usize) -> bool {
        a == b || (!self.own_cut(a) && !self.own_cut(b) && self.side(a) == self.side(b))
    }

    /// Whether somebody who watches the pool from outside gets no packet through to a host.
    pub(super) fn out_of_sight(&self, host: usize) -> bool {
        if self.seat == 0 { self.is_cut(host) } else { self.own_cut(host) || self.side(host) != self.seat }
    }

    /// The network falls apart. Hosts in no group are in the first.
    pub(super) fn split(&mut self, groups: &[Vec<String>], seat: Option<&str>) -> Result<String, FaultError> {
        if groups.len() < 2 || groups.len() > 64 {
            return Err(FaultError::NotNow("a split network has two groups or more, e.g. groups=a,b|c".into()));
        }
        let mut sides = vec![1u8; self.hosts.len()];
        for (group, side) in groups.iter().zip(1u8..) {
            for name in group {
                let host = self.named_host(name)?;
                if let Some(place) = sides.get_mut(host) {
                    *place = side;
                }
            }
        }
        let seat = seat.map(|name| self.named_host(name)).transpose()?.and_then(|h| sides.get(h).copied()).unwrap_or(1);
        self.unsplit();
        self.seat = seat;
        for (h, side) in self.hosts.iter_mut().zip(&sides) {
            h.side = *side;
        }
        self.recentre();
        self.o2cb_look();
        let words: Vec<String> = groups.iter().map(|group| group.join(", ")).collect();
        Ok(format!("the network is split: {}", words.join(" | ")))
    }

    /// The network is one again. Whether it was not.
    pub(super) fn unsplit(&mut self) -> bool {
        let was = self.seat != 0;
        self.seat = 0;
        for h in &mut self.hosts {
            h.side = 0;
        }
        for host in 0..self.hosts.len() {
            self.rejoin_side(host);
        }
        self.o2cb_look();
        was
    }

    fn rejoin_side(&mut self, host: usize) {
        match self.hosts.get_mut(host) {
            Some(h) if h.cut == Some(Cut::Side) && !h.runs() => h.cut = None,
            Some(h) if h.cut == Some(Cut::Side) => self.heal(host),
            _ => {}
        }
    }

    /// In a split network those are cut off from xapi who are not with the coordinator, who may be another one now.
    pub(super) fn recentre(&mut self) {
        let here = self.side(self.coordinator);
        for host in 0..self.hosts.len() {
            let Some(h) = self.hosts.get_mut(host).filter(|h| h.member()) else { continue };
            if h.side == here {
                self.rejoin_side(host);
            } else if h.cut.is_none() && h.stage == Stage::Off {
                h.cut = Some(Cut::Side);
            } else if h.cut.is_none() {
                self.cut_off(host, Cut::Side);
            }
        }
    }
}
