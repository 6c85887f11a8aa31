//! HTTP as xapi's own server speaks it: heads in, bytes out. Pure.
//!
//! Written by hand because that server is: heads of at most 1024 bytes, its own reason phrases and header spellings,
//! bodies only with a `Content-Length`, HTML for what is malformed. A proper HTTP library corrects all of these.

use std::borrow::Cow;

/// The longest request head that xapi reads, in bytes, with its blank line (source: xapi's `max_header_length_tcp`).
pub const HEAD_LIMIT: usize = 1024;

/// The longest body of a call, in bytes (source: xapi's `http_limit_max_rpc_size`).
pub const BODY_LIMIT: u64 = 300 * 1024;

/// A request's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// In capitals, as sent.
    pub method: String,
    /// Without the query, percent-decoded.
    pub path: String,
    /// The query's pairs, percent-decoded, in order.
    pub query: Vec<(String, String)>,
    /// `1.0` or `1.1`: the version that the answer has.
    pub version: &'static str,
    /// Whether the connection ends after the answer.
    pub close: bool,
    /// The body's length, where one was given.
    pub content_length: Option<u64>,
    /// All other headers: name in lower case, value trimmed.
    pub headers: Vec<(String, String)>,
}

/// Why a head is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadHead {
    /// The first line is not one of HTTP.
    Unparsable,
    /// `Content-Length` is not a number.
    Length,
}

impl Request {
    /// Reads a head (everything before the body). Lenient where xapi is.
    pub fn parse(head: &str) -> Result<Self, BadHead> {
        let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let words: Vec<&str> = lines.next().unwrap_or("").split_ascii_whitespace().collect();
        let [method, target, version] = words.as_slice() else { return Err(BadHead::Unparsable) };
        let version = version.strip_prefix("HTTP/").ok_or(BadHead::Unparsable)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: (*method).to_owned(),
            path: percent_decoded(without_authority(path)),
            query: pairs(query),
            version: if version == "1.0" { "1.0" } else { "1.1" },
            close: version == "1.0",
            ..Self::default()
        };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            match (name.as_str(), value.to_ascii_lowercase().as_str()) {
                ("content-length", number) => request.content_length = Some(number.parse().map_err(|_| BadHead::Length)?),
                ("connection", "close") => request.close = true,
                ("connection", "keep-alive") => request.close = false,
                _ => request.headers.push((name, value.to_owned())),
            }
        }
        Ok(request)
    }

    /// A header's value; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter's value.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.header("cookie")?;
        cookies
            .split([';', '&'])
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, v)| v.trim())
    }
}

/// `/path` of `http://host/path`: some clients send the whole address.
fn without_authority(target: &str) -> &str {
    let Some(rest) = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")) else { return target };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (percent_decoded(&key.replace('+', " ")), percent_decoded(&value.replace('+', " ")))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn percent_decoded(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%'
            && let (Some(high), Some(low)) = (hex(bytes.get(at + 1)), hex(bytes.get(at + 2)))
        {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An answer, its headers in the order and spelling in which they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    version: &'static str,
    status: &'static str,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Vec<u8>,
    /// What follows the body, sent piece by piece.
    rest: Vec<Vec<u8>>,
    /// Whether the connection ends with it.
    pub close: bool,
}

const NO_CACHE: (&str, Cow<'static, str>) = ("cache-control", Cow::Borrowed("no-cache, no-store"));
const ALL_ORIGINS: [(&str, Cow<'static, str>); 2] =
    [("Access-Control-Allow-Origin", Cow::Borrowed("*")), ("Access-Control-Allow-Headers", Cow::Borrowed("X-Requested-With"))];

impl Response {
    /// The answer to a call. Errors raised before dispatch lack the headers for other origins.
    pub fn call(request: &Request, content_type: &'static str, cross_origin: bool, body: String) -> Self {
        let mut headers = vec![
            ("content-length", body.len().to_string().into()),
            ("connection", if request.close { "close" } else { "keep-alive" }.into()),
            NO_CACHE,
            ("content-type", content_type.into()),
        ];
        if cross_origin {
            headers.extend(ALL_ORIGINS);
        }
        Self {
            version: request.version,
            status: "200 OK",
            headers,
            body: body.into_bytes(),
            rest: Vec::new(),
            close: request.close,
        }
    }

    /// `/rrd_updates`, answered by another daemon with its own spelling. It says `keep-alive`, but the
    /// connection ends: xapi has handed it over.
    pub fn rrd(content_type: &'static str, body: String) -> Self {
        let mut headers = vec![
            ("Connection", "keep-alive".into()),
            ("Content-Length", body.len().to_string().into()),
            ("Cache-Control", "no-cache, no-store".into()),
            ("content-type", content_type.into()),
        ];
        headers.extend(ALL_ORIGINS);
        Self { version: "1.1", status: "200 OK", headers, body: body.into_bytes(), rest: Vec::new(), close: true }
    }

    /// `/system-status`: bytes until the connection ends, as long as whoever collects them goes on. Its name is the same whatever is in it.
    pub fn status(content_type: &'static str, pieces: Vec<Vec<u8>>) -> Self {
        let headers = vec![
            ("connection", "close".into()),
            NO_CACHE,
            ("content-type", content_type.into()),
            ("content-disposition", "attachment; filename=\"system_status.tgz\"".into()),
        ];
        Self { version: "1.0", status: "200 OK", headers, body: Vec::new(), rest: pieces, close: true }
    }

    /// The answer to `OPTIONS`.
    pub fn options(request: &Request) -> Self {
        let allowed = match request.header("access-control-request-headers") {
            Some(wanted) => format!("{wanted}, X-Requested-With"),
            None => "X-Requested-With".to_owned(),
        };
        let headers = vec![
            ("content-length", "0".into()),
            ("connection", if request.close { "close" } else { "keep-alive" }.into()),
            NO_CACHE,
            ("Access-Control-Allow-Origin", "*".into()),
            ("Access-Control-Allow-Headers", allowed.into()),
            ("Access-Control-Allow-Methods", "PUT".into()),
        ];
        Self { version: request.version, status: "200 OK", headers, body: Vec::new(), rest: Vec::new(), close: request.close }
    }

    /// 500, with the exception's text as OCaml prints it.
    pub fn internal(version: &'static str, exception: &str) -> Self {
        let text = format!(
            "<html><body><h1>HTTP 500 internal server error</h1>An unexpected error occurred; please wait a while and try \
             again. If the problem persists, please contact your support representative.<h1> Additional information \
             </h1>{}</body></html>",
            escaped(exception)
        );
        Self::html(version, "500 Internal Error", text)
    }

    /// 403, whatever was asked for.
    pub fn forbidden() -> Self {
        let text = "<html><body><h1>HTTP 403 forbidden</h1>Access to the requested resource is forbidden.</body></html>";
        Self::html("1.1", "403 Forbidden", text.to_owned())
    }

    /// 401 of the resource `realm`.
    pub fn unauthorised(request: &Request, realm: &str) -> Self {
        let text = "<html><body><h1>HTTP 401 unauthorised</h1>Please check your credentials and retry.</body></html>";
        let mut response = Self::html(request.version, "401 Unauthorised", text.to_owned());
        response.headers.push(("WWW-Authenticate", format!("Basic realm=\"{realm}\"").into()));
        response
    }

    /// 408: the head did not come in time.
    pub fn timed_out() -> Self {
        let text = "<html><body><h1>HTTP 408 request timeout</h1>Timed out waiting for the request.</body></html>";
        Self::html("1.1", "408 Request Timeout", text.to_owned())
    }

    /// 431: the head is longer than [`HEAD_LIMIT`].
    pub fn head_too_large() -> Self {
        let text = "<html><body><h1>HTTP 431 request header fields too large</h1>Exceeded the maximum header size.</body></html>";
        Self::html("1.1", "431 Request Header Fields Too Large", text.to_owned())
    }

    /// 501: no such method.
    pub fn not_implemented(request: &Request) -> Self {
        let text = format!(
            "<html><body><h1>HTTP 501 Method Not Implemented</h1><p>Unknown {} not supported.<br /></p></body></html>",
            escaped(&request.method)
        );
        Self::html(request.version, "501 Method not implemented", text)
    }

    fn html(version: &'static str, status: &'static str, body: String) -> Self {
        let headers = vec![
            ("content-length", body.len().to_string().into()),
            ("content-type", "text/html".into()),
            ("connection", "close".into()),
            NO_CACHE,
        ];
        Self { version, status, headers, body: body.into_bytes(), rest: Vec::new(), close: true }
    }

    /// Adds a header at the end.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As sent: the head with the body, and then what follows piece by piece.
    pub fn into_pieces(mut self) -> impl Iterator<Item = Vec<u8>> {
        let rest = std::mem::take(&mut self.rest);
        std::iter::once(self.into_bytes()).chain(rest)
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut out = format!("HTTP/{} {}\r\n", self.version, self.status);
        for (name, value) in &self.headers {
            out.push_str(name);
            out.push_str(": ");
            out.push_str(value);
            out.push_str("\r\n");
        }
        out.push_str("\r\n");
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }
}

/// As xapi escapes an exception's text in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_leniently_as_xapi_reads_them() {
        let head = "GET /rrd_updates?session_id=OpaqueRef%3aa&start=-5&x HTTP/1.1\r\nhOsT: x\r\nCookie: a=1; session_id=s\r\nno colon\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!((request.path.as_str(), request.query("session_id")), ("/rrd_updates", Some("OpaqueRef:a")));
        assert_eq!((request.query("start"), request.query("x"), request.query("y")), (Some("-5"), Some(""), None));
        assert_eq!((request.cookie("session_id"), request.header("host")), (Some("s"), Some("x")));
        assert_eq!(Request::parse("POST https://h:1/jsonrpc HTTP/1.1\n").unwrap().path, "/jsonrpc");
    }

    #[test]
    fn connections_close_by_version_and_header() {
        let close = |head: &str| Request::parse(head).unwrap().close;
        assert!(!close("GET / HTTP/1.1\n"));
        assert!(close("GET / HTTP/1.0\n"));
        assert!(close("GET / HTTP/1.1\nConnection: Close\n"));
        assert!(!close("GET / HTTP/1.0\nConnection: keep-alive\n"));
    }

    #[test]
    fn what_is_no_request_is_said_so() {
        assert_eq!(Request::parse("hello"), Err(BadHead::Unparsable));
        assert_eq!(Request::parse("GET / x/1.1"), Err(BadHead::Unparsable));
        assert_eq!(Request::parse("GET / HTTP/1.1\ncontent-length: many"), Err(BadHead::Length));
    }

    proptest::proptest! {
        #[test]
        fn no_head_breaks_the_reader(head in "(GET|POST|[ /?&=%a-f0-9:]|HTTP/1|\\r\\n|\\PC){0,60}") {
            let _ = Request::parse(&head);
            let _ = Request::parse(&format!("GET /{head} HTTP/1.1"));
        }
    }
}
