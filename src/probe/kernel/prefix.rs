//! What stands before a kernel line, and when it was said.

/// A line without its prefixes.
#[derive(Clone, Debug, PartialEq)]
pub struct Stripped<'a> {
    /// What the kernel (or the daemon) said.
    pub text: &'a str,
    /// Seconds since boot, if printed.
    pub uptime: Option<f64>,
    /// Date and time as printed, if any.
    pub stamp: Option<&'a str>,
}

/// Takes the prefixes off `line`.
pub fn strip(line: &str) -> Stripped<'_> {
    let mut text = line.trim_end();
    let (mut uptime, mut stamp) = (None, None);
    // `kern  :info  : [ … ] `, of dmesg -x.
    if let Some((level, rest)) = text.split_once(": [")
        && level.len() < 24
        && level.matches(':').count() == 1
        && level.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | ' '))
    {
        text = rest;
        let (inside, rest) = text.split_once(']').unwrap_or(("", text));
        uptime = inside.trim().parse().ok();
        text = rest.trim_start();
    } else if let Some((date, rest)) = syslog(text) {
        stamp = Some(date);
        text = rest;
    }
    if let Some(rest) =
        text.strip_prefix('<').and_then(|rest| rest.split_once('>')).filter(|(level, _)| level.parse::<u32>().is_ok())
    {
        text = rest.1;
    }
    // `[  826.008226] `, `[Tue Jan 13 04:31:07 2026] `, `[T10489] `, `[  +0.01] `: one or several.
    while let Some((inside, rest)) = text.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if inside.len() > 40 {
            break;
        }
        let word = inside.trim();
        let secs = word.parse::<f64>().ok().filter(|secs| secs.is_finite() && !word.starts_with('+'));
        let thread = word.starts_with(['T', 'C']) && word.chars().skip(1).all(|c| c.is_ascii_digit());
        let date = word.split(':').count() == 3 && word.contains(' ');
        if secs.is_none() && !thread && !date && !word.starts_with('+') {
            break;
        }
        uptime = uptime.or(secs);
        if date {
            stamp = Some(word);
        }
        text = rest;
    }
    Stripped { text: text.trim_start_matches(' '), uptime, stamp }
}

/// `Jul 11 09:00:11 host kernel: `, `2026-07-11T09:00:11+00:00 host kernel: `; the rest begins after `kernel:`.
/// Daemons keep their name: `iscsid: …`.
fn syslog(line: &str) -> Option<(&str, &str)> {
    let end = if line.as_bytes().first()?.is_ascii_digit() { line.find(' ')? } else { months(line)? };
    let (date, rest) = (line.get(..end)?, line.get(end..)?);
    if date.split(':').count() < 3 {
        return None;
    }
    // Host (perhaps empty) and the name of who speaks, up to the first colon.
    let (head, said) = rest.split_once(": ").unwrap_or((rest, ""));
    if head.len() > 120 || head.split_ascii_whitespace().count() > 2 {
        return Some((date, rest.trim_start()));
    }
    let speaker = head.split_ascii_whitespace().last().unwrap_or("");
    let kernel = speaker == "kernel" || speaker.starts_with("kernel[");
    let at = if kernel { said } else { rest.get(rest.find(speaker)?..)? };
    Some((date, at))
}

/// The length of `Mon dd hh:mm:ss`.
fn months(line: &str) -> Option<usize> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let found = MONTHS.iter().any(|month| line.starts_with(month)) && line.get(3..4) == Some(" ");
    let end = 15;
    let stamp = line.get(..end).filter(|_| found)?;
    stamp.get(9..10).filter(|colon| *colon == ":").map(|_| end)
}
