//! What a fault says of where it was: the function, the module, the task, the taint, the version. For the bug report.

use super::strip::Line;
use crate::text;

/// So long may a name of these be.
const LONG: usize = 80;

/// Where a fault was, as far as it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    /// The function.
    pub function: Option<String>,
    /// The module it is of.
    pub module: Option<String>,
    /// The running task.
    pub task: Option<String>,
    /// The taint, as the kernel spells it.
    pub taint: Option<String>,
    /// The version of the kernel or of Xen.
    pub version: Option<String>,
}

impl Fault {
    /// Reads one of the lines that follow a fault. What was told first stays.
    pub fn line(&mut self, line: &Line<'_>) {
        if self.function.is_some() && self.version.is_some() {
            return;
        }
        let end = line.text.len().min(400);
        let text = String::from_utf8_lossy(line.text.get(..end).unwrap_or_default());
        if self.function.is_none() {
            self.place(&text);
        }
        if self.version.is_none() {
            self.running(&text);
        }
    }

    fn place(&mut self, text: &str) {
        let at = ["RIP: ", "EIP: ", "RIP:", "EIP is at ", "RIP is at ", "PC is at ", "pc : ", "NIP ["]
            .iter()
            .find_map(|word| text.split_once(*word).map(|(_, rest)| rest));
        let Some(rest) = at else { return };
        // A function is a word with an offset: name+0x12/0x34.
        let Some(found) = rest.split([' ', '<', '>', '[', ']', ':', '\t', '{', '}']).find(|word| word.contains("+0x")) else {
            return;
        };
        let name = found.split("+0x").next().unwrap_or_default().trim_start_matches("R ");
        if name.is_empty() {
            return;
        }
        self.function = Some(text::clean(name, LONG).into_owned());
        let module = rest.rsplit_once('[').and_then(|(_, end)| end.split_once(']')).map(|(name, _)| name);
        self.module = module
            .filter(|name| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with("ffff")
            })
            .map(|name| text::clean(name, LONG).into_owned());
    }

    fn running(&mut self, text: &str) {
        if let Some((_, rest)) = text.split_once("----[ Xen-") {
            self.version = rest.split_whitespace().next().map(|word| format!("Xen {}", text::clean(word, LONG)));
            return;
        }
        let Some((_, rest)) = text.split_once("omm: ") else { return };
        let (task, rest) = [" Tainted: ", " Not tainted "]
            .iter()
            .find_map(|word| rest.split_once(*word).map(|(task, after)| (task, (*word, after))))
            .unwrap_or((rest, ("", "")));
        self.task = Some(text::clean(task.trim(), LONG).into_owned());
        let (word, after) = rest;
        let words = after.split_whitespace();
        let version = words
            .map(|word| word.trim_matches(['(', ')']))
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
        self.version = version.map(|word| text::clean(word, LONG).into_owned());
        if word == " Tainted: " {
            let taint: Vec<&str> =
                after.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_uppercase())).collect();
            self.taint = (!taint.is_empty()).then(|| text::clean(&taint.join(" "), LONG).into_owned());
        }
    }

    /// In words, for a note; `None` if nothing was told.
    pub fn note(&self) -> Option<String> {
        let function = self.function.as_ref().map(|name| match &self.module {
            Some(module) => format!("in {name} of module {module}"),
            None => format!("in {name}"),
        });
        let task = self.task.as_ref().map(|name| format!("while {name} ran"));
        let version = self.version.as_ref().map(|name| format!("version {name}"));
        let taint = self.taint.as_ref().map(|name| format!("taint {name}"));
        let parts: Vec<String> = [function, task, version, taint].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("For the bug report: {}.", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::strip::strip;
    use super::*;

    #[test]
    fn the_place_of_a_fault_is_read_in_old_and_new_words() {
        for (lines, want) in [
            (
                &[
                    "[ 1.000001] CPU: 4 PID: 0 Comm: swapper/4 Tainted: G           O      4.19.0+1 #1",
                    "[ 1.000001] RIP: e030:skb_copy_ubufs+0x19c/0x5f0",
                ][..],
                "For the bug report: in skb_copy_ubufs, while swapper/4 ran, version 4.19.0+1, taint G O.",
            ),
            (
                &["EIP is at tg3_poll+0x31/0x2f0 [tg3]", "Pid: 77, comm: kjournald Not tainted (2.6.18-8.el5 #1)"][..],
                "For the bug report: in tg3_poll of module tg3, while kjournald ran, version 2.6.18-8.el5.",
            ),
            (
                &[
                    "(XEN) ----[ Xen-4.13.4  x86_64  debug=n   Not tainted ]----",
                    "(XEN) RIP:    e008:[<ffff82d080252>] sched_wait+0x16c/0x385",
                ][..],
                "For the bug report: in sched_wait, version Xen 4.13.4.",
            ),
            (
                &["RIP: 0010:[<ffffffffa0123456>]  [<ffffffffa0123456>] bnx2x_poll+0x1/0x2 [bnx2x]"][..],
                "For the bug report: in bnx2x_poll of module bnx2x.",
            ),
        ] {
            let mut fault = Fault::default();
            for line in lines {
                fault.line(&strip(line.as_bytes()));
            }
            assert_eq!(fault.note().as_deref(), Some(want));
        }
    }
}
