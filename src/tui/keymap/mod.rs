//! Keys: one table of what can be asked for, from which everything else about keys is made.

mod action;
mod doc;
mod key;
mod table;

pub use action::{Action, Context, MODES};
pub use doc::markdown;
pub use key::{BadKey, Key, Keys};
pub use table::{Entry, TABLE, entry_of};

use crate::config::KeyOverride;

/// What a key press means so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This.
    Action(Action),
    /// The beginning of something longer.
    Beginning,
    /// Nothing.
    Nothing,
}

/// The keys in force: the table with the operator's own changes.
#[derive(Clone, Debug)]
pub struct Keymap {
    bound: Vec<(Action, Context, Keys)>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&[]).0
    }
}

impl Keymap {
    /// The table with `overrides` (each replaces all keys of an action), and what is wrong with them in words. What is wrong is left out, so that the table's own keys stay in force for it.
    pub fn new(overrides: &[KeyOverride]) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut own: Vec<(Action, Vec<Keys>)> = Vec::new();
        for KeyOverride { action: name, keys: texts, line } in overrides {
            let Ok(action) = name.parse::<Action>() else {
                problems.push(format!("line {line}, [keys] {name}: there is no such action. docs/keys.md lists them."));
                continue;
            };
            let mut keys = Vec::new();
            for text in texts {
                match text.parse() {
                    Ok(key) => keys.push(key),
                    Err(error) => problems.push(format!("line {line}, [keys] {name}: {error}.")),
                }
            }
            if keys.is_empty() {
                problems.push(format!("line {line}, [keys] {name}: no key is left, so the usual ones stay."));
            } else {
                own.push((action, keys));
            }
        }
        let mut bound = Vec::new();
        for entry in TABLE {
            let own = own.iter().find(|(action, _)| *action == entry.action).map(|(_, keys)| keys);
            for (context, texts) in entry.keys {
                match own {
                    // While text is typed, a key of one character can only be text: the usual keys stay there.
                    Some(keys) if *context != Context::Typing => {
                        bound.extend(keys.iter().map(|keys| (entry.action, *context, keys.clone())));
                    }
                    _ => bound.extend(texts.iter().filter_map(|t| Some((entry.action, *context, t.parse().ok()?)))),
                }
            }
        }
        let mut map = Self { bound };
        let overridden: Vec<Action> = own.iter().map(|(action, _)| *action).collect();
        map.settle_conflicts(&overridden, &mut problems);
        (map, problems)
    }

    /// The operator's own keys win over the table's; between two of the operator's the first in the table wins.
    fn settle_conflicts(&mut self, own: &[Action], problems: &mut Vec<String>) {
        for (first, second, keys) in self.conflicts() {
            let loser = if own.contains(&second) && !own.contains(&first) { first } else { second };
            let winner = if loser == first { second } else { first };
            self.bound.retain(|(action, _, bound)| *action != loser || !overlap(bound, &keys));
            problems.push(format!(
                "[keys] {keys} means both {} and {}: it now means {}.",
                first.name(),
                second.name(),
                winner.name()
            ));
        }
    }

    /// Keys that mean two things at the same time: the two actions, and the shorter of the keys.
    pub fn conflicts(&self) -> Vec<(Action, Action, Keys)> {
        let mut found: Vec<(Action, Action, Keys)> = Vec::new();
        for mode in MODES {
            let active: Vec<_> = self.bound.iter().filter(|(_, context, _)| mode.contains(context)).collect();
            for (at, (first, _, keys)) in active.iter().enumerate() {
                for (second, _, others) in active.iter().skip(at + 1) {
                    if first != second && overlap(keys, others) {
                        let shorter = if keys.0.len() <= others.0.len() { keys } else { others };
                        if !found.iter().any(|(a, b, k)| a == first && b == second && k == shorter) {
                            found.push((*first, *second, shorter.clone()));
                        }
                    }
                }
            }
        }
        found
    }

    /// What `pressed` means in these contexts.
    pub fn meaning(&self, contexts: &[Context], pressed: &[Key]) -> Meaning {
        let typing = contexts.contains(&Context::Typing);
        let mut begun = false;
        for (action, context, keys) in &self.bound {
            if !contexts.contains(context) || (typing && keys.0.first().is_some_and(|k| k.types())) {
                continue;
            }
            if keys.0 == pressed {
                return Meaning::Action(*action);
            }
            begun |= keys.0.starts_with(pressed);
        }
        if begun { Meaning::Beginning } else { Meaning::Nothing }
    }

    /// The keys of an action in these contexts, the one to show first; in all contexts if `contexts` is empty.
    pub fn keys_of(&self, action: Action, contexts: &[Context]) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for (bound, context, sequence) in &self.bound {
            if *bound == action && (contexts.is_empty() || contexts.contains(context)) {
                let text = sequence.to_string();
                if !keys.contains(&text) {
                    keys.push(text);
                }
            }
        }
        keys
    }
}

/// Whether one is the beginning of the other, so that both cannot be told apart.
fn overlap(a: &Keys, b: &Keys) -> bool {
    a.0.starts_with(&b.0) || b.0.starts_with(&a.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    fn overrides(pairs: &[(&str, &[&str])]) -> Vec<KeyOverride> {
        let one = |(action, keys): &(&str, &[&str])| KeyOverride {
            action: (*action).to_owned(),
            keys: keys.iter().map(|k| (*k).to_owned()).collect(),
            line: 7,
        };
        pairs.iter().map(one).collect()
    }

    #[test]
    fn every_action_has_one_entry_and_every_key_of_the_table_is_a_key() {
        for action in Action::iter() {
            assert_eq!(TABLE.iter().filter(|e| e.action == action).count(), 1, "{action:?}");
        }
        for entry in TABLE {
            for (_, texts) in entry.keys {
                for text in *texts {
                    assert_eq!(text.parse::<Keys>().map(|k| k.to_string()), Ok((*text).to_owned()), "{:?}", entry.action);
                }
            }
        }
    }

    #[test]
    fn no_key_of_the_table_means_two_things_at_a_time() {
        assert_eq!(Keymap::default().conflicts(), []);
    }

    #[test]
    fn no_action_hangs_on_keys_that_some_keyboards_lack() {
        for entry in TABLE {
            let easy =
                |k: &&str| k.chars().count() > 1 || k.chars().all(|c| c.is_ascii_alphabetic()) || ["/", ":", "?"].contains(k);
            assert!(entry.keys.iter().all(|(_, keys)| keys.iter().any(easy)), "{:?}", entry.action);
        }
    }

    #[test]
    fn sequences_begin_and_end() {
        let map = Keymap::default();
        let g: Key = "g".parse().expect("key");
        let screen = MODES[0];
        assert_eq!(map.meaning(screen, &[g]), Meaning::Beginning);
        assert_eq!(map.meaning(screen, &[g, g]), Meaning::Action(Action::Top));
        assert_eq!(map.meaning(screen, &[g, "x".parse().expect("key")]), Meaning::Nothing);
    }

    #[test]
    fn typed_characters_are_text_not_commands() {
        let map = Keymap::default();
        let typing = [Context::Typing, Context::Everywhere];
        assert_eq!(map.meaning(&typing, &["?".parse().expect("key")]), Meaning::Nothing);
        assert_eq!(map.meaning(&typing, &["ctrl-c".parse().expect("key")]), Meaning::Action(Action::Quit));
    }

    #[test]
    fn the_operators_own_keys_replace_the_usual_ones_and_win() {
        let (map, problems) = Keymap::new(&overrides(&[("zoom", &["s", "ctrl-k"])]));
        assert_eq!(map.meaning(MODES[0], &["s".parse().expect("key")]), Meaning::Action(Action::Zoom));
        assert_eq!(map.meaning(MODES[0], &["ctrl-k".parse().expect("key")]), Meaning::Action(Action::Zoom));
        assert_eq!(map.meaning(MODES[0], &["z".parse().expect("key")]), Meaning::Nothing);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("sort") && problems[0].contains("zoom"), "{problems:?}");
        assert!(map.conflicts().is_empty());
    }

    #[test]
    fn bad_overrides_are_reported_and_leave_the_usual_keys() {
        let (map, problems) = Keymap::new(&overrides(&[("fly", &["x"]), ("zoom", &["hyper-x"]), ("quit", &[])]));
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems.iter().all(|p| p.starts_with("line 7, [keys] ")), "{problems:?}");
        assert_eq!(map.meaning(MODES[0], &["z".parse().expect("key")]), Meaning::Action(Action::Zoom));
        assert_eq!(map.meaning(MODES[0], &["q".parse().expect("key")]), Meaning::Action(Action::Quit));
    }
}
