//! A case: a pool, a round, and what goes wrong. Made from a seed, or read from its text; a failure prints the text.

use poolwatch::rollout::entry::Found;
use poolwatch::rollout::machine::Guards;
use poolwatch::rollout::plan::{Options as RunOptions, Plan, Scope};
use poolwatch::rollout::twin::{Operator, Played, Stage, Trouble, play};
use poolwatch::sim::scenario::Scenario;
use poolwatch::sim::world::{Dialect, Options, World};
use poolwatch::time::Time;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// 2026-11-21T00:00:00Z
const START: Time = Time::from_secs(1_795_219_200);

/// What pool it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Its hosts: 2 to 6.
    pub hosts: usize,
    /// Guests that run.
    pub guests: usize,
    /// Whether it has mirrors on its hosts.
    pub mirror: bool,
    /// Whether there is a corosync cluster.
    pub cluster: bool,
    /// Whether HA is on.
    pub ha: bool,
    /// Whether it speaks as xapi is shipped.
    pub shipped: bool,
    /// Whether a guest is tied to a host.
    pub pinned: bool,
    /// Whether the next host goes without the last one having been watched for a while.
    pub hasty: bool,
    /// Whether its machines take most of an hour to start.
    pub slow: bool,
}

/// A pool, a round, and what goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What happens by chance follows from it.
    pub seed: u64,
    /// The pool.
    pub shape: Shape,
    /// How late changes are told, in milliseconds.
    pub lag_ms: u64,
    /// Nothing that is broken is ever mended.
    pub never: bool,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// Which guards the machine has: all, but in the proof that they are needed.
    pub guards: Guards,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = &self.shape;
        write!(f, "seed={} hosts={} guests={} lag={}", self.seed, s.hosts, s.guests, self.lag_ms)?;
        for (name, is) in [
            ("mirror", s.mirror),
            ("cluster", s.cluster),
            ("ha", s.ha),
            ("shipped", s.shipped),
            ("pinned", s.pinned),
            ("slow", s.slow),
            ("hasty", s.hasty),
            ("never", self.never),
        ] {
            if is {
                write!(f, " {name}")?;
            }
        }
        for trouble in &self.troubles {
            write!(f, " | {trouble}")?;
        }
        Ok(())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(" | ");
        let mut case = Self::calm(0);
        case.shape = Shape {
            mirror: false,
            cluster: false,
            ha: false,
            shipped: false,
            pinned: false,
            slow: false,
            hasty: false,
            ..case.shape
        };
        for word in parts.next().unwrap_or_default().split_whitespace() {
            let number = |v: &str| v.parse().map_err(|_| format!("`{word}` has no number"));
            match word.split_once('=').unwrap_or((word, "")) {
                ("seed", v) => case.seed = number(v)?,
                ("hosts", v) => case.shape.hosts = number(v)? as usize,
                ("guests", v) => case.shape.guests = number(v)? as usize,
                ("lag", v) => case.lag_ms = number(v)?,
                ("mirror", _) => case.shape.mirror = true,
                ("cluster", _) => case.shape.cluster = true,
                ("ha", _) => case.shape.ha = true,
                ("shipped", _) => case.shape.shipped = true,
                ("never", _) => case.never = true,
                ("pinned", _) => case.shape.pinned = true,
                ("slow", _) => case.shape.slow = true,
                ("hasty", _) => case.shape.hasty = true,
                _ => return Err(format!("`{word}` says nothing about a case")),
            }
        }
        case.troubles = parts.map(str::parse).collect::<Result<_, _>>()?;
        Ok(case)
    }
}

impl Case {
    /// A pool of three hosts with mirrors, in which nothing goes wrong.
    pub fn calm(seed: u64) -> Self {
        let shape = Shape {
            hosts: 3,
            guests: 4,
            mirror: true,
            cluster: false,
            ha: false,
            shipped: false,
            pinned: false,
            slow: false,
            hasty: false,
        };
        Self { seed, shape, lag_ms: 0, never: false, troubles: Vec::new(), guards: Guards::default() }
    }

    /// The same with these troubles, by their texts.
    pub fn with(mut self, troubles: &[&str]) -> Self {
        self.troubles.extend(troubles.iter().map(|t| t.parse::<Trouble>().unwrap_or_else(|e| panic!("{t}: {e}"))));
        self
    }

    /// Sets the stage: the pool as it is before the round, with its plan.
    pub fn stage(&self) -> (Stage, Plan, Found) {
        let template = template(&self.shape);
        let mut world = template.world.clone();
        world.reseed(self.seed);
        let mut stage = Stage::new(world, self.troubles.clone());
        stage.eye.lag = Duration::from_millis(self.lag_ms);
        stage.checker.detect += stage.eye.lag;
        stage.guards = self.guards;
        if self.never {
            stage.mended_after = None;
        }
        (stage, template.plan.clone(), template.found.clone())
    }

    /// Who operates it. Where nothing is ever mended, nobody tries again what failed: the round is given up.
    pub fn operator(&self) -> Operator {
        Operator { mends: !self.never, retries: if self.never { 0 } else { 3 }, ..Operator::default() }
    }

    /// Plays it to its end.
    pub fn play(&self) -> Played {
        self.play_as(self.operator())
    }

    /// The same, with another operator.
    pub fn play_as(&self, operator: Operator) -> Played {
        let (mut stage, plan, found) = self.stage();
        stage.begin("r1", plan, found);
        play(&mut stage, operator)
    }
}

/// Names of the hosts.
pub const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn scenario(shape: &Shape) -> Scenario {
    let mut text = format!(
        "title = \"proof\"\npool = \"proof\"\ncluster = {}\nfill = {{ running = {}, halted = 1, kind = \"small\" }}\n\
         boot = {{ shutdown_delay_s = 10, post_s = {}, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }}\n\
         ha = {{ enabled = {} }}\n",
        shape.cluster,
        shape.guests,
        if shape.slow { 2_400 } else { 30 },
        shape.ha
    );
    let host = |name: &&str| format!("[[hosts]]\nname = \"{name}\"\nmemory_gib = 64\n");
    text.extend(NAMES.iter().take(shape.hosts).map(host));
    if shape.mirror {
        text += "[[srs]]\nname = \"mirrored\"\nkind = \"linstor\"\nmirror = { resync_mib_s = 100.0, write_mib_s = 20.0, start_s = 6.0 }\n";
    }
    text += "[[srs]]\nname = \"san\"\nkind = \"lvmoiscsi\"\nluns = [{ scsi_id = \"lun1\", paths = 2 }]\n";
    if shape.pinned {
        text += "[[guests]]\nname = \"tied\"\nhost = \"b\"\nmemory_gib = 1\npinned = \"pci\"\n";
    }
    Scenario::from_toml("proof", &text).expect("a scenario")
}

/// A pool at its start, with a plan for it.
struct Template {
    world: World,
    plan: Plan,
    found: Found,
}

/// The pool of a shape at its start, built once.
fn template(shape: &Shape) -> Arc<Template> {
    static KNOWN: OnceLock<Mutex<HashMap<Shape, Arc<Template>>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().expect("lock");
    let made = known.entry(*shape).or_insert_with(|| {
        let dialect = if shape.shipped { Dialect::Shipped } else { Dialect::Designed };
        let world = World::build(&scenario(shape), Options::new(1, START).speaking(dialect));
        let options = RunOptions { shut_down_pinned: shape.pinned, ..RunOptions::default() };
        let options = if shape.hasty { RunOptions { soak_s: 0, ..options } } else { options };
        let (plan, found) = Stage::new(world.clone(), Vec::new()).plan(&Scope::default(), options).expect("a plan");
        Arc::new(Template { world, plan, found })
    });
    Arc::clone(made)
}
