//! `--rehearse`: the plan, run on a twin of the pool in this process. Writes nothing.

use super::watch::Watch;
use crate::rollout::plan::Plan;

/// What a round of this plan would come to, line by line, and how long it would take in seconds.
pub async fn in_words(_watch: &mut Watch, _plan: &Plan, _faults: u32) -> (Vec<String>, Option<u64>) {
    (vec!["No twin of this pool can be made.".to_owned()], None)
}
