//! A server under load: geowarden, the floor, or a peer, on the server's processor.

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

/// A running server and what it was started from.
#[derive(Debug)]
pub(crate) struct Authorizer {
    process: Process,
    pid: u32,
    grpc: SocketAddr,
    admin: Option<SocketAddr>,
    started_in: Duration,
    _setup: Option<Setup>,
}

/// Where a server may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the server's processor only.
    Pinned,
    /// Wherever the system puts it.
    Anywhere,
}

/// The programs that are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Programs<'a> {
    /// `geowarden`.
    pub(crate) geowarden: &'a Path,
    /// `geowarden-bench`, for its floor.
    pub(crate) bench: &'a Path,
    pub(crate) processors: &'a Processors,
}

impl Programs<'_> {
    /// A geowarden, once it is ready.
    pub(crate) async fn geowarden(&self, choice: &Choice<'_>, place: Place) -> Result<Authorizer> {
        let setup = Setup::new(choice)?;
        let plan = if choice.decisions == "none" {
            Plan::new("geowarden", self.geowarden)?
        } else {
            // What is measured of a line a decision is writing it, not the disk.
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

    /// The always-OK server.
    pub(crate) async fn floor(&self) -> Result<Authorizer> {
        let grpc = free_address()?;
        let plan = Plan::new("the floor", self.bench)?.args(["floor", &grpc.to_string()]);
        self.start(plan, grpc, None, Place::Pinned).await
    }

    /// Any ext_authz server that will listen at `grpc`, once it does, or once its `/readyz` at `admin` answers 200.
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

    /// The port of that.
    pub(crate) fn port(&self) -> u16 {
        self.grpc.port()
    }

    /// From its start until it was ready.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The time that its threads have been on a processor.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu::of_process(self.pid)
    }

    /// Its resident memory, MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        Ok(f64::from(memory::resident_kib(self.pid)?) / 1024.0)
    }

    /// Asks a geowarden to reload, and waits until it has: by a look at its metrics now and then.
    pub(crate) async fn reload(&self) -> Result<Duration> {
        let before = self.reloads().await?;
        let start = Instant::now();
        self.process.signal(Signal::SIGHUP)?;
        while self.reloads().await? == before {
            sleep(Duration::from_millis(2)).await;
        }
        Ok(start.elapsed())
    }

    /// The line that counts reloads. One that has failed would be waited for without end.
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
