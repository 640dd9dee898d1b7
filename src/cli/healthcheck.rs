//! `geowarden healthcheck`: a probe that needs no other program in the image.

use std::{error::Error, net::SocketAddr, process::ExitCode, time::Duration};

use clap::Args;

use super::{CommandError, ConfigArguments, print};

/// Probes have a limit of their own; this one ends a connection that hangs.
const LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    config: ConfigArguments,
    /// The admin address, instead of the configuration's
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
    /// Ask only whether it lives
    #[arg(long)]
    live: bool,
}

impl Healthcheck {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut address = match self.admin {
            Some(address) => address,
            None => self.config.load()?.server.admin,
        };
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let page = if self.live { "livez" } else { "readyz" };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (status, text) = runtime
            .block_on(ask(&format!("http://{address}/{page}")))
            .map_err(|e| CommandError::Failed(format!("{address}: {}", innermost(&e))))?;
        if status == 200 {
            print(&text)?;
            Ok(ExitCode::SUCCESS)
        } else {
            Err(CommandError::Failed(text.trim().to_owned()))
        }
    }
}

/// The cause that says something: the outer ones repeat the address.
fn innermost(error: &dyn Error) -> &dyn Error {
    error.source().map_or(error, innermost)
}

async fn ask(url: &str) -> Result<(u16, String), reqwest::Error> {
    let client = reqwest::Client::builder()
        .timeout(LIMIT)
        .no_proxy()
        // Nothing here speaks TLS, and an image may have no certificate authorities.
        .tls_certs_only(std::iter::empty())
        .build()?;
    let answer = client.get(url).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
