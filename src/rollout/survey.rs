//! What a plan and its checks have to read beyond the model: which guests cannot leave, what each host could install, what we may do.
//!
//! Says what is to be read, and holds the answers. Reads nothing itself.

use super::look::{Blocker, Look, Looked, Metadata, PoolUpdate, Sight};
use super::plan::{Product, Scope, Wanted};
use crate::pool::Pool;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Answers that are older than this are read again before a round begins: they say how things were (I6).
pub const FRESH: Duration = Duration::from_secs(900);

/// What a plan and its checks need to know for this scope. In a fixed order; every one can be asked at the same time.
pub fn looks(pool: &Pool, scope: &Scope) -> Vec<Look> {
    // All hosts, not only those that were asked for: whether the coordinator lacks updates decides about every order.
    let mut hosts: Vec<&Ref> = pool.records().hosts().map(|(r, _)| r).collect();
    hosts.sort();
    let mut out: Vec<Look> = hosts.iter().map(|host| Look::Blockers { host: (*host).clone() }).collect();
    if scope.wanted == Wanted::Update {
        match Product::of(pool) {
            Product::XcpNg => out.extend(hosts.iter().map(|host| Look::Missing { host: (*host).clone() })),
            Product::XenServer => out.push(Look::Updates),
            Product::XenServer7 => out.push(Look::PoolUpdates),
            Product::Unknown => {}
        }
    }
    out
}

/// What our user may do on the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rights {
    /// Not known: what may not be done is then only seen when it is refused.
    #[default]
    Unknown,
    /// Everything: `session.is_local_superuser`, or the pool-admin role.
    All,
    /// These calls only, as `session.rbac_permissions` names them (`host.reboot`, in lower case).
    Only(BTreeSet<String>),
}

impl Rights {
    /// Whether a call may be made; `None` if that is not known.
    pub fn allow(&self, call: &str) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::All => Some(true),
            Self::Only(calls) => Some(calls.contains(&call.to_ascii_lowercase())),
        }
    }
}

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// xapi's code, if it refused.
    pub code: Option<String>,
    /// In words.
    pub text: String,
}

impl Unknown {
    /// Whether our role was not enough to ask.
    pub fn is_denied(&self) -> bool {
        self.code.as_deref() == Some("RBAC_PERMISSION_DENIED")
    }
}

/// The answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    looked: BTreeMap<Look, Looked>,
    /// What our user may do.
    pub rights: Rights,
}

impl Survey {
    /// Takes in an answer. A newer one replaces an older one.
    pub fn take(&mut self, look: Look, looked: Looked) {
        match self.looked.get(&look) {
            Some(old) if old.asked > looked.asked => {}
            _ => drop(self.looked.insert(look, looked)),
        }
    }

    /// Those of these looks that were not answered, failed, or were answered too long ago to rely on.
    pub fn due(&self, looks: &[Look], now: Time) -> Vec<Look> {
        let due = |look: &&Look| {
            self.looked.get(look).is_none_or(|l| now.since(l.asked) > FRESH || matches!(l.sight, Sight::Failed { .. }))
        };
        looks.iter().filter(due).cloned().collect()
    }

    /// When this was asked, if it was.
    pub fn asked(&self, look: &Look) -> Option<Time> {
        self.looked.get(look).map(|l| l.asked)
    }

    /// Every question that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&Look, Unknown)> {
        self.looked.iter().filter_map(|(look, looked)| match &looked.sight {
            Sight::Failed { code, text } => Some((look, Unknown { code: code.clone(), text: text.clone() })),
            _ => None,
        })
    }

    /// The guests that keep a host from being emptied.
    pub fn blockers(&self, host: &Ref) -> Result<&[Blocker], Unknown> {
        self.get(&Look::Blockers { host: host.clone() }, |sight| match sight {
            Sight::Blockers(blockers) => Some(blockers.as_slice()),
            _ => None,
        })
    }

    /// What a host could install (XCP-ng).
    pub fn missing(&self, host: &Ref) -> Result<&[String], Unknown> {
        self.get(&Look::Missing { host: host.clone() }, |sight| match sight {
            Sight::Missing(packages) => Some(packages.as_slice()),
            _ => None,
        })
    }

    /// The update metadata (XenServer).
    pub fn metadata(&self) -> Result<&Metadata, Unknown> {
        self.get(&Look::Updates, |sight| match sight {
            Sight::Updates(metadata) => Some(metadata),
            _ => None,
        })
    }

    /// The updates that were uploaded (XenServer 7).
    pub fn pool_updates(&self) -> Result<&[PoolUpdate], Unknown> {
        self.get(&Look::PoolUpdates, |sight| match sight {
            Sight::PoolUpdates(updates) => Some(updates.as_slice()),
            _ => None,
        })
    }

    fn get<'a, T>(&'a self, look: &Look, of: impl FnOnce(&'a Sight) -> Option<T>) -> Result<T, Unknown> {
        let unknown = |code: Option<&String>, text: &str| Unknown { code: code.cloned(), text: text.to_owned() };
        match self.looked.get(look).map(|l| &l.sight) {
            None => Err(unknown(None, "it was not asked yet")),
            Some(Sight::Failed { code, text }) => Err(unknown(code.as_ref(), text)),
            Some(sight) => of(sight).ok_or_else(|| unknown(None, "the answer was about something else")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::scene::{Scene, r, t};

    fn looked(secs: f64, sight: Sight) -> Looked {
        Looked { asked: t(secs), answered: t(secs + 1.0), sight }
    }

    #[test]
    fn what_is_read_depends_on_the_product_and_on_what_is_wanted() {
        let mut s = Scene::new(2);
        let reboot = looks(&s.pool, &Scope { wanted: Wanted::Reboot, ..Scope::default() });
        assert_eq!(reboot, [Look::Blockers { host: r("h1") }, Look::Blockers { host: r("h2") }]);
        let update = Scope { wanted: Wanted::Update, ..Scope::default() };
        assert_eq!(looks(&s.pool, &update)[2..], [Look::Missing { host: r("h1") }, Look::Missing { host: r("h2") }]);
        for (version, want) in [("8.4.0", Look::Updates), ("7.6.0", Look::PoolUpdates)] {
            s.host_is(1, |h| {
                h.software_version = [("product_brand", "XenServer"), ("product_version", version)].into();
            });
            assert_eq!(looks(&s.pool, &update)[2..], [want]);
        }
    }

    #[test]
    fn an_older_answer_never_replaces_a_newer_one_and_old_ones_are_asked_again() {
        let look = Look::Missing { host: r("h1") };
        let mut survey = Survey::default();
        assert_eq!(survey.due(std::slice::from_ref(&look), t(0.0)), std::slice::from_ref(&look));
        survey.take(look.clone(), looked(10.0, Sight::Missing(vec!["xen".into()])));
        survey.take(look.clone(), looked(5.0, Sight::Missing(Vec::new())));
        assert_eq!(survey.missing(&r("h1")), Ok(["xen".to_owned()].as_slice()));
        assert_eq!(survey.due(std::slice::from_ref(&look), t(100.0)), []);
        assert_eq!(survey.due(std::slice::from_ref(&look), t(10.0) + FRESH * 2), std::slice::from_ref(&look));
        survey.take(look.clone(), looked(20.0, Sight::Failed { code: Some("RBAC_PERMISSION_DENIED".into()), text: "no".into() }));
        assert!(survey.missing(&r("h1")).expect_err("failed").is_denied());
        assert_eq!(survey.due(std::slice::from_ref(&look), t(20.0)), std::slice::from_ref(&look));
        survey.take(look, looked(30.0, Sight::Blockers(Vec::new())));
        assert!(survey.missing(&r("h1")).is_err(), "an answer to another question");
    }
}
