//! Query parameters that hold credentials. They are taken out of a request before anything else reads it, so that no log, no policy
//! and not pygeoapi sees them. So are headers with an address that has one.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode;

use super::{CheckInput, Headers, PARTIAL_BODY};

/// How often an address in a header may be percent-encoded: once for each address that it stands in as a parameter.
const MAX_ENCODINGS: usize = 3;

/// A query parameter that was taken out.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its decoded name, one of those that were looked for.
    pub name: String,
    /// Its decoded value.
    pub value: Vec<u8>,
}

/// Without the value, which is a credential.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What was taken out of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Of its query, in order.
    pub parameters: Vec<Parameter>,
    /// The names of the headers that had one of them in an address. Each was taken out as a whole: a browser sends the address
    /// of the page before (`referer`), and proxies that of the request (`x-original-url`, `x-envoy-original-path`).
    pub headers: Vec<String>,
}

impl CheckInput {
    /// Takes the query parameters of these decoded names out.
    pub fn withhold(&mut self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        if let Some((rest, parameters)) = take(&self.target, names) {
            self.target = rest;
            self.withheld.parameters = parameters;
        }
        let headers = self.headers.iter();
        let telling = headers.filter(|(_, value)| tells(value, names));
        let mut told: Vec<String> = telling.map(|(name, _)| name.to_owned()).collect();
        if told.is_empty() {
            return;
        }
        told.sort_unstable();
        told.dedup();
        let others = self.headers.iter();
        // A client must not hide Envoy's own mark behind one that it wrote.
        let is_mark = |name: &str, value: &[u8]| name == PARTIAL_BODY && !tells(value, names);
        let others: Headers = others
            .filter(|(name, value)| !told.iter().any(|t| t == name) || is_mark(name, value))
            .collect();
        self.headers = others;
        self.withheld.headers = told;
    }
}

/// Whether the value of a header has one of these parameters in an address, or in an address that is a parameter of another
/// one.
fn tells(value: &[u8], names: &[String]) -> bool {
    let mut text = Cow::Borrowed(value);
    for _ in 0..MAX_ENCODINGS {
        if has_parameter(&text, names) {
            return true;
        }
        let decoded = match Cow::from(percent_decode(&text)) {
            Cow::Owned(decoded) => decoded,
            // Nothing in it is encoded.
            Cow::Borrowed(_) => return false,
        };
        text = Cow::Owned(decoded);
    }
    has_parameter(&text, names)
}

/// Whether one of these parameters stands behind a `?` or `&`.
fn has_parameter(text: &[u8], names: &[String]) -> bool {
    let mut behind = text.split(|byte| matches!(byte, b'?' | b'&')).skip(1);
    behind.any(|pair| {
        let name = decode(pair.split(|byte| *byte == b'=').next().unwrap_or_default());
        names.iter().any(|other| other.as_bytes() == name)
    })
}

/// The target without these parameters, and the parameters; `None` if there are none of them.
fn take(target: &[u8], names: &[String]) -> Option<(Vec<u8>, Vec<Parameter>)> {
    let question = target.iter().position(|byte| *byte == b'?')?;
    let (path, query) = target.split_at_checked(question)?;
    let mut taken = Vec::new();
    let mut kept = Vec::new();
    for pair in query.get(1..)?.split(|byte| *byte == b'&') {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default());
        match names.iter().find(|other| other.as_bytes() == name) {
            Some(name) => taken.push(Parameter {
                name: name.clone(),
                value: decode(halves.next().unwrap_or_default()),
            }),
            None => kept.push(pair),
        }
    }
    if taken.is_empty() {
        return None;
    }
    let mut rest = path.to_vec();
    if !kept.is_empty() {
        rest.push(b'?');
        rest.extend(kept.join(&b'&'));
    }
    Some((rest, taken))
}

/// As every server decodes a query: percent-encoding, and `+` as a space.
fn decode(text: &[u8]) -> Vec<u8> {
    let spaces: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaces).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["api_key", "access_token"].map(str::to_owned).to_vec()
    }

    fn taken(target: &str, headers: &[(&str, &str)]) -> CheckInput {
        let mut check = CheckInput {
            target: target.into(),
            headers: headers.iter().copied().collect(),
            ..CheckInput::default()
        };
        check.withhold(&names());
        check
    }

    #[test]
    fn parameters_are_taken_out_in_every_spelling() {
        for (target, rest, value) in [
            ("/a?api_key=k", "/a", "k"),
            ("/a?f=json&api_key=k&limit=1", "/a?f=json&limit=1", "k"),
            ("/a?%61pi%5Fkey=%6B&f=json", "/a?f=json", "k"),
            ("/a?api_key=a+b%2B=c", "/a", "a b+=c"),
            ("/a?api_key", "/a", ""),
            ("/a?&api_key=k&", "/a?&", "k"),
        ] {
            let check = taken(target, &[]);
            assert_eq!(check.target, rest.as_bytes(), "{target}");
            let values: Vec<_> = check.withheld.parameters.iter().map(|p| &p.value).collect();
            assert_eq!(values, [value.as_bytes()], "{target}");
            assert!(!format!("{check:?}").contains("a b"), "{target}");
        }
        let twice = taken("/a?api_key=a&access_token=b&api_key=c", &[]);
        assert_eq!(twice.withheld.parameters.len(), 3);
        assert_eq!(twice.target, b"/a");
        for target in ["/a", "/a?", "/a?API_KEY=k", "/api_key=k", "/a?x=api_key=k"] {
            let check = taken(target, &[]);
            assert_eq!(check.target, target.as_bytes());
            assert_eq!(check.withheld, Withheld::default(), "{target}");
        }
    }

    #[test]
    fn headers_with_a_credential_in_an_address_are_taken_out() {
        for (name, value) in [
            ("Referer", "https://maps.example.org/collections?api_key=k"),
            ("X-Original-URL", "/collections?f=json&api_key=k"),
            ("x-forwarded-uri", "/a?%61pi%5Fkey=k"),
            ("x-envoy-original-path", "/a?api_key=k&access_token=k"),
            (
                "link",
                "<https://a/?f=json>, <https://b/?api_key=k>; rel=next",
            ),
            // An address in an address, as a page to log in has it.
            (
                "referer",
                "https://idp/?next=https%3A%2F%2Fmaps%2F%3Fapi_key%3Dk",
            ),
            (
                "referer",
                "https://idp/?next=%2Flogin%3Fnext%3D%252F%253Fapi_key%253Dk",
            ),
        ] {
            let check = taken("/a", &[("accept", "*/*"), (name, value), (name, "/b")]);
            assert_eq!(check.headers, [("accept", "*/*")].into_iter().collect());
            assert_eq!(
                check.withheld.headers,
                [name.to_ascii_lowercase()],
                "{value}"
            );
            assert!(check.withheld.parameters.is_empty());
        }
        let mark = "x-envoy-auth-partial-body";
        let check = taken("/a", &[(mark, "/?api_key=k"), (mark, "true")]);
        assert!(crate::request::is_partial(&check.headers));
        for (name, value) in [
            ("referer", "https://maps.example.org/?f=html&api_keys=1"),
            ("referer", "https://maps.example.org/api_key=k"),
            // A place of its own, which is configured by itself.
            ("cookie", "api_key=k"),
            ("x-a", "100%&?%"),
        ] {
            let check = taken("/a", &[(name, value)]);
            assert_eq!(check.withheld, Withheld::default(), "{value}");
            assert!(!check.headers.is_empty());
        }
    }
}
