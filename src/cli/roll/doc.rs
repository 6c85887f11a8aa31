//! The generated parts of `docs/operating.md`: what stages and findings are called and mean.

use crate::rollout::plan::Stage;
use crate::rollout::preflight::codes_table;
use crate::rollout::report::stage_words;
use std::fmt::Write as _;
use std::path::Path;
use strum::IntoEnumIterator;

fn stages() -> String {
    let mut out = String::from("| stage | |\n|---|---|\n");
    for stage in Stage::iter() {
        let name: &'static str = stage.into();
        let _ = writeln!(out, "| `{name}` | {} |", stage_words(stage));
    }
    out
}

#[test]
fn the_operators_page_has_every_stage_and_finding() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    let before = std::fs::read_to_string(&path).unwrap();
    let mut text = before.clone();
    for (name, content) in [("stages", stages()), ("findings", codes_table())] {
        let (open, close) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
        let start = text.find(&open).unwrap() + open.len();
        let end = start + text[start..].find(&close).unwrap();
        text.replace_range(start..end, &content);
    }
    if text != before && std::env::var_os("POOLWATCH_BLESS").is_some() {
        return std::fs::write(path, text).unwrap();
    }
    assert!(text == before, "docs/operating.md is stale; run the tests once with POOLWATCH_BLESS=1");
}
