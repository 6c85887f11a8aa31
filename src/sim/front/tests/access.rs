use super::*;

#[test]
fn a_wrong_password_takes_five_seconds_to_be_refused() {
    let mut b = Bench::new();
    let Reply::Waiting(ticket) = b.raw(0, "session.login_with_password", vec!["root".into(), "wrong".into()]) else { panic!() };
    assert_eq!(b.poll(ticket), None);
    b.pass(5.0);
    let failure = b.poll(ticket).unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "SESSION_AUTHENTICATION_FAILED [root, Authentication failure]");
}

#[test]
fn a_session_knows_its_user_and_host_and_ends_with_logout() {
    let mut b = Bench::new();
    let session: Value = (&b.session).into();
    assert_eq!(b.ok("session.get_this_host", std::slice::from_ref(&session)), (&b.host).into());
    assert_eq!(b.ok("session.get_originator", std::slice::from_ref(&session)), "test".into());
    assert_eq!(b.ok("session.get_is_local_superuser", &[session]), true.into());
    let other = b.login("pool-operator", "x");
    assert!(b.front.session_is_valid(other.as_str()));
    b.reply_as(&other, "session.logout", &[]);
    assert!(!b.front.session_is_valid(other.as_str()));
    let Reply::Done(Err(failure)) = b.reply_as(&other, "host.get_all", &[]) else { panic!() };
    assert_eq!(failure.to_string(), format!("SESSION_INVALID [{other}]"));
}

#[test]
fn roles_are_checked_for_calls_and_for_setters() {
    let mut b = Bench::new();
    let host = b.host.clone();
    let reader = b.login("read-only", "");
    let operator = b.login("pool-operator", "");
    let denied = |reply: Reply| match reply {
        Reply::Done(Err(failure)) => failure.to_string(),
        other => panic!("{other:?}"),
    };
    for (method, args) in [
        ("host.reboot", vec![Value::from(&host)]),
        ("Async.host.reboot", vec![(&host).into()]),
        ("host.set_name_label", vec![(&host).into(), "x".into()]),
        ("host.add_to_other_config", vec![(&host).into(), "k".into(), "v".into()]),
        ("message.create", vec!["A".into(), 1i64.into(), "Host".into(), "u".into(), "".into()]),
    ] {
        let permission = method.trim_start_matches("Async.");
        let said = denied(b.reply_as(&reader, method, &args));
        assert_eq!(said, format!("RBAC_PERMISSION_DENIED [{permission}, No permission in user session]"));
    }
    assert!(matches!(b.reply_as(&reader, "host.get_record", &[(&host).into()]), Reply::Done(Ok(_))));
    assert!(matches!(b.reply_as(&operator, "host.set_name_label", &[(&host).into(), "x".into()]), Reply::Done(Ok(_))));
    assert_eq!(b.front.role_of(&reader), Some(Role::ReadOnly));
}

#[test]
fn an_originator_has_500_sessions_and_the_one_idle_longest_goes() {
    let mut b = Bench::new();
    let mut sessions = Vec::new();
    for _ in 0..500 {
        b.pass(0.01);
        sessions.push(b.login("root", "crowd"));
    }
    b.pass(0.01);
    b.reply_as(&sessions[0].clone(), "host.get_all", &[]);
    let extra = b.login("root", "crowd");
    assert!(b.front.session_is_valid(extra.as_str()));
    assert!(b.front.session_is_valid(sessions[0].as_str()), "it was used of late");
    assert!(!b.front.session_is_valid(sessions[1].as_str()));
    assert!(b.front.session_is_valid(b.session.clone().as_str()), "another originator");
}

#[test]
fn sessions_end_after_a_day_without_use() {
    let mut b = Bench::new();
    let idle = b.login("root", "idle");
    b.pass(23.0 * 3600.0);
    b.ok("host.get_all", &[]);
    b.pass(1.1 * 3600.0);
    assert!(!b.front.session_is_valid(idle.as_str()));
    assert!(!b.db.exists(&idle));
    b.ok("host.get_all", &[]);
    let session = b.session.clone();
    assert!(b.db.date(&session, "last_active") >= b.now - Duration::from_secs(600));
}

#[test]
fn a_member_sends_clients_to_the_coordinator_and_has_local_sessions() {
    let mut b = Bench::new();
    let session: Value = (&b.session).into();
    for (method, params) in
        [("host.get_all", vec![session.clone()]), ("session.login_with_password", vec!["root".into(), "poolwatch".into()])]
    {
        let Reply::Done(Err(failure)) = b.raw(1, method, params) else { panic!("{method}") };
        assert_eq!((failure.to_string().as_str(), failure.before_dispatch), ("HOST_IS_SLAVE [10.0.0.1]", false));
    }
    let local = b.raw(1, "session.slave_local_login_with_password", vec!["root".into(), "poolwatch".into()]);
    let Reply::Done(Ok(local)) = local else { panic!() };
    assert_eq!(b.raw(1, "host.is_in_emergency_mode", vec![local.clone()]), Reply::Done(Ok(false.into())));
    assert!(matches!(b.raw(1, "host.get_all", vec![local.clone()]), Reply::Done(Err(_))));
    assert!(matches!(b.raw(0, "host.get_all", vec![local]), Reply::Done(Err(_))), "valid on that host only");
}

#[test]
fn in_emergency_mode_nearly_everything_is_refused_before_dispatch() {
    let mut b = Bench::new();
    b.world.emergency = true;
    for method in ["host.get_all", "session.login_with_password", "no.such_call"] {
        let Reply::Done(Err(failure)) = b.raw(1, method, vec!["x".into()]) else { panic!("{method}") };
        assert_eq!((failure.code.as_str(), failure.before_dispatch), ("HOST_STILL_BOOTING", true));
    }
    let local = b.raw(1, "session.slave_local_login_with_password", vec!["root".into(), "poolwatch".into()]);
    let Reply::Done(Ok(local)) = local else { panic!("{local:?}") };
    assert_eq!(b.raw(1, "host.is_in_emergency_mode", vec![local]), Reply::Done(Ok(true.into())));
}

#[test]
fn somebody_can_be_logged_out_everywhere() {
    let mut b = Bench::new();
    let (one, two) = (b.login("vm-admin", ""), b.login("vm-admin", ""));
    let known = b.ok("session.get_all_subject_identifiers", &[]);
    assert_eq!(items(&known).len(), 1);
    b.ok("session.logout_subject_identifier", &[items(&known)[0].clone()]);
    assert!(!b.front.session_is_valid(one.as_str()) && !b.front.session_is_valid(two.as_str()));
    b.ok("host.get_all", &[]);
}

#[test]
fn roles_can_be_given_and_taken() {
    let mut b = Bench::new();
    let subject = b.db.find("subject", "subject_identifier", &"S-1-5-21-read-only".into()).unwrap();
    let role = |b: &Bench, name: &str| b.db.find("role", "name_label", &name.into()).unwrap();
    let (reader, operator) = (role(&b, "read-only"), role(&b, "pool-operator"));
    b.ok("subject.add_to_roles", &[(&subject).into(), (&operator).into()]);
    assert_eq!(b.error("subject.add_to_roles", &[(&subject).into(), (&operator).into()]), "ROLE_ALREADY_EXISTS");
    let session = b.login("read-only", "");
    assert_eq!(b.front.role_of(&session), Some(Role::PoolOperator));
    b.ok("subject.remove_from_roles", &[(&subject).into(), (&operator).into()]);
    b.ok("subject.remove_from_roles", &[(&subject).into(), (&reader).into()]);
    let Reply::Done(Err(failure)) = b.raw(0, "session.login_with_password", vec!["read-only".into(), "poolwatch".into()]) else {
        panic!()
    };
    assert_eq!(failure.code, "SESSION_AUTHORIZATION_FAILED");
}

#[test]
fn a_password_can_be_changed_by_who_knows_it() {
    let mut b = Bench::new();
    assert!(b.call("session.change_password", &["wrong".into(), "new".into()]).is_err());
    b.ok("session.change_password", &["poolwatch".into(), "new".into()]);
    let login = b.raw(0, "session.login_with_password", vec!["root".into(), "new".into()]);
    assert!(matches!(login, Reply::Done(Ok(_))));
    let printed = format!("{:?} {:?} {:?}", b.front, b.db, Settings::default());
    assert!(!printed.contains("\"poolwatch\"") && !printed.contains("OpaqueRef"), "{printed}");
}
