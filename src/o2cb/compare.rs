//! `cluster.conf` of several hosts beside each other: it must be the same everywhere.

use super::conf::{Cluster, Config, Document, Problem};
use serde::Serialize;
use std::collections::BTreeMap;

/// What all hosts with the same bytes have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// SHA-256 of the bytes, in hexadecimal; `None`: they have no file.
    pub sha256: Option<String>,
    /// The hosts.
    pub hosts: Vec<String>,
    /// It means the same as the first group: only comments, order or blanks differ.
    pub same_meaning: bool,
    /// In what it differs from the first group, in words.
    pub differs: Vec<String>,
    /// What is wrong with it, if it cannot be understood.
    pub broken: Option<String>,
}

/// What came of comparing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// All have the same bytes.
    pub same: bool,
    /// All mean the same.
    pub same_meaning: bool,
    /// The groups: first the one of the most hosts, and with equally many the one of the first host by name.
    pub groups: Vec<Group>,
}

/// A file that was read, or what is wrong with it.
fn read(bytes: &[u8]) -> Result<(Config, Vec<Problem>), String> {
    Document::parse(bytes).map(|document| Config::read(&document)).map_err(|broken| broken.to_string())
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Compares the files of several hosts; `None`: the host has none.
pub fn compare(files: &BTreeMap<String, Option<Vec<u8>>>) -> Compared {
    let mut by_bytes: BTreeMap<Option<&[u8]>, Vec<String>> = BTreeMap::new();
    for (host, bytes) in files {
        by_bytes.entry(bytes.as_deref()).or_default().push(crate::text::clean(host, 100).into_owned());
    }
    let mut groups: Vec<(Option<&[u8]>, Vec<String>)> = by_bytes.into_iter().collect();
    // Who has no file is never the measure.
    groups.sort_by(|a, b| (a.0.is_none(), b.1.len(), &a.1).cmp(&(b.0.is_none(), a.1.len(), &b.1)));
    let first = groups.first().and_then(|(bytes, _)| *bytes).map(read);
    let rows = groups.iter().enumerate().map(|(at, (bytes, hosts))| {
        let own = bytes.map(read);
        let differs = match (&first, &own) {
            _ if at == 0 => vec![],
            (Some(Ok((first, _))), Some(Ok((own, _)))) => meaning(first, own),
            (_, None) => vec!["there is no file".to_owned()],
            _ => vec!["one of the two cannot be understood, so only their bytes were compared".to_owned()],
        };
        let understood = matches!((&first, &own), (Some(Ok(_)), Some(Ok(_))));
        let broken = own.and_then(Result::err);
        let same_meaning = at == 0 || (understood && differs.is_empty());
        Group { sha256: bytes.map(sha256), hosts: hosts.clone(), same_meaning, differs, broken }
    });
    let groups: Vec<Group> = rows.collect();
    Compared { same: groups.len() < 2, same_meaning: groups.iter().all(|group| group.same_meaning), groups }
}

/// In what two files differ in their meaning, seen from the first.
fn meaning(first: &Config, own: &Config) -> Vec<String> {
    let mut found = vec![];
    let shown = |name: &str| crate::text::clean(name, 64).into_owned();
    for cluster in &first.clusters {
        match own.clusters.iter().find(|known| known.name == cluster.name) {
            Some(known) => clusters(cluster, known, &mut found),
            None => found.push(format!("cluster {} is missing", shown(&cluster.name))),
        }
    }
    for cluster in own.clusters.iter().filter(|cluster| !first.clusters.iter().any(|known| known.name == cluster.name)) {
        found.push(format!("cluster {} is only here", shown(&cluster.name)));
    }
    let holds = |config: &Config| {
        let mut numbers: Vec<u8> = config.held.iter().flat_map(|held| held.numbers.clone()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    let (theirs, ours) = (holds(first), holds(own));
    for number in theirs.iter().filter(|number| !ours.contains(number)) {
        found.push(format!("number {number} is not held"));
    }
    for number in ours.iter().filter(|number| !theirs.contains(number)) {
        found.push(format!("number {number} is held only here"));
    }
    found
}

fn clusters(first: &Cluster, own: &Cluster, found: &mut Vec<String>) {
    let shown = |name: &str| crate::text::clean(name, 64).into_owned();
    let name = shown(&first.name);
    if first.mode != own.mode {
        found.push(format!("cluster {name} has {} heartbeat instead of {}", own.mode.as_str(), first.mode.as_str()));
    }
    if first.node_count != own.node_count {
        found.push(format!("cluster {name} says node_count {} instead of {}", own.node_count, first.node_count));
    }
    for node in &first.nodes {
        let Some(known) = own.named(&node.name) else {
            found.push(format!("node {} (number {}) is missing", shown(&node.name), node.number));
            continue;
        };
        if known.number != node.number {
            found.push(format!("node {} has number {} instead of {}", shown(&node.name), known.number, node.number));
        }
        if (known.address, known.port) != (node.address, node.port) {
            let (is, should) = (format!("{}:{}", known.address, known.port), format!("{}:{}", node.address, node.port));
            found.push(format!("node {} has address {is} instead of {should}", shown(&node.name)));
        }
    }
    for node in own.nodes.iter().filter(|node| first.named(&node.name).is_none()) {
        found.push(format!("node {} (number {}) is only here", shown(&node.name), node.number));
    }
    let has = |cluster: &Cluster, region: &str| cluster.heartbeats.iter().any(|heartbeat| heartbeat.region == region);
    for heartbeat in first.heartbeats.iter().filter(|heartbeat| !has(own, &heartbeat.region)) {
        found.push(format!("region {} is missing", shown(&heartbeat.region)));
    }
    for heartbeat in own.heartbeats.iter().filter(|heartbeat| !has(first, &heartbeat.region)) {
        found.push(format!("region {} is only here", shown(&heartbeat.region)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(nodes: &[(u8, &str)]) -> Vec<u8> {
        let head = format!("cluster:\n\tname = c\n\tnode_count = {}\n", nodes.len());
        let node = |(number, name): &(u8, &str)| {
            format!(
                "node:\n\tnumber = {number}\n\tname = {name}\n\tip_address = 10.0.0.{number}\n\tip_port = 7777\n\tcluster = c\n"
            )
        };
        let text = head + &nodes.iter().map(node).collect::<Vec<_>>().concat();
        text.into_bytes()
    }

    fn of(files: &[(&str, Option<Vec<u8>>)]) -> Compared {
        compare(&files.iter().map(|(host, bytes)| ((*host).to_owned(), bytes.clone())).collect())
    }

    #[test]
    fn the_most_hosts_are_the_measure_and_the_others_differences_are_told() {
        let good = conf(&[(1, "a"), (2, "b")]);
        let compared = of(&[("h1", Some(good.clone())), ("h2", Some(good.clone()))]);
        assert!(compared.same && compared.same_meaning && compared.groups.len() == 1);

        let spaced = [b"# a remark\n".as_slice(), &good].concat();
        let other = conf(&[(1, "a"), (3, "b"), (4, "d")]);
        let files = [
            ("h0", Some(other)),
            ("h1", Some(good.clone())),
            ("h2", Some(good)),
            ("h3", Some(spaced)),
            ("h4", None),
            ("h5", Some(b"x".to_vec())),
        ];
        let compared = of(&files);
        assert!(!compared.same && !compared.same_meaning);
        let hosts: Vec<_> = compared.groups.iter().map(|group| group.hosts.join(",")).collect();
        assert_eq!(hosts, ["h1,h2", "h0", "h3", "h5", "h4"]);
        let differs = &compared.groups[1].differs;
        let expected = [
            "cluster c says node_count 3 instead of 2",
            "node b has number 3 instead of 2",
            "node b has address 10.0.0.3:7777 instead of 10.0.0.2:7777",
            "node d (number 4) is only here",
        ];
        assert_eq!(differs, &expected);
        assert!(compared.groups[2].same_meaning && compared.groups[2].sha256 != compared.groups[0].sha256);
        assert!(compared.groups[3].broken.as_deref().unwrap().contains("line 1"));
        assert_eq!(compared.groups[4].sha256, None);
    }

    #[test]
    fn numbers_that_are_held_somewhere_are_told() {
        let good = conf(&[(1, "a")]);
        let held = [good.as_slice(), b"#node:\n#\tnumber = 9\n"].concat();
        let compared = of(&[("h1", Some(good.clone())), ("h2", Some(good)), ("h3", Some(held))]);
        assert_eq!(compared.groups[1].differs, ["number 9 is held only here"]);
    }
}
