//! The services of the machine itself: its own tools are run, with a limit of time. Never used for another root.

use super::{REASON, ServiceError, ServiceState, Services, static_vdis};
use crate::o2cb::folder::Folder;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a tool may take: going offline waits for heartbeats to end.
const PATIENCE: Duration = Duration::from_secs(180);
/// What a tool may say.
const SAID: u64 = 64 << 10;
const INIT: &str = "/etc/init.d/o2cb";
const STATIC: &str = "/opt/xensource/bin/static-vdis";
const SERVICE: &str = "o2cb";

/// The machine's own tools.
#[derive(Clone, Debug)]
pub struct Machine {
    tools: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self::at(Path::new("/"))
    }
}

struct Outcome {
    fine: bool,
    status: String,
    said: String,
}

/// Where tools are, below the root.
const PLACES: [&str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];

impl Machine {
    /// The tools below `root`, which is the machine's own root, or that of a container that is this machine to its tools.
    pub fn at(root: &Path) -> Self {
        Self { tools: root.to_owned() }
    }

    /// The program of a command: one with a path is below the root, another one in the usual places there. The caller's own path is not trusted.
    fn program(&self, name: &str) -> PathBuf {
        if let Some(below) = name.strip_prefix('/') {
            return self.tools.join(below);
        }
        let places = PLACES.iter().map(|place| self.tools.join(place).join(name));
        places.into_iter().find(|place| place.exists()).unwrap_or_else(|| PathBuf::from(name))
    }

    fn run(&self, command: &[&str]) -> Result<Outcome, ServiceError> {
        run(self, command)
    }

    fn must(&self, command: &[&str]) -> Result<String, ServiceError> {
        let outcome = self.run(command)?;
        if outcome.fine {
            return Ok(outcome.said);
        }
        Err(ServiceError::Failed { command: command.join(" "), status: outcome.status, said: outcome.said })
    }
}

/// Runs a command and waits until it has ended.
fn run(machine: &Machine, command: &[&str]) -> Result<Outcome, ServiceError> {
    let shown = || command.join(" ");
    let not_run = |error| ServiceError::NotRun { command: shown(), error };
    let (program, arguments) = command.split_first().ok_or_else(|| not_run(std::io::ErrorKind::InvalidInput.into()))?;
    let mut child = Command::new(machine.program(program))
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(not_run)?;
    // What it says is read beside waiting, so that it never waits for us. A child of it may keep the pipe open: the reader is left alone then.
    let (tell, heard) = std::sync::mpsc::channel();
    let streams: [Option<Box<dyn std::io::Read + Send>>; 2] =
        [child.stdout.take().map(|s| Box::new(s) as _), child.stderr.take().map(|s| Box::new(s) as _)];
    for stream in streams.into_iter().flatten() {
        let tell = tell.clone();
        std::thread::spawn(move || {
            let mut said = vec![];
            let mut stream = stream;
            let _ = stream.by_ref().take(SAID).read_to_end(&mut said);
            let _ = tell.send(said);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
    }
    drop(tell);
    let until = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(not_run)? {
            Some(status) => break status,
            None if Instant::now() >= until => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(ServiceError::Late { command: shown(), seconds: PATIENCE.as_secs() });
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut said = vec![];
    while let Ok(part) = heard.recv_timeout(Duration::from_millis(200)) {
        said.extend(part);
    }
    let said = crate::text::clean(&String::from_utf8_lossy(&said), 400).trim().to_owned();
    Ok(Outcome { fine: status.success(), status: status.to_string(), said })
}

fn has(folder: &dyn Folder, program: &str) -> bool {
    ["usr/bin", "usr/sbin", "bin", "sbin"].iter().any(|place| folder.exists(&format!("{place}/{program}")))
}

impl Services for Machine {
    fn kind(&self) -> &'static str {
        "machine"
    }

    fn state(&self, folder: &dyn Folder) -> Result<ServiceState, ServiceError> {
        let online = Some(!folder.list("sys/kernel/config/cluster")?.is_empty());
        let enabled = if folder.exists("run/systemd/system") && has(folder, "systemctl") {
            Some(self.run(&["systemctl", "is-enabled", "--quiet", SERVICE])?.fine)
        } else if has(folder, "chkconfig") {
            Some(self.run(&["chkconfig", SERVICE])?.fine)
        } else {
            None
        };
        Ok(ServiceState { enabled, online })
    }

    fn statefiles(&self, folder: &dyn Folder) -> Result<Vec<String>, ServiceError> {
        if !has(folder, "xe") {
            return Ok(vec![]);
        }
        // An xapi that does not know the type says so by failing: then there is none.
        let asked = self.run(&["xe", "vdi-list", "type=o2cb_statefile", "--minimal"])?;
        let uuids = asked.said.split(',').map(str::trim).filter(|uuid| asked.fine && super::is_uuid(uuid));
        Ok(uuids.map(str::to_owned).collect())
    }

    fn attach(&mut self, folder: &mut dyn Folder, uuid: &str) -> Result<(), ServiceError> {
        let known = static_vdis(folder)?.into_iter().find(|vdi| vdi.uuid == uuid);
        if known.as_ref().is_none_or(|vdi| vdi.going) {
            self.must(&[STATIC, "add", uuid, REASON])?;
        }
        if known.is_none_or(|vdi| !vdi.attached) {
            self.must(&[STATIC, "attach", uuid])?;
        }
        Ok(())
    }

    fn detach(&mut self, folder: &mut dyn Folder, uuid: &str) -> Result<(), ServiceError> {
        if let Some(vdi) = static_vdis(folder)?.into_iter().find(|vdi| vdi.uuid == uuid) {
            if vdi.attached {
                self.must(&[STATIC, "detach", uuid])?;
            }
            self.must(&[STATIC, "del", uuid])?;
        }
        Ok(())
    }

    fn enable(&mut self, folder: &mut dyn Folder, on: bool) -> Result<(), ServiceError> {
        let done = if folder.exists("run/systemd/system") && has(folder, "systemctl") {
            self.must(&["systemctl", if on { "enable" } else { "disable" }, SERVICE])
        } else if has(folder, "chkconfig") {
            self.must(&["chkconfig", SERVICE, if on { "on" } else { "off" }])
        } else if has(folder, "update-rc.d") {
            self.must(&["update-rc.d", SERVICE, if on { "enable" } else { "disable" }])
        } else {
            return Err(ServiceError::NoManager);
        };
        done.map(drop)
    }

    fn online(&mut self, _: &mut dyn Folder, cluster: &str) -> Result<(), ServiceError> {
        self.must(&[INIT, "online", cluster]).map(drop)
    }

    fn offline(&mut self, _: &mut dyn Folder, cluster: &str) -> Result<(), ServiceError> {
        self.must(&[INIT, "offline", cluster]).map(drop)
    }

    fn register(&mut self, _: &mut dyn Folder, cluster: &str) -> Result<(), ServiceError> {
        self.must(&["o2cb", "register-cluster", cluster])?;
        self.must(&["o2cb", "start-heartbeat", cluster]).map(drop)
    }
}
