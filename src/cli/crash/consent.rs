//! What a crash read from a live pool is put beside: the pool's own recordings; and, with the operator's consent, the cause noted with the dump.
//!
//! The one thing of `crash` that changes a pool. It is asked for by a flag of its own, says what it will write where, and asks again.

use super::{CrashArgs, CrashError, live, past};
use crate::crash::report::{Crash, Reading, confidence_text, utc};
use crate::crash::stamp::Stamp;
use crate::crash::verdict::Cause;
use crate::pool::outages::CAUSE_KEY;
use crate::recording::folder;
use crate::rollout::driver::{Consent, note_cause};
use crate::text;
use crate::time::Time;
use crate::xenapi::record::{Class, HostCrashdump, Record, Ref};
use crate::xenapi::session::Session;
use std::io::{self, IsTerminal, Write as _};
use std::path::Path;
use std::time::Duration;

/// The time of a dump is its folder's. One that is this near to a crash whose time is known is its dump.
const NEAR: Duration = Duration::from_secs(5 * 60);

/// Puts the reading beside the pool's own recordings, where there are some, and notes the cause, if that is asked for.
pub(super) async fn beside(
    session: &Session,
    mut reading: Reading,
    args: &CrashArgs,
    host: &str,
    data: &Path,
) -> Result<Reading, CrashError> {
    if args.recording.is_none() {
        recorded(session, &mut reading, host, data).await;
    }
    if args.write_cause
        && let Err(error) = write(session, &reading, args, host).await
    {
        // What was read is told all the same; that the output cannot be written either changes nothing about the error.
        let _ = super::tell(&reading, args);
        return Err(error);
    }
    Ok(reading)
}

/// The recordings of this pool in the data folder, if there are any. That they do not help is no reason not to tell what was read.
async fn recorded(session: &Session, reading: &mut Reading, host: &str, data: &Path) {
    let Ok(records) = session.all_records(Class::Pool).await else { return };
    let uuid = records.iter().find_map(|(_, record)| match record {
        Record::Pool(pool) => Some(pool.uuid.to_string()),
        _ => None,
    });
    let Some(path) = uuid.map(|uuid| folder::of_pool(data, &uuid)).filter(|path| path.is_dir()) else { return };
    if let Err(error) = past::explain(reading, &path, Some(host), None) {
        reading.notes.push(format!("The recordings of this pool were not considered: {}", text::clean(&error.to_string(), 400)));
    }
}

/// The dump of a crash among those that the pool knows of this host.
fn dump_of<'a>(crash: &Crash, dumps: &'a [(Ref, HostCrashdump)]) -> Option<&'a (Ref, HostCrashdump)> {
    // xapi reads the folder's name as if it were UTC (`xapi_host_crashdump`), whatever zone stands there.
    let stamp = crash.folder.as_deref().and_then(|folder| Stamp::parse(folder.rsplit('/').next().unwrap_or(folder)));
    let wall = stamp.map(|stamp| Time::from_secs(stamp.wall));
    let at = |dump: &&(Ref, HostCrashdump), wanted: Time, near: Duration| {
        dump.1.timestamp.0.is_some_and(|at| at.since(wanted).max(wanted.since(at)) <= near)
    };
    let named = wall.and_then(|wall| dumps.iter().find(|dump| at(dump, wall, Duration::from_secs(1))));
    named.or_else(|| {
        // Without a folder's name there must be one that it can be, and no other.
        let wanted = crash.at.filter(|_| wall.is_none())?;
        let mut near = dumps.iter().filter(|dump| at(dump, wanted, NEAR));
        let one = near.next()?;
        near.next().is_none().then_some(one)
    })
}

async fn write(session: &Session, reading: &Reading, args: &CrashArgs, host: &str) -> Result<(), CrashError> {
    let refused = |why: &str| CrashError::Note(format!("nothing was noted: {why}"));
    let crash = reading.crashes.first().ok_or_else(|| refused("there is no crash"))?;
    let cause: &str = match crash.verdict.cause {
        Cause::None => return Err(refused("there was no crash")),
        Cause::Unknown => {
            return Err(refused(&format!(
                "what there is does not tell who took {} down, and a guess would stand there as a fact",
                crash.name()
            )));
        }
        cause => cause.into(),
    };
    let hosts = live::hosts(session).await?;
    let uuid = &live::find(&hosts, host)?.uuid;
    let of_host: Vec<Ref> = session
        .all_records(Class::Host)
        .await?
        .into_iter()
        .filter_map(|(r, record)| match record {
            Record::Host(one) if one.uuid == *uuid => Some(r),
            _ => None,
        })
        .collect();
    let dumps: Vec<(Ref, HostCrashdump)> = session
        .all_records(Class::HostCrashdump)
        .await?
        .into_iter()
        .filter_map(|(r, record)| match record {
            Record::HostCrashdump(dump) if of_host.contains(&dump.host) => Some((r, dump)),
            _ => None,
        })
        .collect();
    let (r, dump) = dump_of(crash, &dumps).ok_or_else(|| {
        refused(&format!(
            "the pool has no dump of the crash of {} ({}), so there is nothing to note it with",
            crash.name(),
            crash.when()
        ))
    })?;
    let called = text::clean(&dump.uuid, 60).into_owned();
    let was = dump.other_config.get(CAUSE_KEY).filter(|was| !was.is_empty());
    if was == Some(cause) {
        eprintln!("poolwatch: {CAUSE_KEY} of the dump {called} is {cause} already");
        return Ok(());
    }
    let instead = was.map_or_else(String::new, |was| format!(", which now says {}", text::clean(was, 40)));
    let when = dump.timestamp.0.map_or_else(String::new, |at| format!(" of {}", utc(at)));
    let sure = confidence_text(crash.verdict.confidence);
    let what =
        format!("{CAUSE_KEY} = {cause} ({sure}) into other_config of the crash dump {called}{when} of {}{instead}", crash.name());
    let about = format!("{} ({cause}, {sure}). {}", crash.headline(), crash.verdict.why);
    confirm(args, &about, &what)?;
    note_cause(session, Consent::given_by_the_operator(), r, cause).await.map_err(|error| CrashError::Note(error.to_string()))?;
    eprintln!("poolwatch: written: {what}");
    Ok(())
}

/// Asks whether this shall be written, unless told not to ask. `about`: what was found, for the report itself comes later.
fn confirm(args: &CrashArgs, about: &str, what: &str) -> Result<(), CrashError> {
    if args.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = format!("nobody can be asked here whether this shall be written: {what}. Look at it, then give --yes");
        return Err(CrashError::Note(why));
    }
    let mut err = io::stderr();
    let _ = write!(err, "{about}\nThis writes {what}.\nWrite it? y/N ");
    let _ = err.flush();
    let mut typed = String::new();
    let read = io::stdin().read_line(&mut typed);
    if read.is_ok() && matches!(typed.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(CrashError::Note("nothing was written".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::report::Dump;
    use crate::crash::verdict::{Confidence, Finer, Verdict};
    use crate::xenapi::record::Date;

    fn crash(folder: Option<&str>, at: Option<i64>) -> Crash {
        let verdict = Verdict {
            cause: Cause::O2cb,
            finer: Finer::Disk,
            confidence: Confidence::Sure,
            why: String::new(),
            notes: Vec::new(),
            at: None,
            evidence: Vec::new(),
        };
        Crash {
            host: None,
            folder: folder.map(str::to_owned),
            at: at.map(Time::from_secs),
            clock: None,
            dump: Dump::Whole,
            logs: Vec::new(),
            verdict,
            advice: Vec::new(),
            story: Vec::new(),
        }
    }

    #[test]
    fn a_dump_is_found_by_its_folder_or_by_being_the_only_one_that_is_near() {
        const AT: i64 = 1_795_227_464;
        let dump = |r: &str, at: i64| {
            let timestamp = Date(Some(Time::from_secs(at)));
            (Ref::from(r), HostCrashdump { uuid: r.into(), timestamp, ..HostCrashdump::default() })
        };
        let dumps = [dump("a", AT), dump("b", AT + 120), dump("c", AT + 86_400)];
        let found = |crash: &Crash| dump_of(crash, &dumps).map(|(r, _)| r.as_str().to_owned());
        assert_eq!(found(&crash(Some("var/crash/20261121-021744-UTC"), None)), Some("a".into()));
        // In another zone the name counts as xapi reads it.
        assert_eq!(found(&crash(Some("20261121-021744-CET"), Some(AT - 3_600))), Some("a".into()));
        assert_eq!(found(&crash(Some("20261121-031744-UTC"), Some(AT))), None, "another folder's dump is not taken for it");
        assert_eq!(found(&crash(None, Some(AT))), None, "two that it can be");
        assert_eq!(found(&crash(None, Some(AT + 86_390))), Some("c".into()));
        assert_eq!(found(&crash(None, None)), None);
    }
}
