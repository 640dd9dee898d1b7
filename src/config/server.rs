//! `server`: where geowarden listens and how it behaves as a server.

use std::{net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ListenAddress, SocketMode, Span, address::socket_address};

/// The gRPC and admin servers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Where Envoy asks: ADDRESS:PORT, or `unix:/PATH`.
    pub grpc: ListenAddress,
    /// Who may connect where `grpc` is a Unix socket: the mode of its file. The owner and the group are those of the process.
    pub socket_mode: SocketMode,
    /// Where livez, readyz and metrics are served over HTTP: ADDRESS:PORT. Keep it off public networks.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "socket_address")]
    pub admin: SocketAddr,
    /// The gRPC admin service for `geowarden status` and `geowarden tail`; without it there is none.
    pub admin_grpc: Option<AdminGrpc>,
    /// TLS on the gRPC port; without it gRPC is plain text, which is meant for loopback and Unix sockets.
    pub tls: Option<Tls>,
    /// How long requests in flight may take to finish after SIGTERM.
    pub drain: Span,
    /// How long one Check may take before it is refused; keep it below Envoy's own ext_authz timeout.
    pub deadline: Span,
    /// The largest CheckRequest accepted, in bytes: headers and the body that Envoy sends along.
    #[schemars(range(min = 1024, max = 67_108_864))]
    pub max_request_bytes: usize,
    /// How many connections Envoy's side may have open; of more the silent ones are closed first. The limit of open files lowers it.
    #[schemars(range(min = 8, max = 1_000_000))]
    pub max_connections: usize,
    /// How long a client may take to send what it has begun: a TLS handshake, a request's headers, a CheckRequest.
    pub receive_timeout: Span,
    /// How much all messages may hold that have not come whole, in bytes; one connection at most two thirds of it. The oldest are dropped first.
    #[schemars(range(max = 17_179_869_184_u64))]
    pub receive_memory_bytes: usize,
    /// In whose words refusals are told.
    pub refusals: DenialBodies,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            grpc: ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 9191))),
            socket_mode: SocketMode::default(),
            admin: SocketAddr::from(([127, 0, 0, 1], 9192)),
            admin_grpc: None,
            tls: None,
            drain: Span::secs(10),
            deadline: Span::millis(500),
            max_request_bytes: 1 << 20,
            max_connections: 1024,
            receive_timeout: Span::secs(10),
            receive_memory_bytes: 24 << 20,
            refusals: DenialBodies::default(),
        }
    }
}

/// Where the gRPC admin service is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminGrpc {
    /// ADDRESS:PORT of the loopback interface, or `unix:/PATH`; any other address needs `tls` with `client_ca`.
    pub address: ListenAddress,
    /// TLS of this address.
    pub tls: Option<Tls>,
}

/// Certificates of a gRPC port, PEM files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The server's certificate chain.
    pub cert: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
    /// When set, only clients with a certificate of these authorities are served (mutual TLS).
    pub client_ca: Option<PathBuf>,
}

/// The bodies of refusals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DenialBodies {
    /// Problem documents (RFC 9457).
    #[default]
    Problem,
    /// fastgeoapi's, for those of its clients that look for its words; problem documents where it has none.
    Fastgeoapi,
}
