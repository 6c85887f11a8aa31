//! Stories of what should have been said before anything was touched.

use super::done;
use super::kit::*;
use poolwatch::pool::picture::Severity;
use poolwatch::rollout::call::Call;
use poolwatch::rollout::claim;
use poolwatch::rollout::finding::{Finding, Fix};
use poolwatch::rollout::plan::{Options, Scope};
use poolwatch::rollout::preflight::judge;
use poolwatch::rollout::twin::{Operator, Stage};

fn find<'a>(findings: &'a [Finding], code: &str) -> &'a Finding {
    let codes: Vec<&str> = findings.iter().map(|f| f.code.as_str()).collect();
    findings.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("{code} is not among {codes:?}"))
}

fn found(stage: &mut Stage, options: Options) -> Vec<Finding> {
    let (mut plan, _) = plan(stage, &Scope::default());
    plan.options = options;
    findings(stage, &Scope::default(), &plan)
}

#[test]
fn story_12_a_network_that_a_host_has_no_address_on_is_refused_before_anything_moves() {
    let networks = "[[networks]]\nname = \"fast\"\nvlan = 20\n[[networks]]\nname = \"half\"\nvlan = 30\nwithout = [\"c\"]\n";
    let mut stage = stage(&pool(GUESTS, networks), 12, &[]);
    let half = stage.eye.pool.network_named("half").expect("a network");
    let all = found(&mut stage, Options { network: half.clone(), ..Options::default() });
    let finding = find(&all, "migration-network");
    assert!(finding.severity == Severity::Hard && finding.about == "c" && finding.text.contains("half"), "{finding:?}");
    // xapi would have refused it too, only later: with a host disabled already.
    let (mut plan, state) = plan(&mut stage, &Scope::default());
    let fast = stage.eye.pool.network_named("fast").expect("a network");
    plan.options.network = fast.clone();
    stage.begin("r1", plan, state);
    let played = poolwatch::rollout::twin::play(&mut stage, Operator::default());
    assert!(done(&played) && played.violation.is_none(), "{played:?}");
    let over = |c: &Call| match c {
        Call::Evacuate { network, .. } | Call::Migrate { network, .. } => Some(*network == fast),
        _ => None,
    };
    let over: Vec<bool> = calls(&stage).iter().filter_map(over).collect();
    assert!(!over.is_empty() && over.iter().all(|is| *is));
}

#[test]
fn story_22_a_pool_that_cannot_be_emptied_is_not_begun_unasked() {
    // A single host: its guests have to stop, which nobody agrees to by chance.
    let text = "title = \"story\"\npool = \"story\"\nfill = { running = 2, halted = 0, kind = \"small\" }\n[[hosts]]\nname = \"a\"\nmemory_gib = 64\n\
                [[srs]]\nname = \"san\"\nkind = \"nfs\"\n";
    let mut stage = stage(text, 22, &[]);
    let all = found(&mut stage, Options::default());
    assert_eq!(find(&all, "only-host").severity, Severity::Soft);
    assert!(!judge(&all, &[]).may_begin());
    // Local storage: each guest that is tied by it is named, with its host and the way out.
    let guest = "[[guests]]\nname = \"tied\"\nhost = \"b\"\nmemory_gib = 1\npinned = \"local-sr\"\n";
    let mut stage = self::stage(&pool("", guest), 22, &[]);
    let all = found(&mut stage, Options::default());
    let tied = all.iter().find(|f| f.about == "tied").unwrap_or_else(|| panic!("{all:?}"));
    assert!(tied.severity == Severity::Hard && tied.text.contains(" on b ") && tied.fix == Some(Fix::ShutDownPinned), "{tied:?}");
    assert!(!judge(&all, &[]).may_begin());
    let all = found(&mut stage, Options { shut_down_pinned: true, ..Options::default() });
    assert!(all.iter().filter(|f| f.about == "tied").all(|f| f.severity == Severity::Note), "{all:?}");
}

#[test]
fn story_25_guests_that_ha_does_not_protect_do_not_stop_a_round() {
    let mut stage = stage(&pool(&format!("{GUESTS}\nha = {{ enabled = true }}"), ""), 25, &[]);
    let all = found(&mut stage, Options::default());
    let told = find(&all, "not-ha-protected");
    assert_eq!(told.severity, Severity::Note, "by its own name, not as a lack of memory");
    assert!(!all.iter().any(|f| f.code == "no-room" || f.severity == Severity::Hard), "{all:?}");
    let played = round(&mut stage, &Scope::default(), Operator::default(), |_| {});
    assert!(done(&played) && played.stops.is_empty(), "{played:?}");
    let calls = calls(&stage);
    let off = calls.iter().position(|c| matches!(c, Call::DisableHa)).expect("HA goes off");
    let moved = calls.iter().position(|c| matches!(c, Call::Evacuate { .. })).expect("guests move");
    assert!(off < moved);
}

#[test]
fn story_29_one_full_host_does_not_keep_the_others_from_taking_guests() {
    let guests = "[[guests]]\nname = \"big\"\nhost = \"b\"\nmemory_gib = 40\n[[guests]]\nname = \"middle\"\nhost = \"a\"\nmemory_gib = 30\n\
                  [[guests]]\nname = \"small\"\nhost = \"c\"\nmemory_gib = 4\n";
    let mut stage = stage(&pool("", guests), 29, &[]);
    // b has no room for `middle`; c has.
    let mut on = Vec::new();
    let played = round(&mut stage, &Scope { hosts: Some(vec!["a".into()]), ..Scope::default() }, Operator::default(), |s| {
        let db = s.world.database();
        let vm = db.find("VM", "name_label", &"middle".into()).expect("the guest");
        let host = db.text(&db.reference(&vm, "resident_on"), "name_label").to_owned();
        if on.last() != Some(&host) {
            on.push(host);
        }
    });
    assert!(done(&played) && played.stops.is_empty(), "{played:?}");
    assert_eq!(on, ["a", "c", "a"]);
}

#[test]
fn story_33_a_claim_whose_owner_is_gone_can_be_taken_over_but_not_before() {
    let mut stage = stage(&pool(GUESTS, ""), 33, &[]);
    stage.foreign_claim();
    let all = found(&mut stage, Options::default());
    let finding = find(&all, "claimed");
    assert!(finding.severity == Severity::Hard && finding.fix.is_none(), "the owner may live: {finding:?}");
    // Nobody renews it.
    wait(&mut stage, claim::TTL_S + 60);
    let all = found(&mut stage, Options::default());
    let finding = find(&all, "claim-dead");
    assert_eq!((finding.severity, &finding.fix), (Severity::Hard, &Some(Fix::TakeOverClaim)));
}
