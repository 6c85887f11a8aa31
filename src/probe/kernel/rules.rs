//! From a line's text to its meaning. A rule is a pattern whose `{}` are kept; it starts at the beginning of the text.

use super::lines::Sign;
use crate::text;

/// What a line without prefixes means; `None` for the most of them.
pub fn sign(said: &str) -> Option<Sign> {
    let said = said.trim();
    // Colours and control characters of captures are no reason to miss a line.
    storage(said).or_else(|| cluster(mlog(said))).or_else(|| host(said))
}

/// `(kworker/0:1,17,0):o2hb_write_timeout:301 ERROR: ` in front of what the cluster says; 2.6 has `(17,0):…`.
fn mlog(said: &str) -> &str {
    let inner = said.strip_prefix('(').and_then(|rest| rest.split_once("):")).map(|(_, rest)| rest);
    let Some(rest) = inner else { return said };
    let Some((_, rest)) = rest.split_once(' ').filter(|(place, _)| place.contains(':')) else { return said };
    rest.trim_start_matches("ERROR: ").trim_start_matches("ERROR status = ")
}

/// What stands for each `{}` of `pattern` in `said`, which must begin with it. The last may be the rest of the line.
fn pick<'a, const N: usize>(said: &'a str, pattern: &str) -> Option<[&'a str; N]> {
    let mut parts = pattern.split("{}");
    let mut rest = said.strip_prefix(parts.next()?)?;
    let mut kept = [""; N];
    for slot in &mut kept {
        let literal = parts.next()?;
        if literal.is_empty() {
            (*slot, rest) = (rest, "");
        } else {
            (*slot, rest) = rest.split_once(literal)?;
        }
    }
    kept.iter().all(|word| word.len() <= 256).then_some(kept)
}

fn keep(word: &str) -> String {
    text::clean(word.trim(), 128).into_owned()
}

/// The leading number of a word.
fn number<T: std::str::FromStr>(word: &str) -> Option<T> {
    let word = word.trim();
    let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    word.get(..end)?.parse().ok()
}

/// A device as the SCSI layer prints it: `sd 2:0:0:1: …`, and what follows.
fn scsi(said: &str) -> Option<(&str, &str)> {
    let (driver, rest) = said.split_once(' ')?;
    let (device, rest) = rest.split_once(": ")?;
    let known = matches!(driver, "sd" | "st" | "sr" | "ses" | "scsi");
    (known && device.split(':').count() == 4 && device.len() < 40).then_some((device, rest))
}

fn storage(said: &str) -> Option<Sign> {
    if let Some([session, _, error]) = pick(said, "connection{}:{}: detected conn error ({})") {
        return Some(Sign::IscsiError { session: keep(session), error: number(error)? });
    }
    if let Some([session, secs]) = pick(said, "session{}: session recovery timed out after {} secs") {
        return Some(Sign::IscsiTimedOut { session: keep(session), secs: number(secs)? });
    }
    if let Some([session, _]) = pick(said.trim_start_matches("iscsid: "), "connection{}:{} is operational after recovery") {
        return Some(Sign::IscsiBack { session: keep(session) });
    }
    if let Some((device, rest)) = scsi(said) {
        return scsi_line(device, rest);
    }
    let device_error = ["blk_update_request: ", "print_req_error: ", "end_request: ", ""];
    if let Some([what, dev, rest]) = device_error.iter().find_map(|lead| pick(said.strip_prefix(lead)?, "{} error, dev {}, {}"))
        && (what == "I/O" || what.starts_with("critical"))
    {
        let op = rest.split_once(":(").and_then(|(_, op)| op.split_once(')')).map(|(op, _)| keep(op));
        return Some(Sign::IoError { dev: keep(dev), op });
    }
    if let Some([dev, _]) =
        pick(said, "Buffer I/O error on device {}, {}").or_else(|| pick(said, "Buffer I/O error on dev {}, {}"))
    {
        return Some(Sign::IoError { dev: keep(dev), op: None });
    }
    if let Some([fs, dev]) = pick(said, "{}-fs error (device {})").or_else(|| pick(said, "{}-fs warning (device {})"))
        && fs.len() < 12
    {
        return Some(Sign::FsError { fs: fs.to_ascii_lowercase(), dev: keep(dev) });
    }
    if let Some([dev, rest]) = pick(said, "XFS ({}): {}")
        && (rest.contains("I/O error") || rest.contains("metadata I/O error") || rest.contains("log I/O error"))
    {
        return Some(Sign::FsError { fs: "xfs".into(), dev: keep(dev) });
    }
    fibre(said).or_else(|| paths(said))
}

fn scsi_line(device: &str, rest: &str) -> Option<Sign> {
    let device = keep(device);
    let rest = rest.trim_start_matches("scsi: ");
    if rest.starts_with("Device offlined")
        || rest.starts_with("rejecting I/O to offline device")
        || rest.starts_with("rejecting I/O to dead device")
    {
        return Some(Sign::ScsiOffline { device });
    }
    let (dev, rest) = rest.strip_prefix('[')?.split_once(']')?;
    if let Some((_, status)) = rest.split_once("Result: hostbyte=") {
        let host_status = keep(status.split_ascii_whitespace().next()?);
        return (host_status != "DID_OK").then(|| Sign::ScsiFailed { dev: keep(dev), host_status });
    }
    let (_, command) = rest.split_once("CDB: ")?;
    let op = command.split(['(', ':']).next()?.trim().to_ascii_uppercase();
    Some(Sign::ScsiCommand { dev: keep(dev), op: keep(&op) })
}

/// Fibre Channel: `qla2xxx [0000:81:00.1]-500b:10: text` and, before 3.1, `qla2xxx 0000:06:00.0: text`.
fn fibre(said: &str) -> Option<Sign> {
    if let Some([rport]) = pick(said, "rport-{}: blocked FC remote port time out") {
        return Some(Sign::PortTimedOut { rport: keep(rport) });
    }
    let (driver, rest) =
        said.split_once(' ').filter(|(driver, _)| matches!(*driver, "qla2xxx" | "lpfc" | "bfa" | "fnic" | "qedf"))?;
    let (adapter, host, rest) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (adapter, rest) = rest.split_once(']')?;
            let (id, rest) = rest.split_once(": ")?;
            (adapter, id.rsplit(':').next().and_then(number), rest)
        }
        None => rest.split_once(": ").map(|(adapter, rest)| (adapter, None, rest))?,
    };
    let (driver, adapter) = (driver.to_owned(), keep(adapter));
    if rest.starts_with("LOOP DOWN detected") || rest.contains("Link Down Event") {
        return Some(Sign::LoopDown { driver, adapter, host });
    }
    if rest.starts_with("LOOP UP detected") || rest.contains("Link Up Event") {
        return Some(Sign::LoopUp { driver, adapter });
    }
    if rest.starts_with("RSCN database changed") {
        return Some(Sign::Rscn { adapter });
    }
    if rest.contains("post del sess") {
        let wwpn = rest.split_ascii_whitespace().find(|word| word.split(':').count() == 8)?;
        return Some(Sign::PortDeleted { adapter, wwpn: keep(wwpn) });
    }
    let device = rest.strip_prefix("scsi(").and_then(|rest| rest.split_once(')')).map(|(device, _)| keep(device));
    let lower = rest.to_ascii_lowercase();
    let steps = [
        ("abort command", "abort"),
        ("device reset issued", "device"),
        ("target reset issued", "target"),
        ("loop reset issued", "loop"),
        ("bus reset issued", "loop"),
        ("adapter reset issued", "adapter"),
        ("isp error recovery", "adapter"),
    ];
    let (_, what) = steps.iter().find(|(words, _)| lower.contains(words))?;
    Some(Sign::ScsiReset { adapter, what: (*what).to_owned(), device })
}

fn paths(said: &str) -> Option<Sign> {
    // `device-mapper: dm-multipath: Failing path 8:96.`, `device-mapper: multipath: 253:4: Failing path 8:96.`
    if let Some(rest) = said.strip_prefix("device-mapper: ").filter(|rest| rest.contains("multipath")) {
        if let Some((_, path)) = rest.split_once("Failing path ") {
            return Some(Sign::PathFailed { path: keep(path.trim_end_matches('.')) });
        }
        if let Some((_, path)) = rest.split_once("Reinstating path ") {
            return Some(Sign::PathBack { path: keep(path.trim_end_matches('.')) });
        }
    }
    let rest = said.strip_prefix("nfs: server ")?;
    if let Some((server, rest)) = rest.split_once(" not responding, ") {
        return Some(Sign::NfsSilent { server: keep(server), gave_up: rest.starts_with("timed out") });
    }
    rest.strip_suffix(" OK").map(|server| Sign::NfsBack { server: keep(server) })
}

fn cluster(said: &str) -> Option<Sign> {
    if let Some([device, ms]) = pick(said, "Heartbeat write timeout to device {} after {} milliseconds") {
        return Some(Sign::HeartbeatTimeout { device: keep(device), ms: number(ms) });
    }
    if let Some([node, secs, rest]) = pick(said, "o2hb: node {} hb write hung for {}s on region {}") {
        let device = rest.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(device, _)| keep(device));
        return Some(Sign::HeartbeatHung { node: number(node), secs: number(secs), device });
    }
    if said.starts_with("o2hb: all nodes hb write hung") || said.contains("negotiate timeout approved by master node") {
        return Some(Sign::HeartbeatPardoned);
    }
    // Its own function prints the error's number; others print theirs of other things.
    if said.starts_with("IO Error ") || (said.starts_with("Write error ") && said.contains("on device")) {
        return Some(Sign::HeartbeatError);
    }
    if said.contains("has a dead count of") && said.contains("but our count is") {
        return Some(Sign::ThresholdDiffers);
    }
    if said.to_ascii_lowercase().contains("ocfs2 is very sorry to be fencing this system by") {
        return Some(Sign::Fencing);
    }
    if said.starts_with("fencing this node because it is") {
        return Some(Sign::Fencing);
    }
    if said.starts_with("not fencing this node") {
        return Some(Sign::NotFencing);
    }
    let evicted = said.strip_prefix("o2cb: ").unwrap_or(said);
    if let Some([node, _]) = pick(evicted, "o2dlm has evicted node {} from {}") {
        return Some(Sign::Evicted { node: number(node) });
    }
    if said.starts_with("OCFS2: abort (device") || (said.starts_with("OCFS2: ERROR (device") && said.contains("journal")) {
        let device = said.split_once("(device ").and_then(|(_, rest)| rest.split_once(')')).map(|(device, _)| keep(device));
        return Some(Sign::OcfsAbort { device });
    }
    o2net(said.strip_prefix("o2net: ").or_else(|| said.strip_prefix("o2net "))?)
}

fn o2net(said: &str) -> Option<Sign> {
    let lower = said.to_ascii_lowercase();
    let node = || {
        let (_, rest) = said.split_once("node ")?;
        let num = rest.split_once("(num ").and_then(|(_, rest)| number(rest));
        Some((keep(rest.split([' ', ',']).next()?), num))
    };
    if lower.contains("idle timeout of")
        || lower.contains("heartbeat timeout of")
        || lower.contains("attempt to connect from unknown node")
    {
        return Some(Sign::NetRefused { text: keep(said) });
    }
    let (name, num) = node()?;
    if lower.contains("has been idle for") {
        Some(Sign::NetIdle { node: name, num })
    } else if lower.starts_with("no longer connected")
        || lower.contains(" shutdown, state")
        || lower.starts_with("no connection established")
    {
        Some(Sign::NetLost { node: name, num })
    } else if lower.starts_with("connected to node") || lower.starts_with("accepted connection from node") {
        Some(Sign::NetBack { node: name })
    } else {
        None
    }
}

fn host(said: &str) -> Option<Sign> {
    let lockup = said.strip_prefix("watchdog: ").unwrap_or(said);
    if let Some([cpu, secs, task]) = pick(lockup, "BUG: soft lockup - CPU#{} stuck for {}s! [{}]") {
        let task = task.rsplit_once(':').map_or(task, |(name, _)| name);
        return Some(Sign::SoftLockup { cpu: number(cpu), secs: number(secs), task: keep(task) });
    }
    if let Some([task, secs]) = pick(said.strip_prefix("INFO: ").unwrap_or(said), "task {} blocked for more than {} seconds") {
        return Some(Sign::HungTask { task: keep(task.split(':').next().unwrap_or(task)), secs: number(secs) });
    }
    if let Some([cpu, from]) = pick(said, "clocksource: timekeeping watchdog on CPU{}: Marking clocksource '{}' as unstable") {
        return Some(Sign::ClockUnstable { from: keep(from), cpu: number(cpu) });
    }
    if let Some([from]) = pick(said, "Clocksource {} unstable (delta") {
        return Some(Sign::ClockUnstable { from: keep(from), cpu: None });
    }
    if let Some(rest) = said.strip_prefix("clocksource: ") {
        if let Some([source]) = pick(rest.trim_start(), "'{}' wd_now") {
            return Some(Sign::ClockWatchdog { source: keep(source) });
        }
        if let Some([to]) = pick(rest, "Switched to clocksource {}") {
            return Some(Sign::ClockSwitched { to: keep(to) });
        }
    }
    if let Some([to]) = pick(said, "Switching to clocksource {}") {
        return Some(Sign::ClockSwitched { to: keep(to) });
    }
    if let Some([cpu, pid, at]) = pick(said, "WARNING: CPU: {} PID: {} at {}") {
        let function = at.split_ascii_whitespace().nth(1).unwrap_or(at);
        let function = function.split('+').next().unwrap_or(function);
        return Some(Sign::Warning { cpu: number(cpu), pid: number(pid), function: keep(function) });
    }
    if let Some([resource, peer, rest]) = pick(said, "drbd {} {}: {}") {
        let (_, change) = rest.split_once("conn( ")?;
        let (from, to) = change.split_once(" )")?.0.split_once(" -> ")?;
        return Some(Sign::DrbdConnection { resource: keep(resource), peer: keep(peer), from: keep(from), to: keep(to) });
    }
    if let Some([_, array, dev]) = pick(said, "md/{}:{}: Disk failure on {}, ") {
        return Some(Sign::MdFailed { array: keep(array), dev: keep(dev) });
    }
    if let Some((_, nic)) = said.split_once("link status definitely down for interface ") {
        return Some(Sign::LinkDown { nic: keep(nic.split([',', ' ']).next().unwrap_or(nic)) });
    }
    if let Some([nic, _]) = pick(said, "NETDEV WATCHDOG: {} ({}") {
        return Some(Sign::NicStuck { nic: keep(nic) });
    }
    let nic = said
        .strip_suffix("NIC Link is Down")
        .or_else(|| said.strip_suffix(": Link is down"))
        .or_else(|| said.strip_suffix("link down"));
    if let Some(nic) = nic.filter(|nic| nic.len() < 80) {
        let nic = nic.trim_end_matches([' ', ':']);
        return Some(Sign::LinkDown { nic: keep(nic.rsplit([' ']).next().unwrap_or(nic)) });
    }
    let oom = said.starts_with("Out of memory: Kill") || said.contains(" invoked oom-killer: ");
    oom.then_some(Sign::OutOfMemory)
}
