//! Whether Envoy can be sure that geowarden on another machine answers.

use super::{found, read};

const TLS: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

fn asked_elsewhere(settings: &str) -> Vec<&'static str> {
    let text = read("envoy/api-key.yaml").replace(
        "address: 127.0.0.1, port_value: 9191",
        "address: geowarden.example, port_value: 9191",
    );
    let with = format!("    - name: geowarden\n{settings}");
    found(&text.replacen("    - name: geowarden\n", &with, 1))
}

fn socket(common: &str) -> String {
    format!("{{name: a, typed_config: {{\"@type\": {TLS}, common_tls_context: {{{common}}}}}}}")
}

#[test]
fn only_tls_protects_the_way_to_geowarden() {
    let raw = "{name: a, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}";
    let verified = socket("validation_context: {trusted_ca: {filename: a}}");
    let proxy = |inner: &str| {
        format!(
            "{{name: a, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport, transport_socket: {inner}}}}}"
        )
    };
    let matches = |named: &str, rest: &str| {
        format!(
            "      transport_socket_matches: [{{name: a, match: {{a: b}}, transport_socket: {named}}}, {{name: b, match: {{}}, transport_socket: {rest}}}]\n"
        )
    };
    let own = |socket: &str| format!("      transport_socket: {socket}\n");
    let one_match = format!(
        "      transport_socket_matches: [{{name: a, match: {{a: b}}, transport_socket: {verified}}}]\n"
    );
    for (settings, expected) in [
        (own(raw), &["geowarden-plain"][..]),
        (own(&proxy(raw)), &["geowarden-plain"]),
        (matches(&verified, raw), &["geowarden-plain"]),
        (one_match.clone(), &["geowarden-plain"]),
        (own(&verified), &[]),
        (own(&proxy(&verified)), &[]),
        (matches(&verified, &verified), &[]),
        (format!("{one_match}{}", own(&verified)), &[]),
    ] {
        assert_eq!(asked_elsewhere(&settings), expected, "{settings}");
    }
}

#[test]
fn a_certificate_that_nobody_verifies_does_not_count() {
    for (common, expected) in [
        ("", &["geowarden-unverified"][..]),
        ("tls_certificates: []", &["geowarden-unverified"]),
        (
            "validation_context: {trusted_ca: {filename: a}, trust_chain_verification: ACCEPT_UNTRUSTED}",
            &["geowarden-unverified"],
        ),
        ("validation_context: {system_root_certs: {}}", &[]),
        ("validation_context: {verify_certificate_spki: [a]}", &[]),
        ("validation_context_sds_secret_config: {name: a}", &[]),
        (
            "combined_validation_context: {default_validation_context: {}, validation_context_sds_secret_config: {name: a}}",
            &[],
        ),
    ] {
        let settings = format!("      transport_socket: {}\n", socket(common));
        assert_eq!(asked_elsewhere(&settings), expected, "{common}");
    }
}

#[test]
fn google_grpc_to_another_machine_needs_credentials_of_tls() {
    for (service, expected) in [
        (
            "target_uri: \"geowarden.example:9191\"",
            &["geowarden-plain"][..],
        ),
        ("target_uri: \"dns:///10.0.0.7:9191\"", &["geowarden-plain"]),
        ("target_uri: \"localhost:9191\"", &[]),
        (
            "target_uri: \"geowarden.example:9191\", channel_credentials: {ssl_credentials: {}}",
            &[],
        ),
    ] {
        let text = read("envoy/api-key.yaml").replacen(
            "envoy_grpc: {cluster_name: geowarden}",
            &format!("google_grpc: {{{service}}}"),
            1,
        );
        assert_eq!(found(&text), expected, "{service}");
    }
}
