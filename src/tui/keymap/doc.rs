//! `docs/keys.md`, made from the table.

use super::{Context, TABLE};
use std::fmt::Write as _;

/// The page on keys.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Keys\n\n\
         Made from the table in `src/tui/keymap/table.rs`; a test sees to it that this page is fresh\n\
         (`POOLWATCH_BLESS=1 cargo test keys_page` writes it).\n\n\
         Every key can be changed in the configuration file, by the name of its action; the keys given replace all usual ones:\n\n\
         ```toml\n[keys]\nzoom = [\"z\", \"ctrl-k\"]\ntop = [\"g g\"]        # one after the other\n```\n\n\
         A key that would mean two things is reported when the program starts, and your own choice wins.\n",
    );
    let mut group = "";
    for entry in TABLE {
        if entry.group != group {
            group = entry.group;
            let _ = write!(page, "\n## {group}\n\n| keys | action | what it does |\n|---|---|---|\n");
        }
        let mut keys: Vec<String> = Vec::new();
        for (context, texts) in entry.keys {
            for text in *texts {
                let text = format!("`{}`", text.replace('|', "\\|"));
                if *context != Context::Typing && !keys.contains(&text) {
                    keys.push(text);
                }
            }
        }
        let _ = writeln!(page, "| {} | `{}` | {} |", keys.join(" "), entry.action.name(), entry.help);
    }
    page.push_str(
        "\nWhile text is typed (filter, command, search), letters are text; `enter` accepts, `esc` leaves, \
         `up`/`down` or `ctrl-p`/`ctrl-n` move in the list.\n",
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
        if std::env::var_os("POOLWATCH_BLESS").is_some() {
            std::fs::write(path, markdown()).expect("docs/keys.md can be written");
        }
        let kept = std::fs::read_to_string(path).expect("docs/keys.md is there");
        assert!(kept == markdown(), "docs/keys.md is stale: run POOLWATCH_BLESS=1 cargo test keys_page");
    }
}
