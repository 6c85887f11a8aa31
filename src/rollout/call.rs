//! Every write that poolwatch makes to a pool. What is not here, it cannot do.
//!
//! Plain data: it goes into the journal before the call is made. How a call looks on the wire, and how it falls back for older xapis, is
//! said here too; nothing here makes one.

use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A write to a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
pub enum Call {
    /// Take the claim: `pool.add_to_other_config`, which fails if the key is there.
    Claim {
        /// The claim, as it is written there.
        value: String,
    },
    /// Renew the claim: sets `poolwatch:claim-renewed` of `pool.other_config`. The claim itself is not touched, so that there is no
    /// moment in which someone else could take it.
    Renew {
        /// When, by our clock.
        at: Time,
        /// What is being done, in words, for other operators.
        text: String,
    },
    /// Give the claim up: `pool.remove_from_other_config`.
    Unclaim,
    /// `pool.disable_ha`.
    DisableHa,
    /// `pool.enable_ha`.
    EnableHa {
        /// Heartbeat SRs.
        srs: Vec<Ref>,
        /// As it was in `ha_configuration`.
        configuration: BTreeMap<String, String>,
    },
    /// `pool.set_ha_host_failures_to_tolerate`.
    SetTolerance {
        /// How many.
        failures: i64,
    },
    /// `pool.other_config:auto_poweron`.
    SetAutoPowerOn {
        /// As it shall be.
        on: bool,
    },
    /// `pool.set_wlb_enabled`.
    SetWlb {
        /// As it shall be.
        on: bool,
    },
    /// `host.disable`.
    Disable {
        /// Which.
        host: Ref,
    },
    /// `host.enable`.
    Enable {
        /// Which.
        host: Ref,
    },
    /// `Async.host.evacuate`, with network and batch size where the host knows them.
    Evacuate {
        /// Which.
        host: Ref,
        /// The network that the guests move over; null: the management network.
        network: Ref,
        /// Guests at a time; 0: as the pool is configured.
        batch: u32,
    },
    /// `Async.VM.pool_migrate`, live.
    Migrate {
        /// Which guest.
        vm: Ref,
        /// Where to.
        to: Ref,
        /// The network that it moves over; null: the management network.
        network: Ref,
    },
    /// `Async.VM.clean_shutdown`: of a guest that cannot move, which the operator allowed.
    ShutDown {
        /// Which guest.
        vm: Ref,
    },
    /// `Async.VM.start_on`: of a guest that was shut down for this.
    StartOn {
        /// Which guest.
        vm: Ref,
        /// Where.
        host: Ref,
    },
    /// `Async.host.reboot`.
    Reboot {
        /// Which.
        host: Ref,
    },
    /// `Async.PBD.plug`.
    Plug {
        /// Which.
        pbd: Ref,
    },
    /// XCP-ng: `Async.host.call_plugin(host, "updater.py", "update", {})`.
    XcpUpdate {
        /// Which.
        host: Ref,
    },
    /// XenServer: `Async.host.apply_updates`.
    ApplyUpdates {
        /// Which.
        host: Ref,
        /// Hash of the update metadata.
        hash: String,
    },
    /// XenServer 7: `Async.pool_update.apply`.
    ApplyPoolUpdate {
        /// The update.
        update: Ref,
        /// Which.
        host: Ref,
    },
    /// `task.cancel`.
    Cancel {
        /// Which.
        task: Ref,
    },
    /// Sets `poolwatch-cause` of `host_crashdump.other_config`: what an operator let us note of a crash. No round makes it.
    NoteCause {
        /// The dump.
        dump: Ref,
        /// The cause: `o2cb`, `xhad`, `bug`.
        cause: String,
    },
}

impl Call {
    /// Whether it is made as a task of the pool (`Async.`), whose end is awaited.
    pub const fn is_async(&self) -> bool {
        matches!(
            self,
            Self::Evacuate { .. }
                | Self::Migrate { .. }
                | Self::ShutDown { .. }
                | Self::StartOn { .. }
                | Self::Reboot { .. }
                | Self::Plug { .. }
                | Self::XcpUpdate { .. }
                | Self::ApplyUpdates { .. }
                | Self::ApplyPoolUpdate { .. }
        )
    }

    /// Whether making it twice could cost something: then a call whose outcome is unknown is looked after in the pool, never
    /// just made again.
    pub const fn is_destructive(&self) -> bool {
        matches!(
            self,
            Self::Reboot { .. }
                | Self::ShutDown { .. }
                | Self::XcpUpdate { .. }
                | Self::ApplyUpdates { .. }
                | Self::ApplyPoolUpdate { .. }
        )
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// Done.
    Done {
        /// What it returned, as text; empty where that does not matter.
        value: String,
    },
    /// The pool refused it, or it failed there. It had no effect, or what it left half done shows in the pool.
    Failed {
        /// xapi's code.
        code: String,
        /// Its parameters.
        params: Vec<String>,
        /// What that means, in words.
        text: String,
    },
    /// No answer: it may have taken effect or not.
    Unanswered {
        /// What happened, in words.
        text: String,
    },
    /// It was never sent: it had no effect.
    NotSent {
        /// Why, in words.
        text: String,
    },
}

impl Outcome {
    /// Whether it was done.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { .. } => f.write_str("done"),
            Self::Failed { text, .. } => write!(f, "refused: {text}"),
            Self::Unanswered { text } => write!(f, "no answer, so it may have been done or not: {text}"),
            Self::NotSent { text } => write!(f, "not sent: {text}"),
        }
    }
}
