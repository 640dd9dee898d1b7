//! A filter of responses behind ext_authz leaves the request as it was judged, unless it can be given requests too.

use super::{ROUTE, ROUTER_FILTER, found, read};

const PROCESSOR: &str = "                  - name: responses
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher
                      xds_matcher: {}
                      extension_config:
                        name: responses
                        typed_config:
                          \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
                          processing_mode: {request_header_mode: SKIP, response_body_mode: STREAMED}
";

fn with(processor: &str) -> String {
    let text = read("envoy/api-key.yaml");
    text.replacen(ROUTER_FILTER, &format!("{processor}{ROUTER_FILTER}"), 1)
}

#[test]
fn a_processor_of_responses_is_left_alone() {
    assert_eq!(found(&with(PROCESSOR)), Vec::<&str>::new());
    for (from, to) in [
        ("request_header_mode: SKIP", "request_header_mode: SEND"),
        ("request_header_mode: SKIP, ", ""),
        (
            "request_header_mode: SKIP",
            "request_header_mode: SKIP, request_body_mode: BUFFERED",
        ),
        (
            "request_header_mode: SKIP",
            "request_header_mode: SKIP, request_trailer_mode: SEND",
        ),
        (
            "                          processing_mode",
            "                          allow_mode_override: true\n                          processing_mode",
        ),
    ] {
        let changed = PROCESSOR.replacen(from, to, 1);
        assert_ne!(changed, PROCESSOR);
        assert_eq!(found(&with(&changed)), ["filter-after-ext-authz"], "{to}");
    }
}

#[test]
fn a_route_that_gives_it_requests_is_found() {
    for (mode, expected) in [
        ("request_header_mode: SKIP", &[][..]),
        ("request_header_mode: SEND", &["filter-after-ext-authz"]),
        ("response_body_mode: BUFFERED", &["filter-after-ext-authz"]),
    ] {
        let route = format!(
            "{ROUTE}                          typed_per_filter_config: {{responses: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute, overrides: {{processing_mode: {{{mode}}}}}}}}}\n"
        );
        let text = with(PROCESSOR).replacen(ROUTE, &route, 1);
        assert_eq!(found(&text), expected, "{mode}");
    }
}
