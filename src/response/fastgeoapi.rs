//! The bodies of fastgeoapi's 401 answers, for clients that expect them.

use serde_json::{Value, json};

use crate::{
    record::{Denial, FastgeoapiMode},
    status::DenialStatus,
};

/// The body in fastgeoapi's format; `None` if fastgeoapi has no such answer. Then a problem document is sent.
pub(super) fn body(denial: &Denial, mode: FastgeoapiMode) -> Option<Value> {
    if denial.status != DenialStatus::UNAUTHORIZED {
        return None;
    }
    match (mode, denial.code) {
        // fastgeoapi ignores other credentials there.
        (FastgeoapiMode::Keys, "credential-required") => Some(json!({"detail": "no api key"})),
        (FastgeoapiMode::Keys, _) => Some(json!({"detail": "invalid api key"})),
        (FastgeoapiMode::Tokens, _) => Some(json!({"message": "Unauthenticated"})),
        (FastgeoapiMode::Policy, _) => Some(json!({"message": "Unauthorized"})),
    }
}

/// The challenge without `error_description`, which fastgeoapi does not send.
pub(super) fn challenge(value: &str) -> &str {
    value
        .split_once(", error_description=")
        .map_or(value, |(start, _)| start)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_a_401_has_other_words() {
        let denial = |status, code| Denial::new(DenialStatus::new(status).unwrap(), code, "");
        for (status, reason, mode, expected) in [
            (
                401,
                "credential-required",
                FastgeoapiMode::Keys,
                Some(r#"{"detail":"no api key"}"#),
            ),
            (
                401,
                "bad-signature",
                FastgeoapiMode::Policy,
                Some(r#"{"message":"Unauthorized"}"#),
            ),
            (403, "policy-denied", FastgeoapiMode::Policy, None),
            (
                401,
                "unknown-key",
                FastgeoapiMode::Keys,
                Some(r#"{"detail":"invalid api key"}"#),
            ),
            (
                401,
                "expired-key",
                FastgeoapiMode::Keys,
                Some(r#"{"detail":"invalid api key"}"#),
            ),
            (
                401,
                "credential-required",
                FastgeoapiMode::Tokens,
                Some(r#"{"message":"Unauthenticated"}"#),
            ),
            (
                401,
                "expired-token",
                FastgeoapiMode::Tokens,
                Some(r#"{"message":"Unauthenticated"}"#),
            ),
            (403, "policy-denied", FastgeoapiMode::Tokens, None),
            (400, "empty-segment", FastgeoapiMode::Keys, None),
            (503, "keys-unavailable", FastgeoapiMode::Tokens, None),
        ] {
            let body = body(&denial(status, reason), mode).map(|body| body.to_string());
            assert_eq!(body.as_deref(), expected, "{status} {reason} {mode:?}");
        }
        let long =
            r#"Bearer realm="a", error="invalid_token", error_description="The token has expired""#;
        assert_eq!(
            challenge(long),
            r#"Bearer realm="a", error="invalid_token""#
        );
    }
}
