//! `/rrd_updates` in every form that hosts have sent it.
//!
//! XML; JSON with unquoted keys and `NaN` (before xapi 23.31); JSON with every number a string, and until 24.11 with `data`
//! inside `meta`. One tolerant reader for all kinds of JSON, bounded in depth and size. Never asks a host.

use crate::text;
use crate::time::Time;
use std::borrow::Cow;

/// More columns than this are not looked at (a host with every source of 1,000 VMs has about 20,000).
const MAX_COLUMNS: usize = 50_000;
/// More rows than this are not looked at (an archive has at most 366).
const MAX_ROWS: usize = 2_000;

/// A source and one value a row.
pub type Series = (String, Vec<Option<f32>>);

/// What a host returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Updates {
    /// `AVERAGE:host:<uuid>:<source>` for each column.
    pub legend: Vec<String>,
    /// Time by the host's clock and one value a column, in the order of the wire (newest first).
    pub rows: Vec<(Time, Vec<f64>)>,
}

impl Updates {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// In words, if it is in none of the known forms.
    pub fn parse(body: &str) -> Result<Self, String> {
        let body = body.trim_start();
        if body.starts_with('{') {
            from_json(body)
        } else if body.starts_with('<') && body.contains("<xport>") {
            from_xml(body)
        } else {
            Err("neither JSON nor XML of the kind that hosts send".to_owned())
        }
    }

    /// The newest row of a host's own sources: its time, and name and value of each source with a finite value. With
    /// `uuid`, only that host's.
    pub fn newest_of_host(&self, uuid: Option<&str>) -> Option<(Time, Vec<(String, f64)>)> {
        let (at, row) = self.rows.iter().max_by_key(|(at, _)| *at)?;
        let values = self
            .legend
            .iter()
            .zip(row)
            .filter(|(_, value)| value.is_finite())
            .filter_map(|(entry, value)| Some((text::clean(source_of_host(entry, uuid)?, 128).into_owned(), *value)));
        Some((*at, values.collect()))
    }

    /// The times of all rows, the oldest first, and the values of those sources of a host that are `wanted`; what is not finite is `None`.
    pub fn series_of_host(&self, uuid: Option<&str>, wanted: impl Fn(&str) -> bool) -> (Vec<Time>, Vec<Series>) {
        let mut rows: Vec<&(Time, Vec<f64>)> = self.rows.iter().collect();
        rows.sort_by_key(|(at, _)| *at);
        rows.dedup_by_key(|(at, _)| *at);
        let one = |(column, entry): (usize, &String)| {
            let source = source_of_host(entry, uuid).filter(|source| wanted(source))?;
            let value = |(_, row): &&(Time, Vec<f64>)| row.get(column).copied().filter(|v| v.is_finite()).map(|v| v as f32);
            Some((text::clean(source, 128).into_owned(), rows.iter().map(value).collect()))
        };
        (rows.iter().map(|(at, _)| *at).collect(), self.legend.iter().enumerate().filter_map(one).collect())
    }
}

/// The source that a column of a host is of; with `uuid`, only of that host's.
fn source_of_host<'a>(entry: &'a str, uuid: Option<&str>) -> Option<&'a str> {
    let mut parts = entry.splitn(4, ':');
    let (_, kind, owner, source) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (kind == "host" && uuid.is_none_or(|uuid| uuid == owner)).then_some(source)
}

fn number(text: &str) -> f64 {
    match text.trim() {
        "Infinity" | "inf" | "+inf" => f64::INFINITY,
        "-Infinity" | "-inf" => f64::NEG_INFINITY,
        other => other.parse().unwrap_or(f64::NAN),
    }
}

/// Unix seconds; `None` for what is no time.
fn time(text: &str) -> Option<Time> {
    let secs = number(text);
    (secs.is_finite() && secs.abs() < 1e11).then(|| Time::from_millis((secs * 1000.0) as i64))
}

fn from_json(body: &str) -> Result<Updates, String> {
    let mut reader = Reader { rest: body };
    let root = reader.value(0).ok_or_else(|| format!("it makes no sense {} bytes from its end", reader.rest.len()))?;
    let meta = root.get("meta").ok_or("it has no meta")?;
    let legend = match meta.get("legend") {
        Some(Node::List(entries)) => entries.iter().filter_map(Node::text).map(ToOwned::to_owned).take(MAX_COLUMNS).collect(),
        _ => return Err("it has no legend".to_owned()),
    };
    let mut rows = Vec::new();
    match root.get("data").or_else(|| meta.get("data")) {
        Some(Node::List(list)) => {
            for row in list.iter().take(MAX_ROWS) {
                let (Some(at), Some(Node::List(values))) = (row.get("t").and_then(Node::text).and_then(time), row.get("values"))
                else {
                    continue;
                };
                rows.push((at, values.iter().map(|v| v.text().map_or(f64::NAN, number)).take(MAX_COLUMNS).collect()));
            }
        }
        _ => return Err("it has no data".to_owned()),
    }
    Ok(Updates { legend, rows })
}

/// JSON, with all scalars as text.
enum Node<'a> {
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Node<'_> {
    fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads JSON as it was meant: keys and numbers may have quotes or not, a comma may be one too many.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Node<'a>> {
        self.skip();
        match self.rest.as_bytes().first()? {
            _ if depth > 8 => None,
            b'{' => self
                .list('}', |reader| {
                    let key = reader.scalar()?;
                    reader.skip();
                    reader.rest = reader.rest.strip_prefix(':')?;
                    Some((key, reader.value(depth + 1)?))
                })
                .map(Node::Map),
            b'[' => self.list(']', |reader| reader.value(depth + 1)).map(Node::List),
            _ => self.scalar().map(Node::Text),
        }
    }

    fn list<T>(&mut self, end: char, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.rest = self.rest.get(1..)?;
        let mut items = Vec::new();
        loop {
            self.skip();
            if let Some(rest) = self.rest.strip_prefix(end) {
                self.rest = rest;
                return Some(items);
            }
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            items.push(item(self)?);
        }
    }

    fn scalar(&mut self) -> Option<Cow<'a, str>> {
        self.skip();
        let Some(inside) = self.rest.strip_prefix('"') else {
            let end = self.rest.find(|c: char| c.is_whitespace() || ",:]}{[\"".contains(c)).unwrap_or(self.rest.len());
            let (word, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            return (!word.is_empty()).then_some(Cow::Borrowed(word));
        };
        let mut escaped = false;
        let end = inside.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let (text, rest) = inside.split_at_checked(end)?;
        self.rest = rest.strip_prefix('"')?;
        if text.contains('\\') {
            return serde_json::from_str(&format!("\"{text}\"")).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(text))
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

fn from_xml(body: &str) -> Result<Updates, String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(body);
    let mut updates = Updates::default();
    let mut text = String::new();
    let (mut at, mut row) = (None, Vec::new());
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(_) => text.clear(),
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::End(tag) => match tag.name().as_ref() {
                "entry" if updates.legend.len() < MAX_COLUMNS => updates.legend.push(text.trim().to_owned()),
                "t" => at = time(&text),
                "v" if row.len() < MAX_COLUMNS => row.push(number(&text)),
                "row" => {
                    let row = std::mem::take(&mut row);
                    if let Some(at) = at.take().filter(|_| updates.rows.len() < MAX_ROWS) {
                        updates.rows.push((at, row));
                    }
                }
                "xport" => return Ok(updates),
                _ => {}
            },
            Event::Eof => return Err("it is cut off".to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "11111111-2222-3333-4444-555555555555";

    fn legend() -> String {
        format!(
            "\"AVERAGE:host:{HOST}:cpu0\",\"AVERAGE:vm:x:cpu0\",\"AVERAGE:host:{HOST}:loadavg\",\"AVERAGE:host:{HOST}:pif_eth0_rx\""
        )
    }

    #[test]
    fn every_form_gives_the_same_row() {
        let l = legend();
        let strings = format!(
            r#"{{"meta":{{"start":"90","step":"5","end":"100","rows":"2","columns":"4","legend":[{l}]}},
            "data":[{{"t":"100","values":["0.5","1","NaN","2e3"]}},{{"t":"95","values":["0","0","0","0"]}}]}}"#
        );
        let inside = format!(
            r#"{{"meta":{{"legend":[{l}],"data":[{{"t":"95","values":["0","0","0","0"]}},{{"t":"100","values":["0.5","1","Infinity","2000"]}}]}}}}"#
        );
        let loose = format!("{{meta: {{start:90,step:5,legend:[{l},]}},\n data:[{{t:100,values:[ 0.5,1.0,NaN,2000.]}},]}}");
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<xport><meta><start>90</start><legend>{}</legend></meta><data>\
             <row><t>100</t><v>0.5</v><v>1</v><v>NaN</v><v>2000</v></row><row><t>95</t><v>0</v></row></data></xport>",
            l.split(',').flat_map(|e| ["<entry>", e.trim_matches('"'), "</entry>"]).collect::<String>()
        );
        for body in [strings, inside, loose, xml] {
            let updates = Updates::parse(&body).unwrap_or_else(|e| panic!("{body}: {e}"));
            let (at, values) = updates.newest_of_host(Some(HOST)).expect("a row");
            assert_eq!(at, Time::from_secs(100), "{body}");
            assert_eq!(values, [("cpu0".to_owned(), 0.5), ("pif_eth0_rx".to_owned(), 2000.0)], "{body}");
            assert_eq!(updates.newest_of_host(Some("other")).expect("a row").1, []);
        }
    }

    #[test]
    fn what_is_no_answer_of_a_host_is_an_error() {
        let deep = "{\"meta\":".repeat(10_000);
        for body in
            ["", "<html></html>", "{}", "{\"meta\":{}}", "{\"meta\":{\"legend\":[]}}", "[1]", "{\"a", &deep, "{\"meta\" 5}"]
        {
            assert!(Updates::parse(body).is_err(), "{body}");
        }
        assert!(Updates::parse("<xport><data><row>").is_err());
    }

    #[test]
    fn series_are_in_the_order_of_time_with_gaps_where_nothing_was_measured() {
        let body = format!(
            r#"{{"meta":{{"legend":["AVERAGE:host:{HOST}:network/latency","AVERAGE:host:{HOST}:cpu0","AVERAGE:vm:x:network/latency"]}},
            "data":[{{"t":"7200","values":["NaN","1","1"]}},{{"t":"3600","values":["0.5","1","1"]}},{{"t":"10800","values":["2"]}},{{"t":"3600","values":["9"]}}]}}"#
        );
        let (rows, series) = Updates::parse(&body).expect("readable").series_of_host(Some(HOST), |name| name.contains("latency"));
        assert_eq!(rows, [3_600, 7_200, 10_800].map(Time::from_secs));
        assert_eq!(series, [("network/latency".to_owned(), vec![Some(0.5), None, Some(2.0)])]);
    }

    #[test]
    fn no_rows_is_no_row() {
        let body = format!(r#"{{"meta":{{"rows":"0","legend":[{}]}},"data":[]}}"#, legend());
        assert_eq!(Updates::parse(&body).expect("readable").newest_of_host(None), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(body in "[{<][\\[\\]{}<>/,:\"\\\\a-zNI0-9. ]{0,200}") {
            let _ = Updates::parse(&body);
        }
    }
}
