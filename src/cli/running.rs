//! Another geowarden that runs: where it is asked, and how.

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

/// Probes and scripts have a limit of their own; this one ends a connection that hangs.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Where the gRPC admin service of a running geowarden is, and how to be let in.
#[derive(Debug, Args)]
pub(super) struct AdminArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Where it is, instead of the configuration's `server.admin_grpc.address`: HOST:PORT or unix:/PATH
    #[arg(long, short, value_name = "ADDRESS")]
    address: Option<AdminAddress>,
    /// The authorities of its certificate, PEM: ask over TLS
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
        let address = match &self.address {
            Some(address) => address.clone(),
            None => self.configured()?,
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

    fn configured(&self) -> Result<AdminAddress, CommandError> {
        let Some(admin) = self.config.load()?.server.admin_grpc else {
            return Err(CommandError::Usage(
                "where? expected --address, or `server.admin_grpc.address` in the configuration (--config)".to_owned(),
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
                // What the server says of it is among it.
                Self::Failed(paint::plain(&error.to_string()).into_owned())
            }
        }
    }
}

/// An address to ask where a server listens on `address`: all interfaces can be asked by loopback.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// What a command that asks runs in.
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
        let told = CommandError::from(error).to_string();
        assert_eq!(told, "127.0.0.1:1: \\u{1b}]0;title\\u{7}\\nerror: none");
    }
}
