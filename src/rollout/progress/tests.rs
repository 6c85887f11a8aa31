use super::*;
use crate::rollout::machine::testkit::*;
use crate::rollout::plan::Kind;

fn of(b: &Bench) -> Progress {
    let picture = b.world.picture();
    progress(&b.engine.run, &b.engine.view(b.world.now, &b.world.pool, &picture))
}

#[test]
fn it_tells_where_each_host_is_and_what_may_be_said() {
    let mut b = Bench::new(World::new(3, 2));
    b.reach(0, Stage::Evacuate);
    let p = of(&b);
    assert_eq!((p.phase, p.current), (Phase::Hosts, Some(0)));
    assert_eq!(p.hosts.iter().map(|h| h.standing).collect::<Vec<_>>(), [Standing::Working, Standing::Waiting, Standing::Waiting]);
    assert!(p.hosts[0].deadline.is_some_and(|at| at > p.at) && p.hosts[0].stage == Some(Stage::Evacuate));
    assert!(p.headline.contains("xcp0"), "{}", p.headline);
    assert!(!p.actions.is_empty() && p.left.len() == 1 && p.ends.is_some_and(|at| at > p.at));
    let can = |name: CommandName| p.commands.iter().any(|(n, why)| *n == name && why.is_none());
    assert!(can(CommandName::Pause) && can(CommandName::Abort) && can(CommandName::StopAfterHost));
    assert!(!can(CommandName::Resume) && !can(CommandName::Retry) && !can(CommandName::Skip) && !can(CommandName::Restore));
    assert_eq!(p.commands.len(), CommandName::iter().count());
    let ahead: Vec<_> = p.hosts[0].stages.iter().filter(|(s, ..)| *s > Stage::Evacuate).collect();
    assert!(ahead.iter().all(|(_, from, to)| from.is_none() && to.is_none()) && ahead.len() > 5);
}

#[test]
fn the_end_is_learnt_from_the_hosts_that_are_done() {
    let mut b = Bench::with(World::new(3, 0), Kind::Reboot, |p| p.options.soak_s = 1_000);
    b.reach(1, Stage::Rebuild);
    let p = of(&b);
    let took = b.engine.run.hosts[0].end.as_ref().map(|e| e.1.since(b.engine.run.hosts[0].begun.expect("begun"))).expect("done");
    let left = p.ends.expect("known").since(p.at);
    assert!(took.as_secs() > 1_000 && left > took && left < took * 3, "{took:?} {left:?}");
    assert_eq!(p.hosts[0].standing, Standing::Done);
    assert!(p.hosts[0].stages.iter().all(|(_, from, to)| from.is_some() && to.is_some()));
}

#[test]
fn a_stuck_run_says_why_and_an_ended_one_how() {
    let mut world = World::new(2, 1);
    world.guests[0].bound = Some("VM_HAS_VUSBS");
    let mut b = Bench::new(world);
    b.stuck(1_000);
    let p = of(&b);
    assert!(p.stuck.as_ref().is_some_and(|(why, todo)| why.contains("USB") && !todo.is_empty()));
    assert_eq!((p.hosts[0].standing, p.ends), (Standing::Stuck, None));
    assert!(p.commands.iter().any(|(n, why)| *n == CommandName::Retry && why.is_none()));
    b.command(&crate::rollout::entry::Command::Abort).expect("runs");
    b.finish();
    let p = of(&b);
    assert!(p.result.is_some() && p.current.is_none() && p.commands.iter().all(|(_, why)| why.is_some()));
}

#[test]
fn guests_on_the_move_are_named() {
    let mut b = Bench::new(World::new(2, 2));
    b.until(2_000, |b| of(b).moves.len() == 2);
    let p = of(&b);
    assert!(p.moves.iter().all(|m| m.guest.starts_with("vm") && m.to == "xcp0" && m.from == "xcp1"), "{:?}", p.moves);
}
