//! Where the probe's texts come from: files, and commands.
//!
//! On the running host commands are run, all at once, each with a time limit and a bounded output; one that hangs in the
//! kernel (as multipathd may, just when it matters) is left behind. Below any other folder a command's output is a file:
//! `<words of the command>.out` as xen-bugtool names it, at the top or in the one folder `bug-report-…`.

use crate::o2cb::live::known::{Because, Unknown};
use crate::o2cb::live::root::Root;
use crate::text;
use crate::time::Time;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The most that is read of a command's output, in bytes.
pub const OUTPUT: u64 = 4 * 1024 * 1024;
/// The longest that a command may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Where commands are looked for; the caller's own path is not trusted.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin:/opt/xensource/bin:/opt/xensource/debug:/opt/xensource/libexec";

/// A command of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub words: &'static [&'static str],
    /// Other names that a file with its output has.
    pub files: &'static [&'static str],
}

/// A text, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The file or command.
    pub from: String,
    /// What it says.
    pub text: String,
    /// When it said so; absent for the running host, where it is now.
    pub taken: Option<Time>,
}

/// A host, or a folder that stands for one.
pub struct Source {
    root: Root,
    answers: BTreeMap<&'static [&'static str], Result<Said, Unknown>>,
}

impl Command {
    /// The name of the file that holds its output: xen-bugtool puts the words together, with a dash between unless a word
    /// begins with one, and writes `/` as `%`.
    pub fn file(&self) -> String {
        let mut name = String::new();
        for (at, word) in self.words.iter().enumerate() {
            if at > 0 && !word.starts_with('-') {
                name.push('-');
            }
            name.push_str(&word.replace('/', "%"));
        }
        name + ".out"
    }

    /// As it is typed.
    pub fn line(&self) -> String {
        self.words.join(" ")
    }
}

impl Source {
    /// The host below `folder`. On the running one all `commands` are run now.
    pub fn new(folder: &Path, commands: &[Command]) -> Self {
        let mut root = Root::new(folder);
        if !root.is_live()
            && let Ok(names) = root.folders("/")
            && let [only] = names.iter().filter(|name| name.starts_with("bug-report-")).collect::<Vec<_>>().as_slice()
        {
            root = Root::new(&root.folder().join(only));
        }
        let answers = if root.is_live() { run_all(commands) } else { BTreeMap::new() };
        Self { root, answers }
    }

    /// The folder.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The file at `path`, or its last `limit` bytes if it is longer.
    pub fn end_of(&self, path: &str, limit: u64) -> Result<Said, Unknown> {
        self.root.read_end(path, limit).map(|file| Said { from: path.to_owned(), text: file.text, taken: file.written })
    }

    /// The whole file at `path`, if it is not longer than `limit` bytes.
    pub fn file(&self, path: &str, limit: u64) -> Result<Said, Unknown> {
        self.root.read(path, limit).map(|file| Said { from: path.to_owned(), text: file.text, taken: file.written })
    }

    /// What `command` says.
    pub fn command(&self, command: &Command) -> Result<Said, Unknown> {
        if self.root.is_live() {
            // What a running host has another source for is not asked, which is as good as not there.
            let never = || Err(Unknown::new(command.line(), Because::Absent));
            return self.answers.get(command.words).cloned().unwrap_or_else(never);
        }
        let own = format!("/{}", command.file());
        let names = std::iter::once(own.clone()).chain(command.files.iter().map(|name| format!("/{name}")));
        let mut why = None;
        for name in names {
            match self.root.read(&name, OUTPUT) {
                Ok(file) => {
                    return Ok(Said { from: name.trim_start_matches('/').to_owned(), text: file.text, taken: file.written });
                }
                Err(Unknown { because: Because::Absent, .. }) => {}
                Err(other) => why = Some(other),
            }
        }
        Err(why.unwrap_or_else(|| Unknown::new(own.trim_start_matches('/'), Because::Absent)))
    }
}

/// Runs all at once.
fn run_all(commands: &[Command]) -> BTreeMap<&'static [&'static str], Result<Said, Unknown>> {
    thread::scope(|scope| {
        let running: Vec<_> = commands.iter().map(|command| (command, scope.spawn(|| run(command)))).collect();
        let crashed = |command: &Command| Err(Unknown::new(command.line(), Because::Failed("it could not be waited for".into())));
        running.into_iter().map(|(command, run)| (command.words, run.join().unwrap_or_else(|_| crashed(command)))).collect()
    })
}

/// Runs one command to its end, its limit of time, or its limit of output.
fn run(command: &Command) -> Result<Said, Unknown> {
    let fail = |because| Unknown::new(command.line(), because);
    let (program, arguments) = command.words.split_first().ok_or_else(|| fail(Because::Absent))?;
    let mut process = Process::new(program);
    process.args(arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C");
    let started = process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| {
        fail(match error.kind() {
            std::io::ErrorKind::NotFound => Because::Absent,
            std::io::ErrorKind::PermissionDenied => Because::Denied,
            _ => Because::Failed(error.to_string()),
        })
    })?;
    let (out, err) = (listen(child.stdout.take()), listen(child.stderr.take()));
    let until = Instant::now() + PATIENCE;
    let left = || until.saturating_duration_since(Instant::now());
    let Ok(bytes) = out.recv_timeout(left()) else { return Err(give_up(child, fail(Because::TooSlow(PATIENCE.as_secs())))) };
    if bytes.len() as u64 > OUTPUT {
        return Err(give_up(child, fail(Because::TooLong(OUTPUT))));
    }
    let errors = err.recv_timeout(left()).unwrap_or_default();
    let code = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.code(),
            Ok(None) if left().is_zero() => return Err(give_up(child, fail(Because::TooSlow(PATIENCE.as_secs())))),
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(fail(Because::Failed(error.to_string()))),
        }
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if code != Some(0) && text.trim().is_empty() {
        let errors = String::from_utf8_lossy(&errors);
        let words = errors.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned();
        return Err(fail(Because::Failed(format!("exit code {}: {}", code.unwrap_or(-1), text::clean(&words, 200)))));
    }
    Ok(Said { from: command.line(), text, taken: None })
}

/// Reads a pipe to its end, or one byte past the limit, without holding up anybody.
fn listen(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (tell, hear) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(OUTPUT + 1).read_to_end(&mut bytes);
        }
        let _ = tell.send(bytes);
    });
    hear
}

/// Ends a process. One that hangs in the kernel cannot be ended, and is not waited for.
fn give_up(mut child: Child, why: Unknown) -> Unknown {
    let _ = child.kill();
    let _ = child.try_wait();
    why
}
