//! Questions before what cannot simply be taken back: what exactly will happen, and two answers of which the first is harmless.

use super::words::{self, item};
use crate::pool::outages::CAUSE_KEY;
use crate::rollout::entry::Command;
use crate::tui::draw::words::plural;
use crate::tui::model::{Ask, CauseOf, Model, PoolView};
use crate::tui::msg::PoolIx;

/// A question in words.
pub(crate) struct Question {
    /// What it is about.
    pub title: String,
    /// What will happen, in paragraphs.
    pub says: Vec<String>,
    /// The harmless answer, and the other one.
    pub answers: [String; 2],
}

/// The pools with a run that this program works on.
pub(crate) fn running(model: &Model) -> Vec<&PoolView> {
    model.pools.iter().filter(|p| p.wizard.running()).collect()
}

/// The question as it is asked now.
pub(crate) fn question(model: &Model, ask: &Ask) -> Question {
    match ask {
        Ask::Quit => quit(model),
        Ask::Cause(of) => cause(of),
        Ask::Command(pool, command) => command_words(model, *pool, command),
        Ask::Mend(_, crate::rollout::finding::Fix::DatabaseChecked { .. }) => Question {
            title: "Did you look at what was lost?".to_owned(),
            says: vec![
                "The pool's database is an older one: a guest that runs may not be listed, one that is listed may run elsewhere, and is \
                 started twice if HA or you start it again. Look on each host (xl list) first."
                    .to_owned(),
                "That you did is taken down in the journal. Nothing is changed in the pool.".to_owned(),
            ],
            answers: ["No, not yet".to_owned(), "Yes, it is all right".to_owned()],
        },
        Ask::Mend(pool, fix) => {
            let what = model.pools.get(pool.0).map_or_else(String::new, |p| super::preflight::fix_words(p, fix));
            Question {
                title: "Change the pool now?".to_owned(),
                says: vec![format!("poolwatch {what}, now, in the pool. After that it checks again.")],
                answers: ["No, leave it as it is".to_owned(), "Yes, do it".to_owned()],
            }
        }
    }
}

fn cause(of: &CauseOf) -> Question {
    let (uuid, host, cause, sure) = (&of.uuid, &of.host, &of.cause, of.sure);
    let was = match &of.was {
        Some(was) => format!("The pool has {was} as its cause now; what is written replaces it."),
        None => "The pool has no cause for it now.".to_owned(),
    };
    Question {
        title: format!("Write the cause of {host}'s crash to the pool?"),
        says: vec![
            format!(
                "One entry is written to the record of the crash dump {uuid} of {host}: {CAUSE_KEY} = {cause}, in its other_config. This is {sure}."
            ),
            format!(
                "{was} Nothing else in the pool is changed, and the dump itself is not touched. Everyone who reads the pool can see it."
            ),
        ],
        answers: ["No, write nothing".to_owned(), format!("Yes, write {cause}")],
    }
}

fn quit(model: &Model) -> Question {
    let mut says = Vec::new();
    for pool in running(model) {
        let place = pool.wizard.progress().map_or_else(|| "beginning".to_owned(), words::place);
        says.push(format!(
            "The rollout of {} stops here ({place}): no further call is made. What the pool is doing already, such as moving guests or \
             rebooting, goes on there.",
            pool.name()
        ));
        let left: Vec<String> =
            pool.wizard.progress().map(|p| p.left.iter().map(|(what, _)| item(pool, what)).collect()).unwrap_or_default();
        if !left.is_empty() {
            let more = if left.len() > 4 { format!(", and {} more", left.len() - 4) } else { String::new() };
            let shown: Vec<&str> = left.iter().take(4).map(String::as_str).collect();
            says.push(format!("Until it is resumed or restored it stays so: {}{more}.", shown.join(", ")));
        }
        if let Some(run) = pool.wizard.run.as_ref().filter(|r| model.demo.is_none() && !r.files.journal.is_empty()) {
            says.push(format!("Where it stands is in its journal, {}.", run.files.journal));
        }
        let again = pool.wizard.run.as_ref().map_or(&pool.target, |run| &run.files.again);
        let target = crate::text::clean(again, 300);
        says.push(if model.demo.is_some() {
            "This is the demo: its simulated pool ends with it, so there will be nothing to go on with.".to_owned()
        } else {
            format!(
                "Go on with it: poolwatch roll {target} --resume. Or put back what it changed: poolwatch roll {target} --restore"
            )
        });
    }
    let count = running(model).len();
    let title = if count == 1 {
        "Leave while a rollout is going on?".to_owned()
    } else {
        format!("Leave while {} are going on?", plural(count, "rollout", "rollouts"))
    };
    Question { title, says, answers: ["Stay".to_owned(), "Leave: the rollout stops here".to_owned()] }
}

fn command_words(model: &Model, pool: PoolIx, command: &Command) -> Question {
    let progress = model.pools.get(pool.0).and_then(|p| p.wizard.progress());
    let (title, says, yes) = match command {
        Command::Skip { host } => {
            let found = progress.and_then(|p| p.hosts.get(*host));
            let name = found.map_or_else(|| "this host".to_owned(), |h| h.name.clone());
            let begun = found.is_some_and(|h| h.stages.iter().any(|(_, from, _)| from.is_some()));
            let says = if begun {
                format!("{name} is given up where it stands. What was changed on it is put back as far as that is safe, and what is left is listed. The round goes on with the next host.")
            } else {
                format!("{name} is left out of this round: it is not touched.")
            };
            (format!("Leave out {name}?"), says, format!("Yes, leave out {name}"))
        }
        Command::Abort => (
            "End the rollout and put everything back?".to_owned(),
            "No further host is begun. The host that is worked on is brought back as far as that is safe: what the pool is doing already is \
             waited for. Then what the round changed is put back, and what cannot be is listed."
                .to_owned(),
            "Yes, end it".to_owned(),
        ),
        other => ("Do this?".to_owned(), words::taken(other).to_owned(), "Yes".to_owned()),
    };
    Question { title, says: vec![says], answers: ["No, the round goes on as it is".to_owned(), yes] }
}
