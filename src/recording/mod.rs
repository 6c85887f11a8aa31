//! The flight recorder: what was seen of a pool, on disk, and read again.
//!
//! A recording is JSON lines under zstd (`zstdcat FILE | jq` works): a header, then observations as they came, and every few minutes a key
//! frame, from which a reader can start without what came before. `docs/recording.md` is its description.
//!
//! | file | what it is for |
//! |---|---|
//! | `line` | the lines: header, key frame, mark, gap; what a line may be |
//! | `frame` | zstd frames found without unpacking them, and the entry of the index behind each |
//! | `thin` | what of an observation is worth keeping; secrets in free text |
//! | `marks` | events of note and the line of time that they make |
//! | `segment` | one file being written |
//! | `recorder` | observations in, segments out: key frames, marks, full disks |
//! | `folder` | the data folder: names of segments, how much is kept, who records |
//! | `background` | the recorder on a thread of its own, so that a slow disk holds up nothing |
//! | `source`, `lines`, `read` | a file or a folder of segments read again, whatever is in it |
//! | `player` | the pool at any moment of it |
//!
//! Never talks to a pool, and never decides what something means: that is [`crate::pool`]'s business.

pub mod background;
pub mod folder;
pub mod frame;
pub mod line;
mod lines;
pub mod marks;
pub mod player;
pub mod read;
pub mod recorder;
pub mod segment;
pub mod source;
pub mod thin;

#[cfg(test)]
mod tests;
