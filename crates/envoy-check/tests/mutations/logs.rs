//! Credentials in access logs of other kinds than the shipped one, and in spans.

use super::{MERGE, ROUTE, found, read};

const OTEL: &str = "type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig";
const GRPC: &str =
    "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig";
const STDOUT: &str =
    "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";

fn after(part: &str, line: &str) -> Vec<&'static str> {
    let text = read("envoy/api-key.yaml");
    let changed = text.replacen(part, &format!("{part}{line}\n"), 1);
    assert!(changed != text, "{part}");
    found(&changed)
}

/// What is found if an access log has these settings, as that of the connection manager and as that of the router.
fn with_log(kind: &str, settings: &str) -> Vec<&'static str> {
    let log = format!("{{name: a, typed_config: {{\"@type\": {kind}, {settings}}}}}");
    let own = after(
        "                access_log:\n",
        &format!("                  - {log}"),
    );
    let upstream = after(
        "                      suppress_envoy_headers: true\n",
        &format!("                      upstream_log: [{log}]"),
    );
    assert_eq!(own, upstream, "{settings}");
    own
}

#[test]
fn credentials_in_any_access_log_are_found() {
    let none: &[&str] = &[];
    let one: &[&str] = &["access-log"];
    for (kind, settings, expected) in [
        (
            STDOUT,
            "log_format: {json_format: {a: \"%PATH(NQ)%\"}}",
            none,
        ),
        (
            STDOUT,
            "log_format: {json_format: {a: \"%REQ(COOKIE)%\"}}",
            one,
        ),
        (
            STDOUT,
            "log_format: {text_format_source: {inline_string: \"%CEL(request.headers['cookie'])%\"}}",
            one,
        ),
        (OTEL, "body: {string_value: \"%PATH(NQ)%\"}", none),
        (OTEL, "body: {string_value: \"%REQ(AUTHORIZATION)%\"}", one),
        (
            OTEL,
            "attributes: {values: [{key: a, value: {string_value: \"%REQ(X-API-KEY)%\"}}]}",
            one,
        ),
        (
            OTEL,
            "custom_tags: [{tag: a, request_header: {name: Authorization}}]",
            one,
        ),
        (
            OTEL,
            "common_config: {custom_tags: [{tag: a, request_header: {name: Authorization}}]}",
            one,
        ),
        // Each entry contains the path with its query.
        (GRPC, "common_config: {log_name: a}", one),
        (GRPC, "additional_request_headers_to_log: [user-agent]", one),
        (
            GRPC,
            "additional_request_headers_to_log: [X-Api-Key]",
            &["access-log", "access-log"],
        ),
        (
            GRPC,
            "additional_response_headers_to_log: [set-cookie]",
            &["access-log", "access-log"],
        ),
    ] {
        assert_eq!(with_log(kind, settings), expected, "{settings}");
    }
}

#[test]
fn credentials_in_spans_are_found() {
    for (tag, expected) in [
        ("request_header: {name: user-agent}", &[][..]),
        (
            "request_header: {name: Authorization}",
            &["span-credentials"],
        ),
        ("response_header: {name: set-cookie}", &["span-credentials"]),
        ("value: \"%REQ(X-API-KEY)%\"", &["span-credentials"]),
    ] {
        let tracing = format!("tracing: {{custom_tags: [{{tag: a, {tag}}}]}}");
        assert_eq!(
            after(MERGE, &format!("                {tracing}")),
            expected,
            "{tag}"
        );
        let of_route = after(ROUTE, &format!("                          {tracing}"));
        assert_eq!(of_route, expected, "{tag}");
    }
}
