//! Metrics as text, in the two formats that Prometheus and what is built on it read: OpenMetrics 1.0 and Prometheus 0.0.4.
//!
//! Pure. Knows formats, not pools. What goes in may be hostile (names that a pool made up): label values are made safe, cut and
//! escaped; the same series is never given twice; a family has at most [`MOST`] series of one pool.

use crate::text;
use std::collections::HashSet;
use std::fmt::Write as _;

/// Series of one family and pool at most. The biggest pools that xapi allows have 64 hosts.
pub const MOST: usize = 1_000;
/// Characters of a label's value at most.
const LABEL: usize = 120;

/// The two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus text 0.0.4.
    Prometheus,
}

impl Format {
    /// As the answer's `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// What a request's `Accept` header asks for. `OpenMetrics` if it is named (in version 1.0.0 or in none) and not less welcome than
    /// plain text; Prometheus's text for everybody else, so that a browser shows it.
    pub fn wanted(accept: Option<&str>) -> Self {
        let (mut open, mut plain) = (0.0_f64, 0.0_f64);
        for range in accept.unwrap_or_default().split(',').take(64) {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0_f64, None);
            for (key, value) in parts.filter_map(|part| part.split_once('=')) {
                let value = value.trim().trim_matches('"');
                match key.trim().to_ascii_lowercase().as_str() {
                    "q" => quality = value.parse().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0),
                    "version" => version = Some(value.to_owned()),
                    _ => {}
                }
            }
            match (kind.as_str(), version.as_deref()) {
                ("application/openmetrics-text", None | Some("1.0.0")) => open = open.max(quality),
                ("text/plain", None | Some("0.0.4")) => plain = plain.max(quality),
                _ => {}
            }
        }
        if open > 0.0 && open >= plain { Self::OpenMetrics } else { Self::Prometheus }
    }
}

/// What kind of metric a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A value that only grows while the program runs.
    Counter,
    /// Always 1; what it says is in its labels.
    Info,
    /// One series a state, 1 for the one that holds; the label is called like the family.
    States(&'static [&'static str]),
}

/// What a family is called, is and means.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Its name, with its unit at the end if it has one.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels, beside `pool`.
    pub labels: &'static [&'static str],
    /// What it means, a sentence without its full stop.
    pub help: &'static str,
}

impl Head {
    /// The unit, by the name's end.
    pub fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes", "ratio"].into_iter().find(|unit| self.name.ends_with(&format!("_{unit}")))
    }

    /// The name of its series.
    pub fn series(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Info => format!("{}_info", self.name),
            Kind::Gauge | Kind::States(_) => self.name.to_owned(),
        }
    }
}

/// The series of one family and one pool.
#[derive(Debug, Default)]
pub struct Rows(Vec<(Vec<String>, f64)>);

impl Rows {
    /// A series: the values of the family's labels in their order, and its value. What is not a finite number is left out: it is
    /// not known.
    pub fn put(&mut self, labels: &[&str], value: f64) {
        if value.is_finite() {
            self.0.push((labels.iter().map(|label| (*label).to_owned()).collect(), value));
        }
    }

    /// A yes or a no.
    pub fn flag(&mut self, labels: &[&str], value: bool) {
        self.put(labels, f64::from(u8::from(value)));
    }

    /// A number of things.
    pub fn count(&mut self, labels: &[&str], value: usize) {
        self.put(labels, value as f64);
    }

    /// The state that holds, of a family of states.
    pub fn state(&mut self, labels: &[&str], states: &[&str], holds: &str) {
        for state in states {
            let mut all = labels.to_vec();
            all.push(state);
            self.flag(&all, *state == holds);
        }
    }
}

/// Writes families, one after the other.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    out: String,
    head: Option<Head>,
    seen: HashSet<String>,
    /// Series that were left out: too many, or the same twice.
    pub dropped: usize,
}

impl Writer {
    /// Nothing written yet.
    pub fn new(format: Format) -> Self {
        Self { format, out: String::with_capacity(16 * 1024), head: None, seen: HashSet::new(), dropped: 0 }
    }

    /// Begins a family. Its lines are written with its first series.
    pub fn family(&mut self, head: Head) {
        self.head = Some(head);
        self.seen.clear();
        let open = self.format == Format::OpenMetrics;
        let series = head.series();
        let name = if open { head.name } else { series.as_str() };
        let kind = match (head.kind, open) {
            (Kind::Counter, _) => "counter",
            (Kind::Info, true) => "info",
            (Kind::States(_), true) => "stateset",
            _ => "gauge",
        };
        let help = escaped(head.help, open);
        let _ = match (open, head.unit()) {
            (true, Some(unit)) => write!(self.out, "# TYPE {name} {kind}\n# UNIT {name} {unit}\n# HELP {name} {help}\n"),
            (true, None) => write!(self.out, "# TYPE {name} {kind}\n# HELP {name} {help}\n"),
            (false, _) => write!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}\n"),
        };
    }

    /// The family's series of one pool; `pool` is what the operator calls it, or empty for the program itself.
    pub fn rows(&mut self, pool: &str, rows: &Rows) {
        let Some(head) = self.head else { return };
        let name = head.series();
        self.dropped += rows.0.len().saturating_sub(MOST);
        for (values, value) in rows.0.iter().take(MOST) {
            let mut labels = String::new();
            let state = matches!(head.kind, Kind::States(_)).then_some(head.name);
            let names = head.labels.iter().copied().chain(state);
            let own = names.zip(values.iter().map(String::as_str));
            for (key, text) in (!pool.is_empty()).then_some(("pool", pool)).into_iter().chain(own) {
                let comma = if labels.is_empty() { "" } else { "," };
                let _ = write!(labels, "{comma}{key}=\"{}\"", escaped(&text::clean(text, LABEL), true));
            }
            if self.seen.contains(&labels) {
                self.dropped += 1;
                continue;
            }
            let _ = if labels.is_empty() {
                writeln!(self.out, "{name} {value}")
            } else {
                writeln!(self.out, "{name}{{{labels}}} {value}")
            };
            self.seen.insert(labels);
        }
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

/// As both formats escape; quotes in label values, and in OpenMetrics everywhere.
fn escaped(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head { name: "x_seconds", kind: Kind::Gauge, labels: &["host"], help: "How \"long\"" };

    #[test]
    fn the_format_is_the_one_that_the_reader_likes_best() {
        use Format::{OpenMetrics, Prometheus};
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let newer = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5";
        let cases = [
            (None, Prometheus),
            (Some(""), Prometheus),
            (Some("*/*"), Prometheus),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Prometheus),
            (Some(prometheus), OpenMetrics),
            (Some(newer), OpenMetrics),
            (Some("application/openmetrics-text"), OpenMetrics),
            (Some("Application/OpenMetrics-Text; Version=\"1.0.0\""), OpenMetrics),
            (Some("application/openmetrics-text;version=0.0.1"), Prometheus),
            (Some("application/openmetrics-text;q=0.3, text/plain;q=0.9"), Prometheus),
            (Some("application/openmetrics-text;q=0"), Prometheus),
            (Some("application/openmetrics-text;q=NaN"), Prometheus),
        ];
        for (accept, want) in cases {
            assert_eq!(Format::wanted(accept), want, "{accept:?}");
        }
    }

    #[test]
    fn hostile_names_stay_inside_their_quotes() {
        let mut writer = Writer::new(Format::OpenMetrics);
        writer.family(HEAD);
        let mut rows = Rows::default();
        rows.put(&["a\"} 1\nevil 2 # {\\"], 1.5);
        writer.rows("lab\u{1b}[2J", &rows);
        let text = writer.finish();
        let series: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(series.len(), 1, "{text}");
        assert!(series[0].starts_with("x_seconds{pool=\"lab") && series[0].ends_with("\\\\\"} 1.5"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(
            text.starts_with("# TYPE x_seconds gauge\n# UNIT x_seconds seconds\n# HELP x_seconds How \\\"long\\\"\n"),
            "{text}"
        );
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }

    #[test]
    fn the_same_series_comes_once_and_there_is_a_bound() {
        let mut writer = Writer::new(Format::Prometheus);
        writer.family(HEAD);
        let mut rows = Rows::default();
        rows.put(&["a"], 1.0);
        rows.put(&["a"], 2.0);
        rows.put(&["nan"], f64::NAN);
        for n in 0..2 * MOST {
            rows.put(&[&n.to_string()], 0.0);
        }
        writer.rows("p", &rows);
        assert_eq!(writer.dropped, 1 + MOST + 2);
        let text = writer.finish();
        assert_eq!(text.matches("host=\"a\"").count(), 1);
        assert!(!text.contains("nan") && !text.contains("EOF") && !text.contains("UNIT"));
        assert!(text.starts_with("# HELP x_seconds How \"long\"\n# TYPE x_seconds gauge\n"), "{text}");
    }

    #[test]
    fn each_kind_is_named_as_its_format_has_it() {
        let told = |format| {
            let mut writer = Writer::new(format);
            let states: &'static [&'static str] = &["on", "off"];
            for kind in [Kind::Counter, Kind::Info, Kind::States(states)] {
                writer.family(Head { name: "n", kind, labels: &[], help: "h" });
                let mut rows = Rows::default();
                match kind {
                    Kind::States(states) => rows.state(&[], states, "off"),
                    _ => rows.put(&[], 1.0),
                }
                writer.rows("", &rows);
            }
            writer.finish()
        };
        assert_eq!(
            told(Format::OpenMetrics),
            "# TYPE n counter\n# HELP n h\nn_total 1\n# TYPE n info\n# HELP n h\nn_info 1\n\
             # TYPE n stateset\n# HELP n h\nn{n=\"on\"} 0\nn{n=\"off\"} 1\n# EOF\n"
        );
        assert_eq!(
            told(Format::Prometheus),
            "# HELP n_total h\n# TYPE n_total counter\nn_total 1\n# HELP n_info h\n# TYPE n_info gauge\nn_info 1\n\
             # HELP n h\n# TYPE n gauge\nn{n=\"on\"} 0\nn{n=\"off\"} 1\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_header_and_no_name_breaks_anything(accept in "\\PC{0,80}", name in "(\\PC|[\\x00-\\x1f\"\\\\]){0,40}") {
            let _ = Format::wanted(Some(&accept));
            let mut writer = Writer::new(Format::OpenMetrics);
            writer.family(HEAD);
            let mut rows = Rows::default();
            rows.put(&[&name], 1.0);
            writer.rows(&name, &rows);
            proptest::prop_assert_eq!(writer.finish().split('\n').count(), 6);
        }
    }
}
