//! What keys do, from press to screen.

use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::{Action, Context, TABLE};
use crate::tui::model::{Model, Pane, Popup, Raw, Screen};
use crate::tui::msg::{Answer, Mouse, Msg, PoolIx};
use crate::tui::testkit::*;
use crate::tui::update::{availability, update};
use strum::IntoEnumIterator;

fn toast(model: &Model) -> &str {
    model.toast.as_ref().map_or("", |t| &t.text)
}

#[test]
fn a_selection_stays_with_its_host_when_the_rows_move() {
    let mut model = model((120, 40));
    press(&mut model, "down, down");
    let selected = model.pools[0].pane(Pane::Hosts).selected.clone();
    assert_eq!(selected.as_deref(), Some("OpaqueRef:host-3"));
    model.pools[0].picture.hosts.remove(0);
    model.settle_panes();
    assert_eq!(model.pools[0].pane(Pane::Hosts).selected, selected);
    press(&mut model, "S");
    assert_eq!(model.pools[0].pane(Pane::Hosts).selected, selected);
    model.pools[0].picture.hosts.retain(|h| h.name != "xcp3");
    model.settle_panes();
    assert!(model.pools[0].pane(Pane::Hosts).selected.is_some_and_not_gone(&model));
}

trait NotGone {
    fn is_some_and_not_gone(&self, model: &Model) -> bool;
}

impl NotGone for Option<String> {
    fn is_some_and_not_gone(&self, model: &Model) -> bool {
        model.pools[0].picture.hosts.iter().any(|h| Some(h.r#ref.as_str()) == self.as_deref())
    }
}

#[test]
fn a_filter_narrows_is_kept_by_enter_and_cleared_by_esc() {
    let mut model = model((120, 40));
    press(&mut model, "/");
    type_text(&mut model, "XCP3");
    assert_eq!(model.order(Pane::Hosts).len(), 1);
    press(&mut model, "enter");
    assert!(model.filtering.is_none());
    assert_eq!(model.order(Pane::Hosts).len(), 1);
    assert!(screen(&model).contains("/XCP3"));
    press(&mut model, "esc");
    assert_eq!(model.order(Pane::Hosts).len(), 4);
    press(&mut model, "/");
    type_text(&mut model, "q?z");
    assert_eq!(model.order(Pane::Hosts).len(), 0);
    assert!(screen(&model).contains("Nothing matches"));
    press(&mut model, "esc");
    assert_eq!(model.order(Pane::Hosts).len(), 4);
}

#[test]
fn sorting_goes_round_and_is_said() {
    let mut model = model((120, 40));
    press(&mut model, "s, s, s, s");
    assert_eq!(model.order(Pane::Hosts), [3, 2, 0, 1], "by memory, the fullest first");
    assert!(screen(&model).contains("sort: memory"));
    press(&mut model, "S");
    assert_eq!(model.order(Pane::Hosts), [1, 0, 2, 3]);
}

#[test]
fn why_is_the_gate_of_this_host_closed() {
    let mut model = model((120, 40));
    press(&mut model, "down, down, enter");
    let text = screen(&model);
    for words in ["gate closed: 1 hard, 1 soft", "seen in:", "opens when:", "may accept", "xapi allows"] {
        assert!(text.contains(words), "{words} is not said:\n{text}");
    }
    let effects = press(&mut model, "y");
    assert!(matches!(&effects[..], [Effect::Copy(text)] if text.contains("SR xostor")), "{effects:?}");
    press(&mut model, "esc");
    assert!(model.popups.is_empty());
}

#[test]
fn raw_fields_are_asked_for_and_hide_secrets() {
    let mut model = model((120, 40));
    let effects = press(&mut model, "enter, r");
    let Some(Effect::Request(Request::FetchRaw { pool, r#ref, .. })) = effects.first().cloned() else { panic!("{effects:?}") };
    let json = r#"{"name_label":"xcp1","other_config":{"password":"hunter2","multipathing":"true"}}"#;
    update(&mut model, Msg::Answer(Answer::Raw { pool, r#ref: r#ref.clone(), result: Ok(json.into()) }));
    let text = screen(&model);
    assert!(text.contains("other_config: multipathing") && !text.contains("hunter2"), "{text}");
    update(&mut model, Msg::Answer(Answer::Raw { pool, r#ref, result: Err("HANDLE_INVALID".into()) }));
    assert!(screen(&model).contains("HANDLE_INVALID"));
    press(&mut model, "esc");
    assert!(matches!(model.popups.last(), Some(Popup::Detail(d)) if d.raw.is_none()));
}

#[test]
fn a_late_answer_does_not_open_or_change_anything() {
    let mut model = model((120, 40));
    press(&mut model, "enter, r, esc");
    let before = screen(&model);
    let r#ref = crate::xenapi::record::Ref::from("OpaqueRef:host-1");
    update(&mut model, Msg::Answer(Answer::Raw { pool: PoolIx(0), r#ref, result: Ok("{}".into()) }));
    assert_eq!(screen(&model), before);
    assert!(!matches!(model.popups.last(), Some(Popup::Detail(d)) if matches!(d.raw, Some(Raw::Fields(..)))));
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut model = model((120, 40));
    press(&mut model, "F");
    assert!(toast(&model).contains("Only in the demo"));
    press(&mut model, "o");
    assert!(toast(&model).contains("Only one pool"));
    press(&mut model, "L, s");
    assert!(toast(&model).contains("order of time"));
    press(&mut model, "Z");
    assert!(toast(&model).contains("Z does nothing here"));
    let text = screen(&model);
    assert!(text.lines().last().expect("footer").contains("Z does nothing here"), "{text}");
    press(&mut model, "C, enter, r");
    assert!(toast(&model).contains("no record of its own"));
}

#[test]
fn a_theme_is_shown_while_it_is_chosen_and_esc_brings_the_old_one_back() {
    let mut model = model((120, 40));
    let before = model.look.theme.name.clone();
    press(&mut model, "T, down");
    assert_ne!(model.look.theme.name, before);
    press(&mut model, "esc");
    assert_eq!(model.look.theme.name, before);
    let effects = press(&mut model, "T, down, enter");
    let now = model.look.theme.name.clone();
    assert_ne!(now, before);
    assert_eq!(effects, [Effect::Request(Request::SaveTheme(now))]);
}

#[test]
fn faults_and_speed_are_the_demos() {
    let mut model = demo(model((120, 40)));
    let effects = press(&mut model, "F, down, enter");
    assert_eq!(effects, [Effect::Request(Request::Inject { id: "path".into() })]);
    update(&mut model, Msg::Answer(Answer::Fault { id: "path".into(), result: Err("xcp1 has no path left".into()) }));
    assert!(toast(&model).contains("Fail a path could not be done: xcp1 has no path left"));
    assert_eq!(press(&mut model, "+"), [Effect::Request(Request::Speed(2.0))]);
    update(&mut model, Msg::Answer(Answer::Speed(2.0)));
    assert!(screen(&model).contains("demo at 2 times speed"));
}

#[test]
fn many_pools_the_worst_first_and_back() {
    let mut model = model_of(vec![calm("a"), busy(), lost(), calm("d")], (120, 40), false);
    assert_eq!(model.screen, Screen::Fleet);
    assert_eq!(model.order(Pane::Fleet), [2, 1, 0, 3]);
    press(&mut model, "home, down, enter");
    assert_eq!(model.screen, Screen::Pool(PoolIx(1)));
    press(&mut model, "n");
    assert_eq!(model.screen, Screen::Pool(PoolIx(2)));
    press(&mut model, "esc");
    assert_eq!(model.screen, Screen::Fleet);
    assert_eq!(model.fleet.selected.as_deref(), Some("2"));
    press(&mut model, "p");
    type_text(&mut model, "d");
    press(&mut model, "enter");
    assert_eq!(model.screen, Screen::Pool(PoolIx(3)));
}

#[test]
fn the_palette_does_what_it_names_and_says_why_it_cannot() {
    let mut model = model((120, 40));
    press(&mut model, ":");
    type_text(&mut model, "zoom");
    press(&mut model, "enter");
    assert!(model.zoom && model.popups.is_empty());
    press(&mut model, ":");
    type_text(&mut model, "faults");
    assert!(screen(&model).contains("not now: Only in the demo"));
    press(&mut model, "enter");
    assert!(toast(&model).contains("Only in the demo"));
}

#[test]
fn every_action_is_in_help_and_in_the_palette() {
    let mut model = model((200, 130));
    press(&mut model, "?");
    let help = screen(&model);
    for action in Action::iter() {
        let entry = TABLE.iter().find(|e| e.action == action).expect("entry");
        assert!(help.contains(entry.help), "{action:?} is not in help");
        if action != Action::Palette {
            let found = crate::tui::popups::palette_rows(action.name());
            assert_eq!(found.first().map(|e| e.action), Some(action), "{action:?} is not found by its name");
        }
        // Asking never changes anything and never panics.
        let _ = availability(&model, action);
    }
}

#[test]
fn every_key_of_the_screen_can_be_pressed() {
    for entry in TABLE {
        for (context, keys) in entry.keys {
            if *context == Context::Screen || *context == Context::Move || *context == Context::Everywhere {
                for key in *keys {
                    let mut model = demo(model((120, 40)));
                    press(&mut model, key);
                    assert!(!toast(&model).contains("does nothing here"), "{key}");
                    let _ = screen(&model);
                }
            }
        }
    }
}

#[test]
fn a_click_selects_and_the_wheel_moves() {
    let mut model = model((80, 24));
    let row = screen(&model).lines().position(|l| l.contains("xcp3    ▲")).expect("xcp3 is there") as u16;
    update(&mut model, Msg::Mouse(Mouse::Click { x: 5, y: row }));
    assert_eq!(model.pools[0].pane(Pane::Hosts).selected.as_deref(), Some("OpaqueRef:host-3"));
    let row = screen(&model).lines().position(|l| l.contains("─ Alerts ─")).expect("alerts are there") as u16;
    update(&mut model, Msg::Mouse(Mouse::WheelDown { x: 5, y: row + 1 }));
    assert_eq!(model.focus, Pane::Alerts);
    assert_eq!(model.pools[0].pane(Pane::Alerts).at, 3);
    update(&mut model, Msg::Mouse(Mouse::Click { x: 79, y: 23 }));
    assert_eq!(model.focus, Pane::Alerts);
}

#[test]
fn the_age_of_what_is_shown_is_told_as_soon_as_it_matters() {
    use crate::pool::picture::LinkState;
    for (age, state, words) in [
        (20, LinkState::Live, "● live"),
        (50, LinkState::Live, "▲ last heard 50 s ago"),
        (200, LinkState::Syncing, "▲ last heard 3 min ago"),
    ] {
        let mut model = model((120, 40));
        model.pools[0].picture.link.state = state;
        model.pools[0].picture.link.heard = Some(ago(age));
        let text = screen(&model);
        assert!(text.lines().next().is_some_and(|line| line.contains(words)), "{words}:\n{text}");
    }
}

#[test]
fn esc_takes_back_a_key_that_began_something() {
    let mut model = model((120, 40));
    press(&mut model, "g");
    assert!(screen(&model).lines().last().expect("footer").trim_end().ends_with("g …"));
    press(&mut model, "esc");
    assert!(model.begun.is_empty() && model.toast.is_none());
}

#[test]
fn a_paste_is_text_never_keys() {
    let mut model = model((120, 40));
    update(&mut model, Msg::Paste("qqq".into()));
    assert!(toast(&model).contains("no field"));
    press(&mut model, "/");
    update(&mut model, Msg::Paste("xc\u{1b}p2\n".into()));
    assert_eq!(model.filtering.as_ref().map(|i| i.value().to_owned()), Some("xcp2 ".into()));
    assert_eq!(model.order(Pane::Hosts).len(), 1);
}

#[test]
fn help_is_searched() {
    let mut model = model((120, 40));
    press(&mut model, "?, /");
    type_text(&mut model, "clipboard");
    let text = screen(&model);
    assert!(text.contains("OSC 52") && !text.contains("One up."), "{text}");
    press(&mut model, "esc, esc");
    assert!(model.popups.is_empty());
}

#[test]
fn words_to_the_operator_go_by_themselves() {
    let mut model = model((120, 40));
    update(&mut model, Msg::Answer(Answer::Notice { pool: Some(PoolIx(0)), text: "certificate kept".into(), wrong: false }));
    assert_eq!(toast(&model), "certificate kept");
    model.dirty = false;
    update(&mut model, Msg::Tick(ahead(60)));
    assert!(model.toast.is_none() && model.dirty);
}

#[test]
fn all_rows_can_be_reached_and_the_window_follows() {
    let mut model = model((80, 24));
    let many: Vec<_> = (0..60)
        .map(|n| {
            let mut host = busy().hosts[0].clone();
            host.name = format!("node-{n:02}");
            host.r#ref = format!("OpaqueRef:n{n}").into();
            host
        })
        .collect();
    model.pools[0].picture.hosts = many;
    model.settle_panes();
    assert!(screen(&model).contains('↓'));
    press(&mut model, "G");
    let text = screen(&model);
    assert!(text.contains("▸ node-59") && text.contains('↑'), "{text}");
    press(&mut model, "g g");
    assert!(screen(&model).contains("▸ node-00"));
    press(&mut model, "pagedown, pagedown, ctrl-u");
    let at = model.pools[0].pane(Pane::Hosts).at;
    assert!(at > 0 && screen(&model).contains(&format!("▸ node-{at:02}")));
}

#[test]
fn a_new_task_shows_itself_where_nobody_is_choosing_and_disturbs_nobody_who_is() {
    let mut model = model((120, 40));
    let newest = |model: &Model| model.pools[0].picture.tasks.first().map(|t| t.r#ref.as_str().to_owned());
    let arrive = |model: &mut Model, name: &str| {
        let mut task = model.pools[0].picture.tasks[0].clone();
        task.r#ref = name.into();
        model.pools[0].picture.tasks.insert(0, task);
        model.pools[0].picture.rebuilds.clear();
        model.settle_panes();
    };
    arrive(&mut model, "OpaqueRef:task-a");
    arrive(&mut model, "OpaqueRef:task-b");
    assert_eq!(model.pools[0].pane(Pane::Tasks).selected, newest(&model), "the hosts have the keys: the tasks show the newest");
    press(&mut model, "R");
    arrive(&mut model, "OpaqueRef:task-c");
    assert_eq!(model.pools[0].pane(Pane::Tasks).selected.as_deref(), Some("OpaqueRef:task-b"), "it stays under the cursor");
}

#[test]
fn the_answer_is_not_said_twice() {
    let mut model = model_of(vec![lost()], (120, 40), false);
    for (headline, shown) in [
        ("Cannot tell: the connection to the pool has been lost for 16 s.", "CANNOT TELL  The connection to the pool"),
        ("Cannot tell how xcp2 is: not heard for 9 s.", "CANNOT TELL  how xcp2 is"),
        ("Cannot", "CANNOT TELL  Cannot"),
    ] {
        model.pools[0].picture.verdict.headline = headline.to_owned();
        assert!(screen(&model).contains(shown), "{}", screen(&model));
    }
}

#[test]
fn with_few_hosts_no_pane_hides_another_and_sentences_have_the_whole_width() {
    use crate::tui::draw::layout::plan;
    for size in [(120, 40), (200, 60), (300, 100)] {
        let plan = plan(&model(size));
        for pane in Pane::OF_A_POOL {
            assert!(plan.panes.iter().any(|(p, area)| *p == pane && area.height >= 4), "{pane:?} at {size:?}: {plan:?}");
        }
        let width = |pane| plan.panes.iter().find(|(p, _)| *p == pane).map_or(0, |(_, area)| area.width);
        assert_eq!(width(Pane::Tasks), size.0);
        assert!(width(Pane::Alerts) >= 100, "{size:?}");
        for (_, area) in &plan.panes {
            assert!(area.right() <= size.0 && area.bottom() <= size.1, "{plan:?}");
        }
    }
}

#[test]
fn a_key_that_works_elsewhere_says_where() {
    let mut model = model((120, 40));
    press(&mut model, "r");
    assert_eq!(toast(&model), "r (raw) works on what is open: open a row first (enter).");
    press(&mut model, "e");
    assert!(toast(&model).starts_with("e (level) works in the log"), "{}", toast(&model));
    press(&mut model, "enter, s");
    assert!(toast(&model).starts_with("s (sort) works on the panes: close this first"), "{}", toast(&model));
}

#[test]
fn a_line_of_the_log_that_is_cut_is_shown_whole() {
    use crate::tui::log::{Level, LogLine};
    let mut model = model((80, 24));
    let text = format!("connection lost: {}what to do now", "a long story ".repeat(12));
    model.log = vec![LogLine { at: NOW, level: Level::Warning, target: "pool".into(), text }];
    model.settle_panes();
    press(&mut model, "L");
    assert!(!screen(&model).contains("what to do now"));
    press(&mut model, "enter");
    let text = screen(&model);
    assert!(text.contains("what to do now") && text.contains("Log: warn"), "{text}");
}
