//! What came of effects.

use crate::tui::effect::Effect;
use crate::tui::model::{Model, Popup, Raw};
use crate::tui::msg::Answer;
use crate::tui::{sheet, wizard};

pub(super) fn taken(model: &mut Model, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Raw { .. } | Answer::Fault { .. } | Answer::Speed(_) | Answer::Notice { .. } => {
            told(model, answer);
            Vec::new()
        }
        Answer::LookedBack { pool, ask, result } => super::past::came(model, pool, ask, result.map(|moment| *moment)),
        Answer::CrashSeen { .. } | Answer::CrashRead { .. } | Answer::CrashSaved { .. } | Answer::CauseWritten { .. } => {
            super::crash::taken(model, answer);
            Vec::new()
        }
        of_a_rollout => wizard::answer::taken(model, of_a_rollout),
    }
}

fn told(model: &mut Model, answer: Answer) {
    match answer {
        Answer::Raw { pool, r#ref, result } => {
            if model.pool_ix() != Some(pool) {
                return;
            }
            let recorded = model.pools.get(pool.0).and_then(|p| p.known().record(&r#ref)).map(sheet::recorded);
            // The popup may have been closed or be about something else by now.
            let Some(Popup::Detail(detail)) = model.popups.last_mut() else { return };
            if detail.raw.is_none() || detail.target.record().is_none_or(|(_, r)| r != r#ref) {
                return;
            }
            let fields = result.and_then(|json| sheet::fields(&json));
            detail.raw = Some(match fields {
                Ok(fields) => Raw::Fields(fields, "As the pool has it now.".to_owned()),
                Err(error) => Raw::Fields(
                    recorded.unwrap_or_default(),
                    format!("As poolwatch keeps it. The pool could not be asked for the whole record: {error}"),
                ),
            });
        }
        Answer::Fault { id, result } => {
            let label = model
                .demo
                .as_ref()
                .and_then(|d| d.faults.iter().find(|f| f.id == id))
                .map_or_else(|| id.clone(), |f| f.label.clone());
            match result {
                Ok(text) if text.is_empty() => model.say(format!("{label}: done."), false),
                Ok(text) => model.say(format!("{label}: {text}"), false),
                Err(error) => model.say(format!("{label} could not be done: {error}"), true),
            }
        }
        Answer::Speed(speed) => {
            if let Some(demo) = &mut model.demo {
                demo.speed = speed;
                model.say(format!("The simulated time runs {speed} times as fast as ours."), false);
            }
        }
        Answer::Notice { pool, text, wrong } => {
            let name = pool.and_then(|ix| model.pools.get(ix.0)).map(|p| p.name().to_owned());
            let text = match name {
                Some(name) if model.pools.len() > 1 => format!("{name}: {text}"),
                _ => text,
            };
            model.say(text, wrong);
        }
        // The wizard's.
        _ => {}
    }
}
