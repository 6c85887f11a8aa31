//! The grammar, the meaning and the changes of `cluster.conf`.

use super::*;
use proptest::prelude::*;

const POOL: &str = "# made by hand, do not touch\n\
cluster:\n\tname = xspool\n\tnode_count = 2\n\theartbeat_mode = global\n\tcolour = green\n\n\
node:\n\tnumber = 0\n#\tnumber = 7\n\tcluster = xspool\n\tip_port = 7777\n\tip_address = 10.0.0.10\n\tname = xs0  \n\n\
node:\n    number = 002\n    cluster=xspool\n    ip_port   =   7777\n    ip_address = 10.0.0.12\n    name = xs2\n\
heartbeat:\n\tregion = 0C4AB55FE9314FA5A9F81652FDB9B22D\n\tcluster = xspool\n   \t\n\
future:\n\tx = first \\\n  second \\ not a break\\\n\n";

fn document(text: &str) -> Document {
    Document::parse(text.as_bytes()).unwrap()
}

fn whats(text: &str) -> Vec<(usize, &'static str)> {
    let problems = match Document::parse(text.as_bytes()) {
        Ok(document) => Config::read(&document).1,
        Err(broken) => broken.problems,
    };
    problems.iter().map(|problem| (problem.line, problem.what.code())).collect()
}

fn whole(nodes: &str) -> String {
    format!("cluster:\n\tname = c\n\tnode_count = 1\n{nodes}")
}

fn node(number: &str, name: &str, address: &str) -> String {
    format!("node:\n\tnumber = {number}\n\tname = {name}\n\tip_address = {address}\n\tip_port = 7777\n\tcluster = c\n")
}

#[test]
fn every_byte_comes_back() {
    assert_eq!(String::from_utf8(document(POOL).bytes()).unwrap(), POOL);
    for text in ["", "\n", "#", "cluster:", "cluster:\n\tname = \\", "cluster:\n\tname=x\\\n", " ", "a:\n b=\u{e4}\n"] {
        assert_eq!(document(text).bytes(), text.as_bytes());
    }
    let latin = b"# f\xfcr den Pool\na:\n\tb = \xff\n";
    assert_eq!(Document::parse(latin).unwrap().bytes(), latin);
}

#[test]
fn it_means_what_the_tool_takes_it_for() {
    let document = document(POOL);
    let (config, problems) = Config::read(&document);
    let codes: Vec<_> = problems.iter().map(|problem| (problem.line, problem.what.code())).collect();
    assert_eq!(codes, [(6, "unknown-attribute"), (26, "unknown-stanza")]);
    let cluster = config.cluster(None).unwrap();
    assert_eq!((cluster.name.as_str(), cluster.mode, cluster.node_count), ("xspool", Mode::Global, 2));
    let nodes: Vec<_> = cluster.nodes.iter().map(|node| (node.number, node.name.as_str(), node.line)).collect();
    assert_eq!(nodes, [(0, "xs0", 8), (2, "xs2", 16)]);
    assert_eq!(cluster.heartbeats[0].region, "0C4AB55FE9314FA5A9F81652FDB9B22D");
    let future = *document.stanzas().last().unwrap();
    assert_eq!(document.value(future, "x"), Some("first \n  second \\ not a break"));
    assert!(config.held.is_empty(), "a comment within a stanza that lives holds nothing");
}

#[test]
fn what_the_tool_rejects_is_rejected_with_its_line() {
    let cases = [
        ("cluster:\r\n\tname = c\r\n", vec![(1, "carriage-return")]),
        ("cluster:\n\tname = c\n  # x\n", vec![(3, "indented-comment")]),
        ("cluster:\nname = c\n", vec![(2, "not-indented")]),
        ("cluster\n\tname = c\n", vec![(1, "no-colon"), (2, "outside")]),
        ("cluster: x\n\tname = c\n", vec![(1, "after-colon")]),
        ("cluster :\n\tname = c\n", vec![(1, "blank-before-colon")]),
        ("cluster:\n\n\tname = c\n", vec![(3, "outside")]),
        ("cluster:\n \n\tname = c\n", vec![(3, "outside")]),
        ("cluster:\n\tname c\n", vec![(2, "no-equal")]),
        ("cluster:\n\tname-x = c\n", vec![(2, "no-equal")]),
        ("cluster:\n\theartb", vec![(2, "no-value")]),
        ("cluster:\n\tnode:\n", vec![(2, "indented-header")]),
        ("cluster:\n\t= c\n", vec![(2, "no-name")]),
        ("cluster:\n\tname = c\0\n", vec![(2, "nul")]),
        ("cluster:\n\tname = c\\\n\0\n", vec![(3, "nul")]),
        ("\u{feff}cluster:\n", vec![(1, "bom")]),
        ("\x7fELF", vec![(1, "not-text")]),
        ("- a\n", vec![(1, "not-text")]),
    ];
    for (text, expected) in cases {
        assert!(Document::parse(text.as_bytes()).is_err(), "{text:?}");
        assert_eq!(whats(text), expected, "{text:?}");
    }
    assert!(matches!(Document::parse(b"\xff\xfec\0").unwrap_err().problems[0].what, What::Utf16));
    let huge = vec![b'#'; usize::try_from(crate::o2cb::LARGEST).unwrap() + 1];
    assert!(matches!(Document::parse(&huge).unwrap_err().problems[0].what, What::TooLarge { .. }));
    assert_eq!(Document::parse("x\n".repeat(9_000).as_bytes()).unwrap_err().problems.len(), Broken::MOST);
}

#[test]
fn what_the_kernel_refuses_is_an_error() {
    let cases = [
        (node("255", "a", "10.0.0.1"), "number-too-high"),
        (node("99999999999999999999", "a", "10.0.0.1"), "number-too-high"),
        (node("-1", "a", "10.0.0.1"), "number-too-high"),
        (node("1 # one", "a", "10.0.0.1"), "not-a-number"),
        (node("0x1", "a", "10.0.0.1"), "not-a-number"),
        (node("", "a", "10.0.0.1"), "missing"),
        (node("1", "a/b", "10.0.0.1"), "node-name"),
        (node("1", &"a".repeat(65), "10.0.0.1"), "node-name"),
        (node("1", "a", "fe80::1"), "address"),
        (node("1", "a", "10.0.0.256"), "address"),
        (node("1", "a", "10.0.0.1").replace("7777", "65535"), "port"),
        (node("1", "a", "10.0.0.1").replace("7777", "0"), "port"),
        (node("1", "a", "10.0.0.1") + &node("1", "b", "10.0.0.2"), "number-clash"),
        (node("1", "a", "10.0.0.1") + &node("2", "a", "10.0.0.2"), "name-clash"),
        (node("1", "a", "10.0.0.1") + &node("2", "b", "10.0.0.1"), "address-clash"),
        ("heartbeat:\n\tcluster = c\n\tregion = xyz\n".to_owned(), "region"),
        ("cluster:\n\tname = c\n\tnode_count = 0\n".to_owned(), "cluster-clash"),
    ];
    for (text, code) in cases {
        let text = whole(&text);
        let problems = Config::read(&document(&text)).1;
        let found = problems.iter().find(|problem| problem.what.code() == code);
        assert_eq!(found.map(|problem| problem.what.severity()), Some(Severity::Error), "{code}: {problems:?}");
        assert!(!no_errors(&problems));
    }
    let codes = |text: &str| whats(text).into_iter().map(|(_, code)| code).collect::<Vec<_>>();
    assert!(codes("cluster:\n\tname = my-pool\n\tnode_count = 0\n").contains(&"cluster-name"));
    assert!(codes("cluster:\n\tname = c\n\tnode_count = 0\n\theartbeat_mode = both\n").contains(&"mode"));
    assert!(codes("cluster:\n\tname = c\n").contains(&"missing"));
    assert!(codes("cluster:\n\tnode_count = 1\n\tname = c\\").contains(&"half-written"));
    assert!(codes("cluster:\n\tnode_count = 1\n\tname = c\\\n").contains(&"half-written"));
}

#[test]
fn what_works_is_only_a_warning() {
    let text = whole(
        &(node("+7", "a.example.org", "127.0.0.1")
            + "\tname = b\n"
            + &node("8", "c", "10.0.0.3").replace("cluster = c", "cluster = d")),
    );
    let problems = Config::read(&document(&text)).1;
    assert!(no_errors(&problems), "{problems:?}");
    let codes: Vec<_> = problems.iter().map(|problem| problem.what.code()).collect();
    assert_eq!(codes, ["loopback", "twice", "stray"]);
    let regions = |count: usize| {
        (0..count).map(|n| format!("heartbeat:\n\tcluster = c\n\tregion = {n:032X}\n")).collect::<Vec<_>>().concat()
    };
    let global = |count| whats(&format!("cluster:\n\tname = c\n\tnode_count = 0\n\theartbeat_mode = GLOBAL\n{}", regions(count)));
    assert_eq!(global(0), [(1, "no-region")]);
    assert_eq!(global(2), [(1, "two-regions")]);
    assert_eq!(global(32), []);
    assert_eq!(global(33), [(1, "too-many-regions")]);
}

#[test]
fn a_change_touches_only_its_place() {
    let mut new = document(POOL);
    let (config, _) = Config::read(&new);
    let cluster = config.cluster(None).unwrap().stanza;
    assert!(!new.set(cluster, "node_count", "2"));
    assert!(new.set(cluster, "node_count", "3"));
    new.append("node", &[("number", "1".to_owned()), ("name", "xs1".to_owned())]);
    let expected = POOL.replace("node_count = 2", "node_count = 3") + "\nnode:\n\tnumber = 1\n\tname = xs1\n";
    assert_eq!(String::from_utf8(new.bytes()).unwrap(), expected);
    assert_eq!(Document::parse(expected.as_bytes()).unwrap(), new, "what was changed is what is read again");

    let mut short = document("cluster:\n    name = c  \n    node_count =1 ");
    let stanza = short.stanzas()[0];
    short.set(stanza, "node_count", "12");
    short.set(stanza, "heartbeat_mode", "global");
    short.append("node", &[("number", "0".to_owned())]);
    let expected = "cluster:\n    name = c  \n    node_count =12 \n    heartbeat_mode = global\n\nnode:\n    number = 0\n";
    assert_eq!(String::from_utf8(short.bytes()).unwrap(), expected);

    let mut long = document("a:\n\tx = 1\\\n2\n\ty = 3\n");
    let stanza = long.stanzas()[0];
    long.set(stanza, "x", "4");
    assert_eq!(long.bytes(), b"a:\n\tx = 4\n\ty = 3\n");
}

#[test]
fn a_node_that_is_commented_out_holds_its_number_until_it_is_forgotten() {
    let mut new = document(POOL);
    let (config, _) = Config::read(&new);
    let node = config.cluster(None).unwrap().node(0).unwrap().stanza;
    new.comment_out(node, "xs0 left");
    let text = String::from_utf8(new.bytes()).unwrap();
    assert!(text.contains("\n# poolwatch: xs0 left\n#node:\n#\tnumber = 0\n#\tnumber = 7\n#\tcluster = xspool\n"), "{text}");
    let again = document(&text);
    assert_eq!(again, new);
    let (config, _) = Config::read(&again);
    assert_eq!(config.cluster(None).unwrap().nodes.len(), 1);
    let held = &config.held[0];
    assert_eq!((held.numbers.as_slice(), held.name.as_deref(), held.is_of("xspool")), ([0, 7].as_slice(), Some("xs0"), true));
    new.forget(held);
    let gone = POOL.replace(&POOL[POOL.find("node:").unwrap()..POOL.find("node:\n    ").unwrap()], "");
    assert_eq!(String::from_utf8(new.bytes()).unwrap(), gone);
}

#[test]
fn nodes_that_a_person_commented_out_are_held_too() {
    let text = "# node: the old one is in the cellar\n## node :\n##  number=3\n##  name = x\n#\n# number = 9\n\n#node:\n#\tnumber = 300\n#\tname = y\n";
    let held = document(text).held();
    let rows: Vec<_> = held.iter().map(|held| (held.numbers.clone(), held.name.as_deref(), held.line)).collect();
    assert_eq!(rows, [(vec![3], Some("x"), 2), (vec![], Some("y"), 8)]);
}

#[test]
fn a_comment_made_of_a_value_of_several_lines_stays_a_comment() {
    let mut new = document("node:\n\tnumber = 1\n\tname = a\\\nnode:\\\n b\n\ncluster:\n");
    new.comment_out(new.stanzas()[0], "gone");
    let text = String::from_utf8(new.bytes()).unwrap();
    assert_eq!(text, "# poolwatch: gone\n#node:\n#\tnumber = 1\n#\tname = a\\\n#node:\\\n# b\n\ncluster:\n");
    assert_eq!(document(&text), new);
}

proptest! {
    #[test]
    fn no_bytes_make_it_fall_over_and_what_it_takes_it_gives_back(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(document) = Document::parse(&bytes) {
            prop_assert_eq!(document.bytes(), bytes);
            Config::read(&document);
        }
    }

    #[test]
    fn nor_do_files_that_are_nearly_right(parts in proptest::collection::vec(prop_oneof![
        Just("cluster:\n"), Just("node:\n"), Just("#node:\n"), Just("\tnumber = 3\n"), Just("#\tnumber = 4\n"), Just("\tname = a\n"), Just("\n"),
        Just("\tcluster = a\n"), Just("\tnode_count = 1\\\n"), Just("\\\n"), Just(" \n"), Just("\tip_port = 1"), Just("\r"), Just("# \u{e4}\n"), Just("x"),
    ], 0..40)) {
        let text = parts.concat();
        if let Ok(mut document) = Document::parse(text.as_bytes()) {
            prop_assert_eq!(document.bytes(), text.as_bytes());
            let (config, problems) = Config::read(&document);
            for stanza in document.stanzas().into_iter().rev() {
                document.comment_out(stanza, "gone");
            }
            let bytes = document.bytes();
            let again = Document::parse(&bytes);
            prop_assert_eq!(again.as_ref().map(|again| again.stanzas().len()), Ok(0));
            prop_assert!(no_errors(&problems) || !problems.is_empty());
            let held = document.held();
            for node in config.clusters.iter().flat_map(|cluster| &cluster.nodes) {
                prop_assert!(held.iter().any(|held| held.numbers.contains(&node.number)));
            }
        }
    }
}

#[test]
fn the_largest_files_are_read_in_no_time() {
    let limit = usize::try_from(crate::o2cb::LARGEST).unwrap();
    let node = |n: usize| format!("node:\n\tnumber={n}\n\tname=n{n}\n\tip_address=10.0.0.1\n\tip_port=1\n\tcluster=c\n");
    let files = [
        "a:\n".repeat(limit / 3),
        "a:\n".to_owned() + &(0..limit / 10).map(|n| format!("\tx{n}=\n")).collect::<Vec<_>>().concat(),
        whole(&(0..limit / 80).map(node).collect::<Vec<_>>().concat()),
        "#node:\n#number=1\n".repeat(limit / 18),
    ];
    for text in files {
        let text = &text[..text.len().min(limit)];
        let document = document(&text[..=text.rfind('\n').unwrap()]);
        let (config, problems) = Config::read(&document);
        assert!(!problems.is_empty() || !config.held.is_empty());
        assert!(problems.len() <= 1_000);
    }
}
