//! How commands connect to a running geowarden.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use tokio::runtime::{Builder, Runtime};

use super::{CommandError, ConfigArguments, paint};
use crate::{
    config::ListenAddress,
    transport::admin::client::{AdminAddress, Client, ClientError, ClientTls},
};

/// The time limit for one call. It ends a connection that hangs; callers such as probes have limits of their own.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// The address of the gRPC admin service, and the TLS files to connect with.
#[derive(Debug, Args)]
pub(super) struct AdminArguments {
    #[command(flatten)]
    config: ConfigArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Where the gRPC admin service is, if not where the configuration says, and the TLS files to connect with.
#[derive(Debug, Args)]
pub(super) struct ConnectionArguments {
    /// Its address, instead of the configured `server.admin_grpc.address`: HOST:PORT or unix:/PATH
    #[arg(long, short, value_name = "ADDRESS")]
    address: Option<AdminAddress>,
    /// The authorities of its certificate, PEM: connect over TLS
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate to show, PEM (mutual TLS)
    #[arg(long, value_name = "FILE", requires_all = ["ca", "key"])]
    cert: Option<PathBuf>,
    /// The private key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl AdminArguments {
    pub(super) async fn connect(&self) -> Result<Client, CommandError> {
        self.connection.connect(&self.config).await
    }

    /// The configuration that `serve` reads.
    pub(super) fn configuration(&self) -> &ConfigArguments {
        &self.config
    }
}

impl ConnectionArguments {
    /// Whether the command line names an address.
    pub(super) fn names_an_address(&self) -> bool {
        self.address.is_some()
    }

    pub(super) async fn connect(&self, config: &ConfigArguments) -> Result<Client, CommandError> {
        let address = match &self.address {
            Some(address) => address.clone(),
            None => self.configured(config)?,
        };
        let tls = self.ca.clone().map(|ca| ClientTls {
            ca,
            identity: self.cert.clone().zip(self.key.clone()),
        });
        if tls.is_some() && address.is_unix() {
            return Err(CommandError::Usage(format!(
                "{address}: a Unix socket is asked without --ca, --cert and --key"
            )));
        }
        Ok(Client::connect(address, tls.as_ref()).await?)
    }

    fn configured(&self, config: &ConfigArguments) -> Result<AdminAddress, CommandError> {
        let config = config.load().map_err(|error| {
            CommandError::Usage(format!(
                "{error}\nonly the address of the running geowarden is needed: give it with --address instead"
            ))
        })?;
        let Some(admin) = config.server.admin_grpc else {
            return Err(CommandError::Usage(
                "expected the address of the admin service, found none: give --address, or `server.admin_grpc.address` in the configuration (--config)".to_owned(),
            ));
        };
        if admin.tls.is_some() && self.ca.is_none() {
            return Err(CommandError::Usage(
                "the configuration sets `server.admin_grpc.tls`: expected --ca, --cert and --key"
                    .to_owned(),
            ));
        }
        let address = match admin.address {
            ListenAddress::Tcp(address) => reachable(address).to_string(),
            unix @ ListenAddress::Unix(_) => unix.to_string(),
        };
        address.parse().map_err(CommandError::Usage)
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unreadable { .. } | ClientError::Certificates(_) => {
                Self::Usage(error.to_string())
            }
            ClientError::Unreachable { .. } | ClientError::Refused { .. } => {
                // The message contains text from the server.
                Self::Failed(paint::plain(&error.to_string()).into_owned())
            }
        }
    }
}

/// The address to connect to, if a server listens on `address`. If it listens on all interfaces, that is loopback.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// The async runtime of a command that connects to a server.
pub(super) fn runtime() -> Result<Runtime, CommandError> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn no_terminal_obeys_what_a_server_says() {
        let error = ClientError::Refused {
            address: "127.0.0.1:1".parse().unwrap(),
            message: "\u{1b}]0;title\u{7}\nerror: none".to_owned(),
        };
        let text = CommandError::from(error).to_string();
        assert_eq!(text, "127.0.0.1:1: \\u{1b}]0;title\\u{7}\\nerror: none");
    }
}
