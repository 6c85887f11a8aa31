//! What the files of the o2cb driver say. Text in, value or reason out; reads nothing.

use super::known::Unknown;
use super::{FenceMethod, Kernel, Mode, Socket, Tcp};
use crate::text;
use std::collections::BTreeSet;

/// One whole number, alone in its file.
pub fn number<T: std::str::FromStr>(from: &str, said: &str) -> Result<T, Unknown> {
    said.trim().parse().map_err(|_| Unknown::not_understood(from, said))
}

/// A list of node or region numbers, as debugfs shows bitmaps: `0 1 4 \n`. Empty is an empty list.
pub fn numbers(from: &str, said: &str) -> Result<BTreeSet<u8>, Unknown> {
    said.split_ascii_whitespace().map(|word| word.parse().map_err(|_| Unknown::not_understood(from, said))).collect()
}

/// `0` or `1`.
pub fn flag(from: &str, said: &str) -> Result<bool, Unknown> {
    match said.trim() {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(Unknown::not_understood(from, said)),
    }
}

/// `reset` or `panic`.
pub fn fence_method(from: &str, said: &str) -> Result<FenceMethod, Unknown> {
    match said.trim() {
        "reset" => Ok(FenceMethod::Reset),
        "panic" => Ok(FenceMethod::Panic),
        _ => Err(Unknown::not_understood(from, said)),
    }
}

/// `local` or `global`.
pub fn mode(from: &str, said: &str) -> Result<Mode, Unknown> {
    match said.trim() {
        "local" => Ok(Mode::Local),
        "global" => Ok(Mode::Global),
        _ => Err(Unknown::not_understood(from, said)),
    }
}

/// One word of text, made safe.
pub fn word(from: &str, said: &str) -> Result<String, Unknown> {
    let said = said.trim();
    if said.is_empty() { Err(Unknown::not_understood(from, said)) } else { Ok(text::clean(said, 256).into_owned()) }
}

/// `/proc/uptime`: seconds since boot with two decimals, as milliseconds.
pub fn uptime(from: &str, said: &str) -> Result<u64, Unknown> {
    let bad = || Unknown::not_understood(from, said);
    let secs: f64 = said.split_ascii_whitespace().next().and_then(|word| word.parse().ok()).ok_or_else(bad)?;
    if secs.is_finite() && (0.0..1e12).contains(&secs) { Ok((secs * 1000.0) as u64) } else { Err(bad()) }
}

/// A kernel's release: `6.1.0-56-amd64`, or `Linux version 6.1.0-56-amd64 (…)`.
pub fn kernel(from: &str, said: &str) -> Result<Kernel, Unknown> {
    let bad = || Unknown::not_understood(from, said);
    let release = said.trim().strip_prefix("Linux version ").unwrap_or_else(|| said.trim());
    let release = release.split_ascii_whitespace().next().ok_or_else(bad)?;
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    let mut part = || parts.next().and_then(|digits| digits.parse::<u32>().ok()).ok_or_else(bad);
    let (major, minor) = (part()?, part()?);
    Ok(Kernel { major, minor, release: text::clean(release, 80).into_owned() })
}

/// The kernel's timer frequency from its configuration: `CONFIG_HZ=250`.
pub fn hz(config: &str) -> Option<u32> {
    let value = config.lines().find_map(|line| line.trim().strip_prefix("CONFIG_HZ="))?;
    value.trim().parse().ok().filter(|hz| (24..=10_000).contains(hz))
}

/// `o2net/sock_containers`: one block a TCP connection. All its times are microseconds of uptime.
///
/// `data ready` is when the last byte came in; `timer` is armed again every idle time-out and says nothing.
pub fn sockets(said: &str) -> Vec<Socket> {
    let mut found: Vec<Socket> = Vec::new();
    let mut open = false;
    for line in said.lines() {
        // A block begins with the address of the container, which newer kernels hide: `(____ptrval____):`.
        if !line.starts_with(' ') && line.trim_end().ends_with(':') {
            found.push(Socket::default());
            open = true;
            continue;
        }
        let (Some(socket), Some((key, value)), true) = (found.last_mut(), line.split_once(':'), open) else { continue };
        let (key, value) = (key.trim(), value.trim());
        let micros = || value.strip_suffix("usecs").and_then(|digits| digits.trim().parse::<u64>().ok());
        match key {
            "remote node" => socket.peer = text::clean(value, 64).into_owned(),
            "sock" => {
                socket.remote = value.split_once("->").map_or(String::new(), |(_, to)| text::clean(to.trim(), 64).into_owned());
            }
            "handshake ok" => socket.handshake = value == "1",
            "data ready" => socket.data_ready_us = micros().filter(|at| *at > 0),
            _ => {}
        }
        if let Some(at) = micros() {
            socket.latest_us = socket.latest_us.max(at);
        }
    }
    found.retain(|socket| !socket.peer.is_empty());
    found
}

/// The connections of `/proc/net/tcp` from or to `port`: a queue that is sent again and again is a peer that does not answer.
pub fn tcp(said: &str, port: u16) -> Vec<Tcp> {
    said.lines().skip(1).take(100_000).filter_map(|line| tcp_line(line, port)).collect()
}

fn tcp_line(line: &str, port: u16) -> Option<Tcp> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (_, here) = words.next()?.split_once(':')?;
    let (address, there) = words.next()?.split_once(':')?;
    let state = words.next()?;
    let (unsent, _) = words.next()?.split_once(':')?;
    let _timer = words.next()?;
    let again = words.next()?;
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let established = hex(state)? == 1;
    if !established || (hex(here)? != u32::from(port) && hex(there)? != u32::from(port)) {
        return None;
    }
    // IPv4 in the byte order of the machine; every one that runs Xen is little-endian.
    let [a, b, c, d] = hex(address)?.to_le_bytes();
    Some(Tcp { remote: format!("{a}.{b}.{c}.{d}"), unsent: hex(unsent)?, sent_again: hex(again)? })
}
