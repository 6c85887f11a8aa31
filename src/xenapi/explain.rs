//! Errors of a pool in plain words, with names in place of references.
//!
//! Text from a pool is cleaned here, so that the result can be shown as it is. Never decides what to do next.

use super::code::Code;
use super::error::ApiError;
use crate::text;
use std::fmt;

/// Who knows the names of objects: whoever holds a picture of the pool.
pub trait NameLookup {
    /// The name of the object with this reference or uuid, e.g. `xcp2` for a host; `None` if it is not known.
    fn name_of(&self, ref_or_uuid: &str) -> Option<String>;
}

/// Nobody knows any name.
impl NameLookup for () {
    fn name_of(&self, _: &str) -> Option<String> {
        None
    }
}

/// What an error means and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code as on the wire, to search for.
    pub code: String,
    /// What happened, a sentence without its full stop.
    pub what: String,
    /// What to do, a sentence or more; `None` where there is no advice.
    pub advice: Option<&'static str>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.code)?;
        match self.advice {
            // Advice may name parameters, which `what` has said already.
            Some(advice) if !advice.contains('{') => write!(f, ". {advice}"),
            _ => Ok(()),
        }
    }
}

/// The longest parameter that is shown, in characters.
const PARAM_LIMIT: usize = 160;

impl ApiError {
    /// What it means, with names in place of references.
    pub fn explain(&self, names: &dyn NameLookup) -> Explanation {
        let params: Vec<String> = self.params.iter().map(|p| shown(p, names)).collect();
        let code = text::clean(self.code.as_str(), 80).into_owned();
        if let Some((template, advice)) = self.code.words() {
            return Explanation { code, what: fill(template, &params), advice: Some(advice) };
        }
        // SR_BACKEND_FAILURE_<n>: made at run time from the storage driver's error number.
        if code.starts_with("SR_BACKEND_FAILURE_") {
            let advice = Code::SrBackendFailure.words().map(|w| w.1);
            let said = params.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join(" ");
            return Explanation { code, what: format!("the storage driver failed: {said}"), advice };
        }
        let method = text::clean(&self.method, 80);
        let said = if params.is_empty() { String::new() } else { format!(": {}", params.join(", ")) };
        Explanation { code, what: format!("the pool refused {method}{said}"), advice: None }
    }
}

/// A parameter as people should see it: a name for a reference or uuid, else the text itself, made safe.
fn shown(param: &str, names: &dyn NameLookup) -> String {
    let name = names.name_of(param);
    let value = match &name {
        Some(name) => name,
        None if param == "OpaqueRef:NULL" => "(none)",
        None => param,
    };
    text::clean(value, PARAM_LIMIT).into_owned()
}

/// `template` with its `{n}`; a parameter that was not sent becomes `?`.
fn fill(template: &str, params: &[String]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((number, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let param = number.parse::<usize>().ok().and_then(|n| params.get(n));
        out.push_str(param.map_or("?", |p| if p.is_empty() { "?" } else { p }));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two;
    impl NameLookup for Two {
        fn name_of(&self, r: &str) -> Option<String> {
            match r {
                "OpaqueRef:h" => Some("xcp\u{1b}2".to_owned()),
                "OpaqueRef:v" => Some("db1".to_owned()),
                _ => None,
            }
        }
    }

    fn api(code: &str, params: &[&str]) -> ApiError {
        let params = params.iter().map(|p| (*p).to_owned()).collect();
        ApiError { method: "host.evacuate".to_owned(), code: code.into(), params }
    }

    #[test]
    fn references_become_names_and_codes_become_sentences() {
        let said = api("CANNOT_CONTACT_HOST", &["OpaqueRef:h"]).explain(&Two).to_string();
        assert!(said.starts_with("the coordinator cannot reach host xcp2 (CANNOT_CONTACT_HOST). Check"), "{said}");
        let said = api("VM_BAD_POWER_STATE", &["OpaqueRef:v", "Running", "Paused"]).explain(&Two);
        assert_eq!(said.what, "db1 is Paused, but has to be Running for this");
    }

    #[test]
    fn what_the_designs_of_clusters_add_is_explained_with_its_parameters() {
        struct Names;
        impl NameLookup for Names {
            fn name_of(&self, r: &str) -> Option<String> {
                match r {
                    "OpaqueRef:h" => Some("xcp3".into()),
                    "OpaqueRef:c" => Some("o2cb".into()),
                    "OpaqueRef:sr" => Some("ocfs2-vms".into()),
                    _ => None,
                }
            }
        }
        let said = |code: &str, params: &[&str]| api(code, params).explain(&Names).to_string();
        for (code, params, words) in [
            (
                "MEMBERSHIP_ALREADY_EXISTS",
                &["OpaqueRef:h", "OpaqueRef:c"][..],
                "host xcp3 is a member of the cluster o2cb already",
            ),
            ("MEMBERSHIP_DOES_NOT_EXIST", &["OpaqueRef:h", "OpaqueRef:c"], "host xcp3 is not a member of the cluster o2cb"),
            ("CLUSTER_NODE_ID_TOO_HIGH", &["OpaqueRef:c", "255", "all are taken"], "no node number left for another host (255"),
            ("CLUSTER_STACK_IN_USE", &["o2cb"], "needs the cluster stack o2cb"),
            ("INCOMPATIBLE_CLUSTER_STACK_ACTIVE", &["o2cb"], "needs the cluster stack o2cb"),
            ("INCOMPATIBLE_STATEFILE_SR", &["ocfs2"], "names the type ocfs2"),
            ("UNKNOWN_CLUSTER_STACK", &["melio"], "the cluster stack melio is not installed"),
            ("CLUSTER_STACK_CONSTRAINT", &["OpaqueRef:sr", "o2cb"], "ocfs2-vms is in use and demands the cluster stack o2cb"),
            ("NO_COMPATIBLE_CLUSTER_HOST", &["OpaqueRef:h"], "host xcp3 is not in the storage cluster"),
            ("MIRROR_REBUILD_IN_PROGRESS", &["OpaqueRef:sr"], "mirrors of the storage ocfs2-vms are being rebuilt"),
            ("HOSTS_NOT_HOMOGENEOUS", &["software version differs"], "differ: software version differs"),
        ] {
            let said = said(code, params);
            assert!(said.contains(words) && said.contains(code) && said.contains(". "), "{said}");
            assert!(!said.contains('?') && !said.contains("OpaqueRef"), "{said}");
        }
    }

    #[test]
    fn what_is_not_known_is_still_said() {
        let said = api("SOMETHING_NEW", &["OpaqueRef:h", "a\nb"]).explain(&Two).to_string();
        assert_eq!(said, "the pool refused host.evacuate: xcp2, a b (SOMETHING_NEW)");
        let said = api("SR_BACKEND_FAILURE_47", &["", "The SR is not available", ""]).explain(&());
        assert_eq!(said.what, "the storage driver failed: The SR is not available");
        assert!(said.advice.is_some());
        // Fewer parameters than the words expect.
        assert_eq!(api("HOST_OFFLINE", &[]).explain(&()).what, "host ? is off, or the pool holds it for dead");
    }

    #[test]
    fn an_explanation_is_bounded_and_clean() {
        let long = "x".repeat(10_000);
        let said = api("INTERNAL_ERROR", &[&format!("\u{1b}[2J{long}")]).explain(&()).to_string();
        assert!(said.len() < 600 && !said.contains('\u{1b}'), "{}", said.len());
    }
}
