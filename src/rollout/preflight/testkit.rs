//! What the tests of the checks share: a plan on a scene, and what is found then.

use super::{CODES, findings};
use crate::pool::picture::Severity;
use crate::pool::scene::{Scene, r, t};
use crate::rollout::finding::Finding;
use crate::rollout::look::{Blocker, Look, Looked, Metadata, Sight};
use crate::rollout::plan::{self, Options, Plan, Scope, Wanted};
use crate::rollout::survey::Survey;
use crate::xenapi::record::{Record, Vm};

/// A scene with its survey and what is asked for.
pub struct Case {
    /// The pool.
    pub s: Scene,
    /// The answers; see [`Case::asked`].
    pub survey: Survey,
    /// What is asked for.
    pub scope: Scope,
    /// How.
    pub options: Options,
}

impl Case {
    /// A calm pool of so many hosts, of which nothing blocks and nothing is missing.
    pub fn new(hosts: usize) -> Self {
        let mut s = Scene::new(hosts);
        s.pass(10.0);
        let mut case = Self { s, survey: Survey::default(), scope: Scope::default(), options: Options::default() };
        for n in 1..=hosts {
            case.blockers(n, &[]);
            case.missing(n, &[]);
        }
        case
    }

    /// The same as an update in which every host lacks a package.
    pub fn update(hosts: usize) -> Self {
        let mut case = Self::new(hosts);
        case.scope.wanted = Wanted::Update;
        for n in 1..=hosts {
            case.missing(n, &["xen"]);
        }
        case
    }

    /// Only these hosts are asked for, in this order.
    pub fn only(mut self, hosts: &[&str]) -> Self {
        self.scope.hosts = Some(hosts.iter().map(|h| (*h).to_owned()).collect());
        self
    }

    /// An answer to a look, now.
    pub fn answer(&mut self, look: Look, sight: Sight) {
        let now = t(self.s.now);
        self.survey.take(look, Looked { asked: now, answered: now, sight });
    }

    /// What keeps guests on a host: guest, code, parameters.
    pub fn blockers(&mut self, n: usize, blockers: &[(&str, &str, &[&str])]) {
        let blockers = blockers.iter().map(|(vm, code, params)| Blocker {
            vm: r(vm),
            code: (*code).to_owned(),
            params: params.iter().map(|p| (*p).to_owned()).collect(),
        });
        self.answer(Look::Blockers { host: r(&format!("h{n}")) }, Sight::Blockers(blockers.collect()));
    }

    /// What a host lacks.
    pub fn missing(&mut self, n: usize, packages: &[&str]) {
        let packages = packages.iter().map(|p| (*p).to_owned()).collect();
        self.answer(Look::Missing { host: r(&format!("h{n}")) }, Sight::Missing(packages));
    }

    /// Makes it a XenServer 8 whose metadata has this hash, where each of these hosts lacks an update.
    pub fn xenserver(&mut self, hosts: usize, hash: &str, lacking: &[usize]) {
        for n in 1..=hosts {
            self.s.host_is(n, |h| {
                h.software_version = [("product_brand", "XenServer"), ("product_version", "8.4.0"), ("xapi", "26.1")].into();
            });
        }
        let hosts = lacking.iter().map(|n| (r(&format!("h{n}")), (vec!["XS8-1".to_owned()], vec!["RebootHost".to_owned()])));
        self.scope.wanted = Wanted::Update;
        self.answer(Look::Updates, Sight::Updates(Metadata { hash: hash.into(), hosts: hosts.collect() }));
    }

    /// A guest that runs on a host, with so many GiB.
    pub fn guest(&mut self, name: &str, n: usize, gib: u64) {
        let vm = Vm {
            name_label: name.into(),
            power_state: "Running".into(),
            resident_on: r(&format!("h{n}")),
            memory_dynamic_max: gib << 30,
            ..Vm::default()
        };
        self.s.set(name, Record::Vm(vm));
    }

    /// The plan, as it would be made now.
    pub fn plan(&self) -> Plan {
        let picture = self.s.picture();
        plan::make(&self.s.pool, &picture, &self.survey, &self.scope, self.options.clone(), t(self.s.now)).expect("a plan")
    }

    /// What is found for the plan of now.
    pub fn found(&self) -> Vec<Finding> {
        self.found_for(&self.plan())
    }

    /// What is found for a plan.
    pub fn found_for(&self, plan: &Plan) -> Vec<Finding> {
        let found = findings(&self.s.pool, &self.s.picture(), &self.survey, plan, t(self.s.now));
        well_formed(&found);
        found
    }

    /// The finding of a code.
    pub fn find(&self, code: &str) -> Finding {
        let found = self.found();
        let mut with = found.iter().filter(|f| f.code == code);
        with.next().unwrap_or_else(|| panic!("no {code} in {:#?}", brief(&found))).clone()
    }

    /// Weight, subject and text of the finding of a code.
    pub fn said(&self, code: &str) -> (Severity, String, String) {
        let f = self.find(code);
        (f.severity, f.about, f.text)
    }

    /// The codes of a weight.
    pub fn codes(&self, severity: Severity) -> Vec<String> {
        self.found().into_iter().filter(|f| f.severity == severity).map(|f| f.code).collect()
    }
}

/// One line a finding.
pub fn brief(found: &[Finding]) -> Vec<String> {
    found.iter().map(|f| format!("{:?} {} [{}] {}", f.severity, f.code, f.about, f.text)).collect()
}

/// What is true of every finding: its code and weight stand in the table, it is a sentence, it says where it was seen and what to do.
pub fn well_formed(found: &[Finding]) {
    for f in found {
        let row = CODES.iter().find(|c| c.code == f.code).unwrap_or_else(|| panic!("{} is not in the table", f.code));
        let severity = format!("{:?}", f.severity).to_lowercase();
        assert!(
            row.severity.split(", ").any(|s| s == severity),
            "{} is {severity} though the table says {}",
            f.code,
            row.severity
        );
        assert!(f.text.ends_with('.') && !f.text.ends_with(".."), "{}: {}", f.code, f.text);
        assert!(!f.mend.is_empty() && f.mend.ends_with(['.', ')']), "{}: {}", f.code, f.mend);
        assert!(!f.text.contains("OpaqueRef") && f.text.chars().all(|c| !c.is_control()), "{}", f.text);
        assert!(f.text.chars().count() < 400 && f.evidence.chars().count() < 600, "{} is long", f.code);
    }
}
