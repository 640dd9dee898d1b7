//! Checks `authn`: where keys are, and which issuers are trusted.

use geowarden_yaml::Step;
use url::Url;

use super::{Findings, durations, is_loopback, numbers};
use crate::{
    authn::Audiences,
    config::{Config, InquiryMethod, Issuer, certificates, web_address},
    glyphs::is_unprintable,
    request::{is_token, ogc},
};

/// Addresses of issuers and endpoints appear in logs, metrics and answers.
const NO_SECRET: &str =
    "it must not contain a secret, since it appears in logs, metrics and answers";

pub(super) fn authn(config: &Config, found: &mut Findings<'_>) {
    api_keys(config, found);
    places(config, found);
    numbers::authn(config, found);
    if config.authn.realm.contains(is_unprintable) {
        found.at(
            "authn.realm",
            "expected a text without control characters and invisible characters, since clients see it",
        );
    }
    for (index, issuer) in config.authn.jwt.iter().enumerate() {
        let mut path = found.path("authn.jwt");
        path.push(Step::Index(index));
        jwt(config, index, issuer, &path, found);
        durations::issuer(issuer, &path, found);
        opaque_tokens(config, index, issuer, &path, found);
    }
}

fn api_keys(config: &Config, found: &mut Findings<'_>) {
    let Some(keys) = &config.authn.api_keys else {
        return;
    };
    if keys.file.is_none() && keys.dir.is_none() {
        found.at(
            "authn.api_keys",
            "expected `file`, `dir` or both: `geowarden key new` makes an entry for them",
        );
    }
    if !is_token(keys.header.as_bytes()) || keys.header.contains('_') {
        found.at(
            "authn.api_keys.header",
            "expected the name of a header (RFC 9110, such as `x-api-key`), found another text; no name with `_` reaches geowarden",
        );
    } else if has_a_meaning(&keys.header.to_ascii_lowercase()) {
        found.at(
            "authn.api_keys.header",
            format!(
                "`{}` has a meaning of its own; use another header, or `authn.api_keys.authorization` and `authn.api_keys.cookie`",
                keys.header
            ),
        );
    }
    if let Some(file) = &keys.file {
        let path = found.path("authn.api_keys.file");
        let cure = "; make an empty one, and `geowarden key new` adds the first key";
        found.file_or_cure(&path, file, cure);
    }
    if let Some(dir) = &keys.dir {
        let path = found.path("authn.api_keys.dir");
        found.folder(&path, dir);
    }
}

/// Request headers with a meaning of their own: those of HTTP and browsers (IANA's HTTP Field Name Registry), which clients
/// send by themselves.
const MEANT_OTHERWISE: [&str; 33] = [
    "alt-used",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "cookie",
    "cookie2",
    "date",
    "depth",
    "destination",
    "dnt",
    "early-data",
    "expect",
    "forwarded",
    "from",
    "host",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "prefer",
    "priority",
    "range",
    "referer",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
];

/// Families of such headers, and those that proxies, Envoy and geowarden set.
const MEANT_FAMILIES: [&str; 11] = [
    "accept",
    "access-control-",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "upgrade-",
    "x-envoy-",
    "x-forwarded-",
    "x-geowarden-",
    "x-request-id",
];

/// Whether a header (in lower case) means something else than a key.
fn has_a_meaning(name: &str) -> bool {
    MEANT_OTHERWISE.contains(&name) || MEANT_FAMILIES.iter().any(|start| name.starts_with(start))
}

/// Checks the names of query parameters and cookies that hold credentials: clients can send each, pygeoapi does not read it,
/// and it is for one kind of credential.
fn places(config: &Config, found: &mut Findings<'_>) {
    let tokens = &config.authn.tokens;
    let keys = config.authn.api_keys.as_ref();
    let (key_query, key_cookie) = keys.map_or((None, None), |keys| {
        (keys.query.as_ref(), keys.cookie.as_ref())
    });
    for (key, name) in [
        ("authn.api_keys.query", key_query),
        ("authn.tokens.query", tokens.query.as_ref()),
    ] {
        let Some(name) = name else { continue };
        let is_of_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if name.is_empty() || !name.bytes().all(is_of_name) {
            found.at(
                key,
                "expected the name of a query parameter (letters, digits, `-`, `.`, `_` and `~`), found another text",
            );
        } else if ogc::is_parameter(name) {
            found.at(
                key,
                format!(
                    "expected a name that pygeoapi does not read, such as `api_key`, found `{name}`: geowarden takes the parameter out, so that pygeoapi would never get it"
                ),
            );
        }
    }
    for (key, name) in [
        ("authn.api_keys.cookie", key_cookie),
        ("authn.tokens.cookie", tokens.cookie.as_ref()),
    ] {
        if name.is_some_and(|name| !is_token(name.as_bytes())) {
            found.at(
                key,
                "expected the name of a cookie (RFC 6265: no spaces, `;`, `=` and the like), found another text",
            );
        }
    }
    for (key, of_keys, of_tokens) in [
        ("authn.tokens.query", key_query, tokens.query.as_ref()),
        ("authn.tokens.cookie", key_cookie, tokens.cookie.as_ref()),
    ] {
        if of_keys.is_some() && of_keys == of_tokens {
            found.at(
                key,
                "expected another name than that of `authn.api_keys`, found the same: geowarden could not tell a key from a token",
            );
        }
    }
    if (tokens.query.is_some() || tokens.cookie.is_some()) && config.authn.jwt.is_empty() {
        found.at(
            "authn.tokens",
            "expected `authn.jwt` beside it, found none: without an issuer, no token is accepted",
        );
    }
}

fn jwt(config: &Config, index: usize, issuer: &Issuer, path: &[Step], found: &mut Findings<'_>) {
    let mut before = config.authn.jwt.iter().take(index);
    if let Some(first) = before.position(|i| i.issuer == issuer.issuer) {
        let message = format!(
            "expected another issuer than that of `authn.jwt[{first}]`, found the same: merge the two entries"
        );
        found.below(path, "issuer", message);
    }
    if let Some(part) = web_address::secret_part(&issuer.issuer, false) {
        let message = format!(
            "expected an issuer without a user name, query and fragment (RFC 8414, section 2), such as `https://issuer.example/realms/geo`, found {part}; {NO_SECRET}"
        );
        found.below(path, "issuer", message);
    }
    if issuer.jwks_uri.is_some() && issuer.jwks_file.is_some() {
        found.below(
            path,
            "jwks_file",
            "expected `jwks_uri` or `jwks_file`, found both",
        );
    }
    if let Audiences::OneOf(audiences) = &issuer.audiences
        && (audiences.is_empty() || audiences.iter().any(String::is_empty))
    {
        found.below(
            path,
            "audiences",
            "expected at least one audience, none of them empty; `audiences: any` accepts every token of the issuer",
        );
    }
    if issuer.algorithms.is_empty() {
        found.below(path, "algorithms", "expected at least one, such as RS256");
    }
    match (&issuer.jwks_uri, &issuer.jwks_file) {
        (_, Some(file)) => {
            found.file(&below(path, "jwks_file"), file);
        }
        (Some(uri), None) => {
            if !has_secret(uri, path, "jwks_uri", found) {
                key_server("jwks_uri", uri, issuer, path, found);
            }
        }
        (None, None) => key_server("issuer", &issuer.issuer, issuer, path, found),
    }
    // With `jwks_file` it still applies to the endpoint of opaque tokens.
    if let Some(file) = &issuer.ca_file {
        let path = below(path, "ca_file");
        if let Some(pem) = found.content(&path, file)
            && let Err(message) = certificates::authorities(&pem)
        {
            found.unusable(&path, message);
        }
    }
}

/// Whether the address contains a secret. It may have a query, which some key servers need.
fn has_secret(address: &str, path: &[Step], key: &str, found: &mut Findings<'_>) -> bool {
    let Some(part) = web_address::secret_part(address, true) else {
        return false;
    };
    let message = format!(
        "expected an address without a user name and fragment, such as `https://issuer.example/keys`, found {part}"
    );
    found.below(path, key, message);
    true
}

fn key_server(key: &str, address: &str, issuer: &Issuer, path: &[Step], found: &mut Findings<'_>) {
    match Url::parse(address) {
        Ok(url) if url.scheme() == "https" => {}
        Ok(url) if url.scheme() == "http" => {
            if !issuer.allow_insecure_http && !is_loopback(&url) {
                found.below(
                    path,
                    key,
                    "expected https, found an http address; whoever can change the keys on the way can log in as anyone (`allow_insecure_http: true` accepts that)",
                );
            }
        }
        _ => found.below(
            path,
            key,
            format!(
                "expected an https address such as `https://issuer.example`, since keys are fetched from there, found {}",
                web_address::kind(address)
            ),
        ),
    }
}

fn opaque_tokens(
    config: &Config,
    index: usize,
    issuer: &Issuer,
    path: &[Step],
    found: &mut Findings<'_>,
) {
    let Some(opaque) = &issuer.opaque_tokens else {
        return;
    };
    let here = below(path, "opaque_tokens");
    let before = config.authn.jwt.iter().take(index);
    if before.filter(|other| other.opaque_tokens.is_some()).count() > 0 {
        found.below(
            path,
            "opaque_tokens",
            "expected at one issuer only: an opaque token does not name its issuer",
        );
    }
    let (client_id, secret) = (&opaque.client_id, &opaque.client_secret_file);
    match (opaque.inquiry, client_id, secret) {
        (InquiryMethod::Introspection, Some(_), Some(file)) => {
            found.file(&below(&here, "client_secret_file"), file);
        }
        (InquiryMethod::Userinfo, None, None) => {}
        (InquiryMethod::Introspection, _, _) => found.below(
            &here,
            "inquiry",
            "introspection needs `client_id` and `client_secret_file`",
        ),
        (InquiryMethod::Userinfo, _, _) => found.below(
            &here,
            "inquiry",
            "userinfo needs only the token: leave out `client_id` and `client_secret_file`",
        ),
    }
    let is_safe = |url: &Url| {
        url.scheme() == "https"
            || (url.scheme() == "http" && (issuer.allow_insecure_http || is_loopback(url)))
    };
    if let Some(endpoint) = &opaque.endpoint
        && !has_secret(endpoint, &here, "endpoint", found)
        && !Url::parse(endpoint).is_ok_and(|url| is_safe(&url))
    {
        let message = format!(
            "expected an https address such as `https://issuer.example/userinfo`, found {}",
            web_address::kind(endpoint)
        );
        found.below(&here, "endpoint", message);
    }
}

fn below(path: &[Step], key: &str) -> Vec<Step> {
    let mut path = path.to_vec();
    path.push(Step::Key(key.to_owned()));
    path
}
