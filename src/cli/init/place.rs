//! Where it is to run: addresses, places of files, and the commands that start it.

use std::{fmt::Write as _, path::Path};

use clap::ValueEnum;
use serde_json::json;

use super::{
    super::CommandError,
    Bootstrap, Folder, Guarded, Init, Mine, kubernetes,
    shell::quoted,
    systemd,
    template::{address, listener},
};
use crate::{config::key_file::Entry, request::ogc::Backend};

/// Where it is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Place {
    /// On this machine, started by hand
    Host,
    /// On this machine, as services of systemd
    Systemd,
    /// In containers, by Docker Compose
    Compose,
    /// In one pod, by kubectl
    Kubernetes,
}

/// Where geowarden listens, and where it finds its files.
struct Layout {
    grpc: &'static str,
    admin: &'static str,
    admin_grpc: &'static str,
    keys: &'static str,
    policy: &'static str,
}

impl Place {
    /// Services of systemd do not see home folders.
    pub(super) fn accepts(self, folder: &Path) -> Result<(), CommandError> {
        if self == Self::Systemd && systemd::is_hidden(folder) {
            return Err(CommandError::Usage(format!(
                "{}: expected a folder that services can read, found one below /home, /root, /run/user or /tmp: /etc/geowarden will do",
                folder.display()
            )));
        }
        Ok(())
    }

    fn layout(self) -> Layout {
        let beside = Layout {
            grpc: "127.0.0.1:9191",
            admin: "127.0.0.1:9192",
            admin_grpc: "127.0.0.1:9193",
            keys: "file: api-keys.yaml",
            policy: "policies",
        };
        match self {
            Self::Host | Self::Compose => beside,
            Self::Systemd => Layout {
                grpc: "unix:/run/geowarden/authz.sock",
                admin_grpc: "unix:/run/geowarden/admin.sock",
                ..beside
            },
            Self::Kubernetes => Layout {
                grpc: "unix:/run/geowarden/authz.sock",
                admin: "0.0.0.0:9192",
                admin_grpc: "unix:/run/geowarden/admin.sock",
                keys: "dir: /etc/geowarden/keys",
                policy: "/etc/geowarden/policy",
            },
        }
    }

    /// The ports of 127.0.0.1 that geowarden uses beside Envoy and pygeoapi.
    pub(super) fn ports(self) -> &'static [(u16, &'static str)] {
        match self {
            Self::Host => &[
                (9191, "geowarden's `server.grpc`"),
                (9192, "geowarden's `server.admin`"),
                (9193, "geowarden's `server.admin_grpc`"),
            ],
            Self::Systemd => &[(9192, "geowarden's `server.admin`")],
            Self::Compose | Self::Kubernetes => &[],
        }
    }

    /// The files of API keys: one list, or where it is a mounted Secret one entry a file.
    pub(super) fn key_files(self, keys: &[Entry]) -> Result<Vec<(String, String)>, CommandError> {
        let mut lines = Vec::new();
        for key in keys {
            lines.push(serde_json::to_string(key).map_err(std::io::Error::from)?);
        }
        if self == Self::Kubernetes {
            let names = keys.iter().map(|key| format!("api-keys/{}.yaml", key.id));
            return Ok(names.zip(lines).collect());
        }
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let mut text = String::from("# Digests of API keys: `geowarden key new` makes more.\n");
        for line in lines {
            let _ = writeln!(text, "- {line}");
        }
        Ok(vec![("api-keys.yaml".to_owned(), text)])
    }

    /// Whether the OpenAPI document is written here. Containers make it when they start.
    pub(super) fn has_document(self) -> bool {
        matches!(self, Self::Host | Self::Systemd)
    }

    /// geowarden.yaml.
    pub(super) fn configuration(self, mine: &Mine, guarded: &Guarded, backend: Backend) -> String {
        let layout = self.layout();
        let settings = &mine.settings;
        let mut text = format!(
            "server:\n  # Where Envoy asks.\n  grpc: {}\n  # /livez, /readyz and /metrics.\n  admin: {}\n  # For `geowarden status` and `geowarden tail`.\n  admin_grpc: {{address: \"{}\"}}\n{}",
            layout.grpc, layout.admin, layout.admin_grpc, settings.server
        );
        text.push_str("pygeoapi:\n");
        if let Some(file) = self.pygeoapi_config(guarded) {
            let _ = writeln!(
                text,
                "  # Ids that no request could reach are an error at start, risky settings a warning.\n  config: {}",
                json!(file)
            );
        }
        let base_path = mine.base_path(guarded);
        if !base_path.is_empty() {
            let _ = writeln!(text, "  base_path: {}", json!(base_path));
        }
        let _ = writeln!(text, "  backend: {}", json!(backend));
        if matches!(self, Self::Host | Self::Systemd) {
            let _ = writeln!(
                text,
                "  # Asked for its version.\n  url: http://127.0.0.1:{}",
                guarded.port
            );
        }
        if !mine.keys.is_empty() || !settings.authn.is_empty() {
            text.push_str("authn:\n");
        }
        if !mine.keys.is_empty() {
            let _ = writeln!(text, "  api_keys:\n    {}", layout.keys);
        }
        text.push_str(&settings.authn);
        let _ = write!(
            text,
            "policy:\n  path: {}\n  # A change of policies, data and keys is in force at once.\n  reload: true\n{}{}{}",
            layout.policy,
            settings.policy,
            self.decision_log(),
            settings.more
        );
        text
    }

    /// The section `decision_log`, as docs/operations.md recommends it.
    fn decision_log(self) -> String {
        let (decisions, output, why) = match self {
            Self::Host => (
                "all",
                "stderr",
                "On the terminal, between the other log lines.",
            ),
            Self::Systemd => (
                "all",
                "stderr",
                "To the journal, between the other log lines.",
            ),
            Self::Compose => (
                "all",
                "stdout",
                "Decisions go to standard output, all other log lines to standard error.",
            ),
            Self::Kubernetes => (
                "denied",
                "stdout",
                "Decisions go to standard output, all other log lines to standard error.",
            ),
        };
        format!(
            "decision_log:\n  # Which decisions have a line: `all`, `denied` or `none`. Metrics count all.\n  decisions: {decisions}\n  # {why}\n  output: {output}\n  # `reads`: what the policy read of the request, for `geowarden explain ID`. It can be personal data.\n  input: none\n"
        )
    }

    /// pygeoapi's configuration, where geowarden can read it.
    fn pygeoapi_config(self, guarded: &Guarded) -> Option<String> {
        match self {
            Self::Systemd if systemd::is_hidden(&guarded.file) => None,
            Self::Kubernetes => Some("/etc/pygeoapi/config.yml".to_owned()),
            _ => Some(guarded.file.display().to_string()),
        }
    }

    /// envoy.yaml.
    pub(super) fn envoy(
        self,
        init: &Init,
        bootstrap: &Bootstrap,
        guarded: &Guarded,
        folder: &Folder,
    ) -> Result<String, CommandError> {
        let listen = listener(init.listen);
        let loopback = address("127.0.0.1", 9191);
        match self {
            Self::Host => {
                bootstrap.on_host(&listen, guarded.port, &loopback, &folder.file("oauth2"))
            }
            Self::Systemd => bootstrap.on_host(
                &listen,
                guarded.port,
                "pipe: {path: /run/geowarden/authz.sock}",
                &folder.file("oauth2"),
            ),
            // The three containers share a network; which address of the host leads in is for compose.yaml to say.
            Self::Compose => bootstrap.on_host(
                &address("0.0.0.0", 8080),
                5000,
                &loopback,
                "/etc/envoy/oauth2",
            ),
            Self::Kubernetes => bootstrap.in_pod(),
        }
    }

    /// The commands that start everything, and what else to do before.
    pub(super) fn commands(
        self,
        init: &Init,
        guarded: &Guarded,
        script_name: &str,
        folder: &Folder,
    ) -> Vec<String> {
        let shown = |name: &str| quoted(&folder.file(name));
        match self {
            Self::Host => vec![
                pygeoapi(init.backend(), guarded, script_name, &shown("openapi.yml")),
                format!("geowarden serve --config {}", shown("geowarden.yaml")),
                // Another Envoy of this machine would be taken for an earlier one of the same service.
                format!(
                    "envoy --config-path {} --disable-hot-restart",
                    shown("envoy.yaml")
                ),
            ],
            // Its units know.
            Self::Systemd => Vec::new(),
            Self::Compose => {
                let file = shown("compose.yaml");
                vec![
                    format!("docker compose --file {file} pull"),
                    format!("docker compose --file {file} up --detach --wait"),
                    format!("docker compose --file {file} logs --follow geowarden"),
                ]
            }
            Self::Kubernetes => {
                kubernetes::commands(&quoted(&folder.path().display().to_string()), init.listen)
            }
        }
    }
}

/// How pygeoapi is started: on loopback only, and without headers that move its root.
pub(super) fn pygeoapi(
    backend: Backend,
    guarded: &Guarded,
    script_name: &str,
    document: &str,
) -> String {
    let config = quoted(&guarded.file.display().to_string());
    let port = guarded.port;
    let variables = format!("PYGEOAPI_CONFIG={config} PYGEOAPI_OPENAPI={document}");
    match backend {
        Backend::Flask => {
            let root = if script_name.is_empty() {
                String::new()
            } else {
                format!(" SCRIPT_NAME={}", quoted(script_name))
            };
            format!(
                "{variables}{root} gunicorn --bind 127.0.0.1:{port} --forwarder-headers X-None pygeoapi.flask_app:APP"
            )
        }
        Backend::Starlette => {
            format!("{variables} uvicorn --host 127.0.0.1 --port {port} pygeoapi.starlette_app:APP")
        }
    }
}
