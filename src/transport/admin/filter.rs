//! Selects the decisions for a reader.

use regex::Regex;
use thiserror::Error;

use super::v1::{Outcome, TailRequest};
use crate::telemetry::decision_stream::DecisionEvent;

/// The longest pattern of a path, in bytes.
const MAX_PATTERN: usize = 1024;

/// Why a filter cannot be used. The text is sent to the client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum FilterError {
    /// The number is not an outcome.
    #[error("outcome: expected 0 (any), 1 (allow) or 2 (deny), found {0}")]
    Outcome(i32),
    /// The pattern is too long.
    #[error("path: expected at most {MAX_PATTERN} bytes")]
    TooLong,
    /// The pattern cannot be used.
    #[error("path: the pattern is too complex: use fewer `*`")]
    Pattern,
}

/// The conditions that a decision must meet.
#[derive(Debug)]
pub(super) struct Filter {
    is_allowed: Option<bool>,
    collection: Option<String>,
    principal: Option<String>,
    path: Option<Regex>,
    tenant: Option<String>,
}

impl Filter {
    pub(super) fn new(request: TailRequest) -> Result<Self, FilterError> {
        let is_allowed = match Outcome::try_from(request.outcome) {
            Ok(Outcome::Unspecified) => None,
            Ok(Outcome::Allow) => Some(true),
            Ok(Outcome::Deny) => Some(false),
            Err(_) => return Err(FilterError::Outcome(request.outcome)),
        };
        let set = |text: String| (!text.is_empty()).then_some(text);
        Ok(Self {
            is_allowed,
            collection: set(request.collection),
            principal: set(request.principal),
            path: set(request.path).map(|path| pattern(&path)).transpose()?,
            tenant: set(request.tenant),
        })
    }

    pub(super) fn passes(&self, event: &DecisionEvent) -> bool {
        let is = |name, wanted: &Option<String>| {
            wanted.is_none() || event.text(name) == wanted.as_deref()
        };
        let is_path = |wanted: &Regex| event.text("path").is_some_and(|path| wanted.is_match(path));
        self.is_allowed.is_none_or(|is| is == event.is_allowed)
            && is("tenant", &self.tenant)
            && is("collection", &self.collection)
            // The subject of an API key is its id.
            && is("subject", &self.principal)
            && self.path.as_ref().is_none_or(is_path)
    }
}

/// A regular expression for a pattern: `*` matches any characters, every other character matches itself.
fn pattern(text: &str) -> Result<Regex, FilterError> {
    if text.len() > MAX_PATTERN {
        return Err(FilterError::TooLong);
    }
    let parts: Vec<String> = text.split('*').map(regex::escape).collect();
    Regex::new(&format!(r"(?s)\A{}\z", parts.join(".*"))).map_err(|_| FilterError::Pattern)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (text, path, matches) in [
            ("/collections/*", "/collections/obs/items", true),
            ("/collections/*", "/collections", false),
            ("/collections/*/items", "/collections/a/b/items", true),
            ("/collections/*/items", "/collections/a/items/1", false),
            ("/a.b", "/aXb", false),
            ("/(a|b)+", "/(a|b)+", true),
            ("*", "", true),
            ("/%2A", "/%2A", true),
        ] {
            assert_eq!(
                pattern(text).unwrap().is_match(path),
                matches,
                "{text} {path}"
            );
        }
        assert!(pattern(&"*".repeat(MAX_PATTERN)).is_ok());
        assert_eq!(
            pattern(&"*".repeat(MAX_PATTERN + 1)).unwrap_err(),
            FilterError::TooLong
        );
    }
}
