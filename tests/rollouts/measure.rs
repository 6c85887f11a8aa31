use super::case::Case;
use poolwatch::sim::api::Api;
use std::time::{Duration, Instant};

#[test]
#[ignore]
fn measure() {
    let case = Case::calm(1);
    let t = Instant::now();
    for _ in 0..100 {
        let _ = case.stage();
    }
    println!("stage {:?}", t.elapsed() / 100);
    let (mut stage, _, _) = case.stage();
    let t = Instant::now();
    for _ in 0..1000 {
        std::hint::black_box(stage.eye.pool.picture(stage.eye.own(&stage.world)));
    }
    println!("picture {:?}", t.elapsed() / 1000);
    let t = Instant::now();
    let mut n = 0;
    for k in 0..1000 {
        let _ = k;
        let to = stage.world.now() + Duration::from_secs(10);
        stage.world.advance(to);
        if stage.eye.look(&mut stage.world) {
            n += 1;
        }
        stage.eye.ask(&mut stage.world);
    }
    println!("ten idle seconds with answers {:?} news {n}", t.elapsed() / 1000);
    let t = Instant::now();
    for _ in 0..1000 {
        let to = stage.world.now() + Duration::from_secs(10);
        stage.world.advance(to);
    }
    println!("ten idle seconds without {:?}", t.elapsed() / 1000);
    let t = Instant::now();
    for _ in 0..1000 {
        std::hint::black_box(poolwatch::rollout::twin::Truth::of(&stage.world));
    }
    println!("truth {:?}", t.elapsed() / 1000);
}
