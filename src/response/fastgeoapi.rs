//! The bodies of fastgeoapi's 401 answers, for clients that expect them.

use serde_json::{Value, json};

use crate::{
    record::{Denial, ErrorFormat},
    status::DenialStatus,
};

/// The body of a refusal in fastgeoapi's words; None where it had none, and a problem document says more.
pub(super) fn body(denial: &Denial, format: ErrorFormat) -> Option<Value> {
    if denial.status != DenialStatus::UNAUTHORIZED {
        return None;
    }
    match (format, denial.code) {
        (ErrorFormat::Problem, _) => None,
        // It does not look at other credentials.
        (ErrorFormat::FastgeoapiKeys, "credential-required" | "unsupported-scheme") => {
            Some(json!({"detail": "no api key"}))
        }
        (ErrorFormat::FastgeoapiKeys, _) => Some(json!({"detail": "invalid api key"})),
        (ErrorFormat::FastgeoapiTokens, _) => Some(json!({"message": "Unauthenticated"})),
        (ErrorFormat::FastgeoapiPolicy, _) => Some(json!({"message": "Unauthorized"})),
    }
}

/// The challenge without the description of the error, which fastgeoapi does not send.
pub(super) fn challenge(value: &str, format: ErrorFormat) -> &str {
    match format {
        ErrorFormat::Problem => value,
        ErrorFormat::FastgeoapiKeys
        | ErrorFormat::FastgeoapiTokens
        | ErrorFormat::FastgeoapiPolicy => value
            .split_once(", error_description=")
            .map_or(value, |(start, _)| start),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_a_401_has_other_words() {
        let denial = |status, code| Denial::new(DenialStatus::new(status).unwrap(), code, "");
        for (status, reason, format, expected) in [
            (
                401,
                "credential-required",
                ErrorFormat::FastgeoapiKeys,
                Some(r#"{"detail":"no api key"}"#),
            ),
            (
                401,
                "unsupported-scheme",
                ErrorFormat::FastgeoapiKeys,
                Some(r#"{"detail":"no api key"}"#),
            ),
            (
                401,
                "bad-signature",
                ErrorFormat::FastgeoapiPolicy,
                Some(r#"{"message":"Unauthorized"}"#),
            ),
            (403, "policy-denied", ErrorFormat::FastgeoapiPolicy, None),
            (
                401,
                "unknown-key",
                ErrorFormat::FastgeoapiKeys,
                Some(r#"{"detail":"invalid api key"}"#),
            ),
            (
                401,
                "expired-key",
                ErrorFormat::FastgeoapiKeys,
                Some(r#"{"detail":"invalid api key"}"#),
            ),
            (
                401,
                "credential-required",
                ErrorFormat::FastgeoapiTokens,
                Some(r#"{"message":"Unauthenticated"}"#),
            ),
            (
                401,
                "expired-token",
                ErrorFormat::FastgeoapiTokens,
                Some(r#"{"message":"Unauthenticated"}"#),
            ),
            (401, "unknown-key", ErrorFormat::Problem, None),
            (403, "policy-denied", ErrorFormat::FastgeoapiTokens, None),
            (400, "empty-segment", ErrorFormat::FastgeoapiKeys, None),
            (503, "keys-unavailable", ErrorFormat::FastgeoapiTokens, None),
        ] {
            let body = body(&denial(status, reason), format).map(|body| body.to_string());
            assert_eq!(body.as_deref(), expected, "{status} {reason} {format:?}");
        }
        let long =
            r#"Bearer realm="a", error="invalid_token", error_description="The token has expired""#;
        assert_eq!(challenge(long, ErrorFormat::Problem), long);
        assert_eq!(
            challenge(long, ErrorFormat::FastgeoapiTokens),
            r#"Bearer realm="a", error="invalid_token""#
        );
    }
}
