//! Checks that geowarden sees the whole body of a request.

use crate::{
    Expectations,
    finding::Findings,
    settings::{self, Setting, Wanted},
    view::Node,
};

/// The body limit of the shipped configurations, in bytes.
const MEASURED_BODY: u64 = 65_536;

/// The space in a CheckRequest for headers, in bytes.
const HEADERS: u64 = 64 * 1024;

const BODY: [Setting; 2] = [
    Setting::error(
        "partial-body",
        &["allow_partial_message"],
        Wanted::NotTrue,
        "geowarden sees only the beginning of a larger body",
    ),
    Setting::error(
        "body-as-text",
        &["pack_as_bytes"],
        Wanted::True,
        "Envoy changes a body that is not UTF-8 for geowarden, and pygeoapi receives another body",
    ),
];

pub(crate) fn check(body: &Node<'_>, expected: &Expectations, found: &mut Findings) {
    settings::check(&BODY, body, found);
    let limit = body.get("max_request_bytes");
    let at = body.nearest(&["max_request_bytes"]);
    let bytes = limit.and_then(|limit| limit.number()).unwrap_or_default();
    if bytes < MEASURED_BODY {
        found.warning(
            "body-limit",
            &at,
            format!("max_request_bytes: expected {MEASURED_BODY} or more, found {bytes}: larger bodies are refused with 413"),
            format!("set `max_request_bytes: {MEASURED_BODY}`"),
        );
    }
    let room = expected.max_request_bytes.saturating_sub(HEADERS);
    if bytes > room.max(MEASURED_BODY) {
        found.warning(
            "body-limit",
            &at,
            format!(
                "max_request_bytes: expected {room} or less, since geowarden takes a CheckRequest of {} bytes with its headers, found {bytes}: larger bodies are refused with 503",
                expected.max_request_bytes
            ),
            "raise `server.max_request_bytes` of geowarden, or lower this limit",
        );
    }
}

/// Reports an ext_authz filter that sends no bodies.
pub(crate) fn missing(config: &Node<'_>, found: &mut Findings) {
    found.error(
        "body-not-sent",
        config,
        "with_request_body: expected a limit, found nothing: geowarden sees no body, so a filter or a search in one could select anything, and every search by POST is refused",
        "set `with_request_body: {max_request_bytes: 65536, allow_partial_message: false, pack_as_bytes: true}`",
    );
}
