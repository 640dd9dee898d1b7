//! Transport sockets: whether Envoy encrypts a connection to a cluster, and whether it verifies the server.

use super::{extension::Extension, node::Node};

const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const QUIC: &str = "envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport";

/// How well a connection is protected, from the weakest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protection {
    /// Plain text, or a transport socket that is not known to encrypt.
    Plain,
    /// TLS with any server.
    Unverified,
    /// TLS with a server whose certificate is verified.
    Verified,
}

impl Protection {
    /// The weakest protection that a connection to a cluster can have.
    pub(crate) fn of_cluster(cluster: &Node<'_>) -> Self {
        let matches = cluster.list("transport_socket_matches");
        let is_for_all = |one: &Node<'_>| {
            let set = one.get("match");
            set.is_none_or(|set| set.members().is_empty())
        };
        // The cluster's own is for endpoints that none of these match.
        let own = (!matches.iter().any(is_for_all)).then(|| cluster.get("transport_socket"));
        let sockets = matches.iter().map(|one| one.get("transport_socket"));
        let all = sockets.chain(own);
        let all = all.map(|socket| socket.map_or(Self::Plain, Self::of_socket));
        all.min().unwrap_or(Self::Plain)
    }

    /// The protection by google_grpc.
    pub(crate) fn of_google_grpc(service: &Node<'_>) -> Self {
        let credentials = service.get("channel_credentials");
        let is_tls = credentials.is_some_and(|credentials| {
            let known = ["ssl_credentials", "google_default"];
            known.iter().any(|name| credentials.get(name).is_some())
        });
        // gRPC's own client verifies against the system's authorities at least.
        if is_tls { Self::Verified } else { Self::Plain }
    }

    fn of_socket(socket: Node<'_>) -> Self {
        let mut socket = socket;
        loop {
            let own = Extension::of(&socket);
            match own.kind {
                TLS => return Self::of_tls(&own.config),
                QUIC => {
                    let tls = own.config.get("upstream_tls_context");
                    return tls.map_or(Self::Plain, |tls| Self::of_tls(&tls));
                }
                _ => {}
            }
            // Others, such as the one for the PROXY protocol, contain the next.
            match own.config.get("transport_socket") {
                Some(inner) => socket = inner,
                None => return Self::Plain,
            }
        }
    }

    fn of_tls(context: &Node<'_>) -> Self {
        let common = context.nearest(&["common_tls_context"]);
        let contexts = [
            common.get("validation_context"),
            common.at(&["combined_validation_context", "default_validation_context"]),
        ];
        let contexts: Vec<_> = contexts.into_iter().flatten().collect();
        let accepts_any = contexts
            .iter()
            .any(|one| one.text_of("trust_chain_verification") == Some("ACCEPT_UNTRUSTED"));
        let has = |one: &Node<'_>, names: &[&str]| names.iter().any(|n| one.get(n).is_some());
        let of_file = [
            "trusted_ca",
            "system_root_certs",
            "ca_certificate_provider_instance",
            "custom_validator_config",
            "verify_certificate_spki",
            "verify_certificate_hash",
        ];
        let sent = [
            "validation_context_sds_secret_config",
            "validation_context_certificate_provider",
            "validation_context_certificate_provider_instance",
        ];
        let combined = common.get("combined_validation_context");
        let is_verified = contexts.iter().any(|one| has(one, &of_file))
            || has(&common, &sent)
            || combined.is_some_and(|combined| has(&combined, &sent));
        if is_verified && !accepts_any {
            Self::Verified
        } else {
            Self::Unverified
        }
    }
}
