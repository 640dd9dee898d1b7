//! The headers that Envoy sets and removes on an allowed request before pygeoapi gets it.

use std::borrow::Cow;

use super::DECISION_ID;
use crate::{pipeline::Permit, record::DecisionRecord};

const COOKIE: &str = "cookie";
const SUBJECT: &str = "x-geowarden-subject";
/// The kind of the credential. The name is older than [`DecisionRecord::credential`], and stays because users read it.
const METHOD: &str = "x-geowarden-method";
const ISSUER: &str = "x-geowarden-issuer";
const KEY_ID: &str = "x-geowarden-key-id";
/// Headers that only geowarden sets. Those that a client sends are always removed.
const IDENTITY_HEADERS: [&str; 5] = [SUBJECT, METHOD, ISSUER, KEY_ID, DECISION_ID];

/// Headers with their values.
type HeaderValues<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// The headers to set. They replace those of the client.
pub(super) fn to_set<'a>(
    record: &'a DecisionRecord<'_>,
    permit: &'a Permit<'_>,
) -> HeaderValues<'a> {
    let mut all = HeaderValues::new();
    if let Some(verdict) = record.followed_verdict() {
        let headers = verdict.headers.iter();
        let of_policy = headers.filter(|(name, _)| !is_identity_header(name));
        all.extend(of_policy.map(|(name, value)| (name.as_str(), value.into())));
    }
    if let Some(resource) = &record.resource {
        // pygeoapi receives exactly the path that was judged.
        let path = permit.path.as_deref();
        all.push((":path", path.unwrap_or(resource.canonical_path()).into()));
        let canonical = [
            ("accept", resource.canonical_accept()),
            ("content-type", resource.canonical_content_type()),
        ];
        for (name, value) in canonical {
            if let Some(value) = value.filter(|_| !has(&all, name)) {
                all.push((name, value.into()));
            }
        }
    }
    // Where the policy sets or removes all cookies, those of the client are not sent on.
    if let Some(left) = &permit.removal.cookies_left
        && !has(&all, COOKIE)
        && !is_removed_by_policy(record, COOKIE)
    {
        all.push((COOKIE, left.into()));
    }
    all.push((DECISION_ID, (&record.id).into()));
    if let Some(caller) = &record.principal {
        let known = [
            (METHOD, Some(caller.credential.as_str())),
            (SUBJECT, caller.subject.as_deref()),
            (ISSUER, caller.issuer.as_deref()),
            (KEY_ID, caller.key_id.as_deref()),
        ];
        let known = known.into_iter();
        all.extend(known.filter_map(|(name, value)| Some((name, visible(value?)))));
    }
    all
}

/// The headers to remove. `set` are the headers that are set.
pub(super) fn to_remove<'a>(
    record: &'a DecisionRecord<'_>,
    permit: &'a Permit<'_>,
    set: &[(&str, Cow<'_, str>)],
) -> Vec<&'a str> {
    let of_policy = removed_by_policy(record);
    let credentials = permit.removal.headers.into_iter().flatten();
    let request = record.request.into_iter();
    let of_client = request
        .clone()
        .flat_map(|check| check.headers.iter().map(|(name, _)| name));
    let withheld = request.flat_map(|check| &check.withheld.headers);
    let mut all: Vec<&str> = of_policy
        .chain(withheld.map(String::as_str))
        .chain(of_client.filter(|name| is_identity_header(name)))
        .chain(IDENTITY_HEADERS)
        // Envoy removes headers after it has set others, so a header that is set must not be removed.
        .filter(|name| !has(set, name))
        // A header for credentials is always removed, even if a policy sets it. Only `cookie` also holds other values: a
        // policy's cookies replace the client's.
        .chain(credentials.filter(|name| *name != COOKIE || !has(set, COOKIE)))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn removed_by_policy<'a>(record: &'a DecisionRecord<'_>) -> impl Iterator<Item = &'a str> {
    let verdict = record.followed_verdict().into_iter();
    let names = verdict.flat_map(|verdict| &verdict.request_headers_to_remove);
    names.map(String::as_str)
}

fn is_removed_by_policy(record: &DecisionRecord<'_>, name: &str) -> bool {
    removed_by_policy(record).any(|other| other.eq_ignore_ascii_case(name))
}

fn has(headers: &[(&str, Cow<'_, str>)], name: &str) -> bool {
    let mut names = headers.iter().map(|(name, _)| name);
    names.any(|other| other.eq_ignore_ascii_case(name))
}

fn is_identity_header(name: &str) -> bool {
    let start = name.as_bytes().get(..12);
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"x-geowarden-"))
}

/// A header value (RFC 9110, section 5.5). Characters other than visible ASCII are percent-encoded, and so is `%`.
fn visible(value: &str) -> Cow<'_, str> {
    use std::fmt::Write as _;
    let is_visible = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'%';
    if value.bytes().all(is_visible) {
        return value.into();
    }
    let mut text = String::with_capacity(value.len() + 8);
    for byte in value.bytes() {
        if is_visible(byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.into()
}
