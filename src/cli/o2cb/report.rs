//! The JSON document of `poolwatch o2cb`.

use super::{O2cbArgs, O2cbCommand};
use crate::o2cb::node::NodeError;
use crate::text;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// What the document is.
pub const SCHEMA: &str = "poolwatch-o2cb/1";
/// The longest text in it, in characters.
const LONGEST: usize = 4_000;

/// The exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Done, and nothing is outstanding.
    Fine = 0,
    /// Done; there is something to look at.
    Attention = 1,
    /// Refused, and nothing was changed.
    Refused = 2,
    /// It could not be done, or it is not known.
    Cannot = 3,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The exit code.
    pub code: Code,
    result: Value,
    error: Option<String>,
}

impl Answer {
    /// It was done.
    pub fn new(code: Code, result: &impl Serialize) -> Self {
        // These are structs and maps with strings as keys, which can always be written.
        Self { code, result: serde_json::to_value(result).unwrap_or_default(), error: None }
    }

    /// It was not.
    pub fn failed(error: &NodeError) -> Self {
        Self { code: Code::of(error), result: Value::Null, error: Some(error.to_string()) }
    }
}

fn name(command: &O2cbCommand) -> &'static str {
    match command {
        O2cbCommand::Query { .. } => "query",
        O2cbCommand::Nodes => "nodes",
        O2cbCommand::Check { .. } => "check",
        O2cbCommand::New { .. } => "new",
        O2cbCommand::Add(_) => "add",
        O2cbCommand::Remove { .. } => "remove",
        O2cbCommand::Forget { .. } => "forget",
        O2cbCommand::Start { .. } => "start",
        O2cbCommand::Stop => "stop",
        O2cbCommand::WhoWouldDie { .. } => "who-would-die",
        O2cbCommand::Compare { .. } => "compare",
    }
}

/// Text from a file is untrusted: what a terminal would obey does not get through.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text::clean(&text, LONGEST).into_owned()),
        Value::Array(values) => Value::Array(values.into_iter().map(cleaned).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (text::clean(&name, LONGEST).into_owned(), cleaned(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// Prints the document; an error also in words, on the standard error.
pub fn print(args: &O2cbArgs, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
    let document = json!({
        "schema": SCHEMA,
        "command": name(&args.command),
        "root": args.root.display().to_string(),
        "dry_run": args.dry_run,
        "ok": answer.error.is_none(),
        "exit_code": answer.code as u8,
        "error": answer.error,
        "result": answer.result,
    });
    serde_json::to_writer_pretty(&mut *out, &cleaned(document))?;
    writeln!(out)?;
    if let Some(error) = &answer.error {
        let _ = writeln!(io::stderr(), "poolwatch: {}", text::clean(error, LONGEST));
    }
    Ok(())
}
