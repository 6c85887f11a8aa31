use super::*;
use crate::rollout::entry::RunResult;
use crate::rollout::machine::testkit::*;
use crate::rollout::plan::Stage;

#[test]
fn a_journal_without_its_first_line_is_no_run() {
    let said = Engine::resume(Memory::default(), &[], at(0), ME).err();
    assert_eq!(said, Some(ResumeError::NoRun));
}

#[test]
fn a_call_in_flight_becomes_unanswered_and_one_with_a_task_goes_on() {
    let mut b = Bench::new(World::new(2, 2));
    b.until(1_000, |b| b.calls(|c| matches!(c, Call::Evacuate { .. })) == 1);
    let open = |e: &Engine<Memory>| e.run.calls.values().filter(|c| c.outcome.is_none()).count();
    assert_eq!(open(&b.engine), 1);
    b.restart();
    assert_eq!((open(&b.engine), b.engine.tasks().count()), (1, 1), "its task is known");
    // Without the line that names the task.
    let mut lines = b.engine.log.lines.clone();
    lines.retain(|(_, e)| !matches!(e, Entry::Task { .. } | Entry::Resumed { .. }));
    let engine = Engine::resume(Memory { lines: lines.clone(), full_at: None }, &lines, b.world.now, ME).expect("resumes");
    assert_eq!(open(&engine), 0);
    assert!(engine.run.calls.values().any(|c| matches!(c.outcome, Some((Outcome::Unanswered { .. }, _)))));
}

#[test]
fn waiting_for_the_same_is_written_once() {
    let mut b = Bench::new(World::new(2, 0));
    b.reach(0, Stage::Rebuild);
    let lines = b.engine.log.lines.len();
    b.run(30);
    assert_eq!(b.engine.log.lines.len(), lines);
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn a_look_is_asked_for_once_until_it_is_answered() {
    let mut b = Bench::new(World::new(2, 2));
    let mut asked = 0;
    for _ in 0..40 {
        let picture = b.world.picture();
        let (jobs, _) = b.engine.turn(b.world.now, &b.world.pool, &picture).expect("written");
        for job in jobs {
            if let Job::Look(_) = job {
                asked += 1;
            } else {
                b.make(job);
            }
        }
        b.world.tell();
        b.world.pass(1);
    }
    assert_eq!(asked, 1);
}

#[test]
fn a_journal_that_cannot_be_written_stops_everything_for_good() {
    let mut b = Bench::new(World::new(2, 1));
    b.engine.log.full_at = Some(1);
    let picture = b.world.picture();
    assert!(b.engine.turn(b.world.now, &b.world.pool, &picture).is_err());
    b.engine.log.full_at = None;
    assert!(b.engine.turn(b.world.now, &b.world.pool, &picture).is_err());
    assert!(b.world.calls.is_empty());
}
