//! Prints screens for a person to look at: `cargo test look_at -- --ignored --nocapture`.
use crate::tui::testkit::*;

#[test]
#[ignore = "for a person to look at"]
fn look_at() {
    for size in [(120, 40), (80, 24), (40, 10), (200, 60)] {
        println!("{}\n{}", format!("== {size:?} ").repeat(3), screen(&model(size)));
    }
    let mut m = model((120, 40));
    press(&mut m, "down, down, enter");
    println!("{}", screen(&m));
    let m = model_of(vec![lost()], (100, 30), false);
    println!("{}", screen(&m));
    let m = model_of(vec![refused()], (80, 24), false);
    println!("{}", screen(&m));
    let m = model_of(vec![calm("prod-a"), busy(), lost(), refused()], (120, 20), false);
    println!("{}", screen(&m));
    let mut m = model((100, 30));
    press(&mut m, "?");
    println!("{}", screen(&m));
    let mut m = demo(model((100, 30)));
    press(&mut m, ":");
    type_text(&mut m, "po");
    println!("{}", screen(&m));
    let mut m = model((80, 24));
    press(&mut m, "v");
    println!("{}", screen(&m));
    let m = model_of(vec![busy()], (80, 24), true);
    println!("{}", screen(&m));
}

#[test]
#[ignore = "for a person to look at"]
fn how_long_a_frame_takes() {
    let mut picture = busy();
    let host = picture.hosts[0].clone();
    picture.hosts = (0..64)
        .map(|n| {
            let mut host = host.clone();
            host.name = format!("node-{n:02}");
            host.r#ref = format!("OpaqueRef:n{n}").into();
            host
        })
        .collect();
    let path = picture.paths[0].clone();
    picture.paths = (0..64 * 12)
        .map(|n| {
            let mut path = path.clone();
            path.host = format!("node-{:02}", n / 12);
            path.name = format!("3600a0980383{:04x}", n % 12);
            path
        })
        .collect();
    let alert = picture.alerts[0].clone();
    picture.alerts = vec![alert; 400];
    let mut model = model_of(vec![picture], (200, 60), false);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        model.settle_panes();
    }
    println!("settling {:?}", start.elapsed() / 100);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        let _ = buffer(&model);
    }
    println!("drawing {:?}", start.elapsed() / 100);
}
