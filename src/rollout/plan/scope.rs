//! What the operator asks for, and the hosts that the names in it mean.

use super::PlanError;
use crate::pool::picture::{HostView, Picture};
use crate::pool::words;
use crate::text::clean;

/// What a round is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Reboot the hosts.
    #[default]
    Reboot,
    /// Install what they lack, then reboot them.
    Update,
}

/// What the operator asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// What is to be done.
    pub wanted: Wanted,
    /// Names or uuids of hosts, in the order that they shall go; `None`: all of them.
    pub hosts: Option<Vec<String>>,
    /// XenServer 7: name or uuid of the update, if several could be installed.
    pub update: Option<String>,
}

impl Scope {
    /// The hosts that are asked for, in their order. Without a list: the coordinator first, then by natural order of the names.
    pub(super) fn resolve<'a>(&self, picture: &'a Picture) -> Result<Vec<&'a HostView>, PlanError> {
        let Some(names) = &self.hosts else {
            let mut hosts: Vec<&HostView> = picture.hosts.iter().collect();
            hosts.sort_by_key(|h| !h.coordinator);
            return Ok(hosts);
        };
        if names.is_empty() {
            return Err(PlanError::EmptyList);
        }
        let mut out: Vec<&HostView> = Vec::new();
        for name in names {
            let host = find(picture, name.trim())?;
            if out.iter().any(|h| h.r#ref == host.r#ref) {
                return Err(PlanError::Duplicate { name: shown(name), host: host.name.clone() });
            }
            out.push(host);
        }
        Ok(out)
    }
}

/// The one host that is called so, or has this uuid.
fn find<'a>(picture: &'a Picture, name: &str) -> Result<&'a HostView, PlanError> {
    if name.is_empty() {
        return Err(PlanError::EmptyName);
    }
    // A name wins over a uuid: somebody may have called a host by the uuid of another.
    let called: Vec<&HostView> = picture.hosts.iter().filter(|h| h.name == name || words::name(name) == h.name).collect();
    match called.as_slice() {
        [one] => return Ok(one),
        [] => {}
        several => {
            let uuids = several.iter().map(|h| h.uuid.clone()).collect();
            return Err(PlanError::Ambiguous { name: shown(name), uuids });
        }
    }
    if let Some(host) = picture.hosts.iter().find(|h| !h.uuid.is_empty() && h.uuid.eq_ignore_ascii_case(name)) {
        return Ok(host);
    }
    let hosts: Vec<String> = picture.hosts.iter().map(|h| h.name.clone()).collect();
    if is_uuid(name) {
        return Err(PlanError::Foreign { uuid: shown(name), hosts });
    }
    Err(PlanError::Unknown { name: shown(name), closest: closest(&hosts, name), hosts })
}

fn shown(name: &str) -> String {
    clean(name.trim(), 64).into_owned()
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// The name that was probably meant: the nearest one, if it is near enough.
fn closest(hosts: &[String], name: &str) -> Option<String> {
    let name: Vec<char> = name.to_lowercase().chars().take(64).collect();
    let limit = (name.len() / 3).max(1);
    let near = hosts.iter().map(|h| (distance(&h.to_lowercase().chars().collect::<Vec<_>>(), &name), h));
    near.filter(|(d, _)| *d <= limit).min().map(|(_, h)| h.clone())
}

/// How many letters have to be put in, taken out, changed or swapped with their neighbour to make one of the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut before: Vec<usize> = Vec::new();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let swap = row.get(j).copied().unwrap_or_default() + usize::from(x != y);
            // Two letters the wrong way round are one slip.
            let turned = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            let turn = if turned { before.get(j - 1).copied().unwrap_or_default() + 1 } else { swap };
            let add = next.last().copied().unwrap_or_default() + 1;
            let drop = row.get(j + 1).copied().unwrap_or_default() + 1;
            next.push(swap.min(add).min(drop).min(turn));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::scene::Scene;

    fn resolve(names: &[&str]) -> Result<Vec<String>, PlanError> {
        let s = Scene::new(3);
        let scope = Scope { hosts: Some(names.iter().map(|n| (*n).to_owned()).collect()), ..Scope::default() };
        scope.resolve(&s.picture()).map(|hosts| hosts.iter().map(|h| h.name.clone()).collect())
    }

    #[test]
    fn hosts_are_found_by_name_and_by_uuid_in_the_order_they_are_asked_for() {
        assert_eq!(resolve(&["xcp3", " 00000000-0000-0000-0000-000000000001 "]).expect("known"), ["xcp3", "xcp1"]);
    }

    #[test]
    fn what_is_no_host_of_this_pool_is_refused_with_the_way_out() {
        let said = |names: &[&str]| resolve(names).expect_err("refused").to_string();
        assert_eq!(
            said(&["xcp1", "xpc2"]),
            "There is no host xpc2 in this pool. Did you mean xcp2? Its hosts are xcp1, xcp2 and xcp3."
        );
        assert_eq!(said(&["database"]), "There is no host database in this pool. Its hosts are xcp1, xcp2 and xcp3.");
        assert!(said(&["11111111-2222-3333-4444-555555555555"]).contains("no host of this pool has the uuid"));
        assert!(said(&["xcp1", "00000000-0000-0000-0000-000000000001"]).contains("twice"), "by name and by uuid");
        assert!(said(&[]).contains("empty"));
        assert!(said(&["xcp1", "  "]).contains("empty"));
        let wild = said(&["\u{1b}[2Jxcp1"]);
        assert!(!wild.contains('\u{1b}'), "{wild}");
    }

    #[test]
    fn two_hosts_of_one_name_have_to_be_named_by_uuid() {
        let mut s = Scene::new(3);
        s.host_is(3, |h| h.name_label = "xcp2".into());
        let scope = Scope { hosts: Some(vec!["xcp2".into()]), ..Scope::default() };
        let picture = s.picture();
        let said = scope.resolve(&picture).expect_err("two of them").to_string();
        assert!(said.contains("000000000002") && said.contains("000000000003"), "{said}");
        let scope = Scope { hosts: Some(vec!["00000000-0000-0000-0000-000000000003".into()]), ..Scope::default() };
        assert_eq!(scope.resolve(&picture).expect("one")[0].r#ref, "h3".into());
    }

    #[test]
    fn nearness_is_counted_in_letters() {
        let d = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!((d("kitten", "sitting"), d("", "abc"), d("same", "same"), d("xpc2", "xcp2")), (3, 3, 0, 1));
    }
}
