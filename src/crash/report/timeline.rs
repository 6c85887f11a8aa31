//! The time line of a crash as a picture: inline SVG, in the colours of the page.

use super::{Crash, utc};
use crate::text::html as e;
use crate::time::Time;
use std::fmt::Write as _;
use std::time::Duration;

/// Width and height, in the picture's own units.
const SIZE: (i64, i64) = (1_000, 120);
/// Free at both ends.
const EDGE: i64 = 40;
/// Letters of a step that stand beside its mark.
const LABEL: usize = 28;
/// Marks that are drawn.
const MARKS: usize = 200;
/// What lies longer before the crash, such as a path that went days ago, has a place of its own at the left, not to scale.
const NEAR: Duration = Duration::from_secs(15 * 60);
/// How wide that place is, and the break after it.
const LONG_AGO: (i64, i64) = (180, 40);

/// The picture, or nothing where no two times are known.
pub fn svg(crash: &Crash) -> String {
    let mut marks: Vec<(Time, &str, &str)> = crash
        .story
        .iter()
        .take(MARKS)
        .map(|step| (step.at, step.text.as_str(), if step.matters { "matters" } else { "step" }))
        .collect();
    let headline = crash.headline();
    if let Some(at) = crash.at {
        marks.push((at, &headline, "crash"));
    }
    marks.sort_by_key(|(at, ..)| *at);
    let (Some(first), Some(last)) = (marks.first().map(|mark| mark.0), marks.last().map(|mark| mark.0)) else {
        return String::new();
    };
    if last.millis_after(first) <= 0 {
        return String::new();
    }
    let (width, height) = SIZE;
    let middle = height / 2;
    let near = crash.at.map_or(first, |at| at - NEAR);
    let early = marks.iter().filter(|mark| mark.0 < near).count();
    let early = if early < marks.len() { early } else { 0 };
    let begin = if early > 0 { EDGE + LONG_AGO.0 + LONG_AGO.1 } else { EDGE };
    let scale_from = marks.get(early).map_or(first, |mark| mark.0);
    let length = last.millis_after(scale_from).max(1);
    let x = |number: usize, at: Time| {
        if number < early {
            return EDGE + LONG_AGO.0 * i64::try_from(number).unwrap_or(0) / i64::try_from(early).unwrap_or(1).max(1);
        }
        let share = i128::from(at.millis_after(scale_from)) * i128::from(width - EDGE - begin) / i128::from(length);
        begin + i64::try_from(share).unwrap_or(0)
    };
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg class=\"line\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{} marks from {} to {}\">\
         <line x1=\"{begin}\" y1=\"{middle}\" x2=\"{}\" y2=\"{middle}\"/>",
        marks.len(),
        utc(first),
        utc(last),
        width - EDGE
    );
    if early > 0 {
        let (to, break_at) = (EDGE + LONG_AGO.0, begin - LONG_AGO.1 / 2 - 8);
        let _ = write!(
            out,
            "<line x1=\"{EDGE}\" y1=\"{middle}\" x2=\"{to}\" y2=\"{middle}\" stroke-dasharray=\"4 6\"/>\
             <text class=\"end\" x=\"{break_at}\" y=\"{}\">\u{22ef}</text>",
            middle + 5
        );
    }
    // Words stand above and below in turn, and only where there is room for them.
    let mut free = [0, 0];
    for (number, (at, text, kind)) in marks.iter().enumerate() {
        let x = x(number, *at);
        let title = format!("{}: {text}", utc(*at));
        let _ = write!(out, "<g class=\"{kind}\"><title>{}</title><circle cx=\"{x}\" cy=\"{middle}\" r=\"6\"/>", e(&title));
        let short = short(text);
        let wide = i64::try_from(short.chars().count()).unwrap_or(0) * 8;
        let from = (x - wide / 2).clamp(0, (width - wide).max(0));
        let side = number % 2;
        if let Some(end) = free.get_mut(side)
            && *end <= from
        {
            *end = from + wide + 12;
            let y = if side == 0 { middle - 16 } else { middle + 28 };
            let _ = write!(out, "<text x=\"{from}\" y=\"{y}\">{}</text>", e(&short));
        }
        out.push_str("</g>");
    }
    let _ = write!(
        out,
        "<text class=\"end\" x=\"0\" y=\"{}\">{}</text><text class=\"end last\" x=\"{width}\" y=\"{}\">{}</text></svg>",
        height - 4,
        utc(first),
        height - 4,
        utc(last)
    );
    out
}

/// The first words of a step, with a sign that there are more; the whole of it shows where the pointer rests.
fn short(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LABEL) else { return text.to_owned() };
    let start = text.get(..end).unwrap_or(text);
    // Not in the middle of a word, unless the word is all there is.
    let words = start.rsplit_once(' ').map_or(start, |(words, _)| words);
    format!("{}\u{2026}", if words.len() * 2 > start.len() { words } else { start })
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_label_ends_at_a_word_and_says_that_there_is_more() {
        assert_eq!(short("the last sign of life"), "the last sign of life");
        assert_eq!(short("the last good write to the heartbeat region on dm-0"), "the last good write to the…");
        assert_eq!(short(&"é".repeat(40)), format!("{}…", "é".repeat(28)));
    }
}
