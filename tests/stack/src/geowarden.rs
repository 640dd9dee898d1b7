//! The real program `geowarden`, as an operator runs it.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::client::{Answer, Ask};
use crate::process::{Plan, Process};
use crate::{Error, Result};

/// The address at which Envoy asks geowarden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrpcAddress {
    /// A port on 127.0.0.1.
    Port(u16),
    /// A Unix socket.
    Unix(PathBuf),
}

/// A running `geowarden serve`.
#[derive(Debug)]
pub struct Geowarden {
    process: Process,
    grpc: GrpcAddress,
    admin: String,
}

impl Geowarden {
    /// Starts it with a configuration file, and waits until it is ready.
    ///
    /// The ports in the file should be 0. The ports that the system chose are read from the log.
    pub async fn start(binary: &Path, config_file: &Path) -> Result<Self> {
        let mut started = Self::start_alive(binary, config_file).await?;
        started.wait_for("/readyz").await?;
        Ok(started)
    }

    /// Starts it, and only waits until it is alive. It may not be ready, for example without signing keys.
    pub async fn start_alive(binary: &Path, config_file: &Path) -> Result<Self> {
        let plan = Plan::new("geowarden", binary)?
            .args(["serve", "--config"])
            .arg(config_file);
        Self::listening(plan.start()?).await
    }

    /// Starts it with an `.env` of fastgeoapi and with additional variables, and waits until it is ready.
    pub async fn start_from_env_file(
        binary: &Path,
        env_file: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let mut plan = Plan::new("geowarden", binary)?
            .args(["serve", "--env-file"])
            .arg(env_file)
            .env("GEOWARDEN_SERVER__GRPC", "127.0.0.1:0")
            .env("GEOWARDEN_SERVER__ADMIN", "127.0.0.1:0");
        for (name, value) in variables {
            plan = plan.env(name, value);
        }
        let mut started = Self::listening(plan.start()?).await?;
        started.wait_for("/readyz").await?;
        Ok(started)
    }

    async fn listening(process: Process) -> Result<Self> {
        let mut started = Self {
            process,
            grpc: GrpcAddress::Port(0),
            admin: String::new(),
        };
        (started.grpc, started.admin) = started
            .process
            .until("said where it listens", async |process| {
                addresses_in(&process.log())
            })
            .await?;
        started.wait_for("/livez").await?;
        Ok(started)
    }

    /// Runs another command, such as `key new ..`, and returns its output.
    pub async fn run(binary: &Path, arguments: &[&str]) -> Result<String> {
        let what = || format!("{} {}", binary.display(), arguments.join(" "));
        let output = tokio::process::Command::new(binary)
            .args(arguments)
            .output()
            .await
            .map_err(Error::io(what()))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Error::unexpected(
                what(),
                format!("ended with {}: {said}", output.status),
            ))
        }
    }

    /// Waits until a page of its admin address answers 200.
    pub async fn wait_for(&mut self, page: &str) -> Result<()> {
        let admin = self.admin.clone();
        self.process
            .until(&format!("answered 200 on {page}"), async |_| {
                let answer = Ask::get(page).send(&admin).await.ok()?;
                (answer.status() == 200).then_some(())
            })
            .await
    }

    /// Waits until its metrics have this line, for example `geowarden_reload_failed 1`.
    pub async fn wait_for_metric(&mut self, line: &str) -> Result<()> {
        let admin = self.admin.clone();
        self.process
            .until(&format!("shown the metric `{line}`"), async |_| {
                let metrics = Ask::get("/metrics").send(&admin).await.ok()?.text();
                metrics.lines().any(|shown| shown == line).then_some(())
            })
            .await
    }

    /// A page of its admin address.
    pub async fn admin_page(&self, page: &str) -> Result<Answer> {
        Ask::get(page).send(&self.admin).await
    }

    /// The address at which Envoy asks it.
    pub fn grpc(&self) -> &GrpcAddress {
        &self.grpc
    }

    /// The port at which Envoy asks it, or `None` for a Unix socket.
    pub fn grpc_port(&self) -> Option<u16> {
        match self.grpc {
            GrpcAddress::Port(port) => Some(port),
            GrpcAddress::Unix(_) => None,
        }
    }

    /// The address of its admin pages: `127.0.0.1:PORT`.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything that it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The events in its log so far, each with its fields at the top.
    pub fn events(&self) -> Vec<Value> {
        self.log().lines().filter_map(event).collect()
    }

    /// Waits for an event for which `fits` is true, and returns the newest. A line is written a moment after the answer.
    pub async fn event(&mut self, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        self.process
            .until("logged the event", async |process| {
                let log = process.log();
                let mut events = log.lines().rev().filter_map(event);
                events.find(|event| fits(event))
            })
            .await
    }

    /// Asks it to read its files again (SIGHUP).
    pub fn hangup(&self) -> Result<()> {
        self.process.signal(Signal::SIGHUP)
    }

    /// Asks it to end (SIGTERM), and returns how it ended.
    pub async fn terminate(self) -> Result<ExitStatus> {
        self.process.terminate().await
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(self) -> Result<()> {
        self.process.kill().await
    }
}

/// The last `listening` event of a log: its gRPC and admin addresses.
fn addresses_in(log: &str) -> Option<(GrpcAddress, String)> {
    // The last line may be incomplete, so ignore it.
    let (whole, _) = log.rsplit_once('\n')?;
    let listening =
        |event: &Value| event.get("message").and_then(Value::as_str) == Some("listening");
    let event = whole.lines().rev().filter_map(event).find(listening)?;
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    Some((grpc_address(text("grpc")?)?, text("admin")?.to_owned()))
}

fn grpc_address(text: &str) -> Option<GrpcAddress> {
    match text.strip_prefix("unix:") {
        Some(path) => Some(GrpcAddress::Unix(PathBuf::from(path))),
        None => text.rsplit_once(':')?.1.parse().ok().map(GrpcAddress::Port),
    }
}

/// One line of the log. The members of `fields`, if there are any, are moved to the top.
fn event(line: &str) -> Option<Value> {
    let Value::Object(mut event) = serde_json::from_str(line).ok()? else {
        return None;
    };
    if let Some(Value::Object(fields)) = event.remove("fields") {
        event.extend(fields);
    }
    Some(Value::Object(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_the_log_tell_the_addresses() {
        let nested = r#"{"level":"INFO","fields":{"message":"listening","grpc":"127.0.0.1:1","admin":"127.0.0.1:2"}}"#;
        let flat = r#"{"level":"INFO","message":"listening","grpc":"unix:/run/g.sock","admin":"127.0.0.1:2"}"#;
        let port = (GrpcAddress::Port(1), "127.0.0.1:2".to_owned());
        let unix = (
            GrpcAddress::Unix(PathBuf::from("/run/g.sock")),
            "127.0.0.1:2".to_owned(),
        );
        assert_eq!(addresses_in(&format!("not json\n{nested}\n")), Some(port));
        assert_eq!(addresses_in(&format!("{flat}\n")), Some(unix));
        assert_eq!(addresses_in(flat), None, "the line is not whole yet");
    }
}
