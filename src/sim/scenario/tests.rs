//! Scenarios as they are shipped, and as people get them wrong.

use super::*;

#[test]
fn every_scenario_in_the_list_loads_and_is_titled_as_its_file_says() {
    for named in list() {
        let pools = load(named.name, Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
        assert!(!pools.is_empty());
        assert!(pools.iter().all(|s| s.title == named.title), "{}: {} != {}", named.name, named.title, pools[0].title);
    }
}

#[test]
fn the_sizes_are_as_promised() {
    let big = &load("big", Overrides::default()).unwrap()[0];
    assert_eq!((big.hosts.len(), big.fill.running + big.fill.halted + big.guests.len()), (64, 2_000));
    let fleet = load("fleet", Overrides::default()).unwrap();
    assert_eq!(fleet.len(), 8);
    let mut names: Vec<&str> = fleet.iter().map(|s| s.pool.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 8, "pools have names of their own");
}

#[test]
fn a_fleet_can_be_large() {
    let overrides = Overrides { pools: Some(100), hosts: Some(16), guests: Some(500) };
    let fleet = load("fleet", overrides).unwrap();
    assert_eq!(fleet.len(), 100);
    assert!(fleet.iter().all(|s| s.hosts.len() == 16 && s.fill.running + s.fill.halted == 500));
    let mut subnets: Vec<u8> = fleet.iter().map(|s| s.subnet).collect();
    subnets.dedup();
    assert_eq!(subnets.len(), 100, "addresses do not clash");
}

#[test]
fn overrides_keep_a_scenario_consistent() {
    for hosts in [1, 2, 7, 64] {
        let calm = &load("calm", Overrides { hosts: Some(hosts), guests: Some(10), pools: None }).unwrap()[0];
        assert_eq!(calm.hosts.len(), hosts);
        assert_eq!(calm.guests.len() + calm.fill.running + calm.fill.halted, 10);
    }
    assert!(load("calm", Overrides { hosts: Some(65), ..Overrides::default() }).is_err());
    assert!(load("calm", Overrides { hosts: Some(0), ..Overrides::default() }).is_err());
}

#[test]
fn mistakes_say_which_scenario_and_what() {
    let unknown = load("clam", Overrides::default()).unwrap_err().to_string();
    assert!(unknown.contains("`clam`") && unknown.contains("calm, rolling-update"), "{unknown}");
    let bad = |text: &str| Scenario::from_toml("mine", text).unwrap_err().to_string();
    assert!(bad("pool = 3").contains("`mine` cannot be read"));
    let base = "title = \"t\"\npool = \"p\"\n[[hosts]]\nname = \"a\"\n";
    assert!(Scenario::from_toml("mine", base).is_ok());
    assert!(bad(&format!("{base}[[hosts]]\nname = \"a\"\n")).contains("two hosts are called `a`"));
    assert!(bad(&format!("{base}[[guests]]\nname = \"v\"\nhost = \"b\"\n")).contains("host `b`, which does not exist"));
    assert!(bad(&format!("{base}[[events]]\nat_s = 1\ndo = \"explode\"\n")).contains("no fault called `explode`"));
    assert!(bad(&format!("{base}[[srs]]\nname = \"s\"\nkind = \"linstor\"\nmirror = {{}}\n")).contains("two nodes"));
    assert!(bad(&format!("{base}speed = 3\n")).contains("cannot be read"));
}
