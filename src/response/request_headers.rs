//! What Envoy does to an allowed request: headers that are set and removed before it goes on to pygeoapi.

use std::borrow::Cow;

use super::DECISION_ID;
use crate::{pipeline::Permit, record::DecisionRecord};

const SUBJECT: &str = "x-geowarden-subject";
/// The kind of the credential: the name is older than [`DecisionRecord::credential`], and users have it in their pygeoapi.
const METHOD: &str = "x-geowarden-method";
const ISSUER: &str = "x-geowarden-issuer";
const KEY_ID: &str = "x-geowarden-key-id";
/// Headers that only geowarden sets. A client's own ones are always removed.
const IDENTITY_HEADERS: [&str; 5] = [SUBJECT, METHOD, ISSUER, KEY_ID, DECISION_ID];

/// Headers with their values.
type HeaderValues<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// The headers that are set, over whatever the client sent.
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
        // pygeoapi receives the very path that was judged, whatever Envoy made of the client's.
        let path = permit.path.as_deref();
        all.push((":path", path.unwrap_or(resource.canonical_path()).into()));
        if let Some(accept) = resource.canonical_accept()
            && !has(&all, "accept")
        {
            all.push(("accept", accept.into()));
        }
    }
    all.push((DECISION_ID, (&record.id).into()));
    if let Some(caller) = &record.principal {
        let known = [
            (METHOD, Some(caller.method.as_str())),
            (SUBJECT, caller.subject.as_deref()),
            (ISSUER, caller.issuer.as_deref()),
            (KEY_ID, caller.key_id.as_deref()),
        ];
        let known = known.into_iter();
        all.extend(known.filter_map(|(name, value)| Some((name, visible(value?)))));
    }
    all
}

/// The headers that are removed, `set` being those that are set.
pub(super) fn to_remove<'a>(
    record: &'a DecisionRecord<'_>,
    permit: &'a Permit<'_>,
    set: &[(&str, Cow<'_, str>)],
) -> Vec<&'a str> {
    let of_policy = record.followed_verdict().into_iter();
    let of_policy = of_policy.flat_map(|verdict| &verdict.request_headers_to_remove);
    let of_client = record.request.into_iter();
    let of_client = of_client.flat_map(|check| check.headers.iter().map(|(name, _)| name));
    let mut all: Vec<&str> = of_policy
        .map(String::as_str)
        .chain(of_client.filter(|name| is_identity_header(name)))
        .chain(IDENTITY_HEADERS)
        // Envoy removes after it has set, so a header that is set must not be removed.
        .filter(|name| !has(set, name))
        // Credentials are always removed, even where a policy sets a header of that name.
        .chain(permit.credential_headers.into_iter().flatten())
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn has(headers: &[(&str, Cow<'_, str>)], name: &str) -> bool {
    let mut names = headers.iter().map(|(name, _)| name);
    names.any(|other| other.eq_ignore_ascii_case(name))
}

fn is_identity_header(name: &str) -> bool {
    let start = name.as_bytes().get(..12);
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"x-geowarden-"))
}

/// A header value (RFC 9110, section 5.5): what is not visible ASCII is percent-encoded, and `%` with it.
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
