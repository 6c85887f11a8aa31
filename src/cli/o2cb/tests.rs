//! The command as its users meet it: documents and exit codes.

use super::*;
use crate::cli::Cli;
use clap::Parser as _;

const CONF: &str = "cluster:\n\tname = xspool\n\tnode_count = 2\n\theartbeat_mode = global\n\n\
node:\n\tnumber = 0\n\tcluster = xspool\n\tip_port = 7777\n\tip_address = 10.0.0.10\n\tname = xs0\n\n\
node:\n\tnumber = 1\n\tcluster = xspool\n\tip_port = 7777\n\tip_address = 10.0.0.11\n\tname = xs1\n\n\
heartbeat:\n\tcluster = xspool\n\tregion = 0C4AB55FE9314FA5A9F81652FDB9B22D\n\n";

struct Root(PathBuf);

impl Root {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("poolwatch-cli-o2cb-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("etc/ocfs2")).unwrap();
        Self(path)
    }

    fn with(self, text: &str) -> Self {
        std::fs::write(self.0.join(CLUSTER_CONF), text).unwrap();
        self
    }

    fn run(&self, words: &[&str]) -> (u8, Value) {
        let root = self.0.to_str().unwrap();
        let cli = Cli::try_parse_from(["poolwatch", "o2cb", "--root", root].iter().chain(words)).unwrap();
        let crate::cli::Command::O2cb(args) = cli.command else { panic!("another command") };
        let mut out = vec![];
        let code = run(&args, Time::from_secs(1_795_000_000), &mut out).unwrap();
        let document: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((document["schema"].as_str(), &document["exit_code"]), (Some("poolwatch-o2cb/1"), &json!(code)));
        (code, document)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_host_comes_and_goes_and_its_number_with_it() {
    let root = Root::new("way").with(CONF);
    let (code, planned) = root.run(&["add", "xs2", "10.0.0.12", "--dry-run"]);
    assert_eq!((code, planned["dry_run"].as_bool(), planned["result"]["number"].as_u64()), (0, Some(true), Some(2)));
    assert_eq!(std::fs::read_to_string(root.0.join(CLUSTER_CONF)).unwrap(), CONF);
    assert_eq!(root.run(&["start"]).0, 0);
    assert_eq!(root.run(&["query"]).0, 0);
    assert_eq!(root.run(&["create", "xs2", "10.0.0.12", "--uuid", "0d5c5ba8-5a11-4c3a-9a12-1f4a3f4f6a10"]).0, 0);
    let (code, query) = root.run(&["query", "--alive", "0,1"]);
    assert_eq!((code, query["result"]["needs_register"].as_bool()), (1, Some(true)));
    assert_eq!(query["result"]["hosts"][2]["state"], "excluded");
    assert_eq!(root.run(&["remove", "0d5c5ba8-5a11-4c3a-9a12-1f4a3f4f6a10"]).0, 0);
    assert_eq!(root.run(&["add", "xs3", "10.0.0.13", "--number", "2"]).0, 2);
    assert_eq!(root.run(&["nodes"]).1["result"]["clusters"][0]["next_number"], 3);
    assert_eq!(root.run(&["forget", "2", "--started", "xs0=20250101T00:00:00Z"]).0, 2);
    assert_eq!(root.run(&["forget", "2", "--started", "yesterday"]).0, 2);
    let (code, done) = root.run(&["forget", "2", "--started", "xs0=20270101T00:00:00Z", "--started", "xs1=2027-01-01T00:00:00Z"]);
    assert_eq!((code, done["error"].is_null()), (0, true));
    assert_eq!(root.run(&["stop"]).0, 0);
}

#[test]
fn what_is_wrong_is_told_with_line_and_way_out() {
    let root = Root::new("wrong").with(&CONF.replace("number = 1", "number = 255").replace("xs0", "xs0\u{9b}\u{202e}"));
    let (code, found) = root.run(&["check"]);
    let rows = found["result"]["problems"].as_array().unwrap();
    assert_eq!((code, rows.len(), rows[1]["code"].as_str(), rows[2]["line"].as_u64()), (1, 3, Some("node-name"), Some(14)));
    assert!(!found.to_string().contains(['\u{9b}', '\u{202e}']));
    let (code, refused) = root.run(&["add", "xs2", "10.0.0.12"]);
    assert!(code == 2 && refused["error"].as_str().unwrap().contains("nothing was changed"), "{refused}");
    assert_eq!(Root::new("none").run(&["check"]).0, 1);
    assert_eq!(Root::new("nobody").run(&["query"]).0, 3);
}

#[test]
fn who_would_die_is_told_for_every_single_fault_or_for_several_together() {
    let root = Root::new("die").with(CONF);
    let (code, all) = root.run(&["who-would-die"]);
    let forecasts = all["result"]["forecasts"].as_array().unwrap();
    // Two hosts and their links, one pair; disks and storage in two ways.
    assert_eq!((code, forecasts.len()), (0, 2 + 2 + 1 + 4 + 2));
    let (_, one) = root.run(&["who-would-die", "--fault", "link:xs0"]);
    let end = &one["result"]["forecasts"][0]["ends"][0];
    assert_eq!(
        (end["name"].as_str(), end["cause"].as_str(), end["rule"].as_str()),
        (Some("xs1"), Some("network"), Some("other-half"))
    );
    assert_eq!(end["when"]["nominal_ms"], 96_000);
    let (_, both) = root.run(&["who-would-die", "--fault", "storage", "--fault", "link:1", "--alive", "0,1"]);
    assert_eq!(both["result"]["forecasts"][0]["fenced"], json!([0, 1]));
    assert_eq!(root.run(&["who-would-die", "--fault", "moon"]).0, 2);
    assert_eq!(root.run(&["who-would-die", "--alive", "9"]).0, 2);
}

#[test]
fn files_of_several_hosts_are_compared() {
    let (one, two) = (Root::new("one").with(CONF), Root::new("two").with(&CONF.replace("10.0.0.11", "10.0.0.21")));
    let (a, b) = (format!("a={}", one.0.display()), format!("b={}", two.0.join(CLUSTER_CONF).display()));
    let (code, differ) = one.run(&["compare", &a, &b]);
    assert_eq!(code, 1);
    assert_eq!(
        differ["result"]["groups"][1]["differs"],
        json!(["node xs1 has address 10.0.0.21:7777 instead of 10.0.0.11:7777"])
    );
    assert_eq!(one.run(&["diff", &a, &a.replace("a=", "c=")]).0, 0);
    assert_eq!(one.run(&["diff", &a, &a]).0, 2);
}
