//! Why there is no plan. Each says what to do instead; nothing was changed in the pool.

use crate::pool::words;

/// Why no plan could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The picture of the pool is not current.
    #[error("The pool is not known well enough to plan: {why} Wait until it is connected and read, then plan again.")]
    NotCurrent {
        /// What the connection is doing, as a sentence.
        why: String,
    },
    /// The pool told of no hosts.
    #[error("The pool told of no hosts. Check that this user may see them, then plan again.")]
    NoHosts,
    /// The pool does not say which host coordinates it.
    #[error("The pool does not say which host is its coordinator, which has to go first in an update. Wait until it does.")]
    NoCoordinator,
    /// A list of hosts without any.
    #[error("The list of hosts is empty. Name at least one, or leave the list away for all hosts.")]
    EmptyList,
    /// A name in the list is empty.
    #[error("One of the host names is empty. Check the list: names or uuids, with a comma between them.")]
    EmptyName,
    /// No host is called so.
    #[error("There is no host {name} in this pool.{} Its hosts are {}.", meant(.closest.as_ref()), all(.hosts))]
    Unknown {
        /// As it was asked for.
        name: String,
        /// What was probably meant.
        closest: Option<String>,
        /// The hosts that there are.
        hosts: Vec<String>,
    },
    /// A uuid of something else.
    #[error("There is no host of that kind here: no host of this pool has the uuid {uuid}. Its hosts are {}.", all(.hosts))]
    Foreign {
        /// As it was asked for.
        uuid: String,
        /// The hosts that there are.
        hosts: Vec<String>,
    },
    /// A host is named twice.
    #[error("The list names {host} twice ({name}). Name each host once: it goes once.")]
    Duplicate {
        /// As it was asked for the second time.
        name: String,
        /// The host.
        host: String,
    },
    /// Several hosts are called so.
    #[error("Several hosts are called {name}. Name the one that you mean by its uuid: {}.", all(.uuids))]
    Ambiguous {
        /// As it was asked for.
        name: String,
        /// uuids of the hosts that it may mean.
        uuids: Vec<String>,
    },
    /// An update without the coordinator, though it lacks something.
    #[error(
        "{coordinator} is the coordinator and not in the list, but {why}. It has to go first: a host with newer software than its \
         coordinator cannot join it. Put {coordinator} at the head of the list."
    )]
    CoordinatorOmitted {
        /// Its name.
        coordinator: String,
        /// What it lacks: part of a sentence.
        why: String,
    },
    /// An update in which the coordinator is not first.
    #[error(
        "{coordinator} is the coordinator and has to go first in an update: a host with newer software than its coordinator cannot \
         join it. Put {coordinator} before {first}."
    )]
    CoordinatorNotFirst {
        /// Its name.
        coordinator: String,
        /// The host that was asked to go first.
        first: String,
    },
    /// What a host lacks is not known.
    #[error("Cannot tell which updates {host} lacks: {why}. {todo}")]
    CannotTell {
        /// Its name; `the pool` if it is about all hosts.
        host: String,
        /// Why: part of a sentence.
        why: String,
        /// What to do, as a sentence.
        todo: &'static str,
    },
    /// Neither XCP-ng nor XenServer.
    #[error("Cannot tell how {product} is updated: it calls itself neither XCP-ng nor XenServer. A plain reboot round works.")]
    UnknownProduct {
        /// What it calls itself.
        product: String,
    },
    /// XenServer: there is no metadata to go by.
    #[error("The pool has no synchronised update metadata. Synchronise it (xe pool-sync-updates uuid={pool}), then plan again.")]
    NoMetadata {
        /// uuid of the pool.
        pool: String,
    },
    /// XenServer 7: several updates could be installed.
    #[error("Several updates wait to be installed: {}. A round installs one: say which, by name or uuid.", all(.updates))]
    WhichUpdate {
        /// Their names.
        updates: Vec<String>,
    },
    /// XenServer 7: there is no such update.
    #[error("There is no update {name} in this pool. {}", offered(.updates))]
    UnknownUpdate {
        /// As it was asked for.
        name: String,
        /// The names of those that there are.
        updates: Vec<String>,
    },
    /// Every host is as it should be.
    #[error("There is nothing to do: {}.", .hosts.join("; "))]
    NothingToDo {
        /// Each host, and why it needs nothing.
        hosts: Vec<String>,
    },
    /// The window for it is over.
    #[error("The round may begin no host after {until}, and that is over. Give it a later end, or none.")]
    TooLate {
        /// The end that was given.
        until: String,
    },
}

fn meant(closest: Option<&String>) -> String {
    closest.map_or_else(String::new, |name| format!(" Did you mean {name}?"))
}

/// All of them up to a dozen: who mistyped one wants to see what there is.
fn all(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        [one] => one.clone(),
        _ if names.len() > 12 => words::list(names),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn offered(updates: &[String]) -> String {
    if updates.is_empty() { "None was uploaded yet (xe update-upload).".into() } else { format!("There are {}.", all(updates)) }
}
