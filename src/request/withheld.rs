//! Query parameters that hold credentials. They are taken out of a request before anything else reads it, so that no log, no policy
//! and not pygeoapi sees them.

use std::fmt;

use percent_encoding::percent_decode;

use super::{CheckInput, Headers};

const REFERER: &str = "referer";

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
    /// Whether its `Referer` had one of them and was taken out as a whole: a browser sends there the address of the page before.
    pub referer: bool,
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
        let is_told = self
            .headers
            .all(REFERER)
            .any(|page| take(page, names).is_some());
        if is_told {
            self.withheld.referer = true;
            let others = self.headers.iter().filter(|(name, _)| *name != REFERER);
            let others: Headers = others.collect();
            self.headers = others;
        }
    }

    /// The headers with an address that has one of these query parameters.
    pub fn headers_with_parameters<'a>(
        &'a self,
        names: &'a [String],
    ) -> impl Iterator<Item = &'a str> {
        let headers = self.headers.iter();
        let headers = headers.filter(|(_, value)| take(value, names).is_some());
        headers.map(|(name, _)| name)
    }
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
    fn a_referer_with_a_credential_is_taken_out() {
        let page = "https://maps.example.org/collections?api_key=k";
        let check = taken("/a", &[("accept", "*/*"), ("Referer", page)]);
        assert!(check.withheld.referer);
        assert_eq!(check.headers, [("accept", "*/*")].into_iter().collect());
        let check = taken("/a", &[("referer", "https://maps.example.org/?f=html")]);
        assert!(!check.withheld.referer && !check.headers.is_empty());
    }
}
