//! The facts of logs: of the kernel, and of the HA daemon.

use super::{Check, holds, join, same, split};
use poolwatch::probe::kernel::{self, Line, Sign};
use poolwatch::probe::xha;

pub fn kernel_fact(text: &str, fact: &str) -> Check {
    let lines = kernel::signs(text);
    let (key, want) = split(fact);
    // Does any line say so?
    let any = |say: &dyn Fn(&Sign) -> Option<String>| {
        let all: Vec<String> = lines.iter().filter_map(|line| say(&line.sign)).collect();
        if all.iter().any(|one| one == want) { Ok(()) } else { Err(format!("got {all:?}")) }
    };
    let last = |say: &dyn Fn(&Line) -> bool| lines.iter().rev().find(|line| say(line));
    match key {
        "session" => any(&|sign| match sign {
            Sign::IscsiError { session, .. } => Some(session.clone()),
            _ => None,
        }),
        "error" => any(&|sign| match sign {
            Sign::IscsiError { error, .. } => Some(error.to_string()),
            _ => None,
        }),
        "recovery_timeout_s" => any(&|sign| match sign {
            Sign::IscsiTimedOut { secs, .. } => Some(secs.to_string()),
            _ => None,
        }),
        "device" => {
            let wanted = want.trim_end_matches(" offlined");
            holds(lines.iter().any(|line| matches!(&line.sign, Sign::ScsiOffline { device } if device == wanted)), &lines)
        }
        "end" => holds(matches!(lines.last().map(|line| &line.sign), Some(Sign::ScsiOffline { .. })), &lines),
        "dev" => any(&|sign| match sign {
            Sign::IoError { dev, .. } | Sign::ScsiFailed { dev, .. } => Some(dev.clone()),
            _ => None,
        })
        // `[sdb] killing request` only names the device.
        .or_else(|why| {
            holds(
                text.contains(&format!("[{want}]")) && lines.iter().any(|line| matches!(line.sign, Sign::ScsiOffline { .. })),
                why,
            )
        }),
        "dm" => any(&|sign| match sign {
            Sign::IoError { dev, .. } | Sign::FsError { dev, .. } => Some(dev.clone()),
            _ => None,
        }),
        "fs" => any(&|sign| match sign {
            Sign::FsError { fs, .. } => Some(fs.clone()),
            _ => None,
        }),
        "host_status" => any(&|sign| match sign {
            Sign::ScsiFailed { host_status, .. } => Some(host_status.clone()),
            _ => None,
        }),
        "op" => any(&|sign| match sign {
            Sign::IoError { op, .. } => op.clone(),
            Sign::ScsiCommand { op, .. } => Some(op.clone()),
            _ => None,
        }),
        "hba" => any(&|sign| match sign {
            Sign::LoopDown { driver, .. } => Some(driver.clone()),
            Sign::Rscn { .. } => Some("qla2xxx".into()),
            _ => None,
        }),
        "pci" => any(&|sign| match sign {
            Sign::LoopDown { adapter, .. } => Some(adapter.clone()),
            _ => None,
        }),
        "host" => any(&|sign| match sign {
            Sign::LoopDown { host, .. } => host.map(|host| host.to_string()),
            _ => None,
        }),
        "loop_down_caused_by" => {
            let down = lines.iter().position(|line| matches!(line.sign, Sign::LoopDown { .. })).ok_or("no loop down")?;
            holds(matches!(&lines[down - 1].sign, Sign::ScsiReset { what, .. } if what == "loop"), &lines)
        }
        "rport" => any(&|sign| match sign {
            Sign::PortTimedOut { rport } => Some(rport.clone()),
            _ => None,
        }),
        "wwpn" => any(&|sign| match sign {
            Sign::PortDeleted { wwpn, .. } => Some(wwpn.clone()),
            _ => None,
        }),
        "server" => any(&|sign| match sign {
            Sign::NfsSilent { server, .. } => Some(server.clone()),
            _ => None,
        }),
        "recovered" => holds(!lines.iter().any(|line| matches!(line.sign, Sign::NfsBack { .. })), &lines),
        "from" => any(&|sign| match sign {
            Sign::ClockUnstable { from, .. } => Some(from.clone()),
            _ => None,
        }),
        "to" => any(&|sign| match sign {
            Sign::ClockSwitched { to } => Some(to.clone()),
            _ => None,
        }),
        "watchdog" => any(&|sign| match sign {
            Sign::ClockWatchdog { source } => Some(source.clone()),
            _ => None,
        }),
        "cpu" => any(&|sign| match sign {
            Sign::ClockUnstable { cpu, .. } | Sign::SoftLockup { cpu, .. } | Sign::Warning { cpu, .. } => {
                cpu.map(|cpu| cpu.to_string())
            }
            _ => None,
        }),
        "stuck_s" => any(&|sign| match sign {
            Sign::SoftLockup { secs, .. } => secs.map(|secs| secs.to_string()),
            _ => None,
        }),
        "task" => any(&|sign| match sign {
            Sign::SoftLockup { task, .. } => Some(task.clone()),
            _ => None,
        }),
        "order" => same(if kernel::is_reversed(text) { "reversed" } else { "forward" }, want),
        // A stuck CPU or a warning alone stops nothing.
        "fatal" => {
            holds(last(&|line| matches!(line.sign, Sign::Fencing | Sign::OcfsAbort { .. })).is_none() == (want == "no"), &lines)
        }
        "failed_paths" => same(
            join(lines.iter().filter_map(|line| match &line.sign {
                Sign::PathFailed { path } => Some(path.clone()),
                _ => None,
            })),
            want,
        ),
        "type" => holds(want == "WARNING" && lines.iter().any(|line| matches!(line.sign, Sign::Warning { .. })), &lines),
        "pid" => any(&|sign| match sign {
            Sign::Warning { pid, .. } => pid.map(|pid| pid.to_string()),
            _ => None,
        }),
        "function" => any(&|sign| match sign {
            Sign::Warning { function, .. } => Some(function.clone()),
            _ => None,
        }),
        _ => Err("no rule for it".into()),
    }
}

pub fn xha_fact(text: &str, fact: &str) -> Check {
    let lines = xha::signs(text);
    let (key, want) = split(fact);
    let found = lines.iter().any(|line| match (&line.sign, key) {
        (xha::Sign::CallFailed { host, .. }, "host") => host == want,
        (xha::Sign::CallFailed { call, .. }, "call") => call == want,
        (xha::Sign::CallFailed { error, .. }, "error") => error == want,
        (xha::Sign::CallFailed { .. }, "level") => line.level.as_deref() == Some(want),
        (xha::Sign::Device { pid, .. }, "pid") => pid.to_string() == want,
        (xha::Sign::Device { scsi_id, .. }, "scsid") => scsi_id == want,
        (xha::Sign::Repository { uuid, .. }, "sr") => uuid == want,
        (xha::Sign::DaemonFailed { code, .. }, "mtc_exit") => code.to_string() == want,
        (xha::Sign::DaemonFailed { pool, .. }, "pool") => pool.as_deref() == Some(want),
        _ => false,
    });
    holds(found, lines)
}
