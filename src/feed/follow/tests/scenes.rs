//! One scene a test.

use super::*;
use crate::xenapi::record::Message;

#[test]
fn a_pool_is_read_small_classes_first_and_then_followed() {
    let mut bench = Bench::new();
    bench.secs(1);
    bench.assert_right();
    assert!(matches!(bench.picture.links[..], [Link::Connecting { .. }, Link::Live { .. }]));
    assert_eq!(bench.picture.resyncs.len(), 1);
    bench.toy.set(Class::Vm, "vm9", "new");
    bench.toy.delete(Class::Vm, "vm1");
    bench.run(Duration::from_millis(60));
    bench.assert_right();
    assert_eq!(bench.picture.resyncs.len(), 1);
    assert_eq!(bench.picture.heard.last(), Some(&bench.toy.generation));
}

#[test]
fn a_single_change_is_not_held_up_and_an_idle_pool_is_left_in_peace() {
    let mut bench = Bench::new();
    bench.secs(60);
    let before = bench.toy.calls;
    bench.secs(60);
    // 3 hosts: clocks every 10 s, samples every 15 s, a poll every 15 s, a probe a minute.
    assert!(bench.toy.calls - before <= 18 + 12 + 4 + 2 + 3, "{}", bench.toy.calls - before);
    bench.toy.set(Class::Vm, "vm1", "changed");
    bench.run(Duration::from_millis(1));
    bench.assert_right();
}

#[test]
fn what_changes_all_the_time_is_gathered_and_a_single_change_is_not_held_up() {
    let mut bench = Bench::new();
    bench.secs(5);
    let before = bench.picture.heard.len();
    for n in 0..1_000 {
        bench.toy.set(Class::Task, &format!("task{}", n % 7), &n.to_string());
        bench.run(Duration::from_millis(1));
    }
    let polls = bench.picture.heard.len() - before;
    // Six at twenty a second, then four a second.
    assert!((8..=11).contains(&polls), "{polls}");
    bench.secs(1);
    bench.toy.set(Class::Task, "task0", "after it was quiet");
    let heard = bench.picture.heard.len();
    bench.run(Duration::from_millis(60));
    assert!(bench.picture.heard.len() > heard);
    bench.assert_right();
    assert_eq!(bench.picture.resyncs.len(), 1);
}

#[test]
fn a_server_that_does_not_wait_is_not_hammered() {
    let mut bench = Bench::new();
    bench.secs(1);
    let mut polls = 0;
    for _ in 0..100_000 {
        // Every poll comes back at once, with nothing.
        if let Some(at) = bench.calls.iter().position(|(_, ask, _)| matches!(ask, Ask::Poll { .. })) {
            let (id, ask, _) = bench.calls.remove(at);
            polls += 1;
            bench.answer(id, &ask);
        }
        bench.run(Duration::from_millis(1));
    }
    assert!(polls < 40, "{polls} polls in 100 s");
}

#[test]
fn a_lost_delete_is_found_by_the_counts_and_only_that_class_is_read_again() {
    let mut bench = Bench::new();
    bench.secs(2);
    bench.toy.delete(Class::Vm, "vm1");
    bench.toy.deleted.clear();
    bench.toy.set(Class::Task, "t", "something else that wakes the poll");
    bench.secs(1);
    bench.assert_right();
    assert_eq!(bench.picture.resyncs.len(), 2);
    assert_eq!(bench.picture.resyncs[1].0, [Class::Vm]);
    assert!(bench.picture.resyncs[1].1.contains("VM"));
    bench.secs(300);
    assert_eq!(bench.picture.resyncs.len(), 2);
}

#[test]
fn a_count_that_is_always_wrong_does_not_become_a_load() {
    let mut bench = Bench::new();
    bench.secs(2);
    // The pool counts an object that it never shows.
    for minute in 0..60 {
        bench.toy.set(Class::Task, "t", &minute.to_string());
        let (id, ask) = bench.pluck(|ask| matches!(ask, Ask::Poll { .. }));
        let Ask::Poll { token, .. } = ask else { unreachable!() };
        let mut batch = bench.toy.from(&CLASSES, token.database);
        batch.counts.insert(Class::Vm, 99);
        bench.give(Event::Done(id, Reply::Batch(batch)));
        if let Some(at) = bench.calls.iter().position(|(_, ask, _)| matches!(ask, Ask::Reread(_))) {
            let (id, _, _) = bench.calls.remove(at);
            let mut batch = bench.toy.from(&[Class::Vm], 0);
            batch.counts.insert(Class::Vm, 99);
            bench.give(Event::Done(id, Reply::Batch(batch)));
        }
        bench.secs(60);
        while !bench.calls.iter().any(|(_, ask, _)| matches!(ask, Ask::Poll { .. })) {
            bench.run(Duration::from_millis(10));
        }
    }
    assert!(bench.picture.resyncs.len() < 14, "{} readings in an hour", bench.picture.resyncs.len());
}

#[test]
fn an_ended_session_is_renewed_at_once_and_everything_read_again() {
    let mut bench = Bench::new();
    bench.secs(60);
    bench.toy.session = false;
    bench.toy.delete(Class::Vm, "vm2");
    bench.toy.deleted.clear();
    bench.run(Duration::from_millis(100));
    bench.assert_right();
    assert_eq!(bench.toy.logins, 2);
    assert_eq!(bench.picture.resyncs.len(), 2);
    assert!(bench.picture.resyncs[1].1.contains("SESSION_INVALID"));
    assert!(!bench.picture.links.iter().any(|link| matches!(link, Link::Lost { .. })));
    // Should it end again and again, there are pauses.
    for _ in 0..1_000 {
        bench.toy.session = false;
        bench.run(Duration::from_millis(10));
    }
    assert!(bench.toy.logins <= 12, "{} log-ins in 10 s", bench.toy.logins);
}

#[test]
fn a_restarted_coordinator_is_found_again_and_the_old_picture_stays_meanwhile() {
    let mut bench = Bench::new();
    bench.secs(60);
    let objects = bench.picture.objects.clone();
    bench.toy.up = false;
    bench.secs(45);
    assert_eq!(bench.picture.objects, objects);
    let Some(Link::Lost { retry_at, attempt, error }) = bench.picture.links.last() else { panic!("{:?}", bench.picture.links) };
    assert!(*retry_at > bench.now && *attempt > 3 && error.contains("refused"));
    bench.toy.restart();
    bench.toy.set(Class::Vm, "vm0", "restarted");
    bench.toy.up = true;
    bench.secs(40);
    bench.assert_right();
    assert!(matches!(bench.picture.links.last(), Some(Link::Live { .. })));
    assert!(bench.picture.resyncs[1].1.contains("connection was lost"));
}

#[test]
fn a_coordinator_that_went_silent_is_noticed_before_the_poll_runs_out() {
    let mut bench = Bench::new();
    bench.secs(60);
    bench.hang = true;
    for _ in 0..2 {
        bench.secs(11);
        let late: Vec<_> = bench.calls.iter().filter(|(_, ask, _)| matches!(ask, Ask::Host(..))).map(|(id, ..)| *id).collect();
        for id in late {
            let said = Err(Bench::fail(crate::xenapi::error::Transport::Reset));
            bench.give(Event::Done(id, Reply::Host { took_ms: 5_000, said }));
            bench.calls.retain(|(call, ..)| *call != id);
        }
    }
    assert!(matches!(bench.picture.links.last(), Some(Link::Lost { .. })), "{:?}", bench.picture.links);
}

#[test]
fn a_token_from_the_future_does_not_blind_us() {
    let mut bench = Bench::new();
    bench.secs(130);
    // The database becomes an older one under the same session. Real ones end the session as well; we do not rely on it.
    bench.toy.set(Class::Vm, "vm1", "lost later");
    let old = bench.toy.clone();
    for n in 0..200 {
        bench.toy.set(Class::Task, "t", &n.to_string());
    }
    bench.toy.set(Class::Vm, "vm2", "will be undone");
    bench.secs(1);
    bench.assert_right();
    let top = bench.picture.heard.last().copied();
    bench.toy.generation = old.generation;
    bench.toy.objects = old.objects;
    bench.toy.set(Class::HostMetrics, "metrics0", "changed in the new life");
    assert!(!bench.is_right());
    bench.secs(90);
    bench.assert_right();
    assert!(bench.picture.heard.last().copied() < top, "that it went back can be seen");
}

#[test]
fn a_wrong_password_ends_it_and_a_lost_connection_does_not() {
    let mut bench = Bench::new();
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Login(_)));
    let error = ApiError { method: "login".to_owned(), code: Code::SessionAuthenticationFailed, params: vec!["root".to_owned()] };
    bench.give(Event::Failed(id, Error::Auth { to: "pool:443".to_owned(), user: "root".to_owned(), error }));
    assert!(matches!(bench.picture.links.last(), Some(Link::Refused { error }) if error.contains("password")));
    assert!(matches!(bench.ended, Some(End::NeedsOperator(Error::Auth { .. }))));
    // Nothing more happens, whatever comes.
    bench.give(Event::Timer);
    assert!(bench.calls.is_empty() && bench.machine.wake_at().is_none());
}

#[test]
fn old_messages_that_cannot_be_had_are_no_reason_to_stop() {
    let mut bench = Bench::new();
    while !bench.calls.iter().any(|(_, ask, _)| matches!(ask, Ask::Messages { .. })) {
        bench.run(Duration::from_millis(1));
    }
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Messages { .. }));
    let error = ApiError { method: "message.get_since".to_owned(), code: Code::InternalError, params: vec![] };
    bench.give(Event::Failed(id, Error::Api(error)));
    bench.secs(1);
    bench.assert_right();
    assert_eq!(bench.picture.unreadable, 1);
    assert!(matches!(bench.picture.links.last(), Some(Link::Live { .. })));
}

#[test]
fn only_the_newest_messages_are_kept() {
    let mut bench = Bench::new();
    while !bench.calls.iter().any(|(_, ask, _)| matches!(ask, Ask::Messages { .. })) {
        bench.run(Duration::from_millis(1));
    }
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Messages { .. }));
    let message = |n: i64| {
        let timestamp = crate::xenapi::record::Date(Some(Time::from_secs(n + 1)));
        (Ref::from(format!("m{n}")), Record::Message(Message { timestamp, ..Message::default() }))
    };
    bench.give(Event::Done(id, Reply::Messages((0..5_000).map(message).collect(), vec![])));
    let kept: Vec<_> = bench.picture.objects.keys().filter(|(class, _)| *class == Class::Message).collect();
    assert_eq!(kept.len(), 1_000);
    assert!(kept.contains(&&(Class::Message, "m4999".to_owned())) && !kept.contains(&&(Class::Message, "m3999".to_owned())));
}

#[test]
fn leaving_logs_out() {
    let mut bench = Bench::new();
    bench.secs(2);
    bench.give(Event::Stop);
    assert_eq!(bench.logouts, 1);
    assert_eq!(bench.ended, Some(End::Left));
    assert!(matches!(bench.picture.links.last(), Some(Link::Closed)));
}

#[test]
fn hosts_are_asked_and_a_row_is_shown_once() {
    let mut bench = Bench::new();
    bench.secs(30);
    let clocks = bench.picture.answers.iter().filter(|a| a.via == Via::Servertime).count();
    assert!((7..=12).contains(&clocks), "{clocks}");
    bench.hang = true;
    bench.secs(20);
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Host(due, _) if due.via == Via::Rrd));
    let row = || Reply::Host { took_ms: 3, said: Ok(HostReply::Row(Some((Time::from_secs(5), vec![("cpu0".to_owned(), 0.5)])))) };
    bench.give(Event::Done(id, row()));
    assert_eq!(bench.picture.samples, 1);
    bench.give(Event::Done(id, row()));
    assert_eq!(bench.picture.samples, 1, "an answer that nobody waits for");
}
