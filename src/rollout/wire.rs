//! How each call looks on the wire, with what to fall back to on older xapis. Makes no call.

use super::call::Call;
use super::claim;
use crate::pool::outages::CAUSE_KEY;
use crate::xenapi::record::Ref;
use serde_json::{Value, json};

/// The key of `pool.other_config` that starts guests by themselves.
const AUTO_POWER_ON: &str = "auto_poweron";

/// A call as it is sent, without the session.
#[derive(Clone, Debug, PartialEq)]
pub struct Wired {
    /// Sent before it, and only if that succeeds the call itself: taking away a key is harmless to repeat, and adding one that is
    /// there fails. `None` for most.
    pub first: Option<(&'static str, Vec<Value>)>,
    /// E.g. `Async.host.reboot`.
    pub method: &'static str,
    /// Parameters after the session.
    pub params: Vec<Value>,
}

impl Wired {
    fn new(method: &'static str, params: Vec<Value>) -> Self {
        Self { first: None, method, params }
    }

    /// Sets a key of the pool's `other_config` to a value, whatever it was.
    fn set_other_config(pool: &Ref, key: &str, value: &str) -> Self {
        let first = Some(("pool.remove_from_other_config", vec![json!(pool.as_str()), json!(key)]));
        Self { first, method: "pool.add_to_other_config", params: vec![json!(pool.as_str()), json!(key), json!(value)] }
    }
}

/// Whether the next form of a call is to be tried after this error code: the pool is older than the form, and did nothing.
pub fn falls_back(code: &str) -> bool {
    matches!(code, "MESSAGE_PARAMETER_COUNT_MISMATCH" | "MESSAGE_METHOD_UNKNOWN")
}

/// The forms of a call, newest first, never empty: the next is tried if the pool refuses one as [`falls_back`] says. `pool` is the
/// pool's reference.
pub fn forms(call: &Call, pool: &Ref) -> Vec<Wired> {
    let r = |r: &Ref| json!(r.as_str());
    let own = |key: &str| vec![r(pool), json!(key)];
    let one = match call {
        Call::Claim { value } => Wired::new("pool.add_to_other_config", vec![r(pool), json!(claim::KEY), json!(value)]),
        Call::Renew { at, text } => Wired::set_other_config(pool, claim::RENEWED, &claim::renewal(*at, text)),
        // The claim itself goes last: without it nobody looks at the rest.
        Call::Unclaim => Wired {
            first: Some(("pool.remove_from_other_config", own(claim::RENEWED))),
            ..Wired::new("pool.remove_from_other_config", own(claim::KEY))
        },
        Call::DisableHa => Wired::new("pool.disable_ha", vec![]),
        Call::EnableHa { srs, configuration } => {
            let srs: Vec<&str> = srs.iter().map(Ref::as_str).collect();
            Wired::new("pool.enable_ha", vec![json!(srs), json!(configuration)])
        }
        Call::SetTolerance { failures } => Wired::new("pool.set_ha_host_failures_to_tolerate", vec![r(pool), json!(failures)]),
        Call::SetAutoPowerOn { on } => Wired::set_other_config(pool, AUTO_POWER_ON, if *on { "true" } else { "false" }),
        Call::SetWlb { on } => Wired::new("pool.set_wlb_enabled", vec![r(pool), json!(on)]),
        // One argument: the second (since 25.31) would only say what is the default.
        Call::Disable { host } => Wired::new("host.disable", vec![r(host)]),
        Call::Enable { host } => Wired::new("host.enable", vec![r(host)]),
        Call::Evacuate { host, network, batch } => return evacuate(host, network, *batch),
        Call::Migrate { vm, to, network } => {
            let mut options = serde_json::Map::new();
            options.insert("live".to_owned(), json!("true"));
            if let Some(network) = network.non_null() {
                options.insert("network".to_owned(), r(network));
            }
            Wired::new("Async.VM.pool_migrate", vec![r(vm), r(to), Value::Object(options)])
        }
        Call::ShutDown { vm } => Wired::new("Async.VM.clean_shutdown", vec![r(vm)]),
        // Neither paused nor forced.
        Call::StartOn { vm, host } => Wired::new("Async.VM.start_on", vec![r(vm), r(host), json!(false), json!(false)]),
        Call::Reboot { host } => Wired::new("Async.host.reboot", vec![r(host)]),
        Call::Plug { pbd } => Wired::new("Async.PBD.plug", vec![r(pbd)]),
        Call::XcpUpdate { host } => {
            Wired::new("Async.host.call_plugin", vec![r(host), json!("updater.py"), json!("update"), json!({})])
        }
        Call::ApplyUpdates { host, hash } => Wired::new("Async.host.apply_updates", vec![r(host), json!(hash)]),
        Call::ApplyPoolUpdate { update, host } => Wired::new("Async.pool_update.apply", vec![r(update), r(host)]),
        Call::Cancel { task } => Wired::new("task.cancel", vec![r(task)]),
        Call::NoteCause { dump, cause } => Wired {
            first: Some(("host_crashdump.remove_from_other_config", vec![r(dump), json!(CAUSE_KEY)])),
            ..Wired::new("host_crashdump.add_to_other_config", vec![r(dump), json!(CAUSE_KEY), json!(cause)])
        },
    };
    vec![one]
}

/// With batch size since 23.27, with network since 1.297, with neither before. What is not wanted is not said, so that most pools
/// take the first form.
fn evacuate(host: &Ref, network: &Ref, batch: u32) -> Vec<Wired> {
    const METHOD: &str = "Async.host.evacuate";
    let over = network.non_null().map_or("OpaqueRef:NULL", Ref::as_str);
    let (host, over) = (json!(host.as_str()), json!(over));
    let mut forms = Vec::new();
    if batch > 0 {
        forms.push(Wired::new(METHOD, vec![host.clone(), over.clone(), json!(batch)]));
    }
    if network.non_null().is_some() {
        forms.push(Wired::new(METHOD, vec![host.clone(), over]));
    }
    forms.push(Wired::new(METHOD, vec![host]));
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use std::collections::BTreeMap;

    fn only(call: &Call) -> (String, Value) {
        let forms = forms(call, &"OpaqueRef:p".into());
        assert_eq!(forms.len(), 1, "{forms:?}");
        (forms[0].method.to_owned(), json!(forms[0].params))
    }

    #[test]
    fn an_evacuation_says_no_more_than_is_wanted_and_falls_back_one_argument_at_a_time() {
        let counts = |network: &str, batch| {
            let call = Call::Evacuate { host: "OpaqueRef:h".into(), network: network.into(), batch };
            forms(&call, &"OpaqueRef:p".into()).iter().map(|f| f.params.len()).collect::<Vec<_>>()
        };
        assert_eq!(counts("OpaqueRef:n", 3), [3, 2, 1]);
        assert_eq!(counts("OpaqueRef:NULL", 3), [3, 1]);
        assert_eq!(counts("OpaqueRef:n", 0), [2, 1]);
        assert_eq!(counts("", 0), [1]);
        assert!(falls_back("MESSAGE_PARAMETER_COUNT_MISMATCH") && falls_back("MESSAGE_METHOD_UNKNOWN"));
        assert!(!falls_back("HOST_NOT_DISABLED"));
    }

    #[test]
    fn options_of_a_migration_are_strings() {
        let call = Call::Migrate { vm: "OpaqueRef:v".into(), to: "OpaqueRef:h".into(), network: "OpaqueRef:n".into() };
        let (method, params) = only(&call);
        assert_eq!(method, "Async.VM.pool_migrate");
        assert_eq!(params, json!(["OpaqueRef:v", "OpaqueRef:h", {"live": "true", "network": "OpaqueRef:n"}]));
        let call = Call::Migrate { vm: "OpaqueRef:v".into(), to: "OpaqueRef:h".into(), network: Ref::default() };
        assert_eq!(only(&call).1, json!(["OpaqueRef:v", "OpaqueRef:h", {"live": "true"}]));
    }

    #[test]
    fn what_is_a_task_is_called_as_one_and_nothing_else_is() {
        let (h, v) = (Ref::from("OpaqueRef:h"), Ref::from("OpaqueRef:v"));
        let calls = [
            Call::Claim { value: "{}".into() },
            Call::Renew { at: Time::EPOCH, text: String::new() },
            Call::Unclaim,
            Call::DisableHa,
            Call::EnableHa { srs: vec![], configuration: BTreeMap::new() },
            Call::SetTolerance { failures: 1 },
            Call::SetAutoPowerOn { on: false },
            Call::SetWlb { on: false },
            Call::Disable { host: h.clone() },
            Call::Enable { host: h.clone() },
            Call::Evacuate { host: h.clone(), network: Ref::default(), batch: 0 },
            Call::Migrate { vm: v.clone(), to: h.clone(), network: Ref::default() },
            Call::ShutDown { vm: v.clone() },
            Call::StartOn { vm: v.clone(), host: h.clone() },
            Call::Reboot { host: h.clone() },
            Call::Plug { pbd: v.clone() },
            Call::XcpUpdate { host: h.clone() },
            Call::ApplyUpdates { host: h.clone(), hash: "abc".into() },
            Call::ApplyPoolUpdate { update: v.clone(), host: h },
            Call::Cancel { task: v.clone() },
            Call::NoteCause { dump: v, cause: "o2cb".into() },
        ];
        for call in calls {
            for form in forms(&call, &"OpaqueRef:p".into()) {
                assert_eq!(form.method.starts_with("Async."), call.is_async(), "{}", form.method);
            }
        }
    }

    #[test]
    fn the_claim_is_added_never_overwritten_and_its_renewal_leaves_it_alone() {
        let pool = Ref::from("OpaqueRef:p");
        let claim = forms(&Call::Claim { value: "v".into() }, &pool);
        assert_eq!((claim[0].method, &claim[0].first), ("pool.add_to_other_config", &None));
        let renew = forms(&Call::Renew { at: Time::EPOCH, text: String::new() }, &pool);
        let (first, params) = renew[0].first.clone().expect("the last renewal goes");
        assert_eq!((first, params), ("pool.remove_from_other_config", vec![json!("OpaqueRef:p"), json!(claim::RENEWED)]));
        assert_eq!(renew[0].params[1], json!(claim::RENEWED));
        let auto = forms(&Call::SetAutoPowerOn { on: true }, &pool);
        assert_eq!(auto[0].params, [json!("OpaqueRef:p"), json!("auto_poweron"), json!("true")]);
        assert!(auto[0].first.is_some());
    }
}
