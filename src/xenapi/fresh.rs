//! Reads that a decision is made on: made when asked for, by calls of their own, whatever the events said last. They change nothing.

use super::error::Error;
use super::record::{Class, Record, Ref};
use super::reply::{self, Problem};
use super::session::Session;
use crate::text;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So many names of updates are kept of one host.
const MOST: usize = 5_000;

/// A guest that keeps a host from being emptied: its reference, xapi's code, and the code's parameters.
pub type Blocking = (Ref, String, Vec<String>);

/// What XenServer's `/updates` says of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostUpdates {
    /// Names of what it lacks.
    pub updates: Vec<String>,
    /// What follows from installing it, worst first: `RebootHost`, `EvacuateHost`, …
    pub guidance: Vec<String>,
}

/// What XenServer's `/updates` says, as far as it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdatesListing {
    /// Hash of the synchronised metadata.
    pub hash: String,
    /// What each host lacks.
    pub hosts: BTreeMap<Ref, HostUpdates>,
}

/// XenServer 7: an update that was uploaded to the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UploadedUpdate {
    /// Its uuid.
    pub uuid: String,
    /// Its name.
    pub name_label: String,
    /// Hosts that have it.
    pub hosts: Vec<Ref>,
}

impl Session {
    /// Every record of a class. One that cannot be read is an error: a decision needs them all.
    pub async fn all_records(&self, class: Class) -> Result<Vec<(Ref, Record)>, Error> {
        let method = format!("{}.get_all_records", class.call_name());
        let text = self.ask(&method, Vec::new(), self.client().reading(), false).await?;
        let name = method.clone();
        let (records, unreadable) = self.parse(&method, text, move |text| reply::records(text, class, &name)).await?;
        match unreadable.first() {
            None => Ok(records),
            Some(bad) => Err(self.problem(&method, Problem::Malformed(format!("{}: {}", bad.r#ref, bad.why)))),
        }
    }

    /// One record.
    pub async fn record(&self, class: Class, r#ref: &Ref) -> Result<Record, Error> {
        let method = format!("{}.get_record", class.call_name());
        let text = self.ask(&method, vec![json!(r#ref.as_str())], self.client().options().timeout, false).await?;
        let raw = reply::result::<&serde_json::value::RawValue>(&text, &method).map_err(|p| self.problem(&method, p))?;
        Record::parse(class, raw.get()).map_err(|e| self.problem(&method, Problem::Malformed(e.to_string())))
    }

    /// `host.get_vms_which_prevent_evacuation`.
    pub async fn blocking_guests(&self, host: &Ref) -> Result<Vec<Blocking>, Error> {
        const METHOD: &str = "host.get_vms_which_prevent_evacuation";
        let text = self.ask(METHOD, vec![json!(host.as_str())], self.client().reading(), false).await?;
        let map: BTreeMap<Ref, Vec<Value>> = reply::result(&text, METHOD).map_err(|p| self.problem(METHOD, p))?;
        let said = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let blocking = map.into_iter().map(|(vm, error)| {
            let mut error = error.into_iter().map(said);
            let code = error.next().unwrap_or_default();
            (vm, code, error.collect())
        });
        Ok(blocking.collect())
    }

    /// XCP-ng: names of the packages that a host lacks, by its `updater.py`.
    pub async fn missing_packages(&self, host: &Ref) -> Result<Vec<String>, Error> {
        const METHOD: &str = "host.call_plugin";
        let params = vec![json!(host.as_str()), json!("updater.py"), json!("check_update"), json!({})];
        // It fetches its metadata first.
        let text = self.ask(METHOD, params, self.client().reading(), false).await?;
        let said = reply::result::<String>(&text, METHOD).map_err(|p| self.problem(METHOD, p))?;
        packages(&said).map_err(|why| self.problem("updater.py check_update", Problem::Malformed(why)))
    }

    /// The SR that a disk is on.
    pub async fn sr_of_disk(&self, disk: &Ref) -> Result<Ref, Error> {
        const METHOD: &str = "VDI.get_SR";
        let text = self.ask(METHOD, vec![json!(disk.as_str())], self.client().options().timeout, false).await?;
        reply::result(&text, METHOD).map_err(|p| self.problem(METHOD, p))
    }

    /// XenServer 7: the updates that were uploaded.
    pub async fn pool_updates(&self) -> Result<BTreeMap<Ref, UploadedUpdate>, Error> {
        const METHOD: &str = "pool_update.get_all_records";
        let text = self.ask(METHOD, Vec::new(), self.client().reading(), false).await?;
        reply::result(&text, METHOD).map_err(|p| self.problem(METHOD, p))
    }

    /// The calls that our user may make, as roles name them (`host.reboot`, in lower case); `None`: all.
    pub async fn rights(&self) -> Result<Option<Vec<String>>, Error> {
        const SUPERUSER: &str = "session.get_is_local_superuser";
        const PERMISSIONS: &str = "session.get_rbac_permissions";
        let deadline = self.client().options().timeout;
        let text = self.ask(SUPERUSER, vec![json!(self.key())], deadline, false).await?;
        if reply::result::<bool>(&text, SUPERUSER).map_err(|p| self.problem(SUPERUSER, p))? {
            return Ok(None);
        }
        let text = self.ask(PERMISSIONS, vec![json!(self.key())], deadline, false).await?;
        let calls: Vec<String> = reply::result(&text, PERMISSIONS).map_err(|p| self.problem(PERMISSIONS, p))?;
        Ok(Some(calls.iter().take(MOST).map(|call| text::clean(call, 120).to_ascii_lowercase()).collect()))
    }

    /// XenServer: `GET /updates` at the coordinator.
    pub async fn updates_listing(&self) -> Result<UpdatesListing, Error> {
        const PATH: &str = "/updates";
        let to = self.coordinator();
        let answer = self.client().get(to, PATH, self.key(), self.client().reading()).await?;
        listing(&answer.text).map_err(|why| Error::Malformed { to: to.to_string(), what: PATH.to_owned(), why })
    }
}

/// The names in the list that `check_update` prints. Before XCP-ng 8.2.1 a failure came as a result that says so.
pub fn packages(json: &str) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct Package {
        name: String,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        List(Vec<Package>),
        Failed { error: String },
    }
    match serde_json::from_str(json) {
        Ok(Said::List(list)) => {
            let mut names: Vec<String> = list.into_iter().take(MOST).map(|p| text::clean(&p.name, 120).into_owned()).collect();
            names.sort_unstable();
            names.dedup();
            Ok(names)
        }
        Ok(Said::Failed { error }) => Err(format!("it failed: {}", text::clean(&error, 200))),
        Err(e) => Err(e.to_string()),
    }
}

/// What each host lacks, from the document that `/updates` is.
pub fn listing(json: &str) -> Result<UpdatesListing, String> {
    #[derive(Deserialize)]
    struct Listing {
        hash: String,
        #[serde(default)]
        hosts: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        r#ref: Ref,
        #[serde(default)]
        guidance: Guidance,
        #[serde(default)]
        updates: Vec<String>,
        #[serde(default, rename = "RPMS")]
        rpms: Vec<String>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Guidance {
        mandatory: Vec<String>,
        recommended: Vec<String>,
        full: Vec<String>,
        livepatch: Vec<String>,
    }
    let listing: Listing = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let clean = |text: &String| text::clean(text, 120).into_owned();
    let hosts = listing.hosts.into_iter().map(|one| {
        let names = if one.updates.is_empty() { one.rpms } else { one.updates };
        let mut guidance: Vec<String> = Vec::new();
        let levels = [one.guidance.mandatory, one.guidance.recommended, one.guidance.full, one.guidance.livepatch];
        for word in levels.iter().flatten().map(clean) {
            if !guidance.contains(&word) {
                guidance.push(word);
            }
        }
        guidance.sort_by_key(|word| weight(word));
        (one.r#ref, HostUpdates { updates: names.iter().take(MOST).map(clean).collect(), guidance })
    });
    Ok(UpdatesListing { hash: text::clean(&listing.hash, 200).into_owned(), hosts: hosts.collect() })
}

/// Worst first. What is not known is taken for a reboot, as xapi does.
fn weight(guidance: &str) -> u8 {
    match guidance {
        "EvacuateHost" => 1,
        "RestartToolstack" => 2,
        "RestartDeviceModel" => 3,
        "RestartVM" => 4,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_and_a_failure_of_old_pools_is_one() {
        let names = packages(r#"[{"name":"xen","version":"4.17"},{"name":"kernel\u001b[2J","size":1},{"name":"xen"}]"#).unwrap();
        assert_eq!(names.len(), 2);
        assert!(names[0].starts_with("kernel") && !names[0].contains('\u{1b}') && names[1] == "xen");
        assert_eq!(packages("[]"), Ok(vec![]));
        assert!(packages(r#"{"error":"no mirror","result":false}"#).unwrap_err().contains("no mirror"));
        assert!(packages("rubbish").is_err());
    }

    #[test]
    fn the_listing_of_updates_is_read_worst_guidance_first() {
        let json = r#"{"hosts":[
            {"ref":"OpaqueRef:1","guidance":{"mandatory":["RestartToolstack"],"recommended":["RebootHost","RestartToolstack"]},
             "updates":["UPD-1"],"RPMS":["a","b"],"livepatches":[]},
            {"ref":"OpaqueRef:2","RPMS":["a"]},
            {"ref":"OpaqueRef:3"}],"updates":[{"id":"UPD-1"}],"hash":"abc"}"#;
        let listing = listing(json).unwrap();
        let host = |r: &str| listing.hosts[&Ref::from(r)].clone();
        assert_eq!(listing.hash, "abc");
        assert_eq!(host("OpaqueRef:1").updates, ["UPD-1"]);
        assert_eq!(host("OpaqueRef:1").guidance, ["RebootHost", "RestartToolstack"]);
        assert_eq!(host("OpaqueRef:2").updates, ["a"]);
        assert_eq!(host("OpaqueRef:3"), HostUpdates::default());
        assert!(super::listing("{}").is_err() && super::listing("<html>").is_err());
    }
}
