//! `poolwatch o2cb`: the o2cb of one host, or of a folder that is its root. Prints one JSON document; in words, only errors.

mod args;
mod report;
#[cfg(test)]
mod tests;

pub use args::{O2cbArgs, O2cbCommand};

use crate::o2cb::conf::{Config, Document, Mode, Problem, Severity};
use crate::o2cb::folder::{Disk, Folder, FolderError};
use crate::o2cb::forecast::{self, Fault, Situation};
use crate::o2cb::membership::{self, Evidence, Join, Refused, Who};
use crate::o2cb::node::{Node, NodeError};
use crate::o2cb::registered::{self, Registered};
use crate::o2cb::service::{Kept, Machine, Services, is_uuid};
use crate::o2cb::state::{self, State};
use crate::o2cb::sysconfig::Sysconfig;
use crate::o2cb::{CLUSTER_CONF, LARGEST, compare};
use crate::time::Time;
use report::{Answer, Code};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files that are compared at most.
const MOST_FILES: usize = 1_000;

/// Runs the command, prints its document, and returns the exit code.
///
/// # Errors
/// If nothing can be printed.
pub fn run(args: &O2cbArgs, now: Time, out: &mut impl Write) -> io::Result<u8> {
    let answer = match answer(args, now) {
        Ok(answer) => answer,
        Err(error) => Answer::failed(&error),
    };
    report::print(args, &answer, out)?;
    Ok(answer.code as u8)
}

fn answer(args: &O2cbArgs, now: Time) -> Result<Answer, NodeError> {
    // What speaks of files elsewhere needs no root.
    match &args.command {
        O2cbCommand::Compare { files } => return compare(files),
        O2cbCommand::Check { file: Some(file) } => return Ok(check(elsewhere(file)?)),
        _ => {}
    }
    let mut folder = Disk::open(&args.root)?;
    let (mut machine, mut kept) = (Machine::default(), Kept::default());
    let services: &mut dyn Services = if folder.is_machine() { &mut machine } else { &mut kept };
    let cluster = args.cluster.as_deref();
    let mut node = Node { folder: &mut folder, services, dry_run: args.dry_run, register: false };
    match &args.command {
        O2cbCommand::Query { alive } => {
            let alive: Option<BTreeSet<u8>> = alive.as_ref().map(|alive| alive.iter().copied().collect());
            let query = node.query(cluster, alive.as_ref())?;
            let code = if query.needs_restart || query.needs_register { Code::Attention } else { Code::Fine };
            Ok(Answer::new(code, &query))
        }
        O2cbCommand::Nodes => nodes(&node, cluster),
        O2cbCommand::Check { .. } => Ok(check(node.folder.read(CLUSTER_CONF, LARGEST)?)),
        O2cbCommand::New { name, region, local } => {
            let mode = if *local { Mode::Local } else { Mode::Global };
            Ok(Answer::new(Code::Fine, &node.found(name, mode, region, now)?))
        }
        O2cbCommand::Add(add) => {
            node.register = add.register;
            let join = Join {
                cluster: args.cluster.clone(),
                host: add.host.clone(),
                uuid: add.uuid.clone(),
                number: add.number,
                addresses: add.addresses.clone(),
                port: add.port,
                offline: add.offline,
            };
            Ok(Answer::new(Code::Fine, &node.create(&join, now)?))
        }
        O2cbCommand::Remove { who } => {
            let who = match who.parse() {
                Ok(number) => Who::Number(number),
                Err(_) if is_uuid(who) => Who::Uuid(who.clone()),
                Err(_) => Who::Name(who.clone()),
            };
            Ok(Answer::new(Code::Fine, &node.destroy(cluster, &who, now)?))
        }
        O2cbCommand::Forget { number, started, all_restarted } => {
            let evidence = if *all_restarted { Evidence::Word } else { Evidence::Started(starts(started)?) };
            Ok(Answer::new(Code::Fine, &node.forget(cluster, *number, &evidence, now)?))
        }
        O2cbCommand::Start { statefile } => Ok(Answer::new(Code::Fine, &node.start(cluster, statefile.as_deref())?)),
        O2cbCommand::Stop => Ok(Answer::new(Code::Fine, &node.stop(cluster)?)),
        O2cbCommand::WhoWouldDie { fault, alive, old_kernel } => {
            who_would_die(node.folder, cluster, fault, alive.as_deref(), *old_kernel)
        }
        O2cbCommand::Compare { files } => compare(files),
    }
}

/// `NODE=TIME`.
fn starts(started: &[String]) -> Result<Vec<(String, Time)>, NodeError> {
    let read = |text: &String| {
        let pair = text.split_once('=').and_then(|(name, time)| Some((name.to_owned(), Time::parse_xapi(time)?)));
        pair.ok_or_else(|| NodeError::No(format!("{text:?} is not NODE=TIME, such as xs0=20261121T09:00:00Z")))
    };
    started.iter().map(read).collect()
}

/// A file given by its path: anywhere, with its folder as root.
fn elsewhere(file: &Path) -> Result<Option<Vec<u8>>, NodeError> {
    let file = if file.is_dir() { file.join(CLUSTER_CONF) } else { file.to_owned() };
    let failed = |error| NodeError::Folder(FolderError::Io { doing: "read", path: file.display().to_string(), error });
    let real = match std::fs::canonicalize(&file) {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let (Some(folder), Some(name)) = (real.parent(), real.file_name().and_then(|name| name.to_str())) else { return Ok(None) };
    Ok(Disk::open(folder)?.read(name, LARGEST)?)
}

fn check(bytes: Option<Vec<u8>>) -> Answer {
    let Some(bytes) = bytes else {
        return Answer::new(Code::Attention, &json!({ "there": false, "problems": [], "says": "there is no cluster.conf" }));
    };
    let problems = match Document::parse(&bytes) {
        Ok(document) => Config::read(&document).1,
        Err(broken) => broken.problems,
    };
    let row = |problem: &Problem| {
        json!({
            "line": problem.line,
            "severity": problem.what.severity(),
            "code": problem.what.code(),
            "says": problem.what.to_string(),
            "do": problem.what.advice(),
        })
    };
    let errors = problems.iter().any(|problem| problem.what.severity() == Severity::Error);
    let rows: Vec<Value> = problems.iter().map(row).collect();
    let code = if errors { Code::Attention } else { Code::Fine };
    Answer::new(code, &json!({ "there": true, "sha256": compare::sha256(&bytes), "accepted": !errors, "problems": rows }))
}

/// What stands in the file, even where some of it is wrong.
fn nodes(node: &Node<'_>, cluster: Option<&str>) -> Result<Answer, NodeError> {
    let bytes = node.folder.read(CLUSTER_CONF, LARGEST)?.unwrap_or_default();
    let document = Document::parse(&bytes).map_err(membership::NotUnderstood::from)?;
    let (config, problems) = Config::read(&document);
    let state = State::parse(node.folder.read(state::PATH, state::LARGEST)?.as_deref())?;
    let live = Registered::look(node.folder)?;
    let mut rows = vec![];
    for found in config.clusters.iter().filter(|found| cluster.is_none_or(|name| found.name == name)) {
        let numbers = membership::numbers(&config, found, &state, live.as_ref());
        let held: Vec<Value> = numbers.held().map(|(number, by)| json!({ "number": number, "by": by })).collect();
        let mut row = json!(found);
        if let Some(row) = row.as_object_mut() {
            row.insert("held".to_owned(), json!(held));
            row.insert("next_number".to_owned(), json!(numbers.lowest_free().ok()));
        }
        rows.push(row);
    }
    if cluster.is_some() {
        config.cluster(cluster)?;
    }
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Ok(Answer::new(Code::Fine, &json!({ "sha256": compare::sha256(&bytes), "clusters": rows, "problems": problems })))
}

fn who_would_die(
    folder: &dyn Folder,
    cluster: Option<&str>,
    faults: &[String],
    alive: Option<&[u8]>,
    old_kernel: bool,
) -> Result<Answer, NodeError> {
    let bytes = folder.read(CLUSTER_CONF, LARGEST)?.unwrap_or_default();
    let file = membership::Understood::read(&bytes)?;
    let wanted = file.config.cluster(cluster)?;
    let live = Registered::look(folder)?.filter(|live| live.cluster == wanted.name);
    let timers = Sysconfig::look(folder)?.timers;
    let timers = live.as_ref().map(|live| live.timers).unwrap_or_default().or(timers);
    let (alive, source) = match (alive, registered::alive(folder)) {
        (Some(alive), _) => (Some(alive.iter().copied().collect()), "given"),
        (None, Some(alive)) if live.is_some() => (Some(alive), "kernel"),
        _ => (None, "all of cluster.conf"),
    };
    let mut situation = Situation::of(wanted, &timers, alive.as_ref());
    situation.negotiates = !old_kernel;
    if situation.nodes.is_empty() {
        return Err(NodeError::No(format!("no node of cluster {} is alive, so nobody can die", wanted.name)));
    }
    let forecasts = if faults.is_empty() {
        forecast::each(&situation, &situation.single_faults())
    } else {
        let faults: Result<Vec<Fault>, _> = faults.iter().map(|text| Fault::parse(text, &situation)).collect();
        vec![forecast::forecast(&situation, &faults.map_err(|error| NodeError::No(error.to_string()))?)]
    };
    let result = json!({
        "cluster": wanted.name,
        "alive_from": source,
        "situation": situation,
        "links_to_spare": situation.links_to_spare(),
        "forecasts": forecasts,
    });
    Ok(Answer::new(Code::Fine, &result))
}

fn compare(files: &[String]) -> Result<Answer, NodeError> {
    if files.len() > MOST_FILES {
        return Err(NodeError::No(format!("at most {MOST_FILES} files at once")));
    }
    let mut read = BTreeMap::new();
    for text in files {
        let (host, path) = match text.split_once('=') {
            Some((host, path)) if !host.contains('/') => (host.to_owned(), PathBuf::from(path)),
            _ => (text.clone(), PathBuf::from(text)),
        };
        if read.insert(host.clone(), elsewhere(&path)?).is_some() {
            return Err(NodeError::No(format!("{host:?} stands twice among the files")));
        }
    }
    let compared = compare::compare(&read);
    let code = if compared.same { Code::Fine } else { Code::Attention };
    Ok(Answer::new(code, &compared))
}

impl Code {
    fn of(error: &NodeError) -> Self {
        match error {
            // A pool that has nothing to change yet is not refused anything.
            NodeError::Refused(Refused::Cluster(_)) => Self::Cannot,
            error if error.is_refusal() => Self::Refused,
            _ => Self::Cannot,
        }
    }
}
