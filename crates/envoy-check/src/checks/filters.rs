//! Checks the order of the HTTP filters: pygeoapi must receive the request that was decided on.

use std::ptr;

use crate::{
    finding::{Findings, Severity},
    guarded::Guarded,
    view::{Bootstrap, Extension, HttpFilter, Manager, Node, ROUTER},
};

const PROCESSOR: &str = "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor";

/// Filters that change requests, or that run the operator's own code.
const CHANGING: [&str; 12] = [
    PROCESSOR,
    "envoy.extensions.filters.http.lua.v3.Lua",
    "envoy.extensions.filters.http.wasm.v3.Wasm",
    "envoy.extensions.filters.http.golang.v3alpha.Config",
    "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
    "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    "envoy.extensions.filters.http.header_to_metadata.v3.Config",
    "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
    "envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
    "envoy.extensions.filters.http.oauth2.v3.OAuth2",
    "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
    "envoy.extensions.filters.http.decompressor.v3.Decompressor",
];

/// Filters that answer from what an earlier request got.
const CACHES: [&str; 2] = [
    "envoy.extensions.filters.http.cache.v3.CacheConfig",
    "envoy.extensions.filters.http.cache_v2.v3.CacheV2Config",
];

/// The last filter upstream. It only writes the request.
const UPSTREAM_CODEC: &str = "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";

/// Checks the filters of a connection manager around its last filter that asks geowarden, and those that its router runs.
pub(crate) fn check(manager: &Manager<'_>, asking: &HttpFilter<'_>, found: &mut Findings) {
    let all = manager.filters.iter();
    let before = all
        .clone()
        .take_while(|filter| !ptr::eq(*filter, asking))
        .filter(|filter| is_cache(&filter.extension));
    for filter in before {
        found.error(
            "cache-before-ext-authz",
            &filter.extension.entry,
            format!(
                "filter `{}` stands before ext_authz and keeps answers: whoever sends the same request gets them without a decision",
                filter.extension.name
            ),
            "remove it",
        );
    }
    let behind = all.skip_while(|filter| !ptr::eq(*filter, asking)).skip(1);
    for filter in behind {
        let cure =
            "put it before ext_authz, so that ext_authz is the last filter before the router";
        behind_ext_authz(&filter.extension, "stands behind ext_authz", cure, found);
        if filter.is(PROCESSOR) {
            mode_of_routes(manager, &filter.extension, found);
        }
    }
    upstream(&manager.upstream_filters, found);
}

/// Checks the filters on the way to the guarded clusters.
pub(crate) fn of_clusters(bootstrap: &Bootstrap<'_>, guarded: &Guarded, found: &mut Findings) {
    let clusters = bootstrap.clusters.iter();
    for cluster in clusters.filter(|cluster| guarded.has(cluster.name)) {
        upstream(&cluster.http_filters, found);
        for entry in cluster.node.list("filters") {
            let filter = Extension::of(&entry);
            let cure = "remove it from `filters` of the cluster";
            behind_ext_authz(&filter, "runs on the connections to pygeoapi", cure, found);
        }
    }
}

fn is_cache(filter: &Extension<'_>) -> bool {
    CACHES.contains(&filter.kind)
}

fn upstream(filters: &[HttpFilter<'_>], found: &mut Findings) {
    for filter in filters {
        let cure =
            "remove it, or put it before ext_authz in `http_filters` of the connection manager";
        behind_ext_authz(
            &filter.extension,
            "runs upstream, after ext_authz",
            cure,
            found,
        );
    }
}

/// Reports routes for which an ext_proc filter behind ext_authz gets parts of the request.
fn mode_of_routes(manager: &Manager<'_>, filter: &Extension<'_>, found: &mut Findings) {
    for route in &manager.routes {
        for settings in route.settings(&[filter.name]) {
            let mode = settings.at(&["overrides", "processing_mode"]);
            if let Some(mode) = mode.filter(|mode| !skips_request(mode)) {
                found.error(
                    "filter-after-ext-authz",
                    &mode,
                    format!(
                        "processing_mode: expected `request_header_mode: SKIP`, found another: for this route, filter `{}` changes requests after geowarden judged them",
                        filter.name
                    ),
                    "set `request_header_mode: SKIP`, and no mode for the body of requests",
                );
            }
        }
    }
}

/// Reports a filter that runs after the decision, unless it leaves the request as it is.
fn behind_ext_authz(filter: &Extension<'_>, place: &str, cure: &str, found: &mut Findings) {
    if [ROUTER, UPSTREAM_CODEC].contains(&filter.kind) || leaves_request(filter) {
        return;
    }
    let (severity, what) = if CHANGING.contains(&filter.kind) {
        (Severity::Error, "changes requests")
    } else {
        (Severity::Warning, "may change requests")
    };
    // Before ext_authz, it would answer without a decision.
    let cure = if is_cache(filter) { "remove it" } else { cure };
    found.add(
        severity,
        "filter-after-ext-authz",
        &filter.entry,
        format!(
            "filter `{}` {place} and {what} that were judged: pygeoapi receives another request than geowarden judged",
            filter.name
        ),
        cure.to_owned(),
    );
}

/// Whether a filter does not change the request: it is an ext_proc for responses only. With `allow_mode_override`, a reply of
/// its service switches the processing of requests on.
fn leaves_request(filter: &Extension<'_>) -> bool {
    let mode = filter.config.get("processing_mode");
    filter.kind == PROCESSOR
        && !filter.config.has_true("allow_mode_override")
        && mode.is_some_and(|mode| skips_request(&mode))
}

/// Whether a `processing_mode` of ext_proc sends no part of a request. Its default sends the headers.
fn skips_request(mode: &Node<'_>) -> bool {
    let is_off = |name: &str, word: &str| {
        let set = mode.get(name);
        set.is_none_or(|set| set.text() == Some(word))
    };
    mode.text_of("request_header_mode") == Some("SKIP")
        && is_off("request_body_mode", "NONE")
        && is_off("request_trailer_mode", "SKIP")
}
