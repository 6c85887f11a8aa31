//! Finding by a few letters: how well a text answers what was typed.

/// How well `text` answers `typed` (higher is better, `None` not at all): all letters in order, better if they
/// stand together, begin words, and the text is short. Blanks in `typed` are skipped.
pub fn score(typed: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let typed: Vec<char> = typed.chars().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()).collect();
    let starts: Vec<usize> = match typed.first() {
        None => return Some(0),
        Some(first) => text.iter().enumerate().filter(|(_, c)| *c == first).map(|(at, _)| at).collect(),
    };
    starts.into_iter().take(32).filter_map(|start| from(start, &typed, &text)).max()
}

/// The score when the first letter is matched at `start` and each other one as early as possible.
fn from(start: usize, typed: &[char], text: &[char]) -> Option<i32> {
    let mut score = 0;
    let mut at = start;
    let mut last: Option<usize> = None;
    for wanted in typed {
        let found = at + text.get(at..)?.iter().position(|c| c == wanted)?;
        let begins_word = found == 0 || text.get(found - 1).is_some_and(|c| !c.is_alphanumeric());
        score += match last {
            Some(last) if found == last + 1 => 12,
            _ if begins_word => 10,
            _ => 1,
        };
        if last.is_none() && found == 0 {
            score += 8;
        }
        last = Some(found);
        at = found + 1;
    }
    Some(score - i32::try_from(text.len().min(60)).unwrap_or(60) / 6)
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn letters_in_order_match_and_others_do_not() {
        assert!(score("npn", "next pane").is_some());
        assert!(score("", "anything").is_some());
        assert_eq!(score("xz", "next pane"), None);
        assert_eq!(score("pen", "nep"), None);
    }

    #[test]
    fn word_beginnings_and_runs_win() {
        assert!(score("next", "next pane") > score("next", "fix newest"));
        assert!(score("zoom", "zoom") > score("zoom", "z one or more"));
        assert!(score("np", "next pane") > score("np", "snap"));
    }
}
