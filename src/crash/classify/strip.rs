//! What stands before the message on a line, taken off in any order and number: quotes of a mail, `<level>`, dates, hosts, tags, `(XEN)`,
//! time-stamps, callers, levels of the dump analyser. Tells whose words the message is. Never looks at the message itself.

use super::date::{Date, date};

/// Whose words a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Nothing tells: as in a bare console, where it may be kernel, hypervisor, or whoever writes there.
    Plain,
    /// The kernel.
    Kernel,
    /// The hypervisor.
    Xen,
    /// A guest's console, passed on by the hypervisor.
    Guest,
    /// A program: what it quotes did not happen to it.
    App,
    /// The HA daemon's log.
    Xha,
}

/// A line without what stands before its message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Whose words it is.
    pub who: Who,
    /// Time since the boot of who wrote it, in ms.
    pub stamp: Option<i64>,
    /// The wall clock's.
    pub date: Option<Date>,
    /// The host that syslog names.
    pub host: Option<&'a [u8]>,
    /// The message.
    pub text: &'a [u8],
}

/// So many prefixes may stand before one another.
const DEEP: usize = 12;

/// Tags under which a relay passes on what came over a serial line or the network.
const RELAYS: [&[u8]; 10] = [
    b"netconsole",
    b"xen",
    b"Xen",
    b"hypervisor",
    b"xenconsoled",
    b"conserver",
    b"console",
    b"serial",
    b"ttyS0",
    b"rsyslogd-netconsole",
];

/// Tags that are the kernel's.
const KERNELS: [&[u8]; 4] = [b"kernel", b"klogd", b"vmunix", b"kern"];

/// First words of kernel messages that look like a tag, where syslog had none.
const LIKE_TAGS: [&[u8]; 34] = [
    b"BUG",
    b"INFO",
    b"WARNING",
    b"Oops",
    b"RIP",
    b"OCFS2",
    b"o2net",
    b"o2hb",
    b"o2cb",
    b"o2dlm",
    b"mce",
    b"rcu",
    b"watchdog",
    b"NMI",
    b"MCE",
    b"sysrq",
    b"SysRq",
    b"PANIC",
    b"ocfs2",
    b"CPU",
    b"EIP",
    b"reboot",
    b"HARDWARE",
    b"{1}[Hardware",
    b"traps",
    b"softdog",
    b"BERT",
    b"EDAC",
    b"opcode",
    b"error",
    b"segment",
    b"fault",
    b"panic",
    b"TSS",
];

fn trim_start(text: &[u8]) -> &[u8] {
    let n = text.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | 0)).count();
    text.get(n..).unwrap_or_default()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let n = text.iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0)).count();
    text.get(..text.len() - n).unwrap_or_default()
}

/// An escape sequence of a terminal at the beginning.
fn escape(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"\x1b[")?;
    let n = rest.iter().take(16).position(|b| (0x40..=0x7e).contains(b))?;
    rest.get(n + 1..)
}

/// `<3>`, `<13>`, or `<6,1234,567,->` at the beginning.
fn level(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"<")?;
    let n = rest.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    (n > 0 && n < 4).then_some(())?;
    rest.get(n..)?.strip_prefix(b">")
}

/// What a pair of brackets at the beginning held.
enum Bracket {
    /// A time-stamp, in ms.
    Stamp(i64),
    /// A wall clock.
    Date(Date),
    /// A caller, a counter, or a processor: nothing of use.
    Other,
}

/// `[  123.456789]`, `[T123]`, `[ C0]`, `[2024-05-01 12:00:00]`, `[Sat Nov 21 12:29:55 2026]`, `[000123456789]`.
fn bracket(text: &[u8]) -> Option<(Bracket, &[u8])> {
    let inner = trim_start(text.strip_prefix(b"[")?);
    let whole = inner.iter().take(16).take_while(|b| b.is_ascii_digit()).count();
    if whole > 0 && inner.get(whole) == Some(&b'.') {
        let fraction = inner.get(whole + 1..)?;
        let places = fraction.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        if places > 0 {
            let mut rest = fraction.get(places..)?;
            if let Some(more) = rest.strip_prefix(b"@").or_else(|| rest.strip_prefix(b",")) {
                let n = more.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
                rest = more.get(n..)?;
            }
            if let Some(rest) = trim_start(rest).strip_prefix(b"]") {
                let seconds =
                    inner.iter().take(whole).fold(0_i64, |sum, b| sum.saturating_mul(10).saturating_add(i64::from(b - b'0')));
                let mut scale = 100;
                let mut millis = 0;
                for b in fraction.iter().take(places.min(3)) {
                    millis += i64::from(b - b'0') * scale;
                    scale /= 10;
                }
                return Some((Bracket::Stamp(seconds.saturating_mul(1000).saturating_add(millis)), rest));
            }
        }
        return None;
    }
    if whole >= 10 && inner.get(whole) == Some(&b']') {
        return Some((Bracket::Other, inner.get(whole + 1..)?));
    }
    if let Some((date, rest)) = date(inner) {
        let rest = trim_start(rest);
        if let Some(rest) = rest.strip_prefix(b"]") {
            return Some((Bracket::Date(date), rest));
        }
        // xapi's own log: the rest of the bracket says who.
        return None;
    }
    let caller = inner.strip_prefix(b"T").or_else(|| inner.strip_prefix(b"C"))?;
    let n = caller.iter().take(8).take_while(|b| b.is_ascii_digit()).count();
    (n > 0).then_some(())?;
    Some((Bracket::Other, caller.get(n..)?.strip_prefix(b"]")?))
}

/// ` EMERG: ` and so on, as the dump analyser writes the level after its time-stamp.
fn analyser(text: &[u8]) -> Option<&[u8]> {
    const LEVELS: [&[u8]; 8] = [b"EMERG", b"ALERT", b"CRIT", b"ERR", b"WARN", b"NOTICE", b"INFO", b"DEBUG"];
    LEVELS.iter().find_map(|level| text.strip_prefix(*level)?.strip_prefix(b": "))
}

/// `(d5) `, `(d12v0) `: what a guest wrote to the hypervisor's console.
fn guest(text: &[u8]) -> Option<(bool, &[u8])> {
    let rest = text.strip_prefix(b"(d")?;
    let n = rest.iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    (n > 0).then_some(())?;
    let zero = rest.get(..n)? == b"0";
    let rest = rest.get(n..)?;
    let rest = rest.strip_prefix(b")").or_else(|| {
        let rest = rest.strip_prefix(b"v")?;
        let n = rest.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        rest.get(n..)?.strip_prefix(b")")
    })?;
    Some((zero, rest))
}

/// A word up to a blank, and what is left.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let n = text.iter().take(120).position(|b| matches!(b, b' ' | b'\t')).unwrap_or(text.len().min(120));
    text.split_at(n)
}

/// `tag:`, `tag[123]:`, `tag(sub)[123]:` at the beginning: the tag, whether it has a number, and what is left.
fn tag(text: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let n = text
        .iter()
        .take(64)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'(' | b')' | b'@' | b'+'))
        .count();
    text.first().filter(|b| b.is_ascii_alphabetic() || matches!(b, b'(' | b'_' | b'/'))?;
    let (name, mut rest) = text.split_at(n);
    let mut numbered = false;
    if let Some(inner) = rest.strip_prefix(b"[") {
        let digits = inner.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 {
            rest = inner.get(digits..)?.strip_prefix(b"]")?;
            numbered = true;
        }
    }
    let rest = rest.strip_prefix(b":")?;
    matches!(rest.first(), None | Some(b' ' | b'\t' | b'[')).then_some((name, numbered, rest))
}

/// Whether a message of kernel or hypervisor begins here, so that the word before it was a host's name.
fn begins_message(text: &[u8]) -> bool {
    bracket(text).is_some() || text.starts_with(b"(XEN)") || level(text).is_some()
}

/// Whether a word is the first of a message of the kernel's such as `invalid opcode:`, and no host.
fn begins_fault(word: &[u8]) -> bool {
    const FIRST: [&[u8]; 9] =
        [b"invalid", b"divide", b"stack", b"double", b"Internal", b"Kernel", b"general", b"segment", b"kernel"];
    FIRST.contains(&word)
}

/// `kern.err`, `user.notice`: what some syslogs put before the tag.
fn facility(word: &[u8]) -> bool {
    const SORTS: [&[u8]; 6] = [b"kern.", b"user.", b"daemon.", b"local", b"syslog.", b"auth."];
    SORTS.iter().any(|sort| word.starts_with(sort)) && word.contains(&b'.') && word.len() < 16
}

/// After a date: a host, a tag, or neither.
fn syslog(line: &mut Line<'_>) {
    let text = trim_start(line.text);
    if let Some((name, _, rest)) = tag(text) {
        by_tag(line, name, rest, text);
        return;
    }
    let (host, rest) = word(text);
    let mut rest = trim_start(rest);
    let (sort, after) = word(rest);
    if facility(sort) {
        rest = trim_start(after);
    }
    if let Some((name, _, after)) = tag(rest).filter(|(name, ..)| !LIKE_TAGS.contains(name) || !begins_fault(host)) {
        line.host = Some(host);
        by_tag(line, name, after, rest);
    } else if !host.is_empty() && begins_message(rest) && !begins_message(text) && !text.starts_with(b"[") {
        line.host = Some(host);
        line.text = rest;
    } else {
        line.text = text;
    }
}

fn by_tag<'a>(line: &mut Line<'a>, name: &[u8], rest: &'a [u8], whole: &'a [u8]) {
    let rest = trim_start(rest);
    if KERNELS.contains(&name) {
        line.who = Who::Kernel;
        line.text = rest;
    } else if RELAYS.contains(&name) {
        line.text = rest;
    } else if LIKE_TAGS.contains(&name) {
        line.text = whole;
    } else {
        line.who = Who::App;
        line.text = rest;
    }
}

/// `[err] ` and so on after the date of the HA daemon's log.
fn xha(text: &[u8]) -> Option<&[u8]> {
    const LEVELS: [&[u8]; 8] = [b"debug", b"info", b"notice", b"warning", b"warn", b"err", b"crit", b"error"];
    let rest = text.strip_prefix(b"[")?;
    LEVELS.iter().find_map(|level| rest.strip_prefix(*level)?.strip_prefix(b"]"))
}

/// Takes off what stands before the message.
pub(super) fn strip(raw: &[u8]) -> Line<'_> {
    let mut line = Line { who: Who::Plain, stamp: None, date: None, host: None, text: trim_end(raw) };
    for _ in 0..DEEP {
        if !step(&mut line) {
            break;
        }
    }
    line
}

/// One prefix less; whether there was one.
fn step(line: &mut Line<'_>) -> bool {
    let text = trim_start(line.text);
    line.text = text;
    let Some(first) = text.first() else { return false };
    match first {
        0x1b => escape(text).is_some_and(|rest| {
            line.text = rest;
            true
        }),
        b'>' | b'|' => {
            let quotes = text.iter().take_while(|b| matches!(b, b'>' | b'|' | b' ')).count();
            line.text = text.get(quotes..).unwrap_or_default();
            true
        }
        b'<' => level(text).is_some_and(|rest| {
            line.text = rest;
            true
        }),
        b'(' => {
            if let Some(rest) = text.strip_prefix(b"(XEN)") {
                if line.who != Who::App {
                    line.who = Who::Xen;
                }
                // A message of the kernel's that Xen's cut into keeps its own stamp; Xen's comes after.
                line.text = rest;
                return true;
            }
            if let Some((zero, rest)) = guest(text) {
                if line.who != Who::App {
                    line.who = if zero { Who::Kernel } else { Who::Guest };
                }
                line.text = rest;
                return true;
            }
            false
        }
        b'[' => {
            let Some((inner, rest)) = bracket(text) else {
                if xapi(text) {
                    line.who = Who::App;
                }
                return false;
            };
            let stamped = matches!(inner, Bracket::Stamp(_));
            match inner {
                Bracket::Stamp(at) => line.stamp = Some(at),
                Bracket::Date(date) => line.date = line.date.or(Some(date)),
                Bracket::Other => {}
            }
            line.text = rest;
            if stamped && line.who != Who::App {
                after_stamp(line);
            }
            true
        }
        b'k' => {
            if let Some(rest) = text.strip_prefix(b"kernel:") {
                if line.who != Who::App {
                    line.who = Who::Kernel;
                }
                line.text = rest;
                return true;
            }
            false
        }
        b'0'..=b'9' | b'A'..=b'Z' => {
            let Some((found, rest)) = date(text) else { return false };
            if line.date.is_none() {
                line.date = Some(found);
            }
            // A tab after the date is a serial line's, where no host and no tag follow.
            let serial = rest.starts_with(b"\t");
            let rest = trim_start(rest);
            line.text = rest;
            if line.who == Who::App {
                return false;
            }
            if let Some(rest) = xha(rest) {
                line.who = Who::Xha;
                line.text = trim_start(rest);
                return false;
            }
            if line.who == Who::Plain && !serial {
                syslog(line);
            }
            line.who != Who::App
        }
        _ => false,
    }
}

/// After a kernel's stamp: the analyser's level, a journal's host and tag, or a program that wrote into the kernel's log.
fn after_stamp(line: &mut Line<'_>) {
    let text = trim_start(line.text);
    if let Some(rest) = analyser(text) {
        line.who = if line.who == Who::Xen { Who::Xen } else { Who::Kernel };
        line.text = rest;
        return;
    }
    if line.who == Who::Xen {
        return;
    }
    if let Some((_, true, rest)) = tag(text) {
        line.who = Who::App;
        line.text = trim_start(rest);
        return;
    }
    let (host, rest) = word(text);
    if let Some((name, numbered, rest)) = tag(trim_start(rest)).filter(|_| !host.ends_with(b":")) {
        if name == b"kernel" {
            line.host = Some(host);
            line.who = Who::Kernel;
            line.text = rest;
        } else if numbered {
            line.host = Some(host);
            line.who = Who::App;
            line.text = trim_start(rest);
        }
    }
}

/// xapi's and other daemons' `[date|level|host|…]`.
fn xapi(text: &[u8]) -> bool {
    text.iter().take(80).filter(|b| **b == b'|').count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (Who, Option<i64>, String) {
        let line = strip(text.as_bytes());
        (line.who, line.stamp, String::from_utf8_lossy(line.text).into_owned())
    }

    #[test]
    fn prefixes_come_off_in_any_combination() {
        let at = Some(5_000_123);
        for (text, who, stamp) in [
            ("hello", Who::Plain, None),
            ("[ 5000.123456] hello\r", Who::Plain, at),
            ("<3>[ 5000.123456] hello", Who::Plain, at),
            ("[ 5000.123456][ T4711] hello", Who::Plain, at),
            ("[ 5000.123456][    C0] hello", Who::Plain, at),
            ("[   5000.123456]  ALERT: hello", Who::Kernel, at),
            ("Oct  1 12:00:00 xs1 kernel: [ 5000.123456] hello", Who::Kernel, at),
            ("Oct  1 12:00:00 xs1 kernel: hello", Who::Kernel, None),
            ("Oct  1 12:00:00 xs1 kern.err kernel: hello", Who::Kernel, None),
            ("2024-10-01T12:00:00.123456+02:00 xs1 kernel: [ 5000.123456] hello", Who::Kernel, at),
            ("Oct  1 12:00:00 10.0.0.1 [ 5000.123456] hello", Who::Plain, at),
            ("2024-10-01 12:00:00\t[ 5000.123456] hello", Who::Plain, at),
            ("[Sat Nov 21 12:29:55 2026] hello", Who::Plain, None),
            ("(XEN) hello", Who::Xen, None),
            ("(XEN) [ 5000.123456] hello", Who::Xen, at),
            ("(XEN) [2024-05-01 12:00:00] hello", Who::Xen, None),
            ("(XEN) [2024-05-01 12:00:00.123] hello", Who::Xen, None),
            ("[2024-05-01 12:00:00] (XEN) hello", Who::Xen, None),
            ("Oct  1 12:00:00.123456 (XEN) hello", Who::Xen, None),
            ("Oct  1 12:00:00 xs1 kernel: (XEN) hello", Who::Xen, None),
            ("> > (XEN) hello", Who::Xen, None),
            (">[ 5000.123456] hello", Who::Plain, at),
            (" kernel:[ 5000.123456] hello", Who::Kernel, at),
            ("[ 5000.123456] xs1 kernel: hello", Who::Kernel, at),
            ("\x1b[0m[ 5000.123456] hello", Who::Plain, at),
            ("(d3) hello", Who::Guest, None),
            ("(XEN) (d3) hello", Who::Guest, None),
            ("Nov 21 12:29:55 UTC 2026 [err] hello", Who::Xha, None),
            ("Sat Nov 21 12:29:55 UTC 2026 [info] hello", Who::Xha, None),
            ("Oct  1 12:00:00 xs1 monitor[99]: hello", Who::App, None),
            ("Oct  1 12:00:00 xs1 monitor: hello", Who::App, None),
            ("[    2.000001] systemd[1]: hello", Who::App, Some(2_000)),
            ("[    2.000001] xs1 multipathd[71]: hello", Who::App, Some(2_000)),
        ] {
            assert_eq!(told(text), (who, stamp, "hello".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_belongs_to_the_message_stays() {
        for text in [
            "[<ffffffff8102abeb>] mce_panic+0x1",
            "BUG: unable to handle",
            "(3210,0):o2hb_write_timeout:166 ERROR: x",
            "<IRQ>",
            "May be",
        ] {
            assert_eq!(told(text).2, text);
        }
        assert_eq!(told("Oct  1 12:00:00 10.0.0.1 BUG: unable").2, "BUG: unable");
        assert_eq!(told("[20241101T12:00:00.123Z|debug|xs1|1 x|y] ocfs2 is").0, Who::App);
    }
}
