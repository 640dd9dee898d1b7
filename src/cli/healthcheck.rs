//! `geowarden healthcheck`: a probe, so that the image needs no other program for it.

use std::{error::Error, net::SocketAddr, process::ExitCode};

use clap::Args;

use super::{
    CommandError, ConfigArguments, paint, print,
    running::{LIMIT, reachable, runtime},
};

#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    config: ConfigArguments,
    /// The admin address, instead of the configuration's
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
    /// Ask only whether the process is alive
    #[arg(long)]
    live: bool,
}

impl Healthcheck {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let address = reachable(match self.admin {
            Some(address) => address,
            None => self.config.load()?.server.admin,
        });
        let page = if self.live { "livez" } else { "readyz" };
        let (status, text) = runtime()?
            .block_on(ask(&format!("http://{address}/{page}")))
            .map_err(|e| CommandError::Failed(format!("{address}: {}", innermost(&e))))?;
        // The text comes from whatever program listens at that address.
        let lines: Vec<_> = text.trim().lines().map(paint::plain).collect();
        let text = lines.join("\n");
        if status == 200 {
            print(&format!("{text}\n"))?;
            Ok(ExitCode::SUCCESS)
        } else {
            Err(CommandError::Failed(text))
        }
    }
}

/// The innermost cause of an error. The outer ones only repeat the address.
fn innermost(error: &dyn Error) -> &dyn Error {
    error.source().map_or(error, innermost)
}

async fn ask(url: &str) -> Result<(u16, String), reqwest::Error> {
    let client = reqwest::Client::builder()
        .timeout(LIMIT)
        .no_proxy()
        // The admin address is plain HTTP, and an image may have no certificate authorities.
        .tls_certs_only(std::iter::empty())
        .build()?;
    let answer = client.get(url).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
