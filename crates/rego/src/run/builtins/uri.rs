//! The parts of a URI (RFC 3986), as Go's `net/url` finds them.

use std::{collections::BTreeMap, fmt::Write as _, net::Ipv6Addr};

use regorus::Value;

use super::{Builtin, budget, errors, percent, string, text};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "uri.parse",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            // The result has the path twice.
            budget::text(text.len().saturating_mul(2))?;
            Ok(Uri::parse(text)?.into_value())
        },
    },
    Builtin {
        name: "uri.is_valid",
        arity: 1,
        call: is_valid,
    },
];

fn is_valid(arguments: &[Value]) -> Result<Value, String> {
    let Ok(text) = text(arguments, 0) else {
        return Ok(Value::Bool(false));
    };
    budget::text(text.len())?;
    let is_valid = match Uri::parse(text) {
        Ok(_) => !text.is_empty(),
        // The URI is valid in OPA, where a string can hold any bytes.
        Err(error) if errors::is_refused() => return Err(error),
        Err(_) => false,
    };
    Ok(Value::Bool(is_valid))
}

#[derive(Default)]
struct Uri {
    scheme: String,
    hostname: String,
    port: String,
    path: String,
    /// The path as written. If that is the usual encoding, it is the decoded path.
    raw_path: String,
    query: String,
    fragment: String,
}

/// A part of a URI. Each part allows other characters.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Any,
    Host,
    /// The zone of an IPv6 address (RFC 6874), from `%25` on.
    Zone,
}

impl Uri {
    fn parse(text: &str) -> Result<Self, String> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut uri = Self::without_fragment(text)?;
        uri.fragment = decoded(fragment, Part::Any)?;
        Ok(uri)
    }

    fn without_fragment(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("invalid control character in URL".to_owned());
        }
        let mut uri = Self::default();
        let (scheme, rest) = scheme(text)?;
        uri.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        query.clone_into(&mut uri.query);
        if !rest.starts_with('/') {
            if !scheme.is_empty() {
                // A URI of this kind has no further parts.
                return Ok(uri);
            }
            let first = rest.split('/').next().unwrap_or_default();
            if first.contains(':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let mut path = rest;
        if let Some(behind) = rest.strip_prefix("//")
            && (!scheme.is_empty() || !behind.starts_with('/'))
        {
            let end = behind.find('/').unwrap_or(behind.len());
            let (authority, below) = behind.split_at(end);
            path = below;
            (uri.hostname, uri.port) = host_and_port(&host_of(scheme, authority)?);
        }
        uri.path = decoded(path, Part::Any)?;
        path.clone_into(&mut uri.raw_path);
        if encoded(&uri.path) == path {
            uri.raw_path.clone_from(&uri.path);
        }
        Ok(uri)
    }

    fn into_value(self) -> Value {
        let parts = [
            ("scheme", self.scheme),
            ("hostname", self.hostname),
            ("port", self.port),
            ("path", self.path),
            ("raw_path", self.raw_path),
            ("raw_query", self.query),
            ("fragment", self.fragment),
        ];
        let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
        let members = parts.map(|(name, text)| (string(name), string(&text)));
        Value::from(members.collect::<BTreeMap<Value, Value>>())
    }
}

/// The scheme, and the text after it. The scheme is empty if there is none.
fn scheme(text: &str) -> Result<(&str, &str), String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let end = text.find(|c| !is_letter(c)).unwrap_or(text.len());
    let (scheme, rest) = text.split_at(end);
    match rest.strip_prefix(':') {
        Some(_) if scheme.is_empty() => Err("missing protocol scheme".to_owned()),
        Some(rest) if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) => Ok((scheme, rest)),
        _ => Ok(("", text)),
    }
}

/// The host of an authority, with its port.
fn host_of(scheme: &str, authority: &str) -> Result<String, String> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return host(scheme, authority);
    };
    let host = self::host(scheme, host)?;
    let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(is_user) {
        return Err("invalid userinfo".to_owned());
    }
    decoded(user, Part::Any)?;
    Ok(host)
}

fn host(scheme: &str, text: &str) -> Result<String, String> {
    let Some(open) = text.rfind('[') else {
        // For other schemes, Go allows colons in the host.
        let is_web = ["http", "https"]
            .iter()
            .any(|web| scheme.eq_ignore_ascii_case(web));
        let colon = if is_web {
            text.find(':')
        } else {
            text.rfind(':')
        };
        if let Some(colon) = colon
            && !is_port(text.get(colon..).unwrap_or_default())
        {
            return Err("invalid port after host".to_owned());
        }
        return decoded(text, Part::Host);
    };
    let close = text.rfind(']').ok_or("missing ']' in host")?;
    let port = text.get(close + 1..).unwrap_or_default();
    if !is_port(port) {
        return Err("invalid port after host".to_owned());
    }
    let literal = text.get(open + 1..close).filter(|_| open == 0);
    let literal = literal.ok_or("invalid IP-literal")?;
    let zone = literal.find("%25").unwrap_or(literal.len());
    let (address, zone) = literal.split_at(zone);
    let address = decoded(address, Part::Host)?;
    let zone = decoded(zone, Part::Zone)?;
    if address.parse::<Ipv6Addr>().is_err() || zone == "%" {
        return Err("invalid IP-literal".to_owned());
    }
    Ok(format!("[{address}{zone}]{port}"))
}

/// The host and the port. Both can be empty. The brackets around an address are removed.
fn host_and_port(host: &str) -> (String, String) {
    let colon = host
        .rfind(':')
        .filter(|at| is_port(host.get(*at..).unwrap_or_default()));
    let (host, port) = host.split_at(colon.unwrap_or(host.len()));
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let port = port.strip_prefix(':').unwrap_or_default();
    (inside.unwrap_or(host).to_owned(), port.to_owned())
}

/// Whether a text is empty, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn decoded(text: &str, part: Part) -> Result<String, String> {
    let stands =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]<>\"".contains(&byte);
    percent::decoded(text, |byte, is_escaped| {
        let is_allowed = match (part, is_escaped) {
            (Part::Any, _) => true,
            (Part::Host | Part::Zone, false) => !byte.is_ascii() || stands(byte),
            (Part::Host, true) => !byte.is_ascii() || byte == b'%',
            (Part::Zone, true) => matches!(byte, b'%' | b' ') || stands(byte),
        };
        is_allowed
            .then_some(byte)
            .ok_or_else(|| "invalid character in host name".to_owned())
    })
}

/// A path in the usual encoding.
fn encoded(path: &str) -> String {
    let mut made = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            made.push(char::from(byte));
        } else {
            let _ = write!(made, "%{byte:02X}");
        }
    }
    made
}
