//! The networks of a pool, as something that guests can be moved over: xapi wants an address on each host that sends or receives one.

use super::{Pool, words};
use crate::xenapi::record::Ref;

/// A network, and who could move guests over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkView {
    /// The network.
    pub network: Ref,
    /// Its uuid; empty if the network itself was not read.
    pub uuid: String,
    /// Its name; without one, the interfaces that lead to it.
    pub name: String,
    /// The interfaces that lead to it, each once: `bond0`, `bond0 VLAN 20`.
    pub via: Vec<String>,
    /// Whether the hosts are managed over it.
    pub management: bool,
    /// The hosts that have no attached interface with an address on it, by name.
    pub without: Vec<String>,
    /// Hosts that there are.
    pub hosts: usize,
}

impl NetworkView {
    /// Why guests cannot be moved over it, as the rest of a sentence that begins with its name; `None`: they can.
    pub fn refused(&self) -> Option<String> {
        if self.via.is_empty() {
            return Some("no host is connected to it".to_owned());
        }
        if self.without.len() == self.hosts {
            return Some("no host has an address on it".to_owned());
        }
        let has = if self.without.len() == 1 { "has" } else { "have" };
        (!self.without.is_empty()).then(|| format!("{} {has} no address on it", words::list(&self.without)))
    }

    /// Its name with the interfaces that lead to it.
    pub fn words(&self) -> String {
        if self.via.is_empty() || self.uuid.is_empty() {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, words::list(&self.via))
        }
    }
}

impl NetworkView {
    /// The same within a sentence.
    pub fn said(&self) -> String {
        if self.uuid.is_empty() { self.words() } else { format!("network {}", self.words()) }
    }
}

impl Pool {
    /// Every network, by name. One that is only known by an interface that leads to it is among them.
    pub fn networks(&self) -> Vec<NetworkView> {
        let records = self.records();
        let mut all: Vec<Ref> = records.networks().map(|(r, _)| r.clone()).collect();
        all.extend(records.pifs().filter_map(|(_, p)| p.network.non_null().cloned()));
        all.sort_unstable();
        all.dedup();
        let mut all: Vec<NetworkView> = all.into_iter().map(|r| self.network(r)).collect();
        all.sort_by(|a, b| words::natural(&a.name, &b.name).then_with(|| a.network.cmp(&b.network)));
        all
    }

    /// One network.
    pub fn network(&self, r: Ref) -> NetworkView {
        let records = self.records();
        let record = records.networks().find(|(n, _)| **n == r).map(|(_, n)| n);
        let pifs = || records.pifs().filter(|(_, p)| p.network == r && !r.is_null()).map(|(_, p)| p);
        let mut via: Vec<String> = pifs()
            .map(|p| {
                let device = words::name(&p.device);
                if p.vlan >= 0 { format!("{device} VLAN {}", p.vlan) } else { device }
            })
            .collect();
        via.sort_by(|a, b| words::natural(a, b));
        via.dedup();
        let addressed = |host: &Ref| pifs().any(|p| p.host == *host && p.currently_attached && !p.ip.is_empty());
        let mut without: Vec<String> =
            records.hosts().filter(|(h, _)| !addressed(h)).map(|(_, h)| words::name(&h.name_label)).collect();
        without.sort_by(|a, b| words::natural(a, b));
        let named = record.map(|n| words::name(&n.name_label)).filter(|n| !n.is_empty());
        NetworkView {
            uuid: record.map(|n| n.uuid.to_string()).unwrap_or_default(),
            name: named.unwrap_or_else(|| {
                if via.is_empty() {
                    "a network that no host is connected to".to_owned()
                } else {
                    format!("the network of {}", words::list(&via))
                }
            }),
            management: pifs().any(|p| p.management),
            via,
            without,
            hosts: records.hosts().count(),
            network: r,
        }
    }

    /// The one network that is called so, or has this uuid; or why there is none, in words.
    pub fn network_named(&self, name: &str) -> Result<Ref, String> {
        let all = self.networks();
        let shown = words::name(name);
        let wanted = name.trim();
        if let Some(one) = all.iter().find(|n| !n.uuid.is_empty() && n.uuid.eq_ignore_ascii_case(wanted)) {
            return Ok(one.network.clone());
        }
        let named: Vec<&NetworkView> = all.iter().filter(|n| n.name == words::name(wanted)).collect();
        match named.as_slice() {
            [one] => Ok(one.network.clone()),
            [] => {
                let known: Vec<String> = all.iter().filter(|n| n.refused().is_none()).map(|n| n.name.clone()).collect();
                let known = if known.is_empty() { "there is none".to_owned() } else { words::list(&known) };
                Err(format!(
                    "no network of this pool is called {shown}, or has that uuid. With an address on every host: {known}"
                ))
            }
            several => {
                Err(format!("{} networks of this pool are called {shown}: name the one that you mean by its uuid", several.len()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::pool::scene::{Scene, r};
    use crate::xenapi::record::{Network, Pif, Record};

    fn pif(host: &str, network: &str, device: &str, vlan: i64, ip: &str) -> Record {
        let (host, network) = (r(host), r(network));
        Record::Pif(Pif { host, network, device: device.into(), vlan, ip: ip.into(), currently_attached: true, ..Pif::default() })
    }

    fn network(uuid: &str, name: &str) -> Record {
        Record::Network(Network { uuid: uuid.into(), name_label: name.into(), ..Network::default() })
    }

    #[test]
    fn only_a_network_with_an_address_on_every_host_carries_guests() {
        let mut s = Scene::new(2);
        s.set("n1", network("u1", "Storage"));
        s.set("n2", network("u2", "Guests"));
        s.set("n3", network("u3", "Backup"));
        s.set("n4", network("u4", "Host internal"));
        for (host, last) in [("h1", 1), ("h2", 2)] {
            s.set(&format!("a{last}"), pif(host, "n1", "bond0", 20, &format!("10.0.0.{last}")));
            s.set(&format!("b{last}"), pif(host, "n2", "bond0", 30, ""));
            s.set(&format!("c{last}"), pif(host, "n3", "eth3", -1, if last == 1 { "10.0.1.1" } else { "" }));
        }
        let all = s.pool.networks();
        let told: Vec<(String, Option<String>)> = all.iter().map(|n| (n.words(), n.refused())).collect();
        let no = |why: &str| Some(why.to_owned());
        assert_eq!(
            told,
            [
                ("Backup (eth3)".to_owned(), no("xcp2 has no address on it")),
                ("Guests (bond0 VLAN 30)".to_owned(), no("no host has an address on it")),
                ("Host internal".to_owned(), no("no host is connected to it")),
                ("Storage (bond0 VLAN 20)".to_owned(), None),
            ]
        );
        assert_eq!(s.pool.network_named("Storage"), Ok(r("n1")));
        assert_eq!(s.pool.network_named("U2"), Ok(r("n2")));
        assert!(s.pool.network_named("storage").is_err_and(|why| why.ends_with("With an address on every host: Storage")));
        s.set("n5", network("u5", "Storage"));
        assert!(s.pool.network_named("Storage").is_err_and(|why| why.starts_with("2 networks")));
        assert_eq!(s.pool.network_named("u5"), Ok(r("n5")));
    }

    #[test]
    fn a_network_that_was_not_read_is_told_by_its_interfaces() {
        let mut s = Scene::new(1);
        s.set("a", pif("h1", "n", "eth1", 40, "10.0.0.1"));
        assert_eq!(s.pool.networks()[0].words(), "the network of eth1 VLAN 40");
        assert_eq!(s.pool.network(r("other")).words(), "a network that no host is connected to");
    }
}
