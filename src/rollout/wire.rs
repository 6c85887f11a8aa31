//! How each call looks on the wire, with what to fall back to on older xapis. Makes no call.

use super::call::Call;
use crate::xenapi::record::Ref;
use serde_json::Value;

/// A call as it is sent, without the session.
#[derive(Clone, Debug, PartialEq)]
pub struct Wired {
    /// E.g. `Async.host.reboot`.
    pub method: &'static str,
    /// Parameters after the session.
    pub params: Vec<Value>,
}

/// The forms of a call, newest first: the next is tried if the pool says `MESSAGE_PARAMETER_COUNT_MISMATCH` or
/// `MESSAGE_METHOD_UNKNOWN`. `pool` is the pool's reference.
pub fn forms(call: &Call, pool: &Ref) -> Vec<Wired> {
    let _ = (call, pool);
    todo!()
}
