//! Checks the shaping of responses by ext_proc: content that geowarden removes must not reach the client another way.

use crate::{
    finding::Findings,
    settings::{self, Setting, Wanted},
    view::{EXT_AUTHZ, Extension, Manager},
};

pub(crate) const PROCESSOR: &str = "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor";
const SEAL: &str = "envoy.extensions.filters.http.custom_response.v3.CustomResponse";

const SETTINGS: [Setting; 4] = [
    Setting::error(
        "shaping-failure-mode",
        &["failure_mode_allow"],
        Wanted::NotTrue,
        "answers go out unshaped while geowarden is down or slow",
    ),
    Setting::error(
        "shaping-mode-override",
        &["allow_mode_override"],
        Wanted::NotTrue,
        "one reply can switch the shaping of an answer off",
    ),
    Setting::error(
        "shaping-body-mode",
        &["processing_mode", "response_body_mode"],
        Wanted::Word("FULL_DUPLEX_STREAMED"),
        "the other modes let bytes of an answer through that geowarden did not send",
    ),
    Setting::error(
        "shaping-trailers",
        &["processing_mode", "response_trailer_mode"],
        Wanted::Word("SEND"),
        "an answer with trailers goes out unshaped",
    ),
];

/// Whether a filter does not change the request: it is an ext_proc for responses only.
pub(crate) fn leaves_request(filter: &Extension<'_>) -> bool {
    let mode = |name: &str| filter.config.at(&["processing_mode", name]);
    let is = |name: &str, word: &str| mode(name).is_some_and(|mode| mode.text() == Some(word));
    let is_off = |name: &str, word: &str| mode(name).is_none() || is(name, word);
    filter.kind == PROCESSOR
        && is("request_header_mode", "SKIP")
        && is_off("request_body_mode", "NONE")
        && is_off("request_trailer_mode", "SKIP")
}

pub(crate) fn check(manager: &Manager<'_>, found: &mut Findings) {
    let asked = manager.filters.iter().rposition(|f| f.is(EXT_AUTHZ));
    let Some((before, behind)) = asked.and_then(|at| manager.filters.split_at_checked(at)) else {
        return;
    };
    let is_sealed = before.iter().any(|filter| filter.is(SEAL));
    let shaping = behind.iter().map(|filter| &filter.extension);
    for filter in shaping.filter(|filter| leaves_request(filter)) {
        settings::check(&SETTINGS, &filter.config, found);
        if !is_sealed {
            found.error(
                "shaping-without-seal",
                &filter.entry,
                "expected a custom_response filter before ext_authz, found none: a stream that geowarden ends early lets an answer out unshaped",
                "put the custom_response filter, which makes a 503 of an answer without the mark of a finished shaping, first among the filters",
            );
        }
    }
}
