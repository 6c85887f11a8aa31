//! Details as words: what a popup says about one thing. The same words are drawn and copied.

mod budget;
mod clocks;
mod control;
pub(crate) mod crash;
mod host;
mod lease;
pub(crate) mod paths;
mod raw;
mod things;

pub(crate) use raw::{fields, recorded};

use super::draw::Look;
use super::draw::words::{ago, moment, wrap};
use super::model::{Model, Target};
use super::theme::Role;
use crate::pool::picture::{Gate, Reason, Severity};

/// One paragraph: a head at the left, and words that wrap beside it.
#[derive(Clone, Debug)]
pub(crate) struct Para {
    pub head: String,
    pub head_role: Role,
    /// Columns kept free for the head.
    pub indent: u16,
    pub text: String,
    pub role: Role,
    /// Lines that it gets at most.
    pub most: usize,
}

/// A detail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    pub title: String,
    pub paras: Vec<Para>,
}

/// A line of a sheet: head and words.
#[derive(Clone, Debug)]
pub(crate) struct SheetLine {
    pub head: String,
    pub head_role: Role,
    pub indent: u16,
    pub text: String,
    pub role: Role,
}

impl Sheet {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), paras: Vec::new() }
    }

    fn para(&mut self, head: impl Into<String>, head_role: Role, indent: u16, text: impl Into<String>, role: Role) {
        self.paras.push(Para { head: head.into(), head_role, indent, text: text.into(), role, most: usize::MAX });
    }

    /// The same in at most so many lines; what is cut off can be seen elsewhere.
    fn cut(&mut self, head: &str, indent: u16, text: String, role: Role, most: usize) {
        self.paras.push(Para { head: head.to_owned(), head_role: Role::Muted, indent, text, role, most });
    }

    /// A fact: a name and its value. Nothing if there is no value.
    fn fact(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.para(name, Role::Muted, 14, value, Role::Text);
        }
    }

    fn heading(&mut self, text: impl Into<String>) {
        self.blank();
        self.para("", Role::Title, 0, text, Role::Title);
    }

    fn words(&mut self, text: impl Into<String>, role: Role) {
        self.para("", role, 0, text, role);
    }

    fn blank(&mut self) {
        if self.paras.last().is_some_and(|p| !p.text.is_empty() || !p.head.is_empty()) {
            self.words("", Role::Text);
        }
    }

    /// A reason: what, where it was seen, what ends it.
    fn reason(&mut self, look: &Look, model: &Model, reason: &Reason) {
        let sign = look.severity(reason.severity);
        self.para(format!("{} {}", sign.glyph, sign.word), sign.role, 8, reason.text.clone(), Role::Text);
        if !reason.evidence.is_empty() {
            let text = format!("seen in: {} ({})", reason.evidence, ago(model.shown(), reason.seen));
            self.para("", Role::Muted, 8, text, Role::Muted);
        }
        if !reason.opens_when.is_empty() {
            let until = reason.until.map_or_else(String::new, |t| format!(" (about {})", moment(t, model.shown(), &model.zone)));
            self.para("", Role::Muted, 8, format!("opens when: {}{until}", reason.opens_when), Role::Info);
        }
        if reason.severity == Severity::Soft {
            self.para("", Role::Muted, 8, "an operator may accept this, with a reason", Role::Muted);
        }
    }

    /// All reasons of a gate.
    fn gate(&mut self, look: &Look, model: &Model, gate: &Gate) {
        for reason in &gate.reasons {
            self.reason(look, model, reason);
        }
    }

    /// The sheet in lines of at most `width` columns.
    pub fn lines(&self, width: u16) -> Vec<SheetLine> {
        let mut lines = Vec::new();
        for para in &self.paras {
            let indent = if width > para.indent + 16 { para.indent } else { para.indent.min(2) };
            let room = width.saturating_sub(indent).max(1);
            let mut texts = wrap(&para.text, room);
            if texts.len() > para.most {
                let rest = texts.split_off(para.most.saturating_sub(1)).join(" ");
                // The pen cuts it where the line ends, and says so.
                texts.push(rest);
            }
            let mut texts = texts.into_iter();
            // A head that is wider than its columns stands on a line of its own.
            let wide = super::draw::words::width(&para.head) >= indent && !para.head.is_empty() && !para.text.is_empty();
            let first = if wide { String::new() } else { texts.next().unwrap_or_default() };
            let line = |head: String, text: String| SheetLine { head, head_role: para.head_role, indent, text, role: para.role };
            lines.push(line(para.head.clone(), first));
            lines.extend(texts.map(|text| line(String::new(), text)));
        }
        lines
    }

    /// The sheet as plain text, for the clipboard.
    pub fn plain(&self) -> String {
        let mut out = crate::text::clean(&self.title, 200).into_owned();
        for para in &self.paras {
            out.push('\n');
            let (head, text) = (crate::text::clean(&para.head, 200), crate::text::clean(&para.text, 20_000));
            match (head.is_empty(), para.indent) {
                (true, 0) => out.push_str(&text),
                (true, _) => out.extend(["    ", &text]),
                (false, _) => out.push_str(format!("{head}  {text}").trim_end()),
            }
        }
        out
    }
}

/// `gate closed: 2 hard, 1 soft`.
pub(crate) fn gate_words(gate: &Gate) -> String {
    let count = |severity: Severity| gate.reasons.iter().filter(|r| r.severity == severity).count();
    let parts: Vec<String> = [(Severity::Hard, "hard"), (Severity::Soft, "soft"), (Severity::Note, "note")]
        .into_iter()
        .map(|(severity, word)| (count(severity), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| if word == "note" && n > 1 { format!("{n} notes") } else { format!("{n} {word}") })
        .collect();
    let word = super::model::rows::gate_word(gate.state);
    if parts.is_empty() { format!("gate {word}") } else { format!("gate {word}: {}", parts.join(", ")) }
}

/// What there is to say about `target` now.
pub(crate) fn of(model: &Model, target: &Target) -> Sheet {
    let Some(pool) = model.pool() else { return Sheet::new("No pool") };
    let picture = &pool.picture;
    let found = match target {
        Target::Verdict => Some(things::verdict(model, picture)),
        Target::Control => Some(control::sheet(model, picture)),
        Target::Budget => Some(budget::sheet(model, picture)),
        Target::Clocks => Some(clocks::sheet(model, picture)),
        Target::Host(r) => picture.hosts.iter().find(|h| h.r#ref == *r).map(|h| host::sheet(model, pool, h)),
        Target::Rebuild(sr, source) => {
            picture.rebuilds.iter().find(|r| r.sr == *sr && r.source == *source).map(|r| things::rebuild(model, r))
        }
        Target::Task(r) => picture.tasks.iter().find(|t| t.r#ref == *r).map(|t| things::task(model, t)),
        Target::Line(line) => Some(things::line(model, line)),
        Target::Alert(key) => {
            picture.alerts.iter().find(|a| super::model::rows::alert_key(a) == *key).map(|a| things::alert(model, a))
        }
        Target::Path(host, kind, name) => {
            picture.paths.iter().find(|p| p.host == *host && p.kind == *kind && p.name == *name).map(|p| paths::sheet(model, p))
        }
        Target::Member(stack, host) => picture
            .clusters
            .iter()
            .find(|c| c.stack == *stack)
            .and_then(|c| Some((c, c.members.iter().find(|m| m.host == *host)?)))
            .map(|(c, m)| things::member(model, c, m)),
    };
    found.unwrap_or_else(|| {
        let mut sheet = Sheet::new("Gone");
        sheet.words("This is no longer there: the pool does not list it any more.", Role::Text);
        sheet
    })
}
