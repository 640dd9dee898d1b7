//! `geowarden-load`: one load on an ext_authz server, and what came of it as JSON.

use std::{
    io::{Write as _, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    time::Duration,
};

use clap::Parser;
use geowarden_bench::{
    Result, cpu,
    load::{Expected, Generator, Load, Summary, Until},
    request,
};

/// Load an ext_authz server (envoy.service.auth.v3) and print latencies, throughput and CPU as JSON
#[derive(Debug, Parser)]
#[command(
    name = "geowarden-load",
    version,
    after_help = "Exit codes: 0 every answer was the expected one; 1 one was not, or no load could be sent; 2 usage."
)]
struct Arguments {
    /// Where the server listens: ADDRESS:PORT or unix:/PATH
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// The requests, sent in turn: JSON lines {"path": .., "method"?, "host"?, "headers"?, "body"?}, or one CheckRequest (.pb)
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,
    /// HTTP/2 connections
    #[arg(long, default_value_t = 1, value_name = "N")]
    connections: usize,
    /// Requests in flight on each connection
    #[arg(long, default_value_t = 32, value_name = "N")]
    streams: usize,
    /// For how long: 5s, 500ms
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration, conflicts_with = "count")]
    duration: Duration,
    /// How many requests, instead of a duration
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// How long to send before anything counts; of a count nothing is sent before
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration, conflicts_with = "count")]
    warmup: Duration,
    /// What every answer has to be: allowed, denied, or the HTTP status of the refusal
    #[arg(long, default_value = "allowed")]
    expect: Expected,
    /// The server's process id, whose CPU time is counted
    #[arg(long, value_name = "PID")]
    server: Option<u32>,
}

impl Arguments {
    async fn load(&self) -> Result<Summary> {
        let load = Load {
            requests: Rc::from(request::of_file(&self.requests)?),
            streams: self.streams,
            until: self
                .count
                .map_or(Until::Elapsed(self.duration), Until::Asked),
            expected: self.expect,
        };
        let generator = Generator::connect(&self.address, self.connections).await?;
        if !self.warmup.is_zero() {
            let warmup = Load {
                until: Until::Elapsed(self.warmup),
                ..load.clone()
            };
            generator.run(&warmup).await?;
        }
        let cpu = || self.server.map(cpu::of_process).transpose();
        let before = cpu()?;
        let outcome = generator.run(&load).await?;
        let spent = cpu()?
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before));
        Ok(outcome.summary(spent))
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(is_as_expected) if is_as_expected => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            // Standard error that cannot be written leaves the exit code to speak.
            let _ = writeln!(stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> std::result::Result<bool, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let summary = runtime.block_on(arguments.load())?;
    writeln!(stdout(), "{}", serde_json::to_string_pretty(&summary)?)?;
    Ok(summary.unexpected == 0 && summary.failed == 0)
}
