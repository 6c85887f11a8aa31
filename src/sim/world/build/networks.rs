//! Networks beside the one that the hosts are managed over: a VLAN on each host's interface, with an address where guests can be moved over it.

use super::Builder;
use crate::sim::scenario::NetworkSpec;
use crate::xenapi::record::Ref;

impl Builder<'_> {
    pub(super) fn build_networks(&mut self) {
        let scenario = self.scenario;
        for (at, spec) in scenario.networks.iter().enumerate() {
            let network = self.db.create(
                "network",
                &[
                    ("name_label", spec.name.as_str().into()),
                    ("bridge", format!("xapi{at}").into()),
                    ("MTU", 1500.into()),
                    ("default_locking_mode", "unlocked".into()),
                    ("managed", true.into()),
                ],
            );
            for host in 0..self.hosts.len() {
                self.vlan(host, spec, &network);
            }
        }
    }

    /// A host's interface of a network.
    fn vlan(&mut self, host: usize, spec: &NetworkSpec, network: &Ref) {
        let Some(it) = self.hosts.get(host) else { return };
        let (r, name) = (it.r.clone(), it.name.as_str());
        let addressed = !spec.without.iter().any(|w| w == "*" || w == name);
        let pifs = self.db.refs(&r, "PIFs");
        let Some(below) = pifs.into_iter().find(|p| self.db.boolean(p, "management")) else { return };
        let copied = |field: &str| self.db.get(&below, field).clone();
        let (device, mac, metrics) = (copied("device"), copied("MAC"), copied("metrics"));
        let address =
            if addressed { format!("10.{}.{}.{}", self.scenario.subnet, spec.vlan % 256, host + 1) } else { String::new() };
        let untagged = self.db.create(
            "PIF",
            &[
                ("device", device),
                ("network", network.into()),
                ("host", (&r).into()),
                ("MAC", mac),
                ("MTU", 1500.into()),
                ("VLAN", i64::from(spec.vlan).into()),
                ("metrics", metrics),
                ("currently_attached", true.into()),
                ("ip_configuration_mode", if addressed { "Static" } else { "None" }.into()),
                ("netmask", if addressed { "255.255.255.0" } else { "" }.into()),
                ("IP", address.into()),
                ("managed", true.into()),
                ("primary_address_type", "IPv4".into()),
            ],
        );
        let vlan = self.db.create(
            "VLAN",
            &[("tagged_PIF", below.into()), ("untagged_PIF", (&untagged).into()), ("tag", i64::from(spec.vlan).into())],
        );
        self.db.set(&untagged, "VLAN_master_of", vlan);
    }
}
