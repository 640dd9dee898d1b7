//! Addresses of peers, as policies see them.

use super::{core, *};

/// As OPA-Envoy 1.9.0 shows the same addresses.
#[test]
fn addresses_of_every_kind_are_shown() {
    use super::core::{
        address::Address, envoy_internal_address::AddressNameSpecifier,
        socket_address::PortSpecifier,
    };
    let socket = core::SocketAddress {
        protocol: core::socket_address::Protocol::Udp.into(),
        port_specifier: Some(PortSpecifier::NamedPort("http".into())),
        resolver_name: "r".into(),
        ipv4_compat: true,
        ..core::SocketAddress::default()
    };
    let pipe = core::Pipe {
        path: "/run/x".into(),
        mode: 0o644,
    };
    let internal = core::EnvoyInternalAddress {
        endpoint_id: "e".into(),
        address_name_specifier: Some(AddressNameSpecifier::ServerListenerName("l".into())),
    };
    let cases = [
        (
            Some(Address::SocketAddress(socket)),
            serde_json::json!({"socketAddress": {
                "protocol": 1, "namedPort": "http", "resolverName": "r", "ipv4Compat": true,
            }}),
        ),
        (
            Some(Address::Pipe(pipe)),
            serde_json::json!({"pipe": {"path": "/run/x", "mode": 420}}),
        ),
        (
            Some(Address::EnvoyInternalAddress(internal)),
            serde_json::json!({"envoyInternalAddress": {"serverListenerName": "l", "endpointId": "e"}}),
        ),
        (None, serde_json::json!({})),
    ];
    for (address, expected) in cases {
        let mut check = with_every_field();
        let attributes = check.attributes.as_mut().unwrap();
        attributes.source.as_mut().unwrap().address = Some(core::Address { address });
        attributes.tls_session = Some(TlsSession::default());
        let input = CheckInput::from_envoy(check.encode_to_vec().into()).unwrap();
        let shown = serde_json::to_value(shown_attributes(&input)).unwrap();
        assert_eq!(shown["source"]["address"], expected);
        assert_eq!(shown["tlsSession"], serde_json::json!({}));
    }
}
