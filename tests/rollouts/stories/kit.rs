//! Pools for stories: written as scenarios, with what a story needs and no more.

use poolwatch::rollout::call::Call;
use poolwatch::rollout::entry::{Entry, Found};
use poolwatch::rollout::finding::Finding;
use poolwatch::rollout::plan::{Options as RunOptions, Plan, Scope, Wanted};
use poolwatch::rollout::preflight;
use poolwatch::rollout::twin::{Operator, Played, Stage, Trouble, play, play_watched};
use poolwatch::sim::api::Api;
use poolwatch::sim::scenario::Scenario;
use poolwatch::sim::world::{Dialect, Options, World};
use poolwatch::time::Time;
use std::collections::BTreeSet;

/// 2026-11-21T00:00:00Z
const START: Time = Time::from_secs(1_795_219_200);

/// Three hosts a, b, c with a SAN and mirrors; `more` is put before their tables, `tables` behind them.
pub fn pool(more: &str, tables: &str) -> String {
    format!(
        "title = \"story\"\npool = \"story\"\n{more}\n\
         boot = {{ shutdown_delay_s = 10, post_s = 30, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }}\n\
         [[hosts]]\nname = \"a\"\nmemory_gib = 64\n[[hosts]]\nname = \"b\"\nmemory_gib = 64\n[[hosts]]\nname = \"c\"\nmemory_gib = 64\n\
         [[srs]]\nname = \"mirrored\"\nkind = \"linstor\"\nmirror = {{ resync_mib_s = 100.0, write_mib_s = 20.0, start_s = 6.0 }}\n\
         [[srs]]\nname = \"san\"\nkind = \"lvmoiscsi\"\nluns = [{{ scsi_id = \"lun1\", paths = 2 }}]\n{tables}"
    )
}

/// The usual guests.
pub const GUESTS: &str = "fill = { running = 4, halted = 1, kind = \"small\" }";
/// XCP-ng's updates, lacked by all.
pub const UPDATES: &str = "updates = { flow = \"xcp-ng\", takes_s = 60.0 }";

/// The stage of a pool that is written as a scenario.
pub fn stage(text: &str, seed: u64, troubles: &[&str]) -> Stage {
    let scenario = Scenario::from_toml("story", text).unwrap_or_else(|e| panic!("{e}:\n{text}"));
    let world = World::build(&scenario, Options::new(seed, START).speaking(Dialect::Designed));
    let troubles = troubles.iter().map(|t| t.parse::<Trouble>().unwrap_or_else(|e| panic!("{t}: {e}"))).collect();
    Stage::new(world, troubles)
}

/// An update of all hosts.
pub fn update() -> Scope {
    Scope { wanted: Wanted::Update, ..Scope::default() }
}

/// The plan of a round on it.
pub fn plan(stage: &mut Stage, scope: &Scope) -> (Plan, Found) {
    stage.plan(scope, RunOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// Plays a round of this scope to its end; what is looked at after each step is the caller's.
pub fn round(stage: &mut Stage, scope: &Scope, operator: Operator, watch: impl FnMut(&Stage)) -> Played {
    let (plan, found) = plan(stage, scope);
    stage.begin("r1", plan, found);
    let played = play_watched(stage, operator, watch);
    assert_eq!(played.violation, None, "{played:?}");
    played
}

/// A second round on the same pool, by a program that has just been started on it.
pub fn again(stage: Stage, scope: &Scope) -> (Stage, Played) {
    let mut next = Stage::new(stage.world, Vec::new());
    let (plan, found) = plan(&mut next, scope);
    next.begin("r2", plan, found);
    let played = play(&mut next, Operator::default());
    assert_eq!(played.violation, None, "{played:?}");
    (next, played)
}

/// What speaks against a plan now.
pub fn findings(stage: &mut Stage, scope: &Scope, plan: &Plan) -> Vec<Finding> {
    let survey = stage.survey(scope);
    let now = stage.eye.own(&stage.world);
    let picture = stage.eye.pool.picture(now);
    preflight::findings(&stage.eye.pool, &picture, &survey, plan, now)
}

/// Lets time pass without a round.
pub fn wait(stage: &mut Stage, secs: u64) {
    let end = stage.world.now() + std::time::Duration::from_secs(secs);
    while stage.world.now() < end {
        let next = stage.world.now() + std::time::Duration::from_secs(5);
        stage.world.advance(next.min(end));
        stage.eye.look(&mut stage.world);
        stage.eye.ask(&mut stage.world);
    }
}

/// Calls that were made, in order.
pub fn calls(stage: &Stage) -> Vec<Call> {
    let intent = |(_, entry): &(_, Entry)| if let Entry::Intent { call, .. } = entry { Some(call.clone()) } else { None };
    stage.book().disk().entries.iter().filter_map(intent).collect()
}

/// The guests that really run, by name.
pub fn running(stage: &Stage) -> BTreeSet<String> {
    let db = stage.world.database();
    stage.world.truth().hosts.iter().flat_map(|h| &h.guests).map(|vm| db.text(vm, "name_label").to_owned()).collect()
}

/// Whether every host is up, enabled, and in step.
pub fn all_well(stage: &Stage) -> bool {
    let truth = stage.world.truth();
    truth.away().next().is_none() && truth.hosts.iter().all(|h| h.enabled && h.live && h.in_step && h.unplugged.is_empty())
}

/// The hosts that run with what was installed last, by name.
pub fn updated(stage: &Stage) -> Vec<String> {
    stage.world.truth().hosts.iter().filter(|h| h.updates == (1, 1)).map(|h| h.name.clone()).collect()
}
