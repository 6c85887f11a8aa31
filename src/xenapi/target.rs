//! Where a pool is: `[user@]host[:port]`, a URL, an IPv6 address.
//!
//! Plain HTTP only to this machine, unless someone says so. Never resolves a name.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Why an address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing was given.
    #[error("no address given. Give a host name or address, e.g. root@xcp1.example.com")]
    Empty,
    /// It cannot be understood.
    #[error("cannot understand the address \"{text}\": {why}. Write it as [user@]host[:port] or https://host[:port]")]
    Malformed {
        /// The address, cleaned.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A password was given in the address.
    #[error(
        "the address holds a password, which other users of this machine could read. Leave it out: you are asked for it, or \
         set POOLWATCH_PASSWORD or --password-file"
    )]
    Password,
    /// Plain HTTP to another machine.
    #[error(
        "http://{0} would send the password unencrypted. Use https://{0}, or --allow-plain-http if that network is safe \
         enough for you"
    )]
    PlainHttp(String),
}

/// A host of a pool to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The user, if the address names one.
    pub user: Option<String>,
    /// Name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

impl Target {
    /// Reads what an operator typed. `allow_plain_http` lets `http://` go to other machines than this one.
    pub fn parse(text: &str, allow_plain_http: bool) -> Result<Self, TargetError> {
        let text = text.trim();
        let bad = |why| TargetError::Malformed { text: crate::text::clean(text, 120).into_owned(), why };
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if text.len() > 512 {
            return Err(bad("it is too long"));
        }
        let (tls, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return Err(bad("only https:// and http:// are possible")),
            None => (true, text),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.trim_matches('/').is_empty() && path.trim_matches('/') != "jsonrpc" {
            return Err(bad("it has a path"));
        }
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => return Err(TargetError::Password),
            Some(("", _)) => return Err(bad("the user's name is empty")),
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, authority),
        };
        let (host, port) = split_port(place).map_err(bad)?;
        let port = match port {
            None => if tls { 443 } else { 80 },
            Some(digits) => match digits.parse() {
                Ok(0) | Err(_) => return Err(bad("the port is not a number from 1 to 65535")),
                Ok(port) => port,
            },
        };
        let target = Self { user, host, port, tls };
        if !tls && !allow_plain_http && !target.is_loopback() {
            return Err(TargetError::PlainHttp(target.to_string()));
        }
        Ok(target)
    }

    /// The same way to another host of the same pool: same port, same encryption.
    pub fn sibling(&self, address: &str, allow_plain_http: bool) -> Result<Self, TargetError> {
        let bad = |why| TargetError::Malformed { text: crate::text::clean(address, 120).into_owned(), why };
        let (host, port) = split_port(address.trim()).map_err(bad)?;
        if port.is_some() {
            return Err(bad("a port where only a host was expected"));
        }
        let target = Self { user: self.user.clone(), host, port: self.port, tls: self.tls };
        if !self.tls && !allow_plain_http && !target.is_loopback() {
            return Err(TargetError::PlainHttp(target.to_string()));
        }
        Ok(target)
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// `https://host:port`, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("{}://{self}", if self.tls { "https" } else { "http" })
    }
}

/// `host:port`, with brackets around an IPv6 address: also the key of the certificate store.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
fn split_port(place: &str) -> Result<(String, Option<&str>), &'static str> {
    if let Some(rest) = place.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or("a bracket is not closed")?;
        let host = inside.parse::<Ipv6Addr>().map_err(|_| "what is in brackets is no IPv6 address")?.to_string();
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err("there is something behind the bracket"),
        };
    }
    if let Ok(v6) = place.parse::<Ipv6Addr>() {
        return Ok((v6.to_string(), None));
    }
    if place.matches(':').count() > 1 {
        return Err("it looks like an IPv6 address, but is none (a zone such as %eth0 is not possible)");
    }
    let (host, port) = match place.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    };
    if host.is_empty() {
        return Err("the host's name is empty");
    }
    if host.len() > 253 || !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        return Err("a host's name has only letters, digits, dots and dashes");
    }
    Ok((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, user, shown, url) in [
            ("xcp1", None, "xcp1:443", "https://xcp1:443"),
            (" root@XCP1.lab:8443 ", Some("root"), "xcp1.lab:8443", "https://xcp1.lab:8443"),
            ("https://10.0.0.1/", None, "10.0.0.1:443", "https://10.0.0.1:443"),
            ("https://me@10.0.0.1:444/jsonrpc", Some("me"), "10.0.0.1:444", "https://10.0.0.1:444"),
            ("ad\\me@x", Some("ad\\me"), "x:443", "https://x:443"),
            ("me@corp.example@xcp1", Some("me@corp.example"), "xcp1:443", "https://xcp1:443"),
            ("http://127.0.0.1:8080", None, "127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost", None, "localhost:80", "http://localhost:80"),
            ("::1", None, "[::1]:443", "https://[::1]:443"),
            ("root@[2001:DB8::1]:8443", Some("root"), "[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            let target = Target::parse(text, false).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((target.user.as_deref(), target.to_string().as_str()), (user, shown), "{text}");
            assert_eq!(target.base_url(), url, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused_with_a_reason() {
        for (text, says) in [
            ("", "no address"),
            ("ftp://x", "only https"),
            ("x:0", "65535"),
            ("x:99999", "65535"),
            ("x:y", "65535"),
            ("@x", "user's name"),
            ("root@", "empty"),
            ("[::1", "bracket"),
            ("[x]:1", "no IPv6"),
            ("fe80::1%eth0", "zone"),
            ("a b", "letters"),
            ("x\u{1b}[2J", "letters"),
            ("https://x/ui/login", "path"),
            ("root:hunter2@x", "password"),
            ("http://10.0.0.1", "unencrypted"),
        ] {
            let said = Target::parse(text, false).expect_err(text).to_string();
            assert!(said.contains(says), "{text}: {said}");
            assert!(!said.contains("hunter2") && !said.contains('\u{1b}'));
        }
        assert!(Target::parse("http://10.0.0.1", true).is_ok());
    }

    #[test]
    fn the_way_to_another_host_keeps_port_and_encryption() {
        let target = Target::parse("root@xcp1:8443", false).expect("target");
        assert_eq!(target.sibling("10.0.0.2", false).expect("sibling").to_string(), "10.0.0.2:8443");
        assert_eq!(target.sibling("fd00::2", false).expect("sibling").to_string(), "[fd00::2]:8443");
        assert!(target.sibling("", false).is_err());
        let plain = Target::parse("http://127.0.0.11:8080", false).expect("target");
        assert_eq!(plain.sibling("127.0.0.12", false).expect("sibling").base_url(), "http://127.0.0.12:8080");
        assert!(matches!(plain.sibling("10.0.0.2", false), Err(TargetError::PlainHttp(_))));
    }
}
