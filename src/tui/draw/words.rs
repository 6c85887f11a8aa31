//! Text for the screen: cut to a width, wrapped, and the part that a filter found. Widths are those of the terminal's
//! cells, not of characters.

use crate::text;
use crate::time::Time;
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::ops::Range;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The longest single piece of text that is looked at, in characters.
const LIMIT: usize = 2_000;

/// The longest text that is wrapped, in characters.
const LONG: usize = 20_000;

/// Columns that `text` takes when it is drawn.
pub(crate) fn width(text: &str) -> u16 {
    u16::try_from(text::clean(text, LIMIT).width()).unwrap_or(u16::MAX)
}

/// `text` made safe and cut to `width` columns; what was cut ends in `ellipsis`.
pub(crate) fn fit<'a>(text: &'a str, width: u16, ellipsis: &str) -> Cow<'a, str> {
    let width = usize::from(width);
    let clean = text::clean(text, LIMIT);
    if clean.width() <= width {
        return clean;
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::new();
    let mut used = 0;
    for c in clean.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > width - 1 {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push_str(ellipsis);
    Cow::Owned(out)
}

/// `text` in lines of at most `width` columns, broken at blanks where that is possible.
pub(crate) fn wrap(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let clean = text::clean(text, LONG);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in clean.split(' ').filter(|w| !w.is_empty()) {
        let w = word.width();
        if used > 0 && used + 1 + w > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        if w <= width - used {
            line.push_str(word);
            used += w;
            continue;
        }
        for c in word.chars() {
            let w = c.width().unwrap_or(0);
            if used + w > width && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += w;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Where `needle` (already in small letters) stands in `text`, ignoring case.
pub(crate) fn find(text: &str, needle: &str) -> Option<Range<usize>> {
    if needle.is_empty() {
        return None;
    }
    text.char_indices().find_map(|(start, _)| {
        let mut wanted = needle.chars();
        let mut next = wanted.next();
        for (at, c) in text.get(start..)?.char_indices() {
            for small in c.to_lowercase() {
                if next != Some(small) {
                    return None;
                }
                next = wanted.next();
                if next.is_none() {
                    return Some(start..start + at + c.len_utf8());
                }
            }
        }
        None
    })
}

/// How long ago, in steps that do not make the screen restless: `just now`, `20 s ago`, `4 min ago`.
pub(crate) fn ago(now: Time, then: Time) -> String {
    let secs = now.since(then).as_secs();
    match secs {
        0..10 => "just now".to_owned(),
        10..60 => format!("{} s ago", secs / 10 * 10),
        _ => format!("{} ago", text::duration(now.since(then))),
    }
}

/// Hours and minutes where the operator is.
pub(crate) fn clock(time: Time, zone: &TimeZone) -> String {
    stamp(time, zone, "%H:%M")
}

/// Hours, minutes and seconds.
pub(crate) fn precise(time: Time, zone: &TimeZone) -> String {
    stamp(time, zone, "%H:%M:%S")
}

/// Hours and minutes, with the date in front if it is not today.
pub(crate) fn moment(time: Time, now: Time, zone: &TimeZone) -> String {
    if stamp(time, zone, "%F") == stamp(now, zone, "%F") { clock(time, zone) } else { stamp(time, zone, "%b %d %H:%M") }
}

/// Hours and minutes if it is today, else the day.
pub(crate) fn day(time: Time, now: Time, zone: &TimeZone) -> String {
    if stamp(time, zone, "%F") == stamp(now, zone, "%F") { clock(time, zone) } else { stamp(time, zone, "%b %d") }
}

/// `text` without anything but ASCII, for terminals that show nothing else.
pub(crate) fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '…' => out.push_str("..."),
            '→' => out.push_str("->"),
            '—' | '–' | '·' | '•' => out.push('-'),
            '×' => out.push('x'),
            '“' | '”' => out.push('"'),
            '‘' | '’' => out.push('\''),
            _ => out.push('?'),
        }
    }
    Cow::Owned(out)
}

/// Date and time to the second.
pub(crate) fn exact(time: Time, zone: &TimeZone) -> String {
    stamp(time, zone, "%F %H:%M:%S")
}

fn stamp(time: Time, zone: &TimeZone, format: &str) -> String {
    jiff::Timestamp::from_millisecond(time.as_millis())
        .map_or_else(|_| "?".to_owned(), |t| t.to_zoned(zone.clone()).strftime(format).to_string())
}

/// `1 host`, `4 hosts`.
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_cut_by_columns_not_characters() {
        assert_eq!(fit("xcp1", 4, "…"), "xcp1");
        assert_eq!(fit("xcp-ng-1", 4, "…"), "xcp…");
        assert_eq!(fit("日本語", 4, "…"), "日…");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(fit("a\x1b[31mb", 9, "…"), "a[31mb");
    }

    #[test]
    fn words_wrap_and_long_ones_are_broken() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("  ", 3), Vec::<String>::new());
    }

    #[test]
    fn finding_ignores_case_and_keeps_to_characters() {
        assert_eq!(find("Xcp-ÄB", "äb"), Some(4..7));
        assert_eq!(find("xcp", "q"), None);
        assert_eq!(find("aab", "ab"), Some(1..3));
    }

    proptest! {
        #[test]
        fn cut_text_never_exceeds_its_width(text in "\\PC{0,40}", columns in 0u16..30) {
            prop_assert!(fit(&text, columns, "…").width() <= usize::from(columns));
            let found = find(&text, "a");
            prop_assert!(found.is_none_or(|r| text.get(r).is_some()));
        }

        #[test]
        fn wrapped_lines_lose_no_word(text in "[a-z日 ]{0,60}", columns in 2u16..30) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|l| l.width() <= usize::from(columns)));
            let plain = |t: &str| t.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(plain(&lines.concat()), plain(&text));
        }
    }
}
