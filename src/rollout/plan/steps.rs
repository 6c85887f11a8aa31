//! What one host goes through, and why. Stages that have nothing to do on this pool are left away, so that what is listed is what happens.

use super::{Kind, Options, Stage, Step};
use crate::pool::picture::{HostView, Picture};
use crate::pool::{Pool, words};
use crate::text::{bytes, duration};
use std::time::Duration;

/// What the steps of a host depend on.
pub struct Ground<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// What its records mean.
    pub picture: &'a Picture,
    /// What the round is for.
    pub kind: &'a Kind,
    /// How it is run.
    pub options: &'a Options,
}

/// The steps of a host. `before`: the host that went before it; `updates`: what it lacks.
pub fn of(ground: &Ground, host: &HostView, before: Option<&str>, updates: &[String]) -> Vec<Step> {
    let Ground { pool, picture, kind, options } = *ground;
    let name = &host.name;
    let quiet = duration(Duration::from_secs(options.settle_s));
    let (guests, memory) = pool.records().load(&host.r#ref);
    let alone = picture.hosts.len() == 1;
    let mut steps = Vec::new();
    let mut step = |stage, why: String| steps.push(Step { stage, why });

    step(
        Stage::Settle,
        match before {
            Some(before) => format!("Begins once {before} is back as it was and nothing was rebuilt for {quiet}."),
            None => format!("Begins once every host is well and nothing was rebuilt for {quiet}."),
        },
    );
    step(
        Stage::Disable,
        if host.enabled {
            "No guest may start on it or move to it from here on.".into()
        } else {
            "It is disabled already.".into()
        },
    );
    let over = options.network.non_null().map_or_else(String::new, |n| format!(", over {}", pool.network(n.clone()).said()));
    step(
        Stage::Evacuate,
        match (guests, alone) {
            (0, _) => "No guest runs on it; looked at again then, and moved away if one does.".into(),
            (_, true) => format!("{} cannot move anywhere: this is the only host.", count(guests)),
            (1, _) => format!("1 guest ({}) moves to another host while it runs{over}.", bytes(memory)),
            _ => format!("{} ({}) move to the other hosts while they run{over}.", count(guests), bytes(memory)),
        },
    );
    if kind.is_update() && !updates.is_empty() {
        step(Stage::Update, installs(kind, updates));
    }
    step(
        Stage::Gate,
        if alone {
            "Reboots only when nothing runs on it, by a fresh look.".into()
        } else {
            "Reboots only when it is empty, all others are well and no mirror is rebuilt, by a fresh look.".into()
        },
    );
    let reboot = match (kind.is_update(), host.coordinator && !alone) {
        (_, true) => "While the coordinator is away the pool cannot be seen: that is expected.",
        (true, false) => "What was installed runs only after a reboot.",
        (false, false) => "This is what the round is for.",
    };
    step(Stage::Reboot, reboot.into());
    step(Stage::Down, format!("Has to be seen going down within {}.", limit(options.deadlines.down_s)));
    step(
        Stage::Up,
        format!("Has to be live again within {}; a changed boot time proves the reboot.", limit(options.deadlines.up_s)),
    );
    let pbds = pool.pbds(&host.r#ref).filter(|(_, p)| p.currently_attached).count();
    step(
        Stage::Storage,
        match pbds {
            0 => "Its clock has to be in step; it has no storage plugged now.".into(),
            1 => "Its clock has to be in step, and its SR plugged again.".into(),
            _ => format!("Its clock has to be in step, and its {pbds} SRs plugged again."),
        },
    );
    let enable = if host.enabled { "Takes guests again." } else { "Is left disabled, as it was found." };
    step(Stage::Enable, enable.into());
    // HA is switched off for the round, and its members with it.
    let stacks: Vec<&str> = picture
        .clusters
        .iter()
        .filter(|c| c.stack != "xhad" && c.members.iter().any(|m| m.host == *name))
        .map(|c| c.stack.as_str())
        .collect();
    if !stacks.is_empty() {
        step(Stage::Cluster, format!("Has to be alive again in the {} cluster.", words::list(&stacks)));
    }
    if pool.has_mirrors() {
        step(Stage::Rebuild, format!("Its mirrors have to be in step, and nothing rebuilt for {quiet}."));
    } else if pool.keeps_mirrors() {
        step(Stage::Rebuild, format!("The pool does not tell whether mirrors are in step: watches for {quiet}."));
    }
    if options.home && !alone {
        let why = match guests {
            0 => "Brings back guests that had to move away, if there are any by then.".into(),
            1 => "Brings back the guest that had to move away.".into(),
            _ => format!("Brings back the {guests} guests that had to move away."),
        };
        step(Stage::Home, why);
    }
    if options.soak_s > 0 {
        let soak = duration(Duration::from_secs(options.soak_s));
        step(Stage::Soak, format!("Is watched for new alerts for {soak}."));
    }
    steps
}

fn count(guests: usize) -> String {
    words::count(guests, "guest")
}

fn installs(kind: &Kind, updates: &[String]) -> String {
    match kind {
        Kind::PoolUpdate { name, .. } => format!("Installs {}.", words::name(name)),
        Kind::XenServer { .. } => format!("Installs {}: {}.", words::count(updates.len(), "update"), words::list(updates)),
        _ => format!("Installs {}: {}.", words::count(updates.len(), "package"), words::list(updates)),
    }
}

fn limit(secs: u64) -> String {
    if secs == 0 { "any time".into() } else { duration(Duration::from_secs(secs)) }
}
