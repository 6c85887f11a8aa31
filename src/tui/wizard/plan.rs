//! The second page: each host's steps in order, with why, and the updates that it lacks.

use super::paper::{Paper, piece};
use super::state::Survey;
use super::words::{kind, stage};
use crate::rollout::plan::{HostPlan, Plan};
use crate::text;
use crate::tui::draw::words::{moment, plural};
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;
use std::time::Duration;

/// Columns of a stage's name.
const STAGE: u16 = 10;

/// What stands on the pages of plan and checks as long as there is neither. `true` if something was written.
pub(super) fn not_yet(paper: &mut Paper, model: &Model, survey: &Survey) -> bool {
    let g = model.look.glyphs;
    match survey {
        Survey::Ready(..) => return false,
        Survey::None => paper.words(0, "Nothing is planned: the choice has changed.", Role::Muted),
        Survey::Asked(at) => {
            let waited = model.now.since(*at).as_secs();
            let turn = g.spinner.get(waited as usize % g.spinner.len()).copied().unwrap_or(g.pending);
            paper.line(
                0,
                vec![
                    piece(format!("{turn} "), Role::Pending),
                    piece("The round is planned, and the pool is checked for it.", Role::Text),
                ],
            );
            if waited >= 2 {
                paper.words(
                    2,
                    &format!("For {} now. Nothing is written to the pool.", text::duration(Duration::from_secs(waited))),
                    Role::Muted,
                );
            }
        }
        Survey::Failed(why) => {
            paper.beside(0, piece(format!("{} no plan", g.failed), Role::Failed), STAGE + 2, why, Role::Text);
        }
    }
    true
}

/// How long it takes, if that is known.
pub(super) fn lasts(secs: Option<u64>) -> String {
    secs.map_or_else(String::new, |s| format!(", about {}", text::duration(Duration::from_secs(s))))
}

pub(super) fn write(paper: &mut Paper, model: &Model, pool: &PoolView) {
    if not_yet(paper, model, &pool.wizard.survey) {
        return;
    }
    let Some(prepared) = pool.wizard.prepared() else { return };
    let plan = &prepared.plan;
    let head = format!("{} of {}", kind(&plan.kind), plural(plan.hosts.len(), "host", "hosts"));
    paper.line(
        0,
        vec![piece(head, Role::Title), piece(lasts(prepared.lasts_s), Role::Text), piece("; one host at a time", Role::Muted)],
    );
    if let Some(lines) = &prepared.rehearsal {
        paper.heading("Rehearsed on a simulated twin of this pool", Vec::new());
        for line in lines {
            paper.words(2, line, Role::Text);
        }
    }
    options(paper, model, pool, plan);
    for (at, host) in plan.hosts.iter().enumerate() {
        one_host(paper, model, at, host);
    }
    if !plan.left_out.is_empty() {
        paper.heading("Left out", Vec::new());
        for host in &plan.left_out {
            paper.beside(2, piece(host.name.clone(), Role::Text), STAGE + 2, &host.why, Role::Muted);
        }
    }
}

fn options(paper: &mut Paper, model: &Model, pool: &PoolView, plan: &Plan) {
    let o = &plan.options;
    let secs = |s| text::duration(Duration::from_secs(s));
    let mut said = vec![format!("quiet for {} before the next host", secs(o.settle_s))];
    if o.soak_s > 0 {
        said.push(format!("each host is watched for {}", secs(o.soak_s)));
    }
    if o.batch > 0 {
        said.push(format!("{} at a time", plural(o.batch as usize, "guest leaves", "guests leave")));
    }
    if let Some(network) = o.network.non_null() {
        said.push(format!("guests move over {}", pool.pool.network(network.clone()).said()));
    }
    said.push(if o.home { "guests come home".to_owned() } else { "guests stay where they went".to_owned() });
    if o.shut_down_pinned {
        said.push("guests that cannot move are shut down and started again".to_owned());
    }
    if let Some(until) = o.not_after {
        said.push(format!("no host is begun after {}", moment(until, model.now, &model.zone)));
    }
    for limit in o.deadlines.changed() {
        let name: &str = limit.into();
        said.push(format!("{name} may take {}", pool.wizard.scope.limit(limit)));
    }
    paper.words(0, &format!("{}.", said.join("; ")), Role::Muted);
}

fn one_host(paper: &mut Paper, model: &Model, at: usize, host: &HostPlan) {
    let g = model.look.glyphs;
    let mark = if host.coordinator { format!(" {}", g.coordinator) } else { String::new() };
    paper.blank();
    let head = piece(format!("{} {}{mark}", at + 1, host.name), Role::Title);
    paper.beside(0, head, STAGE + 4, &host.why, Role::Info);
    if !host.updates.is_empty() {
        let text = format!("{}: {}", plural(host.updates.len(), "update", "updates"), host.updates.join(", "));
        paper.beside(2, piece("lacks", Role::Degraded), STAGE + 2, &text, Role::Text);
    }
    for step in &host.steps {
        paper.beside(2, piece(stage(step.stage), Role::Text), STAGE + 2, &step.why, Role::Muted);
    }
}
