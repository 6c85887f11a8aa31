//! `/rrd_updates`: what is asked for, and the answer as JSON or XML. Pure.

use super::http::Request;
use super::json::push_text;
use super::number;
use super::xml::push_escaped;
use crate::sim::api::{RrdRequest, RrdUpdates};
use base64::Engine;
use std::fmt::Write;

/// How a request proves who asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Proof {
    /// A session's reference, in the query or a cookie.
    Session(String),
    /// HTTP Basic: a session is made for this request alone.
    Password(String, String),
    /// Nothing: 401.
    None,
}

/// Who asks.
pub fn proof(request: &Request) -> Proof {
    if let Some(session) = request.query("session_id").or_else(|| request.cookie("session_id")) {
        return Proof::Session(session.to_owned());
    }
    let basic = || {
        let packed = request.header("authorization")?.strip_prefix("Basic ")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(packed.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Proof::Password(user.to_owned(), password.to_owned()))
    };
    basic().unwrap_or(Proof::None)
}

/// What is asked for. The error is the exception as OCaml prints it, for the page of HTTP 500.
pub fn read(request: &Request, session: String) -> Result<RrdRequest, String> {
    let number = |name: &str| -> Option<Result<i64, String>> {
        let text = request.query(name)?;
        Some(text.trim().parse().map_err(|_| "Failure(\"int_of_string\")".to_owned()))
    };
    let interval = number("interval").unwrap_or(Ok(5))?;
    Ok(RrdRequest {
        session,
        start: number("start").ok_or_else(|| "Not_found".to_owned())??,
        host: request.query("host").is_some_and(|text| text == "true"),
        vm_uuid: request.query("vm_uuid").unwrap_or("all").to_owned(),
        interval: u32::try_from(interval.max(1)).unwrap_or(u32::MAX),
    })
}

/// Whether the answer is JSON: by `Accept` where there is one, by `json=true` otherwise.
pub fn wants_json(request: &Request) -> bool {
    let Some(accept) = request.header("accept") else { return request.query("json") == Some("true") };
    let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or("").trim());
    kinds.find_map(|kind| match kind {
        "*/*" | "application/*" | "application/json" => Some(true),
        "text/*" | "text/xml" | "application/xml" => Some(false),
        _ => None,
    }) == Some(true)
}

/// As JSON: every number is a string.
pub fn json(updates: &RrdUpdates) -> String {
    let RrdUpdates { start, end, step, legend, rows } = updates;
    let mut out = String::with_capacity(256 + legend.len() * (64 + rows.len() * 20));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{{\"meta\":{{\"start\":\"{start}\",\"step\":\"{step}\",\"end\":\"{end}\",\"rows\":\"{}\",\"columns\":\"{}\",\"legend\":[",
        rows.len(),
        legend.len()
    );
    for (at, entry) in legend.iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        push_text(&mut out, entry);
    }
    out.push_str("]},\"data\":[");
    for (at, (time, values)) in rows.iter().enumerate() {
        let _ = write!(out, "{}{{\"t\":\"{time}\",\"values\":[", if at > 0 { "," } else { "" });
        for (at, value) in values.iter().enumerate() {
            let _ = write!(out, "{}\"{}\"", if at > 0 { "," } else { "" }, number::rrd(*value));
        }
        out.push_str("]}");
    }
    out.push_str("]}");
    out
}

/// As XML.
pub fn xml(updates: &RrdUpdates) -> String {
    let RrdUpdates { start, end, step, legend, rows } = updates;
    let mut out = String::with_capacity(256 + legend.len() * (64 + rows.len() * 24));
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xport><meta><start>{start}</start><step>{step}</step><end>{end}</end>\
         <rows>{}</rows><columns>{}</columns><legend>",
        rows.len(),
        legend.len()
    );
    for entry in legend {
        out.push_str("<entry>");
        push_escaped(&mut out, entry);
        out.push_str("</entry>");
    }
    out.push_str("</legend></meta><data>");
    for (time, values) in rows {
        let _ = write!(out, "<row><t>{time}</t>");
        for value in values {
            let _ = write!(out, "<v>{}</v>", number::rrd(*value));
        }
        out.push_str("</row>");
    }
    out.push_str("</data></xport>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(head: &str) -> Request {
        Request::parse(head).unwrap()
    }

    #[test]
    fn the_format_follows_accept_and_then_the_query() {
        let wants = |query: &str, accept: &str| wants_json(&request(&format!("GET /rrd_updates?{query} HTTP/1.1\n{accept}")));
        assert!(wants("", "Accept: */*"));
        assert!(wants("", "Accept: application/json"));
        assert!(wants("json=true", ""));
        assert!(!wants("", ""));
        assert!(!wants("json=true", "Accept: text/xml"));
    }

    #[test]
    fn every_way_to_prove_who_asks_is_understood() {
        let of = |line: &str| proof(&request(line));
        assert_eq!(of("GET /r?session_id=OpaqueRef:1 HTTP/1.1\n"), Proof::Session("OpaqueRef:1".to_owned()));
        assert_eq!(of("GET /r HTTP/1.1\nCookie: session_id=OpaqueRef:2\n"), Proof::Session("OpaqueRef:2".to_owned()));
        let basic = Proof::Password("root".to_owned(), "a:b".to_owned());
        assert_eq!(of("GET /r HTTP/1.1\nAuthorization: Basic cm9vdDphOmI=\n"), basic);
        assert_eq!(of("GET /r HTTP/1.1\nAuthorization: Basic ???\n"), Proof::None);
    }

    #[test]
    fn a_missing_start_is_an_exception() {
        assert_eq!(read(&request("GET /r HTTP/1.1"), String::new()), Err("Not_found".to_owned()));
        let read = read(&request("GET /r?start=-60&host=true&vm_uuid=none&interval=60 HTTP/1.1"), "s".to_owned()).unwrap();
        assert_eq!((read.start, read.host, read.vm_uuid.as_str(), read.interval), (-60, true, "none", 60));
    }

    #[test]
    fn both_formats_have_every_value() {
        let updates = RrdUpdates {
            start: 5,
            end: 10,
            step: 5,
            legend: vec!["AVERAGE:host:u:cpu0".to_owned(), "AVERAGE:host:u:loadavg".to_owned()],
            rows: vec![(10, vec![0.5, f64::NAN]), (5, vec![1.0, 2.0])],
        };
        assert_eq!(
            json(&updates),
            "{\"meta\":{\"start\":\"5\",\"step\":\"5\",\"end\":\"10\",\"rows\":\"2\",\"columns\":\"2\",\
             \"legend\":[\"AVERAGE:host:u:cpu0\",\"AVERAGE:host:u:loadavg\"]},\
             \"data\":[{\"t\":\"10\",\"values\":[\"0.5\",\"NaN\"]},{\"t\":\"5\",\"values\":[\"1\",\"2\"]}]}"
        );
        assert!(xml(&updates).ends_with("<row><t>5</t><v>1</v><v>2</v></row></data></xport>"));
    }
}
