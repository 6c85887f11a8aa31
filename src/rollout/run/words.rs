//! Journal lines as short sentences, for the list of the last actions. Names are made safe to show.

use super::Run;
use crate::pool::words::name;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::{Command, Entry, HostAt, HostEnd, Phase};
use crate::text::clean;

/// Longest text that is taken over from a line, in characters.
const TEXT: usize = 300;

/// A line in words; `None` for what is shown elsewhere (what it waits for) or too fine to be told.
pub fn action(run: &Run, entry: &Entry) -> Option<String> {
    Some(match entry {
        Entry::Began { by, .. } => format!("begun by {}", name(by)),
        Entry::Resumed { by, .. } => format!("taken up again by {}", name(by)),
        Entry::Phase { phase } => match phase {
            Phase::Prepare => "prepares the pool".into(),
            Phase::Hosts => "goes through the hosts".into(),
            Phase::Home => "brings guests home".into(),
            Phase::Restore => "puts back what was changed".into(),
            Phase::Release => "gives up the claim".into(),
            Phase::Ended => return None,
        },
        Entry::Before { host, .. } => format!("{} is begun", host_name(run, *host)),
        Entry::Stage { host, stage, why, .. } => {
            let stage: &str = stage.into();
            let why = if why.is_empty() { String::new() } else { format!(": {}", clean(why, TEXT)) };
            format!("{} {stage}{why}", host_name(run, *host))
        }
        Entry::HostEnded { host, end } => match end {
            HostEnd::Done => format!("{} is done", host_name(run, *host)),
            HostEnd::Skipped { why } => format!("{} is left out: {}", host_name(run, *host), clean(why, TEXT)),
            HostEnd::Abandoned { why } => format!("{} is given up: {}", host_name(run, *host), clean(why, TEXT)),
        },
        Entry::Intent { call: Call::Renew { .. }, .. } | Entry::Task { .. } | Entry::Waiting { .. } | Entry::Left { .. } => {
            return None;
        }
        Entry::Intent { host: Some(host), call, .. } => format!("{}: {}", host_name(run, *host), verb(call)),
        Entry::Intent { host: None, call, .. } => verb(call).into(),
        Entry::Outcome { id, outcome } => {
            let call = run.calls.get(id)?;
            let what = verb(&call.call);
            match outcome {
                Outcome::Done { .. } => return None,
                Outcome::Failed { code, .. } => format!("{what}: refused ({})", name(code)),
                Outcome::Unanswered { .. } => format!("{what}: no answer, it may have taken effect or not"),
                Outcome::NotSent { .. } => format!("{what}: could not be sent"),
            }
        }
        Entry::Stuck { why, .. } => format!("stopped: {}", clean(why, TEXT)),
        Entry::Command { command } => match command {
            Command::Pause => "told to pause".into(),
            Command::Resume => "told to go on".into(),
            Command::StopAfterHost => "told to stop after this host".into(),
            Command::Skip { host } => format!("told to skip {}", host_name(run, *host)),
            Command::Retry => "told to try again".into(),
            Command::Abort => "told to end and put everything back".into(),
            Command::Restore => "told to put back what is left".into(),
            Command::Accept { code, reason, .. } => format!("accepted {}: {}", name(code), clean(reason, TEXT)),
        },
        Entry::PutBack { how, .. } => format!("put back: {}", clean(how, TEXT)),
        Entry::Ended { text, .. } => format!("ended: {}", clean(text, TEXT)),
    })
}

fn host_name(run: &Run, host: HostAt) -> String {
    run.plan.hosts.get(host).map_or_else(|| format!("host {host}"), |h| name(&h.name))
}

/// A call as what it does.
pub const fn verb(call: &Call) -> &'static str {
    match call {
        Call::Claim { .. } => "lay our claim on the pool",
        Call::Renew { .. } => "renew our claim",
        Call::Unclaim => "give up our claim",
        Call::DisableHa => "switch HA off",
        Call::EnableHa { .. } => "switch HA on",
        Call::SetTolerance { .. } => "set HA's failures to tolerate",
        Call::SetAutoPowerOn { on: true } => "switch automatic power-on on",
        Call::SetAutoPowerOn { on: false } => "switch automatic power-on off",
        Call::SetWlb { on: true } => "switch workload balancing on",
        Call::SetWlb { on: false } => "switch workload balancing off",
        Call::Disable { .. } => "disable the host",
        Call::Enable { .. } => "enable the host",
        Call::Evacuate { .. } => "evacuate the host",
        Call::Migrate { .. } => "migrate a guest",
        Call::ShutDown { .. } => "shut a guest down",
        Call::StartOn { .. } => "start a guest",
        Call::Reboot { .. } => "reboot the host",
        Call::Plug { .. } => "plug storage",
        Call::XcpUpdate { .. } | Call::ApplyUpdates { .. } | Call::ApplyPoolUpdate { .. } => "install updates",
        Call::Cancel { .. } => "cancel a task",
        Call::NoteCause { .. } => "note the cause of a crash",
    }
}
