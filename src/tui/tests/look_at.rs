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
