//! Checks the order of the HTTP filters: pygeoapi must receive the request that was decided on.

use super::shaping::{self, PROCESSOR};
use crate::{
    finding::{Findings, Severity},
    view::{EXT_AUTHZ, Manager, ROUTER},
};

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

pub(crate) fn check(manager: &Manager<'_>, found: &mut Findings) {
    let asked = manager.filters.iter().rposition(|f| f.is(EXT_AUTHZ));
    let behind = asked.and_then(|at| manager.filters.get(at + 1..));
    for filter in behind.into_iter().flatten() {
        if filter.is(ROUTER) || shaping::leaves_request(&filter.extension) {
            continue;
        }
        let is_changing = CHANGING.contains(&filter.extension.kind);
        let (severity, what) = if is_changing {
            (Severity::Error, "changes requests")
        } else {
            (Severity::Warning, "may change requests")
        };
        found.add(
            severity,
            "filter-after-ext-authz",
            &filter.extension.entry,
            format!(
                "filter `{}` stands behind ext_authz and {what} that were judged: nobody judges the result",
                filter.extension.name
            ),
            "put it before ext_authz, so that ext_authz is the last filter before the router"
                .to_owned(),
        );
    }
}
