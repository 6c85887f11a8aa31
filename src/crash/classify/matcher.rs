//! Finds the rules' words in a message: all at once, then checks what else must hold.

use super::rules::{Place, Rule, Whose, all};
use super::signal::Signal;
use super::strip::{Line, Who};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::sync::LazyLock;

/// All needles in one machine, and whose they are.
struct Needles {
    machine: AhoCorasick,
    /// For each needle its rule.
    rules: Vec<&'static Rule>,
}

static NEEDLES: LazyLock<Option<Needles>> = LazyLock::new(|| {
    let rules: Vec<&'static Rule> = all().collect();
    let machine = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(rules.iter().map(|rule| rule.needle))
        .ok()?;
    Some(Needles { machine, rules })
});

/// So many matches of one line are looked at: a line made of needles must not take long.
const MATCHES: usize = 64;

/// Whether a line has any of the words at all. Most have none, and need no more work.
pub(super) fn any(raw: &[u8]) -> bool {
    NEEDLES.as_ref().is_some_and(|needles| needles.machine.is_match(raw))
}

/// What a message tells, each thing once, in the order of the rules.
pub(super) fn signals(line: &Line<'_>) -> Vec<Signal> {
    let Some(needles) = NEEDLES.as_ref() else { return Vec::new() };
    let mut found: Vec<(usize, Signal)> = Vec::new();
    for hit in needles.machine.find_overlapping_iter(line.text).take(MATCHES) {
        let at = hit.pattern().as_usize();
        let Some(rule) = needles.rules.get(at) else { continue };
        if holds(rule, line, hit.start()) && !found.iter().any(|(_, signal)| *signal == rule.signal) {
            found.push((at, rule.signal));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, signal)| signal).collect()
}

fn holds(rule: &Rule, line: &Line<'_>, at: usize) -> bool {
    let before = line.text.get(..at).unwrap_or_default();
    let whose = match rule.whose {
        // A line of the hypervisor's that one of the kernel's was torn into goes on behind the kernel's stamp.
        Whose::Kernel => matches!(line.who, Who::Kernel | Who::Plain) || (line.who == Who::Xen && torn(before)),
        Whose::Xen | Whose::Either => matches!(line.who, Who::Xen | Who::Plain | Who::Kernel),
        Whose::XenOnly => line.who == Who::Xen,
        Whose::Xha => line.who == Who::Xha,
        Whose::Anybody => true,
    };
    if !whose {
        return false;
    }
    if rule.place == Place::Start && !leads(before) {
        return false;
    }
    rule.with.iter().all(|word| contains(line.text, word)) && !rule.without.iter().any(|word| contains(line.text, word))
}

/// Whether `text` has `word`, without regard to case.
pub(super) fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether what stands before is the beginning of one line and the stamp of another.
fn torn(before: &[u8]) -> bool {
    let end = before.iter().rposition(|b| !matches!(b, b' ' | b'*')).map_or(0, |at| at + 1);
    let before = before.get(..end).unwrap_or_default();
    before.ends_with(b"]")
        && before.iter().rposition(|b| *b == b'[').is_some_and(|at| before.get(at..).is_some_and(|stamp| stamp.contains(&b'.')))
}

/// What may stand before words that begin a message: nothing, decoration, an ocfs2 message's own prefix, or the rest of a line that
/// another one was torn into. A quotation, a path or a prompt before them says that somebody else repeats them.
fn leads(before: &[u8]) -> bool {
    let end = before.iter().rposition(|b| !matches!(b, b' ' | b'*' | b'\t')).map_or(0, |at| at + 1);
    let before = before.get(..end).unwrap_or_default();
    let Some(last) = before.last() else { return true };
    if before.iter().any(|b| matches!(b, b'"' | b'\'' | b'`' | b'=' | b'?' | b'$' | b'\\') || *b >= 0x80) {
        return false;
    }
    if before.starts_with(b"/") || before.starts_with(b"#") || contains(before, ".log:") || contains(before, "messages:") {
        return false;
    }
    let own = before.starts_with(b"(") && contains(before, "):o2");
    if own || before.len() <= 24 {
        return true;
    }
    before.len() <= 160 && matches!(last, b':' | b']' | b')' | b'>' | b'-')
}

#[cfg(test)]
mod tests {
    use super::super::strip::strip;
    use super::*;

    fn told(text: &str) -> Vec<Signal> {
        signals(&strip(text.as_bytes()))
    }

    #[test]
    fn words_are_found_where_they_may_stand() {
        for text in [
            "*** ocfs2 is very sorry to be fencing this system by restarting ***",
            "[ 12.345678] Kernel panic - not syncing: *** ocfs2 is very sorry to be fencing this system by panicing ***",
            "<0>Kernel panic - not syncing: ocfs2 is very sorry to be fencing this system by panicing",
            "(XEN) Hard[   12.345678] *** OCFS2 is very sorry to be fencing this system by restarting ***",
        ] {
            assert!(told(text).contains(&Signal::Sorry), "{text}");
        }
        assert_eq!(
            told("(3210,0):o2hb_write_timeout:166 ERROR: Heartbeat write timeout to device sdb1 after 60000 milliseconds"),
            [Signal::WriteTimeout]
        );
    }

    #[test]
    fn quoted_words_are_not() {
        for text in [
            "Oct  1 12:00:00 xs1 monitor[99]: *** ocfs2 is very sorry to be fencing this system by restarting ***",
            "grep said \"ocfs2 is very sorry to be fencing this system by restarting\"",
            "/var/log/messages:Oct  1 12:00:00 xs1 kernel: *** ocfs2 is very sorry to be fencing this system by restarting ***",
            "# dmesg | grep 'ocfs2 is very sorry to be fencing this system'",
            "(XEN) Watchdog timer fired for domain 5",
        ] {
            let told = told(text);
            assert!(!told.contains(&Signal::Sorry) && !told.contains(&Signal::DomWatchdog), "{text}: {told:?}");
        }
    }

    #[test]
    fn every_rule_finds_its_own_needle() {
        for rule in all() {
            let who = match rule.whose {
                Whose::Xen | Whose::XenOnly => "(XEN) ",
                Whose::Xha => "Nov 21 12:29:55 UTC 2026 [err] ",
                _ => "[   12.345678] ",
            };
            let line = format!("{who}{} {} x", rule.needle, rule.with.join(" "));
            assert!(told(&line).contains(&rule.signal), "{line}");
        }
    }
}
