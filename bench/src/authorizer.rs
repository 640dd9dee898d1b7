//! The server that is measured: geowarden, the floor, or a peer. It runs on the server's processor.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use geowarden_stack::{Ask, Plan, Process};
use nix::sys::signal::Signal;
use tokio::{net::TcpStream, time::sleep};

use crate::{
    Error, Result, cpu, memory,
    pin::Processors,
    setup::{Choice, Setup, free_address},
};

const POLL: Duration = Duration::from_micros(500);

/// A running server and its files.
#[derive(Debug)]
pub(crate) struct Authorizer {
    process: Process,
    pid: u32,
    grpc: SocketAddr,
    admin: Option<SocketAddr>,
    started_in: Duration,
    _setup: Option<Setup>,
}

/// The processors on which a server may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the server's processor only.
    Pinned,
    /// On every processor.
    Anywhere,
}

/// The programs that are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Programs<'a> {
    /// `geowarden`.
    pub(crate) geowarden: &'a Path,
    /// `geowarden-bench`, which is also the floor.
    pub(crate) bench: &'a Path,
    pub(crate) processors: &'a Processors,
}

impl Programs<'_> {
    /// Starts a geowarden, and waits until it is ready.
    pub(crate) async fn geowarden(&self, choice: &Choice<'_>, place: Place) -> Result<Authorizer> {
        let setup = Setup::new(choice)?;
        let plan = if choice.decisions == "none" {
            Plan::new("geowarden", self.geowarden)?
        } else {
            // Discard the log: geowarden's cost of a log line is measured, but not that of the disk.
            Plan::new("geowarden", Path::new("/bin/sh"))?
                .args(["-c", "exec \"$@\" 2>/dev/null", "sh"])
                .arg(self.geowarden)
        };
        let plan = plan.args(["serve", "--config"]).arg(setup.config_file());
        let started = self
            .start(plan, setup.grpc, Some(setup.admin), place)
            .await?;
        Ok(Authorizer {
            _setup: Some(setup),
            ..started
        })
    }

    /// Starts the always-OK server.
    pub(crate) async fn floor(&self) -> Result<Authorizer> {
        let grpc = free_address()?;
        let plan = Plan::new("the floor", self.bench)?.args(["floor", &grpc.to_string()]);
        self.start(plan, grpc, None, Place::Pinned).await
    }

    /// Starts any ext_authz server. It waits until the server listens at `grpc`, or until its `/readyz` at `admin` answers 200.
    pub(crate) async fn start(
        &self,
        plan: Plan,
        grpc: SocketAddr,
        admin: Option<SocketAddr>,
        place: Place,
    ) -> Result<Authorizer> {
        let start = Instant::now();
        let mut process = match place {
            Place::Pinned => self.processors.as_server(|| plan.start())??,
            Place::Anywhere => self.processors.unpinned(|| plan.start())??,
        };
        tokio::select! {
            () = ready(grpc, admin) => {}
            ended = process.ended() => {
                let how = ended.map_or_else(|e| e.to_string(), |status| status.to_string());
                return Err(process.error(format!("was not ready: {how}")).into());
            }
        }
        Ok(Authorizer {
            pid: process.id(),
            process,
            grpc,
            admin,
            started_in: start.elapsed(),
            _setup: None,
        })
    }
}

async fn ready(grpc: SocketAddr, admin: Option<SocketAddr>) {
    loop {
        let is_ready = match admin {
            Some(admin) => Ask::get("/readyz")
                .send(&admin.to_string())
                .await
                .is_ok_and(|answer| answer.status() == 200),
            None => TcpStream::connect(grpc).await.is_ok(),
        };
        if is_ready {
            return;
        }
        sleep(POLL).await;
    }
}

impl Authorizer {
    /// `ADDRESS:PORT` of its gRPC service.
    pub(crate) fn address(&self) -> String {
        self.grpc.to_string()
    }

    /// The port of its gRPC service.
    pub(crate) fn port(&self) -> u16 {
        self.grpc.port()
    }

    /// The time from its start until it was ready.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The CPU time of all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu::of_process(self.pid)
    }

    /// Its resident memory, MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        Ok(f64::from(memory::resident_kib(self.pid)?) / 1024.0)
    }

    /// Asks a geowarden to reload, and waits until its metrics show that it has done so.
    pub(crate) async fn reload(&self) -> Result<Duration> {
        let before = self.reloads().await?;
        let start = Instant::now();
        self.process.signal(Signal::SIGHUP)?;
        while self.reloads().await? == before {
            sleep(Duration::from_millis(2)).await;
        }
        Ok(start.elapsed())
    }

    /// The line of the metrics that counts reloads. A failed reload is an error, since it would be awaited for ever.
    async fn reloads(&self) -> Result<Option<String>> {
        let Some(admin) = self.admin else {
            return Ok(None);
        };
        let metrics = Ask::get("/metrics").send(&admin.to_string()).await?.text();
        let count = |result: &str| {
            let start = format!("geowarden_reloads_total{{result=\"{result}\"}}");
            metrics.lines().find(|line| line.starts_with(&start))
        };
        match count("failure") {
            Some(line) => Err(Error::unexpected("reloads", line)),
            None => Ok(count("success").map(str::to_owned)),
        }
    }
}
