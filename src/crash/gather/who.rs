//! Which host a set of logs is of: by its own files if they say so, else by the name that syslog writes into its lines.

use super::super::layout::Says;

/// What is known of a host by its files.
#[derive(Debug, Default)]
pub struct Site {
    /// As one of its files says.
    told: Option<String>,
    /// Its uuid, as xapi knows it.
    uuid: Option<String>,
    /// Names in its logs, and how often.
    heard: Vec<(String, u64)>,
}

/// Names that a host has while it has none.
fn is_nameless(name: &str) -> bool {
    name.is_empty() || name.starts_with("localhost") || name == "(none)"
}

impl Site {
    /// Takes in what a file says.
    pub fn says(&mut self, says: Says, text: &str) {
        let name = match says {
            Says::Name => text.lines().next().map(str::trim),
            Says::Uname => text.split_ascii_whitespace().nth(1),
            Says::Report => between(text, " hostname=\"", "\""),
            Says::Inventory => {
                let uuid = between(text, "INSTALLATION_UUID='", "'").or_else(|| between(text, "INSTALLATION_UUID=\"", "\""));
                self.uuid = uuid.filter(|uuid| uuid.len() == 36).map(str::to_owned).or(self.uuid.take());
                None
            }
        };
        let good =
            |name: &&str| name.len() <= 255 && !is_nameless(name) && !name.contains(|c: char| c.is_whitespace() || c == '<');
        if self.told.is_none() {
            self.told = name.filter(good).map(super::shown);
        }
    }

    /// Takes in the names in a log.
    pub fn heard(&mut self, hosts: &[(String, u64)]) {
        for (name, count) in hosts.iter().filter(|(name, _)| !is_nameless(name)) {
            if let Some((_, sum)) = self.heard.iter_mut().find(|(known, _)| known == name) {
                *sum += count;
            } else if self.heard.len() < 16 {
                self.heard.push((name.clone(), *count));
            }
        }
    }

    /// Its name as one of its own files says.
    pub fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        let loudest = self.heard.iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.as_str());
        self.told.as_deref().or(loudest)
    }

    /// Whether it is the host that somebody means; `None` if that cannot be told.
    pub fn is(&self, host: &str) -> Option<bool> {
        if self.uuid.as_deref().is_some_and(|uuid| uuid.eq_ignore_ascii_case(host)) {
            return Some(true);
        }
        self.name().map(|name| same(name, host))
    }
}

/// Whether two names are of one host: `xcp3` and `XCP3.lab.example.com` are.
pub fn same(a: &str, b: &str) -> bool {
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    let (short_a, short_b) = (a.split('.').next().unwrap_or(a), b.split('.').next().unwrap_or(b));
    let is_address = |name: &str| name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    // Of two full names the domains count too.
    let one_is_short = short_a.len() == a.len() || short_b.len() == b.len();
    one_is_short && !is_address(a) && !is_address(b) && !short_a.is_empty() && short_a.eq_ignore_ascii_case(short_b)
}

/// Whether a line that names this host is of another host than `own`.
pub fn is_other(named: Option<&str>, own: Option<&str>) -> bool {
    matches!((named, own), (Some(named), Some(own)) if !is_nameless(named) && !same(named, own))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_files_or_heard_in_logs() {
        let mut site = Site::default();
        assert_eq!((site.name(), site.is("xcp3")), (None, None));
        site.heard(&[("localhost".to_owned(), 900), ("xcp3".to_owned(), 20), ("xcp1".to_owned(), 3)]);
        assert_eq!((site.name(), site.is("XCP3.lab"), site.is("xcp1")), (Some("xcp3"), Some(true), Some(false)));
        site.says(Says::Report, "<system-inventory><system-summary hostname=\"xcp4\" uptime=\"1\"/>");
        site.says(Says::Name, "other\n");
        assert_eq!(site.name(), Some("xcp4"), "the first that says so");
        site.says(Says::Inventory, "PRODUCT_BRAND='XCP-ng'\nINSTALLATION_UUID='0c4ab55f-e931-4fa5-a9f8-1652fdb9b22d'\n");
        assert_eq!(site.is("0C4AB55F-E931-4FA5-A9F8-1652FDB9B22D"), Some(true));
        let mut odd = Site::default();
        odd.says(Says::Uname, "Linux localhost 4.19");
        odd.says(Says::Name, "<script>");
        assert_eq!(odd.name(), None);
    }

    #[test]
    fn short_and_full_names_are_one_host_but_domains_differ() {
        assert!(
            same("xcp3", "xcp3.lab") && !same("xcp3.a", "xcp3.b") && !same("10.0.0.3", "10.0.0.4") && !same("10", "10.0.0.4")
        );
        assert!(
            !is_other(Some("localhost"), Some("xcp3")) && !is_other(None, Some("xcp3")) && is_other(Some("xcp1"), Some("xcp3"))
        );
    }
}
