//! The expressions of `get_all_records_where`: `true`, `field "power_state" = "Running"`, `not`, `and`, `or`, brackets.

use crate::sim::api::Failure;
use crate::sim::schema::Class;
use crate::sim::value::Value;

/// An expression about the fields of one class.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Const(bool),
    Equal(Side, Side),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Side {
    Field(usize),
    Text(String),
}

/// How deep brackets may be nested.
const DEPTH: usize = 50;

impl Expr {
    pub(super) fn parse(class: &Class, text: &str) -> Result<Self, Failure> {
        let bad = || Failure::new("INTERNAL_ERROR", [format!("Db_exn.Invalid_filter: {text}")]);
        let words = words(text).ok_or_else(bad)?;
        let mut parser = Parser { class, words: &words, depth: 0 };
        let expr = parser.any().ok_or_else(bad)?;
        if parser.words.is_empty() { Ok(expr) } else { Err(bad()) }
    }

    pub(super) fn holds(&self, values: &[Value]) -> bool {
        match self {
            Self::Const(truth) => *truth,
            Self::Equal(a, b) => a.text(values) == b.text(values),
            Self::Not(inner) => !inner.holds(values),
            Self::And(a, b) => a.holds(values) && b.holds(values),
            Self::Or(a, b) => a.holds(values) || b.holds(values),
        }
    }
}

impl Side {
    fn text(&self, values: &[Value]) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Field(at) => match values.get(*at) {
                Some(Value::Str(text)) => text.to_string(),
                Some(Value::Ref(r)) => r.to_string(),
                Some(Value::Int(number)) => number.to_string(),
                Some(Value::Float(number)) => number.to_string(),
                Some(Value::Bool(truth)) => truth.to_string(),
                Some(Value::Date(time)) => time.to_xapi(),
                _ => String::new(),
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Sign(char),
}

fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' | ';' => {}
            '(' | ')' | '=' => words.push(Word::Sign(c)),
            '"' | '\'' => {
                let mut inside = String::new();
                loop {
                    match rest.next()? {
                        '\\' => inside.push(rest.next()?),
                        end if end == c => break,
                        other => inside.push(other),
                    }
                }
                words.push(Word::Text(inside));
            }
            c if c.is_ascii_alphanumeric() => {
                let mut name = c.to_string();
                while let Some(next) = rest.next_if(|n| n.is_ascii_alphanumeric() || *n == '_') {
                    name.push(next);
                }
                words.push(Word::Name(name));
            }
            _ => return None,
        }
    }
    Some(words)
}

struct Parser<'a> {
    class: &'a Class,
    words: &'a [Word],
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take(&mut self, word: &Word) -> bool {
        let found = self.words.first() == Some(word);
        if found {
            self.words = self.words.get(1..).unwrap_or_default();
        }
        found
    }

    fn name(&mut self, name: &str) -> bool {
        self.take(&Word::Name(name.to_owned()))
    }

    fn any(&mut self) -> Option<Expr> {
        let mut left = self.all()?;
        while self.name("or") {
            left = Expr::Or(left.into(), self.all()?.into());
        }
        Some(left)
    }

    fn all(&mut self) -> Option<Expr> {
        let mut left = self.one()?;
        while self.name("and") {
            left = Expr::And(left.into(), self.one()?.into());
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let expr = if self.name("true") {
            Expr::Const(true)
        } else if self.name("false") {
            Expr::Const(false)
        } else if self.name("not") {
            Expr::Not(self.one()?.into())
        } else if self.take(&Word::Sign('(')) {
            let inner = self.any()?;
            if !self.take(&Word::Sign(')')) {
                return None;
            }
            inner
        } else {
            let left = self.side()?;
            if !self.take(&Word::Sign('=')) {
                return None;
            }
            Expr::Equal(left, self.side()?)
        };
        self.depth -= 1;
        Some(expr)
    }

    fn side(&mut self) -> Option<Side> {
        if self.name("field") {
            let Word::Text(name) = self.next()?.clone() else { return None };
            let name = name.replace("__", "_");
            return self.class.position(&name).map(Side::Field);
        }
        match self.next()? {
            Word::Text(text) => Some(Side::Text(text.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::schema::{Dialect, Schema};

    #[test]
    fn expressions_select_records() {
        let class = Schema::of(Dialect::Shipped).class("host").unwrap();
        let mut values = class.template.to_vec();
        values[class.position("name_label").unwrap()] = "xs-01".into();
        values[class.position("enabled").unwrap()] = true.into();
        let holds = |text: &str| Expr::parse(class, text).unwrap_or_else(|e| panic!("{text}: {e}")).holds(&values);
        for yes in [
            "true",
            "field \"name_label\" = \"xs-01\"",
            "(field \"name__label\"=\"xs-01\") and (field \"enabled\"=\"true\")",
            "not false",
            "false or not (field \"enabled\" = \"false\")",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in ["false", "not(true)", "field \"name_label\" = \"xs-02\"", "true and false"] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let class = Schema::of(Dialect::Shipped).class("host").unwrap();
        let deep = "(".repeat(5000);
        for bad in ["", "maybe", "field \"no\" = \"x\"", "true true", "(true", "field = \"x\"", "\"a", &deep] {
            assert!(Expr::parse(class, bad).is_err(), "{bad}");
        }
    }
}
