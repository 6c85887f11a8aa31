use super::*;

/// `operation class` of each event, and the token.
fn summary(answer: &Value) -> (Vec<String>, String) {
    let events = items(&get(answer, "events"));
    let line = |e: &Value| format!("{} {}", text(&get(e, "operation")), text(&get(e, "class")));
    (events.iter().map(line).collect(), text(&get(answer, "token")))
}

fn from(b: &mut Bench, classes: &[&str], token: &str, timeout: f64) -> Reply {
    b.reply("event.from", &[classes.to_vec().into(), token.into(), timeout.into()])
}

fn now(b: &mut Bench, classes: &[&str], token: &str) -> (Vec<String>, String) {
    match from(b, classes, token, 0.0) {
        Reply::Done(Ok(answer)) => summary(&answer),
        other => panic!("{other:?}"),
    }
}

fn blocked(b: &mut Bench, classes: &[&str], token: &str, timeout: f64) -> Ticket {
    match from(b, classes, token, timeout) {
        Reply::Waiting(ticket) => ticket,
        Reply::Done(result) => panic!("{result:?}"),
    }
}

#[test]
fn from_the_beginning_everything_is_an_add_with_its_record() {
    let mut b = Bench::new();
    let Reply::Done(Ok(answer)) = from(&mut b, &["host", "pool"], "", 30.0) else { panic!() };
    let (events, token) = summary(&answer);
    assert_eq!(events, ["add host", "add host", "add pool"]);
    assert!(token.ends_with(",00000000000000000000"));
    let event = &items(&get(&answer, "events"))[0];
    let Value::Record(record) = event else { panic!() };
    let names: Vec<_> = record.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["id", "timestamp", "class", "operation", "ref", "snapshot"]);
    assert_eq!(text(&get(event, "timestamp")), "0.0");
    assert_eq!(text(&get(event, "ref")), b.host.as_str());
    assert_eq!(text(&get(&get(event, "snapshot"), "name_label")), "xs-01");
}

#[test]
fn counts_cover_every_class_and_no_messages() {
    let mut b = Bench::new();
    post_message(&mut b.db, b.now, "ALARM", 3, "Host", "u", "");
    let Reply::Done(Ok(answer)) = from(&mut b, &["nothing"], "", 0.0) else { panic!() };
    let Value::Map(counts) = get(&answer, "valid_ref_counts") else { panic!() };
    assert_eq!(counts.len(), 73);
    assert_eq!((&counts["host"], &counts["pool"], &counts["message"]), (&2i64.into(), &1i64.into(), &0i64.into()));
    assert_eq!((&counts["session"], &counts["cluster_host"], &counts["diagnostics"]), (&1i64.into(), &0i64.into(), &0i64.into()));
    assert_eq!(summary(&answer), (vec![], format!("{:020},{:020}", 0, 0)));
}

#[test]
fn a_change_wakes_who_waits_after_a_moment_with_all_that_came_meanwhile() {
    let mut b = Bench::new();
    let (_, token) = now(&mut b, &["host"], "");
    let ticket = blocked(&mut b, &["host"], &token, 30.0);
    let host = b.host.clone();
    b.ok("host.set_name_label", &[(&host).into(), "one".into()]);
    assert_eq!(b.poll(ticket), None, "more may come");
    b.ok("host.set_name_label", &[(&host).into(), "two".into()]);
    b.pass(0.05);
    let answer = b.poll(ticket).unwrap().unwrap();
    let (events, next) = summary(&answer);
    assert_eq!(events, ["mod host"]);
    let event = &items(&get(&answer, "events"))[0];
    assert_eq!(text(&get(&get(event, "snapshot"), "name_label")), "two");
    assert!(next > token && next.starts_with(&format!("{:0>20}", text(&get(event, "id")))));
    assert_eq!(now(&mut b, &["host"], &next).0, Vec::<String>::new());
}

#[test]
fn tasks_alone_are_not_kept_waiting() {
    let mut b = Bench::new();
    let (_, token) = now(&mut b, &["task"], "");
    let ticket = blocked(&mut b, &["task"], &token, 30.0);
    b.make("task.create", &["x".into(), "".into()]);
    assert_eq!(summary(&b.poll(ticket).unwrap().unwrap()).0, ["add task"]);
}

#[test]
fn a_timeout_gives_no_events_and_the_same_token() {
    let mut b = Bench::new();
    let (_, token) = now(&mut b, &["host"], "");
    let ticket = blocked(&mut b, &["host"], &token, 2.0);
    assert_eq!(b.front.next_due(), Some(b.now + Duration::from_secs(2)).min(b.front.next_due()));
    b.pass(1.9);
    assert_eq!(b.poll(ticket), None);
    b.pass(0.1);
    assert_eq!(summary(&b.poll(ticket).unwrap().unwrap()), (vec![], token));
}

#[test]
fn adds_come_before_mods_before_dels_and_messages_before_all() {
    let mut b = Bench::new();
    let doomed = b.make("task.create", &["x".into(), "".into()]);
    let (_, token) = now(&mut b, &["*"], "");
    b.db.destroy(&doomed);
    b.db.set(&b.host.clone(), "enabled", true);
    b.db.create("SR", &[]);
    post_message(&mut b.db, b.now, "ALARM", 3, "Host", "u", "");
    let Reply::Done(Ok(answer)) = from(&mut b, &["*"], &token, 0.0) else { panic!() };
    assert_eq!(summary(&answer).0, ["add message", "add sr", "mod host", "del task"]);
    let events = items(&get(&answer, "events"));
    assert_eq!(text(&get(&events[0], "id")), "0");
    assert_eq!(get(&events[3], "snapshot"), Value::Void, "a deleted object has none");
}

#[test]
fn the_second_half_of_a_token_is_for_messages() {
    let mut b = Bench::new();
    let message = post_message(&mut b.db, b.now, "ALARM", 3, "Host", "u", "");
    let (_, without) = now(&mut b, &["host"], "");
    let (events, token) = now(&mut b, &["message"], &without);
    assert_eq!(events, ["add message"], "replayed, as the token does not know of messages");
    assert_eq!(now(&mut b, &["message"], &token), (vec![], token.clone()));
    b.db.destroy(&message);
    let (events, token) = now(&mut b, &["message"], &token);
    assert_eq!(events, ["del message"]);
    assert_eq!(now(&mut b, &["message"], &token).0, Vec::<String>::new());
}

#[test]
fn one_object_can_be_followed() {
    let mut b = Bench::new();
    let one = format!("host/{}", b.host);
    let (events, token) = now(&mut b, &[&one], "");
    assert_eq!(events, ["add host"]);
    let other = b.db.all("host")[1].clone();
    b.db.set(&other, "name_label", "x");
    assert_eq!(now(&mut b, &[&one], &token), (vec![], token.clone()));
    b.db.set(&b.host.clone(), "name_label", "y");
    assert_eq!(now(&mut b, &[&one, "host"], &token).0, ["add host", "mod host"], "each object once");
}

#[test]
fn a_token_from_the_future_is_echoed_for_ever() {
    let mut b = Bench::new();
    let token = format!("{:020},{:020}", 999_999, 0);
    b.db.set(&b.host.clone(), "name_label", "x");
    assert_eq!(now(&mut b, &["host"], &token), (vec![], token.clone()));
    assert_eq!(
        b.error("event.from", &[vec!["host"].into(), "garbage".into(), 0.0.into()]),
        "EVENT_FROM_TOKEN_PARSE_FAILURE [garbage]"
    );
    assert_eq!(b.error("event.from", &[vec!["host/"].into(), "".into(), 0.0.into()]), "EVENT_SUBSCRIPTION_PARSE_FAILURE [host/]");
}

#[test]
fn after_a_restart_an_old_token_yields_every_object_as_new() {
    let mut b = Bench::new();
    let (_, token) = now(&mut b, &["host"], "");
    b.front.restart(&mut b.db);
    b.session = b.login("root", "");
    assert_eq!(now(&mut b, &["host"], &token).0, ["add host", "add host"]);
}

#[test]
fn logging_out_wakes_who_waits() {
    let mut b = Bench::new();
    let (_, token) = now(&mut b, &["host"], "");
    let ticket = blocked(&mut b, &["host"], &token, 30.0);
    let session = b.session.clone();
    b.ok("session.logout", &[]);
    let failure = b.poll(ticket).unwrap().unwrap_err();
    assert_eq!(failure.to_string(), format!("SESSION_INVALID [{session}]"));
}

#[test]
fn injecting_makes_an_event_and_gives_the_token_before_it() {
    let mut b = Bench::new();
    let pool = b.db.pool().unwrap().clone();
    let token = text(&b.ok("event.inject", &["pool".into(), (&pool).into()]));
    assert!(token.ends_with(",00000000000000000000"));
    assert_eq!(now(&mut b, &["*"], &token).0, ["mod pool"]);
    let Value::Int(id) = b.ok("event.get_current_id", &[]) else { panic!() };
    assert_eq!(u64::try_from(id).unwrap(), b.db.generation());
}

#[test]
fn sessions_and_users_make_no_events() {
    let mut b = Bench::new();
    let (_, token) = now(&mut b, &["*"], "");
    b.login("root", "another");
    assert_eq!(now(&mut b, &["*", "session"], &token).0, Vec::<String>::new());
}

#[test]
fn the_deprecated_way_needs_registration() {
    let mut b = Bench::new();
    assert!(b.error("event.next", &[]).starts_with("SESSION_NOT_REGISTERED [trackid="));
    b.ok("event.register", &[vec!["host", "task"].into()]);
    let ticket = b.wait("event.next", &[]);
    b.db.set(&b.host.clone(), "name_label", "x");
    b.front.settle(&b.db, b.now);
    b.pass(0.1);
    let answer = b.poll(ticket).unwrap().unwrap();
    let event = &items(&answer)[0];
    assert_eq!((text(&get(event, "id")), text(&get(event, "class"))), ("0".to_owned(), "host".to_owned()));
    assert_eq!(text(&get(event, "timestamp")), format!("{}.", b.now.as_millis() / 1000));
    b.ok("event.unregister", &[vec!["host"].into()]);
    b.ok("event.unregister", &[vec!["task"].into()]);
    assert!(b.error("event.next", &[]).starts_with("SESSION_NOT_REGISTERED"));
}
