//! Checks the ext_authz filter: Envoy must ask geowarden about every request, send it the whole request, and follow its
//! decision.

use std::time::Duration;

use super::body;
use crate::{
    Expectations,
    finding::Findings,
    settings::{self, Setting, Wanted},
    view::{HttpFilter, Node},
};

const SETTINGS: [Setting; 13] = [
    Setting::error(
        "failure-mode-allow",
        &["failure_mode_allow"],
        Wanted::NotTrue,
        "everybody is let in while geowarden is down, slow, or answers with an error",
    ),
    Setting::error(
        "shadow-mode",
        &["shadow_mode"],
        Wanted::NotTrue,
        "everybody is let in, and Envoy only counts the decisions",
    ),
    Setting::error(
        "filter-enabled-metadata",
        &["filter_enabled_metadata"],
        Wanted::Absent,
        "Envoy does not ask geowarden about a request whose metadata does not match",
    ),
    Setting::error(
        "http-service",
        &["http_service"],
        Wanted::Absent,
        "geowarden answers gRPC only (`grpc_service`)",
    ),
    Setting::error(
        "encode-raw-headers",
        &["encode_raw_headers"],
        Wanted::True,
        "Envoy cleans and joins the values of headers for geowarden, and pygeoapi receives other values",
    ),
    Setting::error(
        "clear-route-cache",
        &["clear_route_cache"],
        Wanted::NotTrue,
        "Envoy chooses the route anew by the headers that geowarden set: another route may have another cluster, or no ext_authz",
    ),
    Setting::error(
        "clear-route-cache",
        &["clear_route_cache_headers"],
        Wanted::Absent,
        "where one of these headers is set, Envoy chooses the route anew: another route may have another cluster, or no ext_authz",
    ),
    Setting::error(
        "allowed-headers",
        &["allowed_headers"],
        Wanted::Absent,
        "geowarden does not see the other headers: credentials, and `accept`, `content-type` and `content-length`, by which pygeoapi chooses what it does",
    ),
    Setting::error(
        "allowed-headers",
        &["disallowed_headers"],
        Wanted::Absent,
        "geowarden does not see these headers, and pygeoapi receives them",
    ),
    Setting::warning(
        "validate-mutations",
        &["validate_mutations"],
        Wanted::True,
        "a header with a line break, set by a policy, could reach pygeoapi",
    ),
    Setting::warning(
        "dynamic-metadata",
        &["enable_dynamic_metadata_ingestion"],
        Wanted::NotFalse,
        "the access log has no decision id",
    ),
    Setting::warning(
        "cut-refusals",
        &["enforce_response_header_limits"],
        Wanted::NotTrue,
        "Envoy can drop challenges (`WWW-Authenticate`) from a refusal",
    ),
    Setting::warning(
        "cut-refusals",
        &["max_denied_response_body_bytes"],
        Wanted::Absent,
        "Envoy can cut off the problem document of a refusal",
    ),
];

/// Envoy's default for `timeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(200);

/// Envoy's names of the success statuses (`envoy.type.v3.StatusCode`).
const SUCCESSES: [&str; 11] = [
    "Continue",
    "OK",
    "Created",
    "Accepted",
    "NonAuthoritativeInformation",
    "NoContent",
    "ResetContent",
    "PartialContent",
    "MultiStatus",
    "AlreadyReported",
    "IMUsed",
];

pub(crate) fn check(filter: &HttpFilter<'_>, expected: &Expectations, found: &mut Findings) {
    let config = &filter.extension.config;
    settings::check(&SETTINGS, config, found);
    switched(filter, found);
    header_mutation_rules(config, found);
    match config.get("with_request_body") {
        Some(set) => body::check(&set, expected, found),
        None => body::missing(config, found),
    }
    timeout(config, expected, found);
    if let Some(code) = config.at(&["status_on_error", "code"]) {
        let by_number = code.number().is_some_and(|code| (1..300).contains(&code));
        if by_number || code.text().is_some_and(|code| SUCCESSES.contains(&code)) {
            found.error(
                "status-on-error",
                &code,
                "status_on_error: expected a status of 400 or more, found a success: a refusal looks like an answer of pygeoapi",
                "set `status_on_error: {code: ServiceUnavailable}`",
            );
        }
    }
}

/// Checks that the filter runs for every request.
fn switched(filter: &HttpFilter<'_>, found: &mut Findings) {
    let extension = &filter.extension;
    if filter.is_conditional {
        found.error(
            "conditional-ext-authz",
            &extension.entry,
            "the ext_authz filter is inside a matcher: Envoy does not ask geowarden about requests for which the matcher skips the filter",
            "put the filter into `http_filters` itself",
        );
    }
    if let Some(disabled) = extension.entry.get("disabled")
        && disabled.is_true()
    {
        found.error(
            "filter-disabled",
            &disabled,
            "disabled: expected nothing, found `true`: Envoy asks geowarden only for routes that switch the filter on, and lets all other requests pass",
            "remove `disabled`",
        );
    }
    if let Some(optional) = extension.entry.get("is_optional")
        && optional.is_true()
    {
        found.error(
            "filter-optional",
            &optional,
            "is_optional: expected nothing, found `true`: an Envoy without the ext_authz filter starts and lets everybody in",
            "remove `is_optional`",
        );
    }
    let denies = extension.config.at(&["deny_at_disable", "default_value"]);
    if let Some(enabled) = extension.config.get("filter_enabled")
        && !denies.is_some_and(|denies| denies.is_true())
    {
        found.error(
            "filter-enabled",
            &enabled,
            "filter_enabled: expected nothing, found a share of the requests: Envoy does not ask geowarden about the others, and a runtime key can change the share",
            "remove `filter_enabled`, or set `deny_at_disable: {default_value: true}` beside it",
        );
    }
}

/// With any rules, geowarden cannot change pseudo-headers such as the path, unless a rule allows it.
fn header_mutation_rules(config: &Node<'_>, found: &mut Findings) {
    if let Some(rules) = config.get("decoder_header_mutation_rules") {
        found.error(
            "header-mutation-rules",
            &rules,
            "decoder_header_mutation_rules: expected nothing, found rules: Envoy ignores headers that geowarden sets, such as the judged path, and does not remove credentials",
            "remove `decoder_header_mutation_rules`",
        );
    }
}

fn timeout(config: &Node<'_>, expected: &Expectations, found: &mut Findings) {
    let Some(service) = config.get("grpc_service") else {
        return;
    };
    let set = service.get("timeout");
    let limit = set.as_ref().map_or(Some(DEFAULT_TIMEOUT), Node::duration);
    // `0s` means no limit.
    if limit.is_some_and(|limit| limit.is_zero() || limit > expected.deadline) {
        return;
    }
    let is = set.map_or_else(|| "nothing (200 ms)".to_owned(), |set| set.in_words());
    let deadline = expected.deadline.as_secs_f64();
    found.warning(
        "timeout",
        &service.nearest(&["timeout"]),
        format!(
            "grpc_service.timeout: expected more than geowarden's own limit of {deadline} s (`server.deadline`), found {is}: a client with a slow decision gets Envoy's own 503, without the reason"
        ),
        format!("set `timeout: {}s`", (deadline * 2.0).ceil()),
    );
}
