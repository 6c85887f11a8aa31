//! The guided rollout from the first key to the report, with answers as the program would give them.

use crate::pool::picture::{LinkState, Severity};
use crate::rollout::entry::Command;
use crate::rollout::finding::Fix;
use crate::rollout::plan::Wanted;
use crate::rollout::progress::CommandName;
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Screen};
use crate::tui::msg::{Answer, FoundRun, Mouse, Msg, PoolIx};
use crate::tui::testkit::*;
use crate::tui::update::{availability, update};
use crate::tui::wizard::Page;
use crate::tui::wizard::fixture::*;

const SIZE: (u16, u16) = (120, 40);
const POOL: PoolIx = PoolIx(0);

fn toast(model: &Model) -> &str {
    model.toast.as_ref().map_or("", |t| &t.text)
}

fn page(model: &Model) -> Option<Page> {
    model.wizard().map(|w| w.page)
}

/// The only request among effects.
fn request(effects: Vec<Effect>) -> Request {
    match <[Effect; 1]>::try_from(effects) {
        Ok([Effect::Request(request)]) => request,
        other => panic!("{other:?}"),
    }
}

fn says(model: &Model, words: &[&str]) {
    let text = screen(model);
    for words in words {
        assert!(text.contains(words), "{words} is not said:\n{text}");
    }
}

#[test]
fn from_the_first_key_to_the_report() {
    let mut model = writing(SIZE);
    assert_eq!(request(press(&mut model, "w")), Request::FindRun { pool: POOL });
    tell(&mut model, Answer::RunFound { pool: POOL, result: Ok(None) });
    // An update of all hosts but xcp3, xcp4 before xcp2.
    press(&mut model, "down, space, down, down, down, space, down, K, K");
    let Request::Survey { pool, ask, scope, options, rehearse } = request(press(&mut model, "enter")) else { panic!() };
    assert_eq!((pool, scope.wanted, rehearse), (POOL, Wanted::Update, None));
    let uuids: Vec<String> = [1, 4, 2].iter().map(|n| format!("8f2b1d4e-0000-4000-8000-00000000000{n}")).collect();
    assert_eq!(scope.hosts, Some(uuids));
    assert!(options.home);
    says(&model, &["The round is planned"]);
    assert!(availability(&model, Action::WizardNext).is_err());
    tell(&mut model, Answer::Surveyed { pool: POOL, ask, result: Ok(Box::new(prepared(Vec::new()))) });
    says(&model, &["XCP-ng update of 4 hosts, about 1 h 24 min", "Rehearsed", "coordinator goes first", "xapi-core 26.1.3"]);
    press(&mut model, "enter");
    says(&model, &["Nothing speaks against this round"]);
    press(&mut model, "enter");
    says(&model, &["HA (o2cb) is switched off", "type the name of the pool, prod-a"]);
    assert_eq!(press(&mut model, "enter"), []);
    assert!(toast(&model).contains("exactly"), "{}", toast(&model));
    type_text(&mut model, "prod-A");
    assert_eq!(press(&mut model, "enter"), []);
    press(&mut model, "backspace");
    type_text(&mut model, "a");
    let Request::StartRun { pool, plan } = request(press(&mut model, "enter")) else { panic!() };
    assert_eq!((pool, plan.pool_name.as_str(), page(&model)), (POOL, "prod-a", Some(Page::Run)));
    says(&model, &["The run begins"]);
    tell(&mut model, Answer::RunStarted { pool: POOL, files: files() });
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(evacuating()) });
    says(&model, &["evacuate 2:14 of 4:00:00", "web-1", "63 %", "host.evacuate of xcp2", "rollout: host 2 of 4, evacuating"]);
    press(&mut model, "G");
    says(&model, &["xcp2 is disabled", "abort and restore"]);
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(ended(true)) });
    assert_eq!(page(&model), Some(Page::Report));
    says(&model, &["DONE", "The pool is as it was found", "prod-a-r-7f3.jsonl", "update 6:02"]);
    assert_eq!(request(press(&mut model, "n")), Request::FindRun { pool: POOL });
    assert_eq!(page(&model), Some(Page::Scope));
}

#[test]
fn what_speaks_against_it_has_to_go_or_to_be_accepted() {
    let mut model = planned(SIZE, findings());
    press(&mut model, "enter");
    says(&model, &["1 hard", "2 soft", "seen in: VM.assert_can_migrate", "to mend:", "m enables xcp4"]);
    let refused = |model: &Model| availability(model, Action::WizardNext).expect_err("refused");
    assert!(refused(&model).contains("1 hard and 2 soft"));
    press(&mut model, "a");
    assert!(toast(&model).contains("only mended"), "{}", toast(&model));
    // The hard one is mended in the pool, after a question; then everything is checked again.
    assert_eq!(press(&mut model, "m, enter"), [], "the harmless answer comes first");
    let Request::Mend { pool, fix } = request(press(&mut model, "m, down, enter")) else { panic!() };
    assert!(pool == POOL && matches!(fix, Fix::Enable { .. }));
    assert!(availability(&model, Action::Mend).is_err_and(|why| why.contains("already")));
    let again = tell(&mut model, Answer::Mended { pool: POOL, result: Ok("xcp4 is enabled.".into()) });
    let soft = findings().into_iter().filter(|f| f.severity != Severity::Hard).collect();
    tell(&mut model, Answer::Surveyed { pool: POOL, ask: ask_of(&again), result: Ok(Box::new(prepared(soft))) });
    assert!(refused(&model).contains("2 soft findings are not accepted"), "{}", refused(&model));
    // A reason is wanted, and can be taken back.
    press(&mut model, "a, enter");
    assert!(toast(&model).contains("why this is all right") && !model.popups.is_empty());
    type_text(&mut model, "cable ordered");
    press(&mut model, "enter");
    says(&model, &["accepted: cable ordered", "(1 accepted)"]);
    press(&mut model, "a");
    assert_eq!(model.pools[0].wizard.against(), (0, 2));
    press(&mut model, "a");
    type_text(&mut model, "cable ordered");
    press(&mut model, "enter, down");
    // What only changes the plan needs no question.
    let Request::Survey { ask, options, .. } = request(press(&mut model, "m")) else { panic!() };
    assert!(options.shut_down_pinned);
    let rest = findings().into_iter().filter(|f| f.code == "path-lost").collect();
    tell(&mut model, Answer::Surveyed { pool: POOL, ask, result: Ok(Box::new(prepared(rest))) });
    press(&mut model, "enter");
    says(&model, &["What you accepted", "your reason: cable ordered"]);
    type_text(&mut model, "prod-a");
    let Request::StartRun { plan, .. } = request(press(&mut model, "enter")) else { panic!() };
    assert_eq!(plan.options.accepted[0].reason, "cable ordered");
}

#[test]
fn a_database_that_went_back_is_looked_at_by_the_operator_and_that_is_all_that_changes() {
    let fix = Some(Fix::DatabaseChecked { at: NOW });
    let finding = crate::rollout::finding::Finding { fix, ..findings().remove(1) };
    let mut model = planned(SIZE, vec![finding]);
    press(&mut model, "enter");
    assert_eq!(press(&mut model, "m, enter"), [], "the harmless answer comes first");
    assert_eq!(press(&mut model, "m"), []);
    says(&model, &["Did you look at what was lost?", "Nothing is changed in the pool"]);
    let Request::Survey { ask, options, .. } = request(press(&mut model, "down, enter")) else { panic!() };
    assert_eq!(options.database_checked, Some(NOW));
    tell(&mut model, Answer::Surveyed { pool: POOL, ask, result: Ok(Box::new(prepared(Vec::new()))) });
    says(&model, &["Nothing speaks against this round"]);
}

#[test]
fn a_network_and_deadlines_are_chosen_and_asked_for() {
    let mut model = writing(SIZE);
    press(&mut model, "w");
    tell(&mut model, Answer::RunFound { pool: POOL, result: Ok(None) });
    // Four hosts stand above the options: the network is the fourth of these, the deadlines are the seventh.
    press(&mut model, "down, down, down, down, down, down, down, down, down");
    says(&model, &["network that guests move over", "The pool has no other network"]);
    press(&mut model, "down, down, down, space");
    says(&model, &["see it boot and live", "1 h"]);
    press(&mut model, "down, right");
    says(&model, &["as usual but settle", "not as usual"]);
    let Request::Survey { options, .. } = request(press(&mut model, "enter")) else { panic!() };
    assert_eq!(options.deadlines.changed(), [crate::rollout::plan::Limit::Settle]);
    assert_eq!(options.deadlines.settle_s, 8 * 3_600);
}

#[test]
fn an_answer_that_was_overtaken_changes_nothing_and_a_changed_choice_is_planned_again() {
    let mut model = writing(SIZE);
    press(&mut model, "w");
    let first = ask_of(&press(&mut model, "enter"));
    press(&mut model, "esc, down, space");
    let second = ask_of(&press(&mut model, "enter"));
    assert_ne!(first, second);
    tell(&mut model, Answer::Surveyed { pool: POOL, ask: first, result: Err("no".into()) });
    says(&model, &["The round is planned"]);
    tell(&mut model, Answer::Surveyed { pool: POOL, ask: second, result: Err("The pool has no update metadata.".into()) });
    says(&model, &["no plan", "The pool has no update metadata."]);
    assert!(matches!(request(press(&mut model, "r")), Request::Survey { .. }));
    // Nothing changed: the same plan is shown without asking again.
    let mut model = planned(SIZE, Vec::new());
    assert_eq!(press(&mut model, "esc, enter"), []);
    assert_eq!(page(&model), Some(Page::Plan));
    // A host that joins the pool was not planned for.
    let mut new = model.pools[0].picture.hosts[1].clone();
    new.r#ref = "OpaqueRef:new".into();
    model.pools[0].picture.hosts.push(new);
    model.settle_panes();
    assert!(availability(&model, Action::WizardNext).is_err_and(|why| why.contains("changed")));
}

#[test]
fn old_checks_begin_nothing() {
    let mut model = confirming(SIZE);
    type_text(&mut model, "prod-a");
    update(&mut model, Msg::Tick(ahead(3_660)));
    assert_eq!(press(&mut model, "enter"), []);
    assert!(toast(&model).contains("1 h 1 min old"), "{}", toast(&model));
}

#[test]
fn it_says_why_it_cannot_be_opened() {
    let mut model = model_of(vec![calm("prod-a")], SIZE, false);
    press(&mut model, "w");
    assert!(toast(&model).contains("read-only") && model.wizard().is_none());
    let mut model = model_of(vec![lost()], SIZE, false);
    model.read_only = false;
    press(&mut model, "w");
    assert!(toast(&model).contains("not connected") && model.wizard().is_none());
    let mut model = model_of(vec![calm("a"), calm("b")], SIZE, false);
    model.read_only = false;
    press(&mut model, "w");
    assert!(toast(&model).contains("Open a pool first"), "{}", toast(&model));
    // Connected when it was planned, and lost since.
    let mut model = confirming(SIZE);
    type_text(&mut model, "prod-a");
    model.pools[0].picture.link.state = LinkState::Lost;
    assert_eq!(press(&mut model, "enter"), []);
    assert!(toast(&model).contains("not connected"));
}

#[test]
fn commands_are_given_with_a_key_and_dangerous_ones_after_a_question() {
    let mut model = rolling(SIZE, evacuating());
    assert_eq!(request(press(&mut model, "p")), Request::RunCommand { pool: POOL, command: Command::Pause });
    assert_eq!(press(&mut model, "R"), []);
    assert_eq!(toast(&model), "It is not stopped: it goes on, or waits, by itself.");
    assert_eq!(press(&mut model, "A"), []);
    says(&model, &["End the rollout and put everything back?", "▸ No, the round goes on as it is"]);
    assert_eq!(press(&mut model, "enter"), []);
    assert_eq!(request(press(&mut model, "A, down, enter")), Request::RunCommand { pool: POOL, command: Command::Abort });
    // The host that is worked on cannot be skipped, one that waits can.
    assert_eq!(press(&mut model, "s"), []);
    assert_eq!(toast(&model), "xcp2 is being worked on: abort ends it as soon as that is safe.");
    press(&mut model, "down, s");
    says(&model, &["Leave out xcp3?", "it is not touched"]);
    let Request::RunCommand { command, .. } = request(press(&mut model, "down, enter")) else { panic!() };
    assert_eq!(command, Command::Skip { host: 2 });
    tell(&mut model, Answer::Commanded { pool: POOL, command, result: Err("xcp3 was just begun.".into()) });
    assert!(toast(&model).contains("xcp3 was just begun"));
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(stuck()) });
    says(&model, &["✗ stuck", "Shut gpu-1 down", "It stops after this host", "rollout: stuck: host 2 of 4"]);
    assert_eq!(request(press(&mut model, "R")), Request::RunCommand { pool: POOL, command: Command::Retry });
}

#[test]
fn commands_work_from_the_palette_too_and_say_why_not() {
    let mut model = rolling(SIZE, evacuating());
    press(&mut model, "w, :");
    type_text(&mut model, "run-stop");
    let command = request(press(&mut model, "enter"));
    assert_eq!(command, Request::RunCommand { pool: POOL, command: Command::StopAfterHost });
    let model = writing(SIZE);
    for name in <CommandName as strum::IntoEnumIterator>::iter() {
        let why = availability(&model, crate::tui::wizard::words::action(name)).expect_err("no run");
        assert!(why.contains("No rollout"), "{why}");
    }
}

#[test]
fn the_dashboard_goes_on_and_the_way_back_is_said() {
    let mut model = rolling(SIZE, evacuating());
    press(&mut model, "esc");
    assert!(model.wizard().is_none() && model.pools[0].wizard.running());
    says(&model, &["◐ rollout: host 2 of 4, evacuating w opens it", "I/O paths"]);
    press(&mut model, "P, right");
    assert_eq!(press(&mut model, "w"), [], "the run is there: nothing is asked for");
    assert_eq!(page(&model), Some(Page::Run));
    press(&mut model, "w");
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(stuck()) });
    assert!(toast(&model).contains("waits for you"));
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(ended(false)) });
    assert!(toast(&model).contains("over (stopped)"));
    press(&mut model, "w, enter");
    says(&model, &["STOPPED", "HA_HOST_CANNOT_SEE_PEERS", "not begun", "U tries now", "poolwatch roll prod-a --restore"]);
    let restore = request(press(&mut model, "U"));
    assert_eq!(restore, Request::ResumeRun { pool: POOL }, "nobody works on it any more: its journal is taken up again");
    assert_eq!(page(&model), Some(Page::Run));
    tell(&mut model, Answer::RunFailed { pool: POOL, error: "The pool cannot be reached.".into() });
    assert!(matches!(request(press(&mut model, "U")), Request::ResumeRun { .. }), "it can be tried again");
    tell(&mut model, Answer::RunStarted { pool: POOL, files: files() });
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(evacuating()) });
    assert!(model.pools[0].wizard.running());
}

#[test]
fn leaving_the_program_asks_and_says_what_happens() {
    for key in ["q", "ctrl-c"] {
        let mut model = rolling(SIZE, evacuating());
        assert_eq!(press(&mut model, key), []);
        says(&model, &["stops here", "evacuating", "HA is off", "prod-a-r-7f3.jsonl", "poolwatch roll prod-a --resume"]);
        assert_eq!(press(&mut model, "ctrl-c"), [], "it is asked once");
        assert_eq!(model.popups.len(), 1);
        assert_eq!(press(&mut model, "enter"), []);
        assert!(model.popups.is_empty());
        assert_eq!(press(&mut model, &format!("{key}, down, enter")), [Effect::Quit]);
    }
    let mut model = rolling(SIZE, ended(true));
    assert_eq!(press(&mut model, "q"), [Effect::Quit], "there is nothing to lose");
    let mut model = demo(rolling(SIZE, evacuating()));
    press(&mut model, "q");
    says(&model, &["its simulated pool ends with it"]);
}

#[test]
fn the_name_can_be_typed_and_typed_letters_are_no_commands() {
    let mut model = confirming(SIZE);
    type_text(&mut model, "q?w");
    assert_eq!(page(&model), Some(Page::Confirm));
    assert_eq!(model.pools[0].wizard.typed.value(), "q?w");
    update(&mut model, Msg::Paste("prod\u{1b}-a\n".into()));
    assert!(model.pools[0].wizard.typed.value().starts_with("q?wprod-a"));
    press(&mut model, "esc");
    assert_eq!(page(&model), Some(Page::Preflight));
    press(&mut model, "enter");
    assert_eq!(model.pools[0].wizard.typed.value(), "", "what was typed is not kept");
}

#[test]
fn a_run_that_was_not_ended_is_found_and_gone_on_with() {
    let mut model = writing(SIZE);
    press(&mut model, "w");
    let found = |refused: Option<&str>| FoundRun {
        run: "r-7f3".into(),
        text: "begun by eva@ops1 at 02:04, stands at xcp2, evacuate.".into(),
        refused: refused.map(str::to_owned),
    };
    tell(&mut model, Answer::RunFound { pool: POOL, result: Ok(Some(found(Some("Its journal is on ops1.")))) });
    says(&model, &["not ended", "begun by eva@ops1", "Its journal is on ops1."]);
    press(&mut model, "c");
    assert!(toast(&model).contains("on ops1"));
    tell(&mut model, Answer::RunFound { pool: POOL, result: Ok(Some(found(None))) });
    says(&model, &["c goes on with it"]);
    assert_eq!(request(press(&mut model, "c")), Request::ResumeRun { pool: POOL });
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(evacuating()) });
    says(&model, &["Run r-7f3", "working"]);
}

#[test]
fn a_run_that_cannot_begin_or_go_on_says_so() {
    let mut model = confirming(SIZE);
    type_text(&mut model, "prod-a");
    press(&mut model, "enter");
    let error = "Somebody else holds the claim: eva@ops1 since 02:04.";
    tell(&mut model, Answer::RunFailed { pool: POOL, error: error.into() });
    says(&model, &["not begun", error]);
    press(&mut model, "esc");
    assert_eq!(page(&model), Some(Page::Preflight));
    assert!(model.pools[0].wizard.run.is_none());
    let mut model = rolling(SIZE, evacuating());
    tell(&mut model, Answer::RunFailed { pool: POOL, error: "The journal cannot be written: no space left.".into() });
    says(&model, &["✗ over", "no space left"]);
    assert!(availability(&model, Action::RunPause).is_err());
    assert_eq!(press(&mut model, "q"), [Effect::Quit], "no run goes on any more");
}

#[test]
fn a_request_that_nobody_takes_is_answered() {
    let mut model = writing(SIZE);
    press(&mut model, "w");
    let survey = request(press(&mut model, "enter"));
    tell(&mut model, survey.refused("Too much is asked for at once."));
    says(&model, &["no plan", "Too much is asked for at once."]);
    let start = Request::StartRun { pool: POOL, plan: Box::new(plan()) };
    assert!(matches!(start.refused("no"), Answer::RunFailed { .. }));
}

#[test]
fn which_of_several_old_updates_is_typed() {
    let mut model = writing(SIZE);
    press(&mut model, "w, down, space");
    assert!(!screen(&model).contains("by name or uuid"));
    software(&mut model, "XenServer", "7.1.2");
    says(&model, &["one pool update", "by name or uuid", "the only one"]);
    press(&mut model, "down, down, down, down, down, space");
    type_text(&mut model, "XS71ECU2020");
    press(&mut model, "enter");
    let Request::Survey { scope, .. } = request(press(&mut model, "enter")) else { panic!() };
    assert_eq!(scope.update.as_deref(), Some("XS71ECU2020"));
}

#[test]
fn long_rows_are_scrolled_and_every_row_is_reached() {
    let mut model = planned((80, 24), findings());
    press(&mut model, "enter");
    let mut seen = screen(&model);
    for _ in 0..40 {
        press(&mut model, "down");
        seen.push_str(&screen(&model));
    }
    for words in ["host-enable", "fc2", "shut down for the time", "pool.ha_enabled", "switched on again as it is now"] {
        assert!(seen.contains(words), "{words} was never seen");
    }
    assert_eq!(model.wizard().map(crate::tui::wizard::Wizard::at), Some(3));
    for _ in 0..40 {
        press(&mut model, "up");
    }
    assert_eq!(model.wizard().map(|w| (w.at(), w.first())), Some((0, 0)));
    press(&mut model, "G, g g");
    assert_eq!(model.wizard().map(|w| (w.at(), w.first())), Some((0, 0)));
}

#[test]
fn the_mouse_chooses_a_row_and_scrolls() {
    let mut model = writing(SIZE);
    press(&mut model, "w");
    let row = screen(&model).lines().position(|l| l.contains("] ") && l.contains("xcp3")).expect("xcp3") as u16;
    update(&mut model, Msg::Mouse(Mouse::Click { x: 9, y: row }));
    assert_eq!(model.wizard().map(crate::tui::wizard::Wizard::at), Some(4));
    update(&mut model, Msg::Mouse(Mouse::WheelDown { x: 9, y: row }));
    assert_eq!(model.wizard().map(crate::tui::wizard::Wizard::at), Some(7));
}

#[test]
fn several_pools_each_have_their_own() {
    let mut model = model_of(vec![calm("prod-a"), calm("prod-b")], SIZE, false);
    model.read_only = false;
    press(&mut model, "home, enter, w");
    let ask = ask_of(&press(&mut model, "enter"));
    press(&mut model, "w, n");
    assert!(model.wizard().is_none(), "prod-b's is closed");
    tell(&mut model, Answer::Surveyed { pool: POOL, ask, result: Ok(Box::new(prepared(Vec::new()))) });
    tell(&mut model, Answer::RunProgress { pool: POOL, progress: Box::new(evacuating()) });
    says(&model, &["prod-a rollout: host 2 of 4"]);
    press(&mut model, "N, w");
    assert_eq!((model.screen, page(&model)), (Screen::Pool(POOL), Some(Page::Run)));
}

#[test]
fn a_page_is_copied_as_it_is_read() {
    let mut model = planned(SIZE, findings());
    let effects = press(&mut model, "enter, y");
    assert!(matches!(&effects[..], [Effect::Copy(text)] if text.contains("seen in: host.enabled")), "{effects:?}");
}

#[test]
fn time_goes_by_on_the_run_page() {
    let mut model = rolling(SIZE, evacuating());
    model.settle();
    assert!(model.due().is_some_and(|due| due <= ahead(1)), "{:?}", model.due());
    says(&rolling(SIZE, evacuating()), &["evacuate 2:14"]);
    let mut model = rolling(SIZE, evacuating());
    update(&mut model, Msg::Tick(ahead(10)));
    says(&model, &["evacuate 2:24"]);
}
