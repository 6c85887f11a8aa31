//! Soak: the host is watched for a while before the next one goes; new alerts that still hold stop the run.

use crate::pool::picture::{Health, Stage as Doing};
use crate::pool::words::list;
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{Ctx, Do};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::plan::Stage;
use std::time::Duration;

/// Trouble that passes by itself within this is none.
const PASSES: Duration = Duration::from_secs(30);

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    let Some((run, (_, since))) = ctx.host_run(h).and_then(|r| Some((r, r.stage()?))) else { return Do::new() };
    let trouble = trouble(ctx, h, run.begun.unwrap_or(since));
    if !trouble.is_empty() {
        let codes: Vec<&str> = trouble.iter().map(|t| t.code.as_str()).collect();
        let text = format!("{name} is watched: {} may pass, else you are asked", list(&codes));
        if ctx.run.waiting != text || ctx.now() < ctx.run.waiting_since + PASSES {
            let from = if ctx.run.waiting == text { ctx.run.waiting_since } else { ctx.now() };
            return ctx.wait(Some(h), text, Some(from + PASSES));
        }
        let texts: Vec<String> = trouble.iter().map(|t| format!("{} [{}]", t.text.trim_end_matches('.'), t.code)).collect();
        return Ctx::stuck(
            Some(h),
            format!("since {name} was begun there is trouble that was not there before: {}.", texts.join("; ")),
            format!("Look at it. Retry once it is over; or accept {} with a reason; or abort.", list(&codes)),
        );
    }
    let due = since + Duration::from_secs(ctx.run.plan.options.soak_s);
    if ctx.now() < due {
        return ctx.wait(Some(h), format!("{name} is watched for new alerts before it counts as done"), Some(due));
    }
    go_on(ctx, h, Stage::Soak)
}

/// Something that was not there before.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Trouble {
    code: String,
    /// The host or other object that it is about, by name.
    about: String,
    text: String,
}

/// What was not there before the host was begun, and is not accepted.
fn trouble(ctx: &Ctx, h: HostAt, begun: crate::time::Time) -> Vec<Trouble> {
    let mut all: Vec<Trouble> = ctx
        .picture()
        .alerts()
        .iter()
        .filter(|a| a.at >= begun && a.health >= Health::Degraded && a.still_true == Some(true))
        .map(|a| Trouble { code: a.name.clone(), about: a.about.clone(), text: a.text.clone() })
        .collect();
    for host in ctx.picture().hosts() {
        let code = match host.stage() {
            Doing::Silent => "host-silent",
            Doing::Down => "host-down",
            Doing::Unknown => "host-unknown",
            _ => continue,
        };
        let text = format!("{} is not heard", host.name);
        all.push(Trouble { code: code.into(), about: host.name.to_owned(), text });
    }
    if let Some(before) = ctx.host_run(h).and_then(|r| r.before.as_ref()) {
        let name = ctx.seen(h).map(|s| s.name.to_owned()).unwrap_or_default();
        let now = |path: &str| ctx.picture().paths().find(|p| p.host == name && p.name == path).map_or(0, |p| p.up);
        for (path, up) in before.paths.iter().filter(|(_, up)| **up > 0) {
            if now(path) < *up {
                let text = format!("{name} came back with {} of {up} paths or links of {path}", now(path));
                all.push(Trouble { code: "path-degraded".into(), about: name.clone(), text });
            }
        }
    }
    all.retain(|t| !ctx.is_accepted(&t.code, &t.about));
    all.sort();
    all.dedup();
    all
}
