use super::*;

#[test]
fn records_have_their_fields_in_xapis_order() {
    let mut b = Bench::new();
    let host = b.host.clone();
    let Value::Record(record) = b.ok("host.get_record", &[(&host).into()]) else { panic!() };
    let names: Vec<&str> = record.iter().map(|(name, _)| name).take(5).collect();
    assert_eq!(names, ["uuid", "name_label", "name_description", "memory_overhead", "allowed_operations"]);
    let Value::Map(all) = b.ok("host.get_all_records", &[]) else { panic!() };
    assert_eq!(all.len(), 2);
    assert_eq!(all[host.as_str()], Value::Record(record));
    assert_eq!(b.ok("host.get_all", &[]), b.db.all("host").into());
}

#[test]
fn objects_are_found_by_uuid_name_and_expression() {
    let mut b = Bench::new();
    let uuid = b.ok("host.get_uuid", &[(&b.host.clone()).into()]);
    assert_eq!(b.ok("host.get_by_uuid", &[uuid]), (&b.host).into());
    assert_eq!(b.error("host.get_by_uuid", &["nope".into()]), "UUID_INVALID [host, nope]");
    assert_eq!(b.ok("host.get_by_name_label", &["xs-01".into()]), vec![b.host.clone()].into());
    let Value::Map(found) = b.ok("host.get_all_records_where", &["field \"name_label\" = \"xs-02\"".into()]) else { panic!() };
    assert_eq!(found.len(), 1);
    assert_eq!(items(&b.ok("host.get_all_where", &["true".into()])).len(), 2);
}

#[test]
fn fields_that_can_be_written_have_setters_and_no_others() {
    let mut b = Bench::new();
    let host: Value = (&b.host).into();
    b.ok("host.set_name_label", &[host.clone(), "new".into()]);
    assert_eq!(b.ok("host.get_name_label", std::slice::from_ref(&host)), "new".into());
    assert_eq!(b.error("host.set_uuid", &[host.clone(), "x".into()]), "MESSAGE_METHOD_UNKNOWN [host.set_uuid]");
    b.ok("host.add_tags", &[host.clone(), "a".into()]);
    b.ok("host.add_tags", &[host.clone(), "a".into()]);
    assert_eq!(b.ok("host.get_tags", std::slice::from_ref(&host)), vec!["a"].into());
    b.ok("host.remove_tags", &[host.clone(), "a".into()]);
    assert_eq!(b.ok("host.get_tags", std::slice::from_ref(&host)), Value::Set(vec![]));
    assert_eq!(
        b.error("host.set_name_label", &[host, 42i64.into()]),
        "INTERNAL_ERROR [Failure(\"Expected string, got 'I(42)'\")]"
    );
}

#[test]
fn a_key_that_is_there_cannot_be_added_and_one_that_is_not_can_be_removed() {
    let mut b = Bench::new();
    let pool = b.db.pool().unwrap().clone();
    let args = [(&pool).into(), "lock".into(), "mine".into()];
    b.ok("pool.add_to_other_config", &args);
    assert_eq!(b.error("pool.add_to_other_config", &args), format!("MAP_DUPLICATE_KEY [pool, other_config, {pool}, lock]"));
    b.ok("pool.remove_from_other_config", &[(&pool).into(), "lock".into()]);
    b.ok("pool.remove_from_other_config", &[(&pool).into(), "lock".into()]);
    b.ok("pool.add_to_other_config", &args);
}

#[test]
fn errors_are_xapis() {
    let mut b = Bench::new();
    let host: Value = (&b.host).into();
    assert_eq!(b.error("host.get_record", &["OpaqueRef:x".into()]), "HANDLE_INVALID [host, OpaqueRef:x]");
    let pool: Value = b.db.pool().unwrap().into();
    assert_eq!(b.error("host.get_record", std::slice::from_ref(&pool)), format!("HANDLE_INVALID [host, {}]", text(&pool)));
    assert_eq!(b.error("host.get_record", &[]), "MESSAGE_PARAMETER_COUNT_MISMATCH [host.get_record, 1, 0]");
    assert_eq!(b.error("host.no_such_method", &[]), "MESSAGE_METHOD_UNKNOWN [host.no_such_method]");
    assert_eq!(b.error("session.get_all_records", &[]), "MESSAGE_METHOD_UNKNOWN [session.get_all_records]");
    assert_eq!(b.error("Async.host.get_record", &[host]), "MESSAGE_METHOD_UNKNOWN [Async.host.get_record]");
    assert_eq!(b.error("nonsense", &[]), "MESSAGE_METHOD_UNKNOWN [nonsense]");
    let Reply::Done(Err(failure)) = b.raw(0, "host.get_all", vec![]) else { panic!() };
    assert_eq!(failure.to_string(), "MESSAGE_PARAMETER_COUNT_MISMATCH [host.get_all, 0, -1]");
    let map = Value::Map([("session_id".into(), "OpaqueRef:1".into())].into());
    let Reply::Done(Err(failure)) = b.raw(0, "host.get_all", vec![map]) else { panic!() };
    assert_eq!(failure.params, ["Failure(\"Expected string, got '{session_id:S(OpaqueRef:1)}'\")"]);
}

#[test]
fn what_xapi_does_not_have_is_not_there_either() {
    assert!(generic::EXCEPTIONS.is_sorted());
    let schema = crate::sim::schema::Schema::of(crate::sim::schema::Dialect::Shipped);
    for name in generic::EXCEPTIONS {
        assert!(generic::find(schema, name).is_none());
        let (class, call) = name.split_once('.').unwrap();
        let field = ["get_", "set_", "add_to_", "remove_from_", "add_", "remove_"].iter().find_map(|verb| {
            let name = call.strip_prefix(verb)?;
            schema.class(class).unwrap().field(name)
        });
        assert!(field.is_some() || call.starts_with("get_all") || call.starts_with("get_by"), "{name} is no exception");
    }
}

#[test]
fn every_listed_method_is_known() {
    let mut b = Bench::new();
    let Reply::Done(Ok(listed)) = b.raw(0, "system.listMethods", vec![]) else { panic!() };
    let listed = items(&listed);
    let unique: std::collections::BTreeSet<String> = listed.iter().map(text).collect();
    assert_eq!(unique.len(), listed.len());
    assert!(listed.len() > 1_500, "{}", listed.len());
    for wanted in ["host.get_all_records", "host.evacuate", "event.from", "VM.add_to_other_config", "session.login_with_password"]
    {
        assert!(unique.contains(wanted), "{wanted}");
    }
    for method in unique {
        let Reply::Done(Err(failure)) = b.raw(0, &method, vec![]) else { panic!("{method}") };
        assert_eq!(failure.code, "MESSAGE_PARAMETER_COUNT_MISMATCH", "{method}");
    }
}

#[test]
fn messages_are_posted_found_and_removed() {
    let mut b = Bench::new();
    let uuid = b.db.text(&b.host, "uuid").to_owned();
    let args = ["ALARM".into(), 3i64.into(), "Host".into(), uuid.as_str().into(), "body".into()];
    let message = b.make("message.create", &args);
    let since = |b: &mut Bench, when: &str| match b.ok("message.get_since", &[when.into()]) {
        Value::Map(map) => map.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(since(&mut b, "20200101T00:00:00Z"), 1);
    assert_eq!(since(&mut b, "2020-01-01T00:00:00Z"), 1);
    assert_eq!(since(&mut b, "20300101T00:00:00Z"), 0);
    assert_eq!(
        b.error("message.get_since", &["yesterday".into()]),
        "INTERNAL_ERROR [Invalid argument: Clock__Date.of_iso8601: yesterday]"
    );
    let about = b.ok("message.get", &["host".into(), uuid.as_str().into(), "20200101T00:00:00Z".into()]);
    assert_eq!(text(&get(&get(&about, message.as_str()), "body")), "body");
    let wrong = ["ALARM".into(), 3i64.into(), "Host".into(), "no".into(), "".into()];
    assert_eq!(b.error("message.create", &wrong), "UUID_INVALID [Host, no]");
    b.ok("message.destroy", &[(&message).into()]);
    assert_eq!(b.error("message.destroy", &[(&message).into()]), format!("HANDLE_INVALID [message, {message}]"));
    b.make("message.create", &args);
    b.ok("message.destroy_all", &[Value::Map([("priority".into(), "2".into())].into())]);
    assert_eq!(b.db.count("message"), 1);
    b.ok("message.destroy_all", &[Value::Map([("priority".into(), "3".into())].into())]);
    assert_eq!(b.db.count("message"), 0);
}

#[test]
fn ten_thousand_messages_are_kept_and_the_oldest_go() {
    let mut db = Db::new(1);
    let first = post_message(&mut db, Time::from_secs(1), "ALARM", 3, "Host", "u", "");
    let second = post_message(&mut db, Time::from_secs(2), "ALARM", 3, "Host", "u", "");
    for n in 0..9_999 {
        post_message(&mut db, Time::from_secs(3 + n), "ALARM", 3, "Host", "u", "");
    }
    assert_eq!(db.count("message"), 10_000);
    assert!(!db.exists(&first));
    assert!(db.exists(&second));
}
