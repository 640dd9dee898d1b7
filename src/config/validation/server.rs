//! Checks `server`: the certificate files, and who can reach the admin service.

use std::{path::Path, time::Duration};

use super::{Config, Findings, numbers};
use crate::config::{ListenAddress, Tls, certificates::server};

/// There must be room for this many of the largest messages.
const MESSAGES: usize = 8;

pub(super) fn check(config: &Config, found: &mut Findings<'_>) {
    let server = &config.server;
    if let Some(tls) = &server.tls {
        certificates("server.tls", tls, found);
    }
    if let Some(admin) = &server.admin_grpc {
        let tls = admin.tls.as_ref();
        if let Some(tls) = tls {
            certificates("server.admin_grpc.tls", tls, found);
        }
        let is_chosen_by_the_system =
            matches!(admin.address, ListenAddress::Tcp(address) if address.port() == 0);
        if admin.address == server.grpc && !is_chosen_by_the_system {
            found.at(
                "server.admin_grpc.address",
                "expected another address than that of `server.grpc`, found the same",
            );
        }
        let is_mutual = tls.is_some_and(|tls| tls.client_ca.is_some());
        if let ListenAddress::Tcp(address) = &admin.address
            && !address.ip().is_loopback()
            && !is_mutual
        {
            found.at(
                "server.admin_grpc.address",
                "expected a loopback address (such as `127.0.0.1:9193`) or `unix:/PATH`, found another: whoever reaches it sees every decision; beyond this machine set `server.admin_grpc.tls` with `cert`, `key` and `client_ca` (mutual TLS)",
            );
        }
    }
    numbers::server(config, found);
    if !(Duration::from_millis(100)..=Duration::from_mins(5)).contains(&server.receive_timeout.0) {
        found.at(
            "server.receive_timeout",
            "expected 100ms to 5m: a shorter time cuts off slow clients, a longer one keeps silent clients connected",
        );
    }
    let least = server.max_request_bytes.saturating_mul(MESSAGES);
    if server.receive_memory_bytes < least {
        found.at(
            "server.receive_memory_bytes",
            format!(
                "expected at least {MESSAGES} times `server.max_request_bytes`, {least}, found {}: larger requests could not be received",
                server.receive_memory_bytes
            ),
        );
    }
}

/// A warning if the port of gRPC can be reached from other hosts and has no TLS.
pub(in crate::config) fn warnings(config: &Config) -> Vec<String> {
    let is_reached =
        matches!(config.server.grpc, ListenAddress::Tcp(address) if !address.ip().is_loopback());
    let is_plain = config.server.tls.is_none() && is_reached;
    let warning = format!(
        "server.grpc: expected a loopback address, `unix:/PATH` or `server.tls`, found {} without TLS: anyone between Envoy and geowarden can read credentials, and forge an answer that allows",
        config.server.grpc
    );
    is_plain.then_some(warning).into_iter().collect()
}

/// Checks the certificate files of a port by reading them, as the server does.
fn certificates(section: &str, tls: &Tls, found: &mut Findings<'_>) {
    let key = |name: &str| format!("{section}.{name}");
    let mut content = |name: &str, file: &Path| {
        let path = found.path(&key(name));
        found.content(&path, file)
    };
    let (cert, private) = (content("cert", &tls.cert), content("key", &tls.key));
    let client_ca = tls.client_ca.as_deref();
    let client_ca = client_ca.map(|file| content("client_ca", file));
    if let (Some(cert), Some(private)) = (cert, private)
        && !matches!(client_ca, Some(None))
        && let Err(unusable) = server(&cert, &private, client_ca.flatten().as_deref())
    {
        let path = found.path(&key(unusable.key));
        found.unusable(&path, unusable.message);
    }
}
