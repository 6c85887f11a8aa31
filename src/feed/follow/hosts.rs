//! Which host is asked what, and when: spread evenly, a few at a time, each with its own rhythm.
//!
//! Also knows the hosts' addresses and certificates from their records. Pure.

use super::options::Options;
use crate::observation::Via;
use crate::time::Time;
use crate::xenapi::record::{Certificate, Host, Ref};
use crate::xenapi::trust::Fingerprint;
use std::collections::BTreeMap;
use std::time::Duration;

/// After this many failures in a row a host's own address is asked less often.
const PATIENCE: u32 = 3;

#[derive(Clone, Debug, Default)]
struct Question {
    due: Option<Time>,
    asked: bool,
    /// Whether it has been answered, or not been answered in time, before.
    settled: bool,
    failures: u32,
}

#[derive(Clone, Debug, Default)]
struct Known {
    address: Box<str>,
    uuid: Box<str>,
    servertime: Question,
    rrd: Question,
    report: Question,
    week: Question,
    vouched: Vec<Fingerprint>,
}

/// The hosts of a pool and what they are to be asked.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    hosts: BTreeMap<Ref, Known>,
    certificates: BTreeMap<Ref, (Ref, Fingerprint)>,
}

/// A question that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Who is asked.
    pub host: Ref,
    /// How.
    pub via: Via,
    /// Its management address.
    pub address: Box<str>,
    /// Its uuid.
    pub uuid: Box<str>,
    /// Whether it is the coordinator, to which there is a connection already.
    pub is_coordinator: bool,
}

impl Hosts {
    /// A host is there, or has changed.
    pub fn set(&mut self, r#ref: &Ref, host: &Host) {
        let known = self.hosts.entry(r#ref.clone()).or_default();
        known.address.clone_from(&host.address);
        known.uuid.clone_from(&host.uuid);
    }

    /// A host is gone.
    pub fn gone(&mut self, r#ref: &Ref) {
        self.hosts.remove(r#ref);
    }

    /// A certificate is there, or has changed.
    pub fn set_certificate(&mut self, r#ref: &Ref, certificate: &Certificate) {
        // The one for clients, not the one that hosts show each other. `fingerprint` is SHA-256 where it is long enough.
        let text =
            if certificate.fingerprint_sha256.is_empty() { &certificate.fingerprint } else { &certificate.fingerprint_sha256 };
        match (&*certificate.r#type, text.parse()) {
            ("host", Ok(fingerprint)) => self.certificates.insert(r#ref.clone(), (certificate.host.clone(), fingerprint)),
            _ => self.certificates.remove(r#ref),
        };
    }

    /// A certificate is gone.
    pub fn certificate_gone(&mut self, r#ref: &Ref) {
        self.certificates.remove(r#ref);
    }

    /// Forgets hosts and certificates that are in neither list: what a complete reading did not show.
    pub fn retain(&mut self, hosts: Option<&[Ref]>, certificates: Option<&[Ref]>) {
        if let Some(hosts) = hosts {
            self.hosts.retain(|r#ref, _| hosts.contains(r#ref));
        }
        if let Some(certificates) = certificates {
            self.certificates.retain(|r#ref, _| certificates.contains(r#ref));
        }
    }

    /// The address of each host whose certificates, by the coordinator's word, have changed since the last time, with them.
    pub fn newly_vouched(&mut self) -> Vec<(Box<str>, Vec<Fingerprint>)> {
        let mut changed = Vec::new();
        for (r#ref, known) in &mut self.hosts {
            let now: Vec<Fingerprint> =
                self.certificates.values().filter(|(host, _)| host == r#ref).map(|(_, print)| *print).collect();
            if now != known.vouched && !known.address.is_empty() {
                known.vouched.clone_from(&now);
                changed.push((known.address.clone(), now));
            }
        }
        changed
    }

    /// The management addresses of all hosts but one.
    pub fn addresses_except(&self, not: Option<&Ref>) -> Vec<Box<str>> {
        let others = self.hosts.iter().filter(|(r#ref, host)| Some(*r#ref) != not && !host.address.is_empty());
        others.map(|(_, host)| host.address.clone()).collect()
    }

    /// All that was under way is not any more: the connection is gone.
    pub fn nothing_under_way(&mut self) {
        for host in self.hosts.values_mut() {
            host.servertime = Question::default();
            host.rrd = Question::default();
            host.report = Question::default();
            // What was asked for the last days does not get old by a new session.
            host.week.asked = false;
        }
    }

    /// What is due now, within what may be asked at once; it counts as asked.
    pub fn take_due(&mut self, options: &Options, now: Time) -> Vec<Due> {
        let mut due = Vec::new();
        for (via, every) in rhythms(options) {
            if every.is_none() {
                continue;
            }
            let asked = self.hosts.values().filter(|host| host.question(via).asked).count();
            // A week's statistics are big and never urgent: one host at a time, and not before the first look is over.
            let week = via == Via::Week;
            let mut room = if week { 1 } else { options.hosts_at_once }.saturating_sub(asked);
            for (r#ref, host) in &mut self.hosts {
                let askable = !at_address(via) || !host.address.is_empty();
                let question = host.question_mut(via);
                // The first time all are asked as soon as may be: nothing can be said of a host before it has answered.
                let when = *question.due.get_or_insert(if week { now + options.week_after } else { now });
                if room > 0 && when <= now && !question.asked && askable {
                    question.asked = true;
                    room -= 1;
                    due.push(Due {
                        host: r#ref.clone(),
                        via,
                        address: host.address.clone(),
                        uuid: host.uuid.clone(),
                        is_coordinator: false,
                    });
                }
            }
        }
        due
    }

    /// A host has answered, or has not; `then` is when to ask it again, if not as usual. Returns how often in a row it has failed.
    pub fn answered(&mut self, r#ref: &Ref, via: Via, ok: bool, then: Option<Duration>, options: &Options, now: Time) -> u32 {
        let every = rhythms(options).into_iter().find_map(|(of, every)| every.filter(|_| of == via));
        let (place, count) = (self.hosts.range(..r#ref.clone()).count(), self.hosts.len().max(1));
        let Some(host) = self.hosts.get_mut(r#ref) else { return 0 };
        let question = host.question_mut(via);
        question.asked = false;
        question.failures = if ok { 0 } else { question.failures.saturating_add(1) };
        let patient = matches!(via, Via::Rrd | Via::Probe) && question.failures >= PATIENCE;
        let every = every.unwrap_or(Duration::from_secs(3600));
        // After the first round they are spread over time, so that no two rounds are a burst.
        let spread = every.mul_f64(0.5 + 0.5 * (place as f64 + 1.0) / count as f64);
        let first = !std::mem::replace(&mut question.settled, true);
        question.due = Some(
            now + if let Some(then) = then {
                then
            } else if patient {
                every * 2
            } else if first {
                spread
            } else {
                every
            },
        );
        question.failures
    }

    /// When the next question is due, as far as more may be asked then.
    pub fn next_due(&self, options: &Options) -> Option<Time> {
        rhythms(options)
            .into_iter()
            .filter(|(via, every)| {
                let most = if *via == Via::Week { 1 } else { options.hosts_at_once };
                every.is_some() && self.hosts.values().filter(|host| host.question(*via).asked).count() < most
            })
            .flat_map(|(via, _)| {
                let askable = self.hosts.values().filter(move |host| !at_address(via) || !host.address.is_empty());
                askable.map(move |host| host.question(via)).filter(|question| !question.asked)
            })
            .map(|question| question.due.unwrap_or(Time::EPOCH))
            .min()
    }
}

/// What is asked, and how often.
const fn rhythms(options: &Options) -> [(Via, Option<Duration>); 4] {
    [
        (Via::Servertime, options.servertime_every),
        (Via::Rrd, options.rrd_every),
        (Via::Probe, options.report_every),
        (Via::Week, options.week_every),
    ]
}

/// Whether it is asked at the host's own address.
const fn at_address(via: Via) -> bool {
    matches!(via, Via::Rrd | Via::Week)
}

impl Known {
    const fn question(&self, via: Via) -> &Question {
        match via {
            Via::Servertime => &self.servertime,
            Via::Rrd => &self.rrd,
            Via::Probe => &self.report,
            Via::Week => &self.week,
        }
    }

    const fn question_mut(&mut self, via: Via) -> &mut Question {
        match via {
            Via::Servertime => &mut self.servertime,
            Via::Rrd => &mut self.rrd,
            Via::Probe => &mut self.report,
            Via::Week => &mut self.week,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(count: usize) -> Hosts {
        let mut hosts = Hosts::default();
        for n in 0..count {
            let host = Host { address: format!("10.0.0.{n}").into(), uuid: format!("u{n}").into(), ..Host::default() };
            hosts.set(&Ref::from(format!("OpaqueRef:{n:03}")), &host);
        }
        hosts
    }

    #[test]
    fn every_host_is_asked_once_a_round_and_never_too_many_at_once() {
        let (mut hosts, options) = (hosts(64), Options { week_every: None, ..Options::default() });
        let mut asked = BTreeMap::<(Ref, Via), u32>::new();
        let mut now = Time::from_secs(1_000);
        hosts.take_due(&options, now);
        hosts.nothing_under_way();
        let mut waiting: Vec<(Time, Due)> = Vec::new();
        for _ in 0..3_000 {
            for due in hosts.take_due(&options, now) {
                *asked.entry((due.host.clone(), due.via)).or_default() += 1;
                waiting.push((now + Duration::from_millis(40), due));
            }
            assert!(waiting.len() <= 3 * options.hosts_at_once);
            now = now + Duration::from_millis(20);
            waiting.retain(|(at, due)| {
                let done = *at <= now;
                if done {
                    hosts.answered(&due.host, due.via, true, None, &options, now);
                }
                !done
            });
        }
        assert_eq!(asked.len(), 192);
        assert!(
            asked.iter().all(|((_, via), n)| if *via == Via::Rrd { (3..=5).contains(n) } else { (5..=7).contains(n) }),
            "{asked:?}"
        );
    }

    #[test]
    fn a_host_that_hangs_is_asked_once_until_it_answers() {
        let (mut hosts, options) = (hosts(1), Options { week_every: None, ..Options::default() });
        let now = Time::from_secs(1);
        assert_eq!(hosts.take_due(&options, now).len(), 3);
        assert_eq!(hosts.take_due(&options, now + Duration::from_secs(60)), []);
        assert_eq!(hosts.next_due(&options), None);
        let host = Ref::from("OpaqueRef:000");
        assert_eq!(hosts.answered(&host, Via::Servertime, false, None, &options, now), 1);
        assert_eq!(hosts.next_due(&options), Some(now + Duration::from_secs(10)));
    }

    #[test]
    fn a_host_without_a_probe_is_hardly_asked_for_it_again_and_one_in_danger_soon() {
        let (mut hosts, options) =
            (hosts(1), Options { servertime_every: None, rrd_every: None, week_every: None, ..Options::default() });
        let (host, now) = (Ref::from("OpaqueRef:000"), Time::from_secs(1));
        assert_eq!(hosts.take_due(&options, now).len(), 1);
        hosts.answered(&host, Via::Probe, true, Some(super::super::options::REPORT_ABSENT), &options, now);
        assert_eq!(hosts.next_due(&options), Some(now + Duration::from_secs(600)));
        hosts.answered(&host, Via::Probe, true, Some(super::super::options::REPORT_NEAR), &options, now);
        assert_eq!(hosts.next_due(&options), Some(now + Duration::from_secs(2)));
        hosts.answered(&host, Via::Probe, true, None, &options, now);
        assert_eq!(hosts.next_due(&options), Some(now + Duration::from_secs(10)));
    }

    #[test]
    fn a_week_is_asked_for_one_host_after_the_other_and_seldom() {
        let (mut hosts, options) =
            (hosts(3), Options { servertime_every: None, rrd_every: None, report_every: None, ..Options::default() });
        let start = Time::from_secs(1);
        assert_eq!(hosts.take_due(&options, start), [], "not while there is nothing to look at yet");
        let (mut now, mut asked) = (start, Vec::new());
        for _ in 0..3 {
            now = hosts.next_due(&options).expect("a time").max(now);
            let due = hosts.take_due(&options, now);
            assert_eq!((due.len(), hosts.next_due(&options)), (1, None), "one at a time");
            asked.push(due[0].host.clone());
            hosts.answered(&due[0].host, Via::Week, asked.len() != 2, None, &options, now);
        }
        asked.dedup();
        assert_eq!(asked.len(), 3);
        assert!(
            hosts.next_due(&options).expect("a time") >= start + options.week_after + Duration::from_secs(1_800),
            "one that fails as seldom"
        );
    }

    #[test]
    fn the_coordinator_vouches_for_client_certificates_only() {
        let mut hosts = hosts(2);
        let print = Fingerprint::of(b"x");
        let host = Ref::from("OpaqueRef:001");
        let sha1 = "DD:BE:A5:3D:D5:D3:10:C5:55:A4:A4:62:B0:15:3C:BF:B4:2B:51:2C";
        let mut certificate = Certificate {
            r#type: "host_internal".into(),
            host,
            fingerprint_sha256: print.to_string().into(),
            ..Certificate::default()
        };
        hosts.set_certificate(&Ref::from("c1"), &certificate);
        assert_eq!(hosts.newly_vouched(), []);
        certificate.r#type = "host".into();
        certificate.fingerprint = sha1.into();
        hosts.set_certificate(&Ref::from("c2"), &certificate);
        assert_eq!(hosts.newly_vouched(), [("10.0.0.1".into(), vec![print])]);
        assert_eq!(hosts.newly_vouched(), []);
        // Old pools: one field, and it may be SHA-1, which proves nothing here.
        certificate.fingerprint_sha256 = "".into();
        hosts.set_certificate(&Ref::from("c2"), &certificate);
        assert_eq!(hosts.newly_vouched(), [("10.0.0.1".into(), vec![])]);
    }
}
