//! fastgeoapi's bodies of a 401, for clients that look for its words.

use serde_json::{Value, json};

use crate::pipeline::decision::{Denial, Refusals};

/// The body of a refusal in fastgeoapi's words; None where it had none, and a problem document says more.
pub(super) fn body(denial: &Denial, refusals: Refusals) -> Option<Value> {
    if denial.status != 401 {
        return None;
    }
    match (refusals, denial.reason) {
        (Refusals::Problem, _) => None,
        // It does not look at other credentials.
        (Refusals::FastgeoapiKeys, "credential-required" | "unsupported-scheme") => {
            Some(json!({"detail": "no api key"}))
        }
        (Refusals::FastgeoapiKeys, _) => Some(json!({"detail": "invalid api key"})),
        (Refusals::FastgeoapiTokens, _) => Some(json!({"message": "Unauthenticated"})),
        (Refusals::FastgeoapiPolicy, _) => Some(json!({"message": "Unauthorized"})),
    }
}

/// fastgeoapi's challenges end with the error; ours describe it.
pub(super) fn challenge(value: &str, refusals: Refusals) -> &str {
    match refusals {
        Refusals::Problem => value,
        Refusals::FastgeoapiKeys | Refusals::FastgeoapiTokens | Refusals::FastgeoapiPolicy => value
            .split_once(", error_description=")
            .map_or(value, |(start, _)| start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_401_has_other_words() {
        let denial = |status, reason| Denial {
            status,
            reason,
            ..Denial::default()
        };
        for (status, reason, refusals, expected) in [
            (
                401,
                "credential-required",
                Refusals::FastgeoapiKeys,
                Some(r#"{"detail":"no api key"}"#),
            ),
            (
                401,
                "unsupported-scheme",
                Refusals::FastgeoapiKeys,
                Some(r#"{"detail":"no api key"}"#),
            ),
            (
                401,
                "bad-signature",
                Refusals::FastgeoapiPolicy,
                Some(r#"{"message":"Unauthorized"}"#),
            ),
            (403, "policy-denied", Refusals::FastgeoapiPolicy, None),
            (
                401,
                "unknown-key",
                Refusals::FastgeoapiKeys,
                Some(r#"{"detail":"invalid api key"}"#),
            ),
            (
                401,
                "expired-key",
                Refusals::FastgeoapiKeys,
                Some(r#"{"detail":"invalid api key"}"#),
            ),
            (
                401,
                "credential-required",
                Refusals::FastgeoapiTokens,
                Some(r#"{"message":"Unauthenticated"}"#),
            ),
            (
                401,
                "expired-token",
                Refusals::FastgeoapiTokens,
                Some(r#"{"message":"Unauthenticated"}"#),
            ),
            (401, "unknown-key", Refusals::Problem, None),
            (403, "policy-denied", Refusals::FastgeoapiTokens, None),
            (400, "empty-segment", Refusals::FastgeoapiKeys, None),
            (503, "keys-unavailable", Refusals::FastgeoapiTokens, None),
        ] {
            let body = body(&denial(status, reason), refusals).map(|body| body.to_string());
            assert_eq!(body.as_deref(), expected, "{status} {reason} {refusals:?}");
        }
        let long =
            r#"Bearer realm="a", error="invalid_token", error_description="The token has expired""#;
        assert_eq!(challenge(long, Refusals::Problem), long);
        assert_eq!(
            challenge(long, Refusals::FastgeoapiTokens),
            r#"Bearer realm="a", error="invalid_token""#
        );
    }
}
