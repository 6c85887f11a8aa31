//! Text that came from somewhere else, and text for people.
//!
//! What a pool, a recording or a dump says is untrusted (invariant I9): control characters never reach
//! the terminal and sizes are bounded. Everything that is drawn or printed goes through [`clean`].
//! Never formats a decision: only words.

use std::borrow::Cow;
use std::time::Duration;

/// The longest name that is kept from outside, in characters. Longer ones end in `…`.
pub const NAME_LIMIT: usize = 256;

/// `text` without control characters (also C1, bidi overrides and zero-width marks), at most `limit`
/// characters long. Line breaks and tabs become one blank.
pub fn clean(text: &str, limit: usize) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() || is_invisible(c);
    if text.len() <= limit && !text.chars().any(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(limit * 4));
    let mut kept = 0;
    for c in text.chars() {
        let c = match c {
            '\n' | '\r' | '\t' => ' ',
            c if bad(c) => continue,
            c => c,
        };
        if kept == limit {
            out.pop();
            out.push('…');
            break;
        }
        out.push(c);
        kept += 1;
    }
    Cow::Owned(out)
}

/// As [`clean`], but line breaks stay. For messages of several lines.
pub fn clean_lines(text: &str, limit: usize) -> String {
    let lines: Vec<Cow<'_, str>> = text.lines().map(|line| clean(line, limit)).collect();
    lines.join("\n")
}

/// `text` for HTML: nothing in it is markup, inside of an attribute or out of it.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// `text` for Markdown, on one line: nothing in it is markup.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Characters that print nothing but change how what follows is shown.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A duration in at most two units, as a person would say it: `8 s`, `4 min`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(length: Duration) -> String {
    let secs = length.as_secs();
    match secs {
        0..60 => format!("{secs} s"),
        60..3_600 => format!("{} min", secs / 60),
        3_600..86_400 if (secs % 3_600) / 60 == 0 => format!("{} h", secs / 3_600),
        3_600..86_400 => format!("{} h {} min", secs / 3_600, (secs % 3_600) / 60),
        _ if (secs % 86_400) / 3_600 == 0 => format!("{} d", secs / 86_400),
        _ => format!("{} d {} h", secs / 86_400, (secs % 86_400) / 3_600),
    }
}

/// A number of bytes in binary units with at most three digits: `512 B`, `1.5 GiB`, `230 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1023.5 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_overlong_names_do_not_get_through() {
        assert_eq!(clean("xcp1", 10), "xcp1");
        assert_eq!(clean("a\x1b[2Jb\u{9b}c\u{202e}d\ne", 20), "a[2Jbcd e");
        assert_eq!(clean(&"x".repeat(10_000), 5), "xxxx…");
        assert_eq!(clean("naïve — ok", 5), "naïv…");
        assert_eq!(clean("exact", 5), "exact");
    }

    #[test]
    fn durations_and_sizes_read_as_spoken() {
        assert_eq!(duration(Duration::from_secs(59)), "59 s");
        assert_eq!(duration(Duration::from_secs(7_500)), "2 h 5 min");
        assert_eq!(duration(Duration::from_secs(86_400)), "1 d");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1_610_612_736), "1.5 GiB");
        assert_eq!(bytes(u64::MAX), "16384 PiB");
    }
}
