//! Describes an address without quoting it: any part of it may contain a password or a token.

use url::Url;

/// The part of `address` that can contain a credential, if there is one. Nothing of it is quoted.
pub(super) fn secret_part(address: &str, may_have_query: bool) -> Option<&'static str> {
    match Url::parse(address) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("one with a user name or password")
        }
        Ok(url) if url.query().is_some() && !may_have_query => Some("one with a query"),
        Ok(url) if url.fragment().is_some() => Some("one with a fragment"),
        Err(_) if address.contains(['?', '#']) => Some("a text that is no URL, with `?` or `#`"),
        Ok(_) | Err(_) => None,
    }
}

/// The kind of text that `address` is.
pub(super) fn kind(address: &str) -> &'static str {
    match Url::parse(address).as_ref().map(Url::scheme) {
        Ok("https") => "an https address",
        Ok("http") => "an http address",
        Ok(_) => "an address of another scheme",
        Err(_) => "a text that is no URL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_can_hold_a_credential_is_named() {
        for (address, query, expected) in [
            ("https://idp.example/a", false, None),
            ("https://idp.example:8443", false, None),
            ("issuer@project.example", false, None),
            (
                "https://u@idp.example",
                true,
                Some("one with a user name or password"),
            ),
            (
                "https://:p@idp.example",
                true,
                Some("one with a user name or password"),
            ),
            ("http://127.0.0.1:9/?k=s", false, Some("one with a query")),
            ("http://127.0.0.1:9/?k=s", true, None),
            ("http://a/#s", true, Some("one with a fragment")),
            ("a?s", false, Some("a text that is no URL, with `?` or `#`")),
        ] {
            assert_eq!(secret_part(address, query), expected, "{address}");
        }
        for (address, expected) in [
            ("s", "a text that is no URL"),
            ("s:t", "an address of another scheme"),
            ("http://a", "an http address"),
        ] {
            assert_eq!(kind(address), expected, "{address}");
        }
    }
}
