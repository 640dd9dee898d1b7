//! Starts and stops the containers of a pod in the order of Kubernetes.
//!
//! Start: the init containers one after the other, then the containers. A sidecar counts as started when its startup probe
//! passes. End: the preStop hooks, then SIGTERM to the containers, then to the sidecars in reverse order.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Output, Stdio},
};

use geowarden_stack::{Ask, Plan, Process, Tools};
use serde_json::Value;
use tokio::process::Command;

use super::{
    manifests::Manifests,
    volumes::{Volumes, text},
};
use crate::stage::{Outcome, binary, free_port};

/// Adapts files and commands of the pod to this machine: it replaces the paths of mounts by folders of the volumes, and
/// addresses by other addresses. It is an error if an address of the configuration is not found.
struct Local {
    envoy_admin: u16,
    pygeoapi: u16,
    geowarden_admin: String,
    mounts: Vec<(String, PathBuf)>,
}

/// The files of each Secret. No manifest contains them.
pub(super) type Secrets = BTreeMap<&'static str, BTreeMap<String, String>>;

/// A running pod.
pub(super) struct Pod {
    spec: Value,
    pub(super) volumes: Volumes,
    local: Local,
    envoy_ports: BTreeMap<String, u16>,
    /// The processes, in the order in which they were started.
    running: Vec<(String, Process)>,
}

impl Pod {
    /// Starts the pod of an overlay with these Secrets.
    pub(super) async fn start(overlay: &str, secrets: &Secrets) -> Outcome<Self> {
        let manifests = Manifests::of(overlay)?;
        let pod = manifests.pod()?.clone();
        // Envoy's configuration names the ports of its admin page and of pygeoapi, so they must be chosen before.
        let mut local = Local {
            envoy_admin: free_port()?,
            pygeoapi: free_port()?,
            geowarden_admin: "127.0.0.1:0".to_owned(),
            mounts: Vec::new(),
        };
        let mounts = mounts(&pod)?;
        let volumes = Volumes::fill(&manifests, secrets, |folder, text| {
            let mounts: Vec<_> = mounts
                .iter()
                .map(|(mount, volume)| (mount.clone(), folder.join(volume)))
                .collect();
            at_home(&local.addresses(text), &mounts)
        })?;
        local.mounts = mounts
            .into_iter()
            .map(|(mount, volume)| (mount, volumes.path(&volume)))
            .collect();
        let mut started = Self {
            spec: pod,
            volumes,
            local,
            envoy_ports: BTreeMap::new(),
            running: Vec::new(),
        };
        for container in started.containers("initContainers") {
            started.begin(&container).await?;
        }
        for container in started.containers("containers") {
            started.begin(&container).await?;
        }
        Ok(started)
    }

    fn containers(&self, kind: &str) -> Vec<Value> {
        self.spec[kind].as_array().cloned().unwrap_or_default()
    }

    async fn begin(&mut self, container: &Value) -> Outcome {
        let name = text(&container["name"])?.to_owned();
        let (program, arguments) = self.command_of(container)?;
        let mut plan = Plan::new("a container", &program)?.args(arguments);
        for variable in container["env"].as_array().into_iter().flatten() {
            plan = plan.env(
                text(&variable["name"])?,
                self.local.of(text(&variable["value"])?),
            );
        }
        // The gunicorn of the tests is newer than that of the image, and has a control socket, which the other has not.
        let mut process = plan
            .env("GUNICORN_CMD_ARGS", "--no-control-socket")
            .start()?;
        if container["restartPolicy"].is_null() && name.starts_with("openapi") {
            let status = process.ended().await?;
            return if status.success() {
                Ok(())
            } else {
                Err(process.error(format!("ended with {status}")).into())
            };
        }
        if name == "geowarden" {
            self.local.geowarden_admin = process
                .until("said where it listens", async |process| {
                    admin_address(&process.log())
                })
                .await?;
        }
        if name == "envoy" {
            let admin = format!("127.0.0.1:{}", self.local.envoy_admin);
            self.envoy_ports = process
                .until("listened", async |_| listeners(&admin).await)
                .await?;
        }
        let probe = &container["startupProbe"];
        process
            .until("passed its startup probe", async |_| {
                self.probe(probe).await.ok()?.then_some(())
            })
            .await?;
        self.running.push((name, process));
        Ok(())
    }

    /// A container's program and arguments. The image's entry point and paths are replaced by those of this machine.
    fn command_of(&self, container: &Value) -> Outcome<(PathBuf, Vec<String>)> {
        let mut words = Vec::new();
        if container["command"].is_null() {
            words.push("/geowarden".to_owned());
        }
        for key in ["command", "args"] {
            for word in container[key].as_array().into_iter().flatten() {
                words.push(text(word)?.to_owned());
            }
        }
        self.words(words)
    }

    fn words(&self, words: Vec<String>) -> Outcome<(PathBuf, Vec<String>)> {
        let mut words = words.into_iter();
        let tools = Tools::find()?;
        let program = match words.next().ok_or("a command without words")?.as_str() {
            "/geowarden" => binary().to_owned(),
            "/venv/bin/gunicorn" => tools.gunicorn()?,
            "/venv/bin/pygeoapi" => tools.pygeoapi()?,
            "/venv/bin/python3" => tools.pygeoapi_python()?,
            "envoy" => tools.envoy()?,
            "bash" => PathBuf::from("bash"),
            other => return Err(format!("no such program on this machine: {other}").into()),
        };
        Ok((program, words.map(|word| self.local.of(&word)).collect()))
    }

    async fn run(&self, exec: &Value) -> Outcome<Output> {
        let command = exec["command"].as_array().ok_or("no command")?;
        let words = command.iter().map(|w| Ok(text(w)?.to_owned()));
        let (program, arguments) = self.words(words.collect::<Outcome<_>>()?)?;
        Ok(Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?)
    }

    /// Whether a probe passes.
    pub(super) async fn probe(&self, probe: &Value) -> Outcome<bool> {
        if probe["exec"].is_object() {
            return Ok(self.run(&probe["exec"]).await?.status.success());
        }
        let get = &probe["httpGet"];
        let address = self.address(text(&get["port"])?)?;
        Ok(Ask::get(text(&get["path"])?).send(&address).await?.status() == 200)
    }

    /// The probe of a container.
    pub(super) fn probe_of(&self, container: &str, probe: &str) -> Value {
        let all = [
            self.containers("initContainers"),
            self.containers("containers"),
        ]
        .concat();
        all.into_iter()
            .find(|found| found["name"] == container)
            .map(|found| found[probe].clone())
            .unwrap_or_default()
    }

    /// The address of a named port of Envoy's: `http` or `probes`.
    pub(super) fn address(&self, port: &str) -> Outcome<String> {
        let listener = if port == "http" { "edge" } else { port };
        let port = self.envoy_ports.get(listener).ok_or("no such listener")?;
        Ok(format!("127.0.0.1:{port}"))
    }

    /// Waits until a page of Envoy's admin port has this line.
    pub(super) async fn wait_for_envoy(&mut self, page: &str, line: &str) -> Outcome {
        let admin = format!("127.0.0.1:{}", self.local.envoy_admin);
        let (_, process) = self.running.last_mut().ok_or("Envoy does not run")?;
        process
            .until(&format!("shown `{line}` on {page}"), async |_| {
                let text = Ask::get(page).send(&admin).await.ok()?.text();
                text.lines().any(|shown| shown == line).then_some(())
            })
            .await?;
        Ok(())
    }

    /// Waits until geowarden's metrics have this line.
    pub(super) async fn wait_for_metric(&mut self, line: &str) -> Outcome {
        let admin = self.local.geowarden_admin.clone();
        let (_, process) = self
            .running
            .iter_mut()
            .find(|(name, _)| name == "geowarden")
            .ok_or("geowarden does not run")?;
        process
            .until(&format!("shown the metric `{line}`"), async |_| {
                let metrics = Ask::get("/metrics").send(&admin).await.ok()?.text();
                metrics.lines().any(|shown| shown == line).then_some(())
            })
            .await?;
        Ok(())
    }

    /// Ends the pod as the kubelet does. Returns the containers in the order of their ends; each must end by itself.
    pub(super) async fn terminate(self) -> Outcome<Vec<String>> {
        for container in &self.containers("containers") {
            let hook = &container["lifecycle"]["preStop"];
            // The kubelet itself does the pause, so nothing runs.
            if hook["sleep"].is_object() {
                continue;
            }
            let hook = &hook["exec"];
            let output = self.run(hook).await?;
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && told.is_empty(), "{told}");
        }
        self.terminate_without_hooks().await
    }

    /// Ends the pod as if it had no preStop hooks.
    pub(super) async fn terminate_without_hooks(mut self) -> Outcome<Vec<String>> {
        let mut ended = Vec::new();
        // The containers started after the sidecars, so they come first in the reverse order.
        while let Some((name, process)) = self.running.pop() {
            let status = process.terminate().await?;
            assert!(status.success(), "{name} ended with {status}");
            ended.push(name);
        }
        Ok(ended)
    }
}

impl Local {
    fn addresses(&self, text: &str) -> String {
        let loopback = |port: u16| format!("{{address: 127.0.0.1, port_value: {port}}}");
        text.replace("{address: 0.0.0.0, port_value: 8080}", &loopback(0))
            .replace("{address: 0.0.0.0, port_value: 9902}", &loopback(0))
            .replace(&loopback(9901), &loopback(self.envoy_admin))
            .replace(&loopback(5000), &loopback(self.pygeoapi))
            .replace("admin: 0.0.0.0:9192", "admin: 127.0.0.1:0")
            .replace("grpc: 0.0.0.0:9191", "grpc: 127.0.0.1:0")
    }

    /// Adapts a word of a command or a value of its environment.
    fn of(&self, word: &str) -> String {
        let word = word
            .replace("127.0.0.1:9192", &self.geowarden_admin)
            .replace("127.0.0.1:5000", &format!("127.0.0.1:{}", self.pygeoapi))
            .replace("127.0.0.1/9901", &format!("127.0.0.1/{}", self.envoy_admin));
        at_home(&word, &self.mounts)
    }
}

/// Every mount of the pod: its path in the containers, and the name of its volume.
fn mounts(pod: &Value) -> Outcome<Vec<(String, String)>> {
    let mut all = BTreeMap::new();
    for kind in ["initContainers", "containers"] {
        for container in pod[kind].as_array().into_iter().flatten() {
            for mount in container["volumeMounts"].as_array().into_iter().flatten() {
                let path = text(&mount["mountPath"])?.to_owned();
                let volume = text(&mount["name"])?.to_owned();
                let before = all.insert(path.clone(), volume.clone());
                // All containers share one replacement, so a path must belong to the same volume in each.
                assert!(before.is_none_or(|before| before == volume), "{path}");
            }
        }
    }
    Ok(all.into_iter().collect())
}

fn admin_address(log: &str) -> Option<String> {
    let line = log.lines().find(|line| line.contains("\"listening\""))?;
    let event: Value = serde_json::from_str(line).ok()?;
    let fields = event.get("fields").unwrap_or(&event);
    fields["admin"].as_str().map(str::to_owned)
}

async fn listeners(admin: &str) -> Option<BTreeMap<String, u16>> {
    let listeners = Ask::get("/listeners?format=json").send(admin).await.ok()?;
    let listeners = listeners.json().ok()?;
    let ports: Option<BTreeMap<_, _>> = listeners["listener_statuses"]
        .as_array()?
        .iter()
        .map(|listener| {
            let port = &listener["local_address"]["socket_address"]["port_value"];
            let port = u16::try_from(port.as_u64()?)
                .ok()
                .filter(|port| *port > 0)?;
            Some((listener["name"].as_str()?.to_owned(), port))
        })
        .collect();
    ports.filter(|ports| ports.len() == 2)
}

/// Replaces every path below a mount by a path in the folder of its volume. It goes over the text once: replacements are not
/// replaced again.
fn at_home(text: &str, mounts: &[(String, PathBuf)]) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let begins = !whole.ends_with(|c: char| c.is_alphanumeric() || "/.-_".contains(c));
        let mount = mounts.iter().find(|(mount, _)| {
            rest.strip_prefix(mount.as_str())
                .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()))
        });
        if let Some((mount, folder)) = mount.filter(|_| begins) {
            whole.push_str(&folder.display().to_string());
            rest = rest.get(mount.len()..).unwrap_or_default();
        } else {
            whole.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    whole
}
