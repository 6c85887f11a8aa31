//! What poolwatch itself remembers of a host's o2cb, beside `cluster.conf`: whose number is whose, and which are held.
//!
//! The o2cb tool drops comments when it rewrites the file, and with them the numbers that they hold; so they are kept here too.

use crate::time::Time;
use serde::{Deserialize, Serialize};

/// Where it is, below the root.
pub const PATH: &str = "var/lib/poolwatch/o2cb/state.json";
/// Version of its form.
pub const FORM: u32 = 1;
/// The largest that is read, in bytes.
pub const LARGEST: u64 = 1 << 20;

/// A host of the pool that is a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its cluster.
    pub cluster: String,
    /// Its node number.
    pub number: u8,
    /// Its host name.
    pub name: String,
    /// Its uuid in the pool; empty if nobody said it.
    pub uuid: String,
}

/// A node that left, and holds its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Who it was.
    #[serde(flatten)]
    pub member: Member,
    /// When it left.
    pub left: Time,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// [`FORM`].
    pub form: u32,
    /// Nodes that poolwatch made.
    pub members: Vec<Member>,
    /// Nodes that left.
    pub left: Vec<Left>,
}

impl Default for State {
    fn default() -> Self {
        Self { form: FORM, members: vec![], left: vec![] }
    }
}

/// Why the state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum StateError {
    #[error(
        "/{PATH} cannot be understood ({why}). It says which numbers are held: restore it from another host of the cluster, or move it away and \
         keep the comments in cluster.conf"
    )]
    Broken { why: String },
    #[error("/{PATH} has form {form}, and this poolwatch knows form {FORM}. Use the version of poolwatch that wrote it")]
    Form { form: u32 },
}

impl State {
    /// Reads it; nothing there is an empty one.
    pub fn parse(bytes: Option<&[u8]>) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        let broken =
            |error: serde_json::Error| StateError::Broken { why: crate::text::clean(&error.to_string(), 200).into_owned() };
        let Form { form } = serde_json::from_slice(bytes).map_err(broken)?;
        if form != FORM {
            return Err(StateError::Form { form });
        }
        serde_json::from_slice(bytes).map_err(broken)
    }

    /// As it is written.
    pub fn bytes(&self) -> Vec<u8> {
        // It has only strings and numbers, which can always be written.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The uuid of a node, if it is known.
    pub fn uuid(&self, cluster: &str, number: u8, name: &str) -> Option<&str> {
        let same = |member: &&Member| member.cluster == cluster && member.number == number && member.name == name;
        self.members.iter().find(same).map(|member| member.uuid.as_str()).filter(|uuid| !uuid.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_another_form_is_refused() {
        let member = Member { cluster: "xspool".into(), number: 3, name: "xs3".into(), uuid: "u3".into() };
        let left = vec![Left { member: member.clone(), left: Time::from_secs(5) }];
        let state = State { form: FORM, members: vec![member], left };
        assert_eq!(State::parse(Some(&state.bytes())), Ok(state));
        assert_eq!(State::parse(None), Ok(State::default()));
        assert_eq!(State::parse(Some(br#"{"form":2,"new":[]}"#)), Err(StateError::Form { form: 2 }));
        assert!(matches!(State::parse(Some(b"{\"form\":1,")), Err(StateError::Broken { .. })));
        assert!(matches!(State::parse(Some(b"\0\xff")), Err(StateError::Broken { .. })));
    }
}
