//! Semantic versions as in OPA, which is more lenient than the specification: a version may begin with `v`, its numbers
//! and identifiers may begin with zeros, and nothing need follow `-` or `+`.

use std::cmp::Ordering;

use regorus::Value;

use super::{Builtin, errors, text};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "semver.is_valid",
        arity: 1,
        call: |arguments| match arguments {
            [Value::String(text)] => Ok(Value::Bool(Version::of(text).is_some())),
            // A value that is not a string is not a version.
            _ => Ok(Value::Bool(false)),
        },
    },
    Builtin {
        name: "semver.compare",
        arity: 2,
        call: |arguments| {
            let version = |index| {
                let fault = || format!("operand {} must be a semantic version", index + 1);
                Version::of(text(arguments, index)?).ok_or_else(fault)
            };
            let order = version(0)?.compared(&version(1)?)?;
            Ok(Value::from(match order {
                Ordering::Less => -1_i64,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            }))
        },
    },
];

struct Version<'a> {
    numbers: [i64; 3],
    pre_release: &'a str,
}

impl<'a> Version<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = text.split_once('+').unwrap_or((text, ""));
        let (text, pre_release) = text.split_once('-').unwrap_or((text, ""));
        if !(are_identifiers(metadata) && are_identifiers(pre_release)) {
            return None;
        }
        let numbers: Option<Vec<i64>> = text.split('.').map(|part| part.parse().ok()).collect();
        Some(Self {
            numbers: numbers?.try_into().ok()?,
            pre_release,
        })
    }

    fn compared(&self, other: &Self) -> Result<Ordering, String> {
        let order = self.numbers.cmp(&other.numbers);
        if order.is_ne() || self.pre_release == other.pre_release {
            return Ok(order);
        }
        // A version is greater than its pre-releases.
        match (self.pre_release, other.pre_release) {
            ("", _) => return Ok(Ordering::Greater),
            (_, "") => return Ok(Ordering::Less),
            _ => {}
        }
        let (mut left, mut right) = (self.pre_release.split('.'), other.pre_release.split('.'));
        loop {
            let order = match (left.next(), right.next()) {
                (Some(a), Some(b)) => identifiers(a, b),
                (Some(_), None) => Ordering::Greater,
                (None, Some(_)) => Ordering::Less,
                // OPA never returns here.
                (None, None) => {
                    return Err(errors::refuse(
                        "the versions differ only in how their numbers are written",
                    ));
                }
            };
            if order.is_ne() {
                return Ok(order);
            }
        }
    }
}

/// Whether a text is empty, or identifiers with dots between them.
fn are_identifiers(text: &str) -> bool {
    let is_identifier = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.is_empty() || text.split('.').all(is_identifier)
}

/// The order of two identifiers: numbers are less than names. Like Go, a number that is too large counts as the largest.
fn identifiers(a: &str, b: &str) -> Ordering {
    let number = |text: &str| {
        let is_number = text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().unwrap_or(i64::MAX))
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}
