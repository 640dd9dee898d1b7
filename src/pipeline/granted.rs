//! An allowance: the path and headers with which the request goes on to pygeoapi.

use tracing::error;

use super::{
    Rules,
    decision::{Denial, Permit},
};
use crate::{
    policy::{Question, Verdict},
    request::ogc::NotHonoured,
};

/// Headers of ours on the request to pygeoapi; a client's own are always removed.
const SUBJECT: &str = "x-geowarden-subject";
const METHOD: &str = "x-geowarden-method";
const ISSUER: &str = "x-geowarden-issuer";
const KEY_ID: &str = "x-geowarden-key-id";
/// The decision's id, on the request and on every refusal.
pub const DECISION_ID: &str = "x-geowarden-decision-id";
const OURS: [&str; 5] = [SUBJECT, METHOD, ISSUER, KEY_ID, DECISION_ID];

/// What Envoy must do to the request, of which the policy said yes.
pub(super) fn permit(
    rules: &Rules,
    question: &Question<'_>,
    verdict: &Verdict,
    id: &str,
) -> Result<Permit, Box<Denial>> {
    let Question {
        check,
        resource,
        principal,
    } = question;
    let mut permit = Permit::grant();
    let theirs = verdict.headers.iter().filter(|(name, _)| !is_ours(name));
    permit.set_headers.extend(theirs.cloned());
    // pygeoapi receives the very path that was judged, whatever Envoy made of the client's.
    let (set, remove) = (
        &verdict.query_parameters_to_set,
        &verdict.query_parameters_to_remove,
    );
    let path = if set.is_empty() && remove.is_empty() {
        resource.canonical_path().to_owned()
    } else {
        let path = resource.canonical_path_with(set, remove);
        path.map_err(|cause| Box::new(not_honoured(&cause)))?
    };
    permit.set_headers.push((":path".to_owned(), path));
    if let Some(accept) = resource.canonical_accept()
        && permit
            .set_headers
            .iter()
            .all(|(name, _)| !name.eq_ignore_ascii_case("accept"))
    {
        permit
            .set_headers
            .push(("accept".to_owned(), accept.to_owned()));
    }
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            permit.set_headers.push((name.to_owned(), visible(value)));
        }
    };
    set(DECISION_ID, Some(id));
    set(METHOD, Some(principal.method.as_str()));
    set(SUBJECT, principal.subject.as_deref());
    set(ISSUER, principal.issuer.as_deref());
    set(KEY_ID, principal.key_id.as_deref());
    // Envoy removes after it has set, so what is set must not be among the removed.
    let is_set = |name: &str, set: &[(String, String)]| {
        set.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    };
    let clients_own = check.headers.iter().map(|(name, _)| name);
    let mut remove: Vec<&str> = verdict
        .request_headers_to_remove
        .iter()
        .map(String::as_str)
        .chain(clients_own.filter(|name| is_ours(name)))
        .chain(OURS)
        .filter(|name| !is_set(name, &permit.set_headers))
        // Credentials go in any case, even where a policy sets a header of that name.
        .chain(rules.authn.credential_headers(principal))
        .collect();
    remove.sort_unstable();
    remove.dedup();
    permit.remove_headers = remove.into_iter().map(str::to_owned).collect();
    permit
        .response_headers
        .clone_from(&verdict.response_headers_to_add);
    permit.metadata.clone_from(&verdict.dynamic_metadata);
    Ok(permit)
}

/// What the policy asks of pygeoapi must happen, or the request does not pass.
fn not_honoured(cause: &NotHonoured) -> Denial {
    error!(%cause, "the policy asks for what pygeoapi would not do");
    Denial {
        status: 503,
        reason: "policy-not-honoured",
        detail: "The policy could not be applied".to_owned(),
        cause: Some(cause.to_string()),
        ..Denial::default()
    }
}

fn is_ours(name: &str) -> bool {
    let start = name.as_bytes().get(..12);
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"x-geowarden-"))
}

/// A header value (RFC 9110, section 5.5): what is not visible ASCII is percent-encoded, and `%` with it.
fn visible(value: &str) -> String {
    use std::fmt::Write as _;
    if value
        .bytes()
        .all(|b| (0x20..0x7f).contains(&b) && b != b'%')
    {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len() + 8);
    for byte in value.bytes() {
        if (0x20..0x7f).contains(&byte) && byte != b'%' {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
