//! Decides whether a text is a file name. If it is not, it may be a secret in the wrong place.

use std::path::Path;

/// Printed instead of a text that may be a secret.
pub(super) const NOT_SHOWN: &str = "the value is not shown, since it does not look like a path";

const EXTENSIONS: [&str; 9] = [
    "yaml", "yml", "json", "pem", "crt", "key", "txt", "rego", "env",
];

/// Whether `written` looks like a path. `path` is the same path, made absolute.
///
/// A secret in base64 may contain a `/`. So a path must start as paths do, have a known extension, or be in an existing
/// folder.
pub(super) fn is_like_one(written: &str, path: &Path) -> bool {
    let is_odd =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '=' | '%' | '{' | '+');
    if written.is_empty() || written.len() > 255 || written.contains(is_odd) {
        return false;
    }
    let as_path = Path::new(written);
    let extension = as_path.extension().and_then(|e| e.to_str());
    let has_extension = extension.is_some_and(|e| EXTENSIONS.contains(&e))
        || as_path.file_name().is_some_and(|name| name == ".env");
    let begins = ["/", "./", "../"].iter().any(|s| written.starts_with(s));
    has_extension || begins || written.contains('/') && path.parent().is_some_and(Path::is_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_no_path() {
        for (text, is_path) in [
            ("/run/secrets/keys", true),
            ("api-keys.yaml", true),
            ("tls/tls.key", true),
            ("../policies", true),
            (".env", true),
            ("SuperSecret", false),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", false),
            ("/secret with spaces", false),
            ("authorization=Bearer/x.txt", false),
            ("-----BEGIN PRIVATE KEY-----\n/x\n", false),
            ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", false),
            ("", false),
        ] {
            assert_eq!(is_like_one(text, Path::new(text)), is_path, "{text}");
        }
    }
}
