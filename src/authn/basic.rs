//! The `Basic` scheme (RFC 7617), by which clients that know no API keys send one: as the password.

use data_encoding::BASE64;

use super::error::{AuthnError, AuthnErrorKind};

/// The password of the base64 of `user:password`. The user may be anybody.
pub(super) fn password(encoded: &[u8]) -> Result<Vec<u8>, AuthnError> {
    let malformed = || {
        let cause = "expected `Basic`, a space and the base64 of `user:key`";
        AuthnError::because(AuthnErrorKind::UnknownKey, cause)
    };
    let mut decoded = BASE64.decode(encoded).map_err(|_| malformed())?;
    // A user's name has no colon (RFC 7617, section 2).
    let colon = decoded.iter().position(|byte| *byte == b':');
    Ok(decoded.split_off(colon.ok_or_else(malformed)? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_what_stands_behind_the_first_colon() {
        for (text, expected) in [
            ("qgis:key", Some("key")),
            (":key", Some("key")),
            ("qgis:a:b", Some("a:b")),
            ("qgis:", Some("")),
            ("key", None),
            ("", None),
        ] {
            let found = password(BASE64.encode(text.as_bytes()).as_bytes());
            assert_eq!(found.ok().as_deref(), expected.map(str::as_bytes), "{text}");
        }
        for encoded in ["cWdpczprZXk", "cWdp czprZXk=", "cWdpczprZXk==", "!"] {
            assert!(password(encoded.as_bytes()).is_err(), "{encoded}");
        }
    }
}
