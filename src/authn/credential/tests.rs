#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

type Sent<'a> = &'a [(&'a str, &'a str)];

const NOWHERE: Places = Places {
    query: None,
    cookie: None,
};
/// These tests verify nothing.
type Accepted<'a> = AcceptedCredentials<'a, (), ()>;

const KEYS: AcceptedKeys<'_, ()> = AcceptedKeys {
    header: "x-api-key",
    schemes: &[],
    places: &NOWHERE,
    verifier: &(),
};
const ACCEPTED: Accepted<'_> = AcceptedCredentials {
    keys: Some(KEYS),
    tokens: Some(AcceptedTokens {
        places: &NOWHERE,
        verifier: &(),
    }),
    max_length: 64,
};

/// All that can be accepted.
fn everywhere(read: impl FnOnce(&Accepted<'_>)) {
    let places = |query: &str, cookie: &str| Places {
        query: Some(query.to_owned()),
        cookie: Some(cookie.to_owned()),
    };
    read(&AcceptedCredentials {
        keys: Some(AcceptedKeys {
            schemes: &[KeyScheme::ApiKey, KeyScheme::Basic],
            places: &places("api_key", "key"),
            ..KEYS
        }),
        tokens: Some(AcceptedTokens {
            places: &places("access_token", "token"),
            verifier: &(),
        }),
        ..ACCEPTED
    });
}

fn asked(method: &str, target: &str, headers: &[(&str, &str)]) -> CheckInput {
    let mut check = CheckInput {
        method: method.to_owned(),
        target: target.into(),
        headers: headers.iter().copied().collect(),
        ..CheckInput::default()
    };
    check.withhold(&["api_key".to_owned(), "access_token".to_owned()]);
    check
}

fn kind(
    check: &CheckInput,
    accepted: &Accepted<'_>,
) -> Result<Option<&'static str>, AuthnErrorKind> {
    match Credential::of_request(check, accepted) {
        Ok(None) => Ok(None),
        Ok(Some(Credential::ApiKey(key, ()))) => {
            assert_eq!(key.expose(), b"k");
            Ok(Some("api-key"))
        }
        Ok(Some(Credential::Bearer(token, ()))) => {
            assert_eq!(token.expose(), b"a.b.c");
            Ok(Some("bearer"))
        }
        Err(error) => Err(error.kind()),
    }
}

fn read(headers: &[(&str, &str)]) -> Result<Option<&'static str>, AuthnErrorKind> {
    kind(&asked("GET", "/", headers), &ACCEPTED)
}

/// `:k` and `qgis:k` in base64.
const BASIC: [&str; 2] = ["Basic Oms=", "basic  cWdpczpr"];

#[test]
fn each_place_is_read_where_it_is_configured() {
    let by_key: [(&str, Sent<'_>); 7] = [
        ("/", &[("x-api-key", "k")]),
        ("/", &[("authorization", "ApiKey k")]),
        ("/", &[("authorization", "APIKEY  k")]),
        ("/", &[("authorization", BASIC[0])]),
        ("/", &[("authorization", BASIC[1])]),
        ("/?api_key=k", &[]),
        ("/", &[("cookie", "a=b; key=k")]),
    ];
    let by_token: [(&str, Sent<'_>); 3] = [
        ("/", &[("authorization", "Bearer a.b.c")]),
        ("/?f=json&access_token=a.b.c", &[]),
        ("/", &[("cookie", "token=a.b.c")]),
    ];
    everywhere(|accepted| {
        for (expected, all) in [("api-key", &by_key[..]), ("bearer", &by_token)] {
            for (target, headers) in all {
                let check = asked("GET", target, headers);
                assert_eq!(
                    kind(&check, accepted),
                    Ok(Some(expected)),
                    "{target} {headers:?}"
                );
            }
        }
        // Two places at once, of one kind or of two.
        let all = || by_key.iter().chain(&by_token);
        for (one, (target, first)) in all().enumerate() {
            for (other, (second_target, second)) in all().enumerate() {
                if one == other {
                    continue;
                }
                let headers = [*first, *second].concat();
                let pair = target.trim_start_matches("/?").trim_start_matches('/');
                let other = second_target
                    .trim_start_matches("/?")
                    .trim_start_matches('/');
                let target = format!("/?{pair}&{other}");
                let refused = kind(&asked("GET", &target, &headers), accepted).unwrap_err();
                let twice = [
                    AuthnErrorKind::SeveralCredentials,
                    AuthnErrorKind::RepeatedCredential,
                ];
                assert!(
                    twice.contains(&refused),
                    "{target} {headers:?}: {refused:?}"
                );
            }
        }
    });
    for (target, headers) in by_key.iter().skip(1).chain(&by_token[1..]) {
        let check = asked("GET", target, headers);
        assert_eq!(kind(&check, &ACCEPTED), Ok(None), "{target} {headers:?}");
    }
}

#[test]
fn what_is_no_credential_in_its_place_is_refused() {
    use AuthnErrorKind::{MalformedToken, RepeatedCredential, TokenTooLarge, UnknownKey};
    let long = format!("/?access_token={}", "a".repeat(65));
    let cases: [(&str, Sent<'_>, AuthnErrorKind); 14] = [
        ("/?api_key=", &[], UnknownKey),
        ("/?api_key", &[], UnknownKey),
        ("/?api_key=k&api_key=k", &[], RepeatedCredential),
        ("/?access_token=a b", &[], MalformedToken),
        ("/?access_token=", &[], MalformedToken),
        (&long, &[], TokenTooLarge),
        ("/", &[("cookie", "key=")], UnknownKey),
        ("/", &[("cookie", "key=k; key=k")], RepeatedCredential),
        ("/", &[("cookie", "token=\"a.b.c\"")], MalformedToken),
        ("/", &[("authorization", "Basic")], UnknownKey),
        ("/", &[("authorization", "Basic cWdpczo=")], UnknownKey),
        ("/", &[("authorization", "Basic !")], UnknownKey),
        ("/", &[("authorization", "ApiKey ")], UnknownKey),
        ("/", &[("authorization", "ApiKey\tk")], UnknownKey),
    ];
    everywhere(|accepted| {
        for (target, headers, expected) in cases {
            let check = asked("GET", target, headers);
            assert_eq!(
                kind(&check, accepted),
                Err(expected),
                "{target} {headers:?}"
            );
        }
    });
}

#[test]
fn a_page_of_another_site_changes_nothing_by_what_a_browser_adds() {
    let by_browser = [
        ("cookie", "key=k"),
        ("cookie", "token=a.b.c"),
        ("authorization", BASIC[0]),
    ];
    let by_script = [
        ("x-api-key", "k"),
        ("authorization", "Bearer a.b.c"),
        ("authorization", "ApiKey k"),
    ];
    everywhere(|accepted| {
        for (sent, is_added) in by_browser
            .map(|c| (c, true))
            .into_iter()
            .chain(by_script.map(|c| (c, false)))
        {
            for (method, site, is_refused) in [
                ("POST", "cross-site", true),
                ("DELETE", "cross-site", true),
                ("GET", "cross-site", false),
                ("HEAD", "cross-site", false),
                ("POST", "same-origin", false),
                ("POST", "same-site", false),
                ("POST", "none", false),
            ] {
                let check = asked(method, "/", &[sent, ("sec-fetch-site", site)]);
                let expected = is_added && is_refused;
                let refused = kind(&check, accepted) == Err(AuthnErrorKind::CrossSite);
                assert_eq!(refused, expected, "{method} {site} {sent:?}");
            }
        }
    });
}

#[test]
fn without_fetch_metadata_the_page_must_have_the_host_of_the_request() {
    let browser = [("cookie", "key=k"), ("authorization", BASIC[0])];
    let script = [("x-api-key", "k")];
    everywhere(|accepted| {
        for (host, origin, is_other) in [
            ("maps.example.org", "https://evil.example", true),
            ("maps.example.org", "null", true),
            ("maps.example.org", "", true),
            (
                "maps.example.org",
                "https://maps.example.org.evil.example",
                true,
            ),
            ("maps.example.org", "https://maps.example.org:8443", true),
            (
                "maps.example.org:8443",
                "https://maps.example.org:8443",
                false,
            ),
            ("maps.example.org:443", "https://maps.example.org", false),
            ("maps.example.org:80", "http://maps.example.org", false),
            ("maps.example.org:80", "https://maps.example.org", true),
            ("Maps.Example.org", "http://maps.example.org", false),
        ] {
            for (sent, is_added) in browser
                .iter()
                .map(|sent| (*sent, true))
                .chain(script.map(|sent| (sent, false)))
            {
                for (method, may_change) in [("POST", true), ("DELETE", true), ("GET", false)] {
                    let mut check = asked(method, "/", &[sent, ("origin", origin)]);
                    check.host = host.to_owned();
                    let refused = kind(&check, accepted) == Err(AuthnErrorKind::CrossSite);
                    let expected = is_added && may_change && is_other;
                    assert_eq!(refused, expected, "{method} {host} {origin} {sent:?}");
                }
            }
        }
        // Programs that are no browser send neither header.
        let check = asked("POST", "/", &[("authorization", BASIC[0])]);
        assert_ne!(kind(&check, accepted), Err(AuthnErrorKind::CrossSite));
    });
}

#[test]
fn one_credential_is_read() {
    assert_eq!(read(&[]), Ok(None));
    assert_eq!(read(&[("cookie", "a=b")]), Ok(None));
    assert_eq!(read(&[("X-API-Key", "k")]), Ok(Some("api-key")));
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        for spaces in [" ", "  ", "    "] {
            let value = format!("{scheme}{spaces}a.b.c");
            assert_eq!(
                read(&[("authorization", &value)]),
                Ok(Some("bearer")),
                "{value}"
            );
        }
    }
}

#[test]
fn a_scheme_that_is_not_taken_is_no_credential() {
    for value in [
        "Basic dXNlcjpwdw==",
        "DPoP a.b.c",
        "Bearers a.b.c",
        "a.b.c",
        "",
    ] {
        let sent = ("authorization", value);
        assert_eq!(read(&[sent]), Ok(None), "{value:?}");
        assert_eq!(read(&[sent, sent]), Ok(None), "{value:?}");
        let with_key = [sent, ("x-api-key", "k")];
        assert_eq!(read(&with_key), Ok(Some("api-key")), "{value:?}");
        let with_token = [sent, ("authorization", "Bearer a.b.c")];
        let repeated = Err(AuthnErrorKind::RepeatedCredential);
        assert_eq!(read(&with_token), repeated, "{value:?}");
        // So Envoy sends two lines.
        let joined = format!("{value},Bearer a.b.c");
        assert_eq!(read(&[("authorization", &joined)]), repeated, "{joined}");
    }
    let joined = [
        ("authorization", "Bearer a.b.c,Digest x"),
        ("x-api-key", "k"),
    ];
    assert_eq!(read(&joined), Err(AuthnErrorKind::SeveralCredentials));
    let both = [("authorization", "Bearer a.b.c"), ("x-api-key", "k")];
    let keys_only = AcceptedCredentials {
        tokens: None,
        ..ACCEPTED
    };
    let read = kind(&asked("GET", "/", &both), &keys_only);
    assert_eq!(read, Ok(Some("api-key")));
}

#[test]
fn what_parsers_could_read_differently_is_refused() {
    use AuthnErrorKind::{
        MalformedToken, RepeatedCredential, SeveralCredentials, TokenTooLarge, UnknownKey,
    };
    let long = format!("Bearer {}", "a".repeat(65));
    let cases = [
        ("Bearer", MalformedToken),
        ("Bearer ", MalformedToken),
        ("Bearer a.b.c ", MalformedToken),
        ("Bearer\ta.b.c", MalformedToken),
        ("Bearer \ta.b.c", MalformedToken),
        (" Bearer a.b.c", MalformedToken),
        ("\tbearer a.b.c", MalformedToken),
        ("Bearer,a.b.c", MalformedToken),
        ("Bearer a.b.c, Bearer d.e.f", MalformedToken),
        ("Bearer a.b.c,d", MalformedToken),
        ("Bearer =", MalformedToken),
        ("Bearer a=b", MalformedToken),
        ("Bearer \"a\"", MalformedToken),
        ("Bearer a\u{e9}", MalformedToken),
        (long.as_str(), TokenTooLarge),
    ];
    for (value, kind) in cases {
        assert_eq!(read(&[("authorization", value)]), Err(kind), "{value:?}");
    }
    assert_eq!(read(&[("x-api-key", "")]), Err(UnknownKey));
    assert_eq!(read(&[("x-api-key", &"k".repeat(65))]), Err(UnknownKey));
    assert_eq!(
        read(&[("x-api-key", "k"), ("authorization", "Bearer a.b.c")]),
        Err(SeveralCredentials)
    );
    for name in ["x-api-key", "authorization"] {
        let twice = [(name, "Bearer a.b.c"), (name, "Bearer a.b.c")];
        assert_eq!(read(&twice), Err(RepeatedCredential), "{name}");
    }
}

#[test]
fn nothing_of_a_secret_is_printed() {
    let token = Credential::<(), ()>::Bearer(Secret::new(&b"hunter2"[..]), &());
    assert_eq!(format!("{token:?}"), "Bearer([redacted], ())");
}
