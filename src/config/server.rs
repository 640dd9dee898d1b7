//! `server`: where geowarden listens and how it behaves as a server.

use std::{net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigDuration, ListenAddress, SocketMode, address::socket_address};

/// The gRPC and admin servers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The address for Envoy's checks: ADDRESS:PORT, or `unix:/PATH`.
    pub grpc: ListenAddress,
    /// The mode of the socket file, if `grpc` is a Unix socket. It says who may connect. Owner and group are those of
    /// the process.
    pub socket_mode: SocketMode,
    /// The address for livez, readyz and metrics over HTTP: ADDRESS:PORT. Keep it off public networks.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "socket_address")]
    pub admin: SocketAddr,
    /// The gRPC admin service for `geowarden status` and `geowarden tail`. Off by default.
    pub admin_grpc: Option<AdminGrpc>,
    /// TLS on the gRPC port. Without it gRPC is plain text: use that on loopback and Unix sockets only.
    pub tls: Option<Tls>,
    /// How long requests in flight may take to finish after SIGTERM.
    pub drain: ConfigDuration,
    /// The longest time of one Check. After it the request is refused. Keep it below Envoy's own ext_authz timeout.
    pub deadline: ConfigDuration,
    /// The largest accepted CheckRequest, in bytes. It contains the headers, and the body if Envoy sends it.
    #[schemars(range(min = 1024, max = 67_108_864))]
    pub max_request_bytes: usize,
    /// How many connections may be open. If there are more, silent ones are closed first. The limit of open files can
    /// lower it.
    #[schemars(range(min = 8, max = 1_000_000))]
    pub max_connections: usize,
    /// How long a client may take to finish what it has begun to send: a TLS handshake, the headers of a request, a
    /// CheckRequest.
    pub receive_timeout: ConfigDuration,
    /// The memory limit for all incomplete messages, in bytes. One connection can use two thirds of it. The oldest
    /// messages are dropped first.
    #[schemars(range(max = 17_179_869_184_u64))]
    pub receive_memory_bytes: usize,
    /// The format of refusals.
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
            drain: ConfigDuration::secs(10),
            deadline: ConfigDuration::millis(500),
            max_request_bytes: 1 << 20,
            max_connections: 1024,
            receive_timeout: ConfigDuration::secs(10),
            receive_memory_bytes: 24 << 20,
            refusals: DenialBodies::default(),
        }
    }
}

/// The address of the gRPC admin service.
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

/// The format of the bodies of refusals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DenialBodies {
    /// Problem documents (RFC 9457).
    #[default]
    Problem,
    /// fastgeoapi's format, for clients that depend on its texts. Refusals that fastgeoapi does not have are problem
    /// documents.
    Fastgeoapi,
}
