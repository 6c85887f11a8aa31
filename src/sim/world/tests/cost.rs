//! What worlds cost: printed with `--nocapture`, with a loose bound.

use super::*;

#[test]
fn a_clone_costs_little() {
    let scenario = &load("calm", Overrides { hosts: Some(3), guests: Some(8), pools: None }).unwrap()[0];
    let began = std::time::Instant::now();
    let worlds: Vec<World> = (0..50).map(|s| World::build(scenario, Options::new(s, START))).collect();
    let built = began.elapsed() / 50;
    let began = std::time::Instant::now();
    let clones: Vec<World> = (0..200).map(|_| worlds[0].clone()).collect();
    let each = began.elapsed() / 200;
    println!("build {built:?}, clone {each:?}");
    assert_eq!(clones.len(), 200);
    assert!(each < Duration::from_millis(2), "{each:?}");
}
