use super::*;

fn field(b: &Bench, task: &Ref, name: &str) -> String {
    match b.db.get(task, name) {
        Value::Set(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => text(other),
    }
}

#[test]
fn a_call_that_fails_at_once_leaves_a_failed_task() {
    let mut b = Bench::new();
    let task = b.make("Async.host.reboot", &[(&b.host.clone()).into()]);
    assert_eq!(field(&b, &task, "name_label"), "Async.host.reboot");
    assert_eq!(field(&b, &task, "status"), "failure");
    assert_eq!(field(&b, &task, "error_info"), "HOST_NOT_DISABLED");
    assert_eq!(field(&b, &task, "type"), "<none/>");
    assert_eq!(field(&b, &task, "result"), "");
    assert_eq!(field(&b, &task, "backtrace"), "()");
    assert_eq!(b.db.float(&task, "progress").to_bits(), 1.0f64.to_bits());
    assert_eq!((b.db.date(&task, "created"), b.db.date(&task, "finished")), (b.now, b.now));
    assert_eq!(b.db.reference(&task, "resident_on"), b.host);
    assert_eq!(b.error("host.reboot", &[(&b.host.clone()).into()]), "HOST_NOT_DISABLED");
}

#[test]
fn a_call_that_takes_time_blocks_its_ticket_or_runs_as_a_task() {
    let mut b = Bench::new();
    let host: Value = (&b.host).into();
    let ticket = b.wait("host.evacuate", std::slice::from_ref(&host));
    let [stand_in] = &b.db.all("task")[..] else { panic!() };
    let stand_in = stand_in.clone();
    assert_eq!(
        (field(&b, &stand_in, "name_label"), field(&b, &stand_in, "allowed_operations")),
        ("host.evacuate".into(), String::new())
    );
    let task = b.make("Async.host.evacuate", &[host]);
    assert_eq!(field(&b, &task, "status"), "pending");
    assert_eq!(field(&b, &task, "allowed_operations"), "cancel");
    assert_eq!(b.db.date(&task, "finished"), Time::EPOCH);
    b.pass(10.0);
    assert_eq!(b.poll(ticket), None);
    let [first, second] = b.world.started[..] else { panic!() };
    assert!(b.front.is_open(first) && b.front.is_open(second));
    b.front.finish(&mut b.db, first, Err(Failure::bare("HOST_OFFLINE")), b.now);
    b.front.finish(&mut b.db, second, Ok("OpaqueRef:1".into()), b.now);
    assert_eq!(b.poll(ticket), Some(Err(Failure::bare("HOST_OFFLINE"))));
    assert!(!b.db.exists(&stand_in), "it goes with the call");
    assert_eq!(field(&b, &task, "status"), "success");
    assert_eq!(field(&b, &task, "result"), "<value>OpaqueRef:1</value>");
    assert_eq!(field(&b, &task, "allowed_operations"), "");
    assert!(b.poll(ticket).unwrap().is_err(), "a ticket is good for one answer");
}

#[test]
fn a_clients_own_task_is_moved_marked_and_cancelled() {
    let mut b = Bench::new();
    let task = b.make("task.create", &["label".into(), "text".into()]);
    b.ok("task.set_progress", &[(&task).into(), 0.25.into()]);
    b.ok("task.set_progress", &[(&task).into(), "0.5".into()]);
    assert_eq!(b.db.float(&task, "progress").to_bits(), 0.5f64.to_bits());
    b.ok("task.destroy", &[(&task).into()]);
    assert_eq!(b.db.map_get(&task, "current_operations", "task"), Some("destroy"), "only marked");
    b.ok("task.cancel", &[(&task).into()]);
    assert_eq!((field(&b, &task, "status"), field(&b, &task, "error_info")), ("cancelled".to_owned(), String::new()));
    b.ok("task.destroy", &[(&task).into()]);
    assert_eq!(b.error("task.cancel", &[(&task).into()]), format!("HANDLE_INVALID [task, {task}]"));
    assert_eq!(b.error("task.set_progress", &["OpaqueRef:x".into(), "0.5".into()]), "HANDLE_INVALID [task, OpaqueRef:x]");
}

#[test]
fn cancelling_is_a_request() {
    let mut b = Bench::new();
    let host: Value = (&b.host).into();
    let deaf = b.make("Async.host.evacuate", std::slice::from_ref(&host));
    b.ok("task.cancel", &[(&deaf).into()]);
    assert_eq!(field(&b, &deaf, "status"), "pending", "nobody listens, it goes on");
    b.world.hears = true;
    let task = b.make("Async.host.evacuate", &[host]);
    b.ok("task.cancel", &[(&task).into()]);
    assert_eq!(field(&b, &task, "status"), "cancelling");
    assert_eq!(b.world.cancelled, [deaf.clone(), task.clone()]);
    let job = b.world.started[1];
    b.front.finish(&mut b.db, job, Err(Failure::new("TASK_CANCELLED", [task.as_str()])), b.now);
    assert_eq!((field(&b, &task, "status"), field(&b, &task, "error_info")), ("cancelled".to_owned(), String::new()));
}

#[test]
fn a_pending_task_that_was_destroyed_goes_when_it_ends() {
    let mut b = Bench::new();
    let task = b.make("Async.host.evacuate", &[(&b.host.clone()).into()]);
    b.ok("task.destroy", &[(&task).into()]);
    assert!(b.db.exists(&task));
    let job = b.world.started[0];
    b.front.finish(&mut b.db, job, Ok(Value::Void), b.now);
    assert!(!b.db.exists(&task));
}

#[test]
fn others_tasks_are_for_operators() {
    let mut b = Bench::new();
    let task = b.make("task.create", &["mine".into(), "".into()]);
    let reader = b.login("read-only", "");
    let Reply::Done(Err(failure)) = b.reply_as(&reader, "task.cancel", &[(&task).into()]) else { panic!() };
    assert_eq!(failure.code, "RBAC_PERMISSION_DENIED");
    let Reply::Done(Ok(Value::Ref(own))) = b.reply_as(&reader, "task.create", &["x".into(), "".into()]) else { panic!() };
    assert_eq!(b.reply_as(&reader, "task.cancel", &[(&own).into()]), Reply::Done(Ok(Value::Void)));
}

#[test]
fn completed_tasks_go_after_65_minutes_and_stalled_ones_after_a_day() {
    let mut b = Bench::new();
    let done = b.make("Async.host.reboot", &[(&b.host.clone()).into()]);
    let stalled = b.make("task.create", &["a".into(), "".into()]);
    let moving = b.make("task.create", &["b".into(), "".into()]);
    b.pass(64.0 * 60.0);
    assert!(b.db.exists(&done));
    b.pass(2.0 * 60.0);
    assert!(!b.db.exists(&done));
    assert!(b.db.exists(&stalled));
    b.pass(24.0 * 3600.0);
    b.db.set(&moving, "progress", 0.4);
    b.pass(31.0);
    assert!(!b.db.exists(&stalled));
    assert!(b.db.exists(&moving));
}

#[test]
fn above_200_tasks_the_oldest_completed_go_first() {
    let mut b = Bench::new();
    let host: Value = (&b.host).into();
    let pending = b.make("task.create", &["a".into(), "".into()]);
    let first = b.make("Async.host.reboot", std::slice::from_ref(&host));
    b.pass(1.0);
    for _ in 0..250 {
        b.make("Async.host.reboot", std::slice::from_ref(&host));
    }
    b.pass(31.0);
    assert_eq!(b.db.count("task"), 200);
    assert!(b.db.exists(&pending) && !b.db.exists(&first));
}

#[test]
fn who_went_away_is_not_answered_and_the_work_goes_on() {
    let mut b = Bench::new();
    let ticket = b.wait("host.evacuate", &[(&b.host.clone()).into()]);
    b.front.forget(ticket);
    let job = b.world.started[0];
    assert!(!b.front.is_open(job));
    b.front.finish(&mut b.db, job, Ok(Value::Void), b.now);
    assert!(b.front.finished.is_empty() && b.front.jobs.is_empty() && b.db.count("task") == 0);
}

#[test]
fn a_restart_ends_sessions_tasks_and_tickets_and_keeps_the_database() {
    let mut b = Bench::new();
    let host: Value = (&b.host).into();
    let task = b.make("Async.host.evacuate", std::slice::from_ref(&host));
    let ticket = b.wait("host.evacuate", &[host]);
    let generation = b.db.generation();
    b.front.restart(&mut b.db);
    assert!(b.db.generation() > generation);
    assert!(!b.db.exists(&task));
    assert!(b.poll(ticket).unwrap().is_err());
    let session = b.session.clone();
    assert_eq!(b.error("host.get_all", &[]), format!("SESSION_INVALID [{session}]"));
    for job in b.world.started.clone() {
        b.front.finish(&mut b.db, job, Ok(Value::Void), b.now);
    }
    assert!(b.front.jobs.is_empty(), "jobs from before have nobody to tell");
    b.session = b.login("root", "");
    assert_eq!(items(&b.ok("host.get_all", &[])).len(), 2);
}
