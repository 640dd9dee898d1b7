//! A real Envoy with one of the shipped configurations.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::client::Ask;
use crate::geowarden::GrpcAddress;
use crate::process::{Plan, Process};
use crate::{Error, Result, Tools};

const NAME: &str = "Envoy";

/// A shipped configuration, and the addresses that replace those in it.
#[derive(Debug, Clone)]
pub struct EnvoyConfig {
    template: PathBuf,
    replacements: Vec<(String, String)>,
}

impl EnvoyConfig {
    /// A configuration file without any replacements. It must have a listener named `edge`.
    pub fn of(template: &Path) -> Self {
        Self {
            template: template.to_owned(),
            replacements: Vec::new(),
        }
    }

    /// A configuration file such as `envoy/api-key.yaml` between this pygeoapi and this geowarden.
    pub fn new(template: &Path, pygeoapi_port: u16, geowarden: &GrpcAddress) -> Self {
        let geowarden = match geowarden {
            GrpcAddress::Port(port) => on_loopback(*port),
            // Written as a JSON string, which is valid in YAML too.
            GrpcAddress::Unix(path) => {
                format!("pipe: {{path: {}}}", Value::from(path.to_string_lossy()))
            }
        };
        Self::of(template)
            .replace(on_loopback(8080), on_loopback(0))
            .replace(on_loopback(9901), on_loopback(0))
            .replace(on_loopback(5000), on_loopback(pygeoapi_port))
            .replace(on_loopback(9191), geowarden)
    }

    /// The text of a template's route to pygeoapi, so that a test can replace it by another action.
    pub fn route_of(template: &Path) -> Result<String> {
        let shown = template.display();
        let text = fs::read_to_string(template).map_err(Error::io(format!("reading {shown}")))?;
        let route = text.find("                          route:\n");
        let route = route.and_then(|at| text.get(at..));
        let route = route.and_then(|route| Some((route, route.find("\n\n")?)));
        let block = route.and_then(|(route, end)| route.get(..=end));
        block.map(str::to_owned).ok_or_else(|| Error::Rewrite {
            file: template.to_owned(),
            wanted: "route:".to_owned(),
            found: 0,
        })
    }

    /// Lets Envoy listen on this port, and not on one that the system chooses.
    #[must_use]
    pub fn listen_on(mut self, port: u16) -> Self {
        for (from, to) in &mut self.replacements {
            if *from == on_loopback(8080) {
                *to = on_loopback(port);
            }
        }
        self
    }

    /// Replaces a text by another. The text must be there exactly once: otherwise the start fails.
    #[must_use]
    pub fn replace(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.replacements.push((from.into(), to.into()));
        self
    }

    fn rewritten(&self) -> Result<String> {
        let shown = self.template.display();
        let text =
            fs::read_to_string(&self.template).map_err(Error::io(format!("reading {shown}")))?;
        // It is an error if a text is not found: Envoy would ask the wrong geowarden.
        self.replacements.iter().try_fold(text, |text, (from, to)| {
            match text.matches(from.as_str()).count() {
                1 => Ok(text.replacen(from, to, 1)),
                found => Err(Error::Rewrite {
                    file: self.template.clone(),
                    wanted: from.clone(),
                    found,
                }),
            }
        })
    }
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    ports: HashMap<String, u16>,
    port: u16,
    admin: String,
}

impl Envoy {
    /// Starts it, and waits until it listens.
    pub async fn start(tools: &Tools, config: &EnvoyConfig) -> Result<Self> {
        let plan = Plan::new(NAME, &tools.envoy()?)?;
        let file = plan.folder().join("envoy.yaml");
        fs::write(&file, config.rewritten()?)
            .map_err(Error::io(format!("writing {}", file.display())))?;
        let admin_file = plan.folder().join("admin-address");
        let mut process = plan
            .arg("--config-path")
            .arg(&file)
            .arg("--admin-address-path")
            .arg(&admin_file)
            // Many instances of Envoy run on one machine, so each may only have two threads.
            .args([
                "--use-dynamic-base-id",
                "--concurrency",
                "2",
                "--log-level",
                "warning",
            ])
            // Tests read the access log. By default Envoy writes it only every ten seconds.
            .args(["--file-flush-interval-msec", "50"])
            .start()?;
        let admin = process
            .until("said where its admin page is", async |_| {
                admin_in(&admin_file)
            })
            .await?;
        let ports = process
            .until("listened", async |_| listening_ports(&admin).await)
            .await?;
        let port = ports
            .get("edge")
            .copied()
            .ok_or_else(|| process.error("has no listener named `edge`"))?;
        Ok(Self {
            process,
            ports,
            port,
            admin,
        })
    }

    /// Whether Envoy accepts a configuration file as it is.
    pub async fn validate(tools: &Tools, file: &Path) -> Result<()> {
        let mut process = Plan::new("envoy --mode validate", &tools.envoy()?)?
            .args([
                "--mode",
                "validate",
                "--use-dynamic-base-id",
                "--config-path",
            ])
            .arg(file)
            .start()?;
        let status = process.ended().await?;
        if status.success() {
            Ok(())
        } else {
            Err(process.error(format!("ended with {status}")))
        }
    }

    /// The port that clients use, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of one of its listeners.
    pub fn port_of(&self, listener: &str) -> Option<u16> {
        self.ports.get(listener).copied()
    }

    /// The address that clients use: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of its admin page: `127.0.0.1:PORT`.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// Everything that it has logged so far, access log included.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The lines of its access log so far.
    pub fn access_log(&self) -> Vec<Value> {
        let lines = self.log();
        lines
            .lines()
            .filter(|line| line.starts_with('{'))
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Repeats a question until there is an answer. It is an error if Envoy ends, or if it takes too long.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut ask: impl AsyncFnMut() -> Option<T>,
    ) -> Result<T> {
        self.process.until(what, async |_| ask().await).await
    }

    /// Waits for a line of the access log for which `fits` is true.
    pub async fn access_log_line(&mut self, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        self.process
            .until("written the line of its access log", async |process| {
                let log = process.log();
                let mut lines = log
                    .lines()
                    .rev()
                    .filter_map(|line| serde_json::from_str(line).ok());
                lines.find(|line| fits(line))
            })
            .await
    }
}

fn on_loopback(port: u16) -> String {
    format!("socket_address: {{address: 127.0.0.1, port_value: {port}}}")
}

fn admin_in(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .map(|_| text.clone())
}

/// The ports of Envoy's listeners, or `None` until all of them have one.
async fn listening_ports(admin: &str) -> Option<HashMap<String, u16>> {
    let ready = Ask::get("/ready").send(admin).await.ok()?;
    if ready.status() != 200 {
        return None;
    }
    let listeners = Ask::get("/listeners?format=json")
        .send(admin)
        .await
        .ok()?
        .json()
        .ok()?;
    let listeners = listeners.get("listener_statuses")?.as_array()?;
    listeners
        .iter()
        .map(|listener| {
            let port = listener
                .pointer("/local_address/socket_address/port_value")?
                .as_u64()?;
            let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
            Some((listener.get("name")?.as_str()?.to_owned(), port))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shipped(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../envoy")
            .join(name)
    }

    #[test]
    fn every_address_of_the_shipped_files_is_replaced() {
        for name in ["api-key.yaml", "jwt.yaml"] {
            let unix = GrpcAddress::Unix(PathBuf::from("/tmp/a b.sock"));
            let text = EnvoyConfig::new(&shipped(name), 7, &unix)
                .listen_on(9)
                .rewritten()
                .unwrap();
            assert!(text.contains(r#"pipe: {path: "/tmp/a b.sock"}"#), "{name}");
            assert!(
                text.contains("port_value: 7}") && text.contains("port_value: 9}"),
                "{name}"
            );
            assert!(
                !text.contains("port_value: 9191") && !text.contains("port_value: 8080"),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_not_replaced_in_silence() {
        let config = EnvoyConfig::new(&shipped("jwt.yaml"), 7, &GrpcAddress::Port(8))
            .replace("no such text", "");
        let error = config.rewritten().unwrap_err().to_string();
        assert!(
            error.ends_with(r#"expected exactly one "no such text", found 0"#),
            "{error}"
        );
    }
}
