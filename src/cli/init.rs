//! `geowarden init`: from a configuration of pygeoapi to a folder that guards it.

mod bootstrap;
mod compose;
mod credentials;
mod example;
mod fastgeoapi;
mod folder;
mod guarded;
mod kubernetes;
mod login;
mod openapi;
mod options;
mod place;
mod policy;
mod reach;
mod shell;
mod summary;
mod systemd;
mod template;

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use url::Url;

use self::{
    bootstrap::Bootstrap, example::Example, folder::Folder, guarded::Guarded, place::Place,
    shell::quoted, summary::Summary,
};
use super::{
    CommandError,
    format::{Format, FormatArguments},
    print, print_json,
    read::backends,
};
use crate::{
    authn::is_loopback,
    config::{Config, Environment, Problem, Problems, key_file::Entry},
    reload::tenants,
    request::ogc::Backend,
};

/// How it is used.
const EXPLANATION: &str = "\
It reads the collections, the processes and the address of pygeoapi from pygeoapi's configuration. It writes geowarden.yaml, a \
policy by role with its tests, an API key, a bootstrap for Envoy, and pygeoapi's OpenAPI document with how to authenticate. At \
the end it says the commands that start everything. If one of the files is there already, nothing is written.

  geowarden init maps --pygeoapi pygeoapi-config.yml
  geowarden init /etc/geowarden --for systemd \\
    --pygeoapi /etc/pygeoapi/config.yml
  geowarden init maps --pygeoapi config.yml --mode jwt \\
    --issuer https://idp.example/realms/maps --audience pygeoapi
  geowarden init maps --pygeoapi config.yml --mode fastgeoapi \\
    --env-file .env --policy auth.rego --for compose";

/// How callers show who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// By API keys
    ApiKey,
    /// By API keys, and by tokens of an issuer
    Jwt,
    /// By API keys, by tokens of an issuer, and by a login in a browser
    Oidc,
    /// As fastgeoapi's .env says
    Fastgeoapi,
}

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct Init {
    /// The folder to write; it is made if it is not there
    #[arg(value_name = "FOLDER", default_value = "geowarden")]
    folder: PathBuf,
    /// pygeoapi's configuration file
    #[arg(long, value_name = "FILE")]
    pygeoapi: PathBuf,
    /// How callers show who they are
    #[arg(long, value_enum, default_value_t = Mode::ApiKey)]
    mode: Mode,
    /// Where it is to run
    #[arg(long = "for", value_enum, value_name = "PLACE", default_value_t = Place::Host)]
    place: Place,
    /// Where clients reach Envoy
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = options::listen)]
    listen: SocketAddr,
    /// The web framework that pygeoapi runs on
    #[arg(long, value_parser = backends())]
    backend: Option<Backend>,
    /// pygeoapi's OpenAPI document; without it `pygeoapi openapi generate` makes one, if that program is on the PATH
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
    /// The issuer of the tokens (jwt, oidc)
    #[arg(long, value_name = "URL", required_if_eq_any([("mode", "jwt"), ("mode", "oidc")]))]
    issuer: Option<String>,
    /// A value of the tokens' `aud` that is accepted; may be given again (jwt, oidc)
    #[arg(long = "audience", value_name = "AUDIENCE", required_if_eq_any([("mode", "jwt"), ("mode", "oidc")]))]
    audiences: Vec<String>,
    /// Envoy's client at the issuer (oidc)
    #[arg(long, value_name = "ID", required_if_eq("mode", "oidc"))]
    client_id: Option<String>,
    /// A file with the secret of that client (oidc)
    #[arg(long, value_name = "FILE", required_if_eq("mode", "oidc"))]
    client_secret_file: Option<PathBuf>,
    /// A scope to ask for besides openid and offline_access; may be given again (oidc)
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// fastgeoapi's .env (fastgeoapi); without it `.env`
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// The policy that was loaded into OPA (fastgeoapi, with OPA_ENABLED)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
}

/// What a mode contributes.
struct Mine {
    /// The key of the API key's holder, where one was made.
    key: Option<String>,
    /// The entries of API keys.
    keys: Vec<Entry>,
    /// The files of the policy, by their name below `policies/`.
    policy: Vec<(&'static str, String)>,
    /// The sections of geowarden.yaml beside `server`, `pygeoapi.config` and the places of keys and policy.
    settings: Settings,
    bootstrap: Bootstrap,
    notes: Vec<String>,
}

/// What geowarden.yaml says of callers and policy.
struct Settings {
    /// More of the section `server`, a line each.
    server: &'static str,
    /// The path below which pygeoapi is started.
    script_name: String,
    /// Members of `authn`, besides `api_keys`.
    authn: String,
    /// Members of `policy`, besides `path`.
    policy: String,
    /// Sections behind these.
    more: String,
}

impl Mine {
    /// The path that all of pygeoapi's paths begin with, empty for none.
    fn base_path(&self, guarded: &Guarded) -> String {
        format!("{}{}", self.settings.script_name, guarded.url_prefix)
    }
}

impl Init {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let summary = self.write()?;
        if self.format.is(Format::Json) {
            print_json(&summary.json())?;
        } else {
            print(&summary.text())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self) -> Result<Summary, CommandError> {
        options::have_effect(self)?;
        let guarded = Guarded::read(&self.pygeoapi)?;
        options::ports_differ(self, &guarded)?;
        let mut folder = Folder::new(&self.folder)?;
        self.place.accepts(folder.path())?;
        let mine = match self.mode {
            Mode::Fastgeoapi => fastgeoapi::mine(self, &guarded)?,
            _ => credentials::mine(self, &guarded)?,
        };
        let local = self.check(&mine, &guarded, &folder)?;
        let mut notes = [guarded.notes.clone(), mine.notes.clone(), local.warnings].concat();
        notes.extend(self.notes(&guarded, &mine.settings.script_name));

        let yaml = self.place.configuration(&mine, &guarded, self.backend());
        folder.add("geowarden.yaml", yaml);
        for (name, text) in self.place.key_files(&mine.keys)? {
            folder.add(&name, text);
        }
        for (name, text) in &mine.policy {
            folder.add(&format!("policies/{name}"), text.clone());
        }
        let script_name = mine.settings.script_name.as_str();
        if self.backend() == Backend::Starlette && !script_name.is_empty() {
            return Err(CommandError::Usage(format!(
                "--backend starlette: expected a pygeoapi at the root of its server, found {script_name} in the path of `server.url`: uvicorn does not serve pygeoapi below a path; use --backend flask, or let a proxy in front of Envoy remove the path, and take it out of `server.url`"
            )));
        }
        folder.add(
            "envoy.yaml",
            self.place.envoy(self, &mine.bootstrap, &guarded, &folder)?,
        );
        for (name, text) in mine.bootstrap.secrets()? {
            folder.add(&name, text);
        }
        let mut commands = self.place.commands(self, &guarded, script_name, &folder);
        match self.place {
            Place::Host => {}
            Place::Systemd => {
                // /proc/self/exe, which leads to the program's file.
                let program = local.config.program.as_ref().map(fs::canonicalize);
                let program = program.transpose()?.unwrap_or_else(|| "geowarden".into());
                let programs = systemd::Programs::find(program, &Environment::of_process());
                commands = programs.commands(&folder);
                programs.add_units(&mut folder)?;
                notes.extend(programs.notes(&guarded));
                notes.push(format!(
                    "there is no service for pygeoapi here: start it as a user of its own, by a unit of yours or by `{}`; if that user may not read this folder, copy openapi.yml to where it may, and name the copy there",
                    place::pygeoapi(
                        self.backend(),
                        &guarded,
                        script_name,
                        &quoted(&folder.file("openapi.yml"))
                    )
                ));
            }
            Place::Compose => compose::add(self, &guarded, &mine, &mut folder)?,
            Place::Kubernetes => kubernetes::add(&guarded, &mine, &mut folder),
        }
        if self.place.has_document() {
            match openapi::document(self.openapi.as_deref(), &guarded, &local.config, &folder)? {
                Ok(document) => folder.add("openapi.yml", document),
                Err(note) => notes.push(note),
            }
        }
        folder.write()?;
        Ok(Summary {
            folder: folder.path().to_owned(),
            files: folder.names(),
            url: self.url(&mine.base_path(&guarded)),
            key: mine.key,
            example: local.example,
            has_login: mine.bootstrap.has_login(),
            issuer: self.issuer.clone(),
            commands,
            notes,
        })
    }

    /// Builds everything as a start would, from the texts; only the places of the files differ.
    fn check(
        &self,
        mine: &Mine,
        guarded: &Guarded,
        folder: &Folder,
    ) -> Result<Local, CommandError> {
        let trial = tempfile::tempdir()?;
        let mut aside = Folder::new(trial.path())?;
        for (name, text) in Place::Host.key_files(&mine.keys)? {
            aside.add(&name, text);
        }
        for (name, text) in &mine.policy {
            aside.add(&format!("policies/{name}"), text.clone());
        }
        aside.write()?;
        let yaml = Place::Host.configuration(mine, guarded, self.backend());
        let config = Config::from_text(
            &folder.path().join("geowarden.yaml").display().to_string(),
            &yaml,
            trial.path(),
            &Environment::of_process(),
        )
        .map_err(of_options)?;
        let (sources, problems) = tenants::key_sources_of_files(&config);
        problems.into_result(()).map_err(CommandError::Config)?;
        let built = tenants::all(&sources).map_err(CommandError::Config)?;
        Ok(Local {
            warnings: [built.risks, built.warnings].concat(),
            example: Example::find(guarded, &config)?,
            config,
        })
    }

    /// What to know of the address, and of what containers would not find.
    fn notes(&self, guarded: &Guarded, script_name: &str) -> Vec<String> {
        let mut all = Vec::new();
        if let Some(url) = guarded.other_links(self.listen, script_name) {
            all.push(format!(
                "pygeoapi's links begin with {} and the path `{}` (`server.url` of {}), which is not where clients find it behind Envoy: set it to the address that they use, such as {}",
                url.origin().ascii_serialization(),
                url.path(),
                guarded.file.display(),
                self.url(script_name)
            ));
        }
        if !self.listen.ip().is_loopback() {
            all.push(format!(
                "Envoy listens on {} without TLS: keys and tokens cross the network in clear text. Give the listener of envoy.yaml a certificate, as envoy/edge.yaml shows, or put a proxy with TLS before it",
                self.listen
            ));
        }
        if self.mode == Mode::Oidc {
            all.push(format!(
                "register the redirect URI http://{}/callback for the client {} at the issuer; where people use another address, SCHEME://HOST/callback",
                self.listen,
                self.client_id.as_deref().unwrap_or_default()
            ));
        }
        all.extend(self.unreachable_issuer());
        match self.place {
            Place::Compose => {
                all.extend(guarded.not_in_containers(
                    Some(guarded.folder()),
                    "mount them as `volumes`, and set the variables as `environment`, of the services `openapi` and `pygeoapi` in compose.yaml",
                ));
                all.extend(guarded.local_databases(
                    "name a host that the container reaches, such as a service of the database in compose.yaml; for a database of this machine, `host.docker.internal`, with `extra_hosts: [\"host.docker.internal:host-gateway\"]` in the services `openapi` and `pygeoapi`",
                ));
            }
            Place::Kubernetes => {
                all.extend(guarded.not_in_containers(
                    None,
                    "mount the data in pygeoapi/data-patch.yaml and name its place in pygeoapi/config.yml, and set the variables as `env` of the container `pygeoapi`",
                ));
                all.extend(guarded.local_databases(
                    "name the Service of the database in pygeoapi/config.yml, such as `postgres.databases.svc`",
                ));
            }
            Place::Host | Place::Systemd => {}
        }
        all
    }

    /// A note if containers would look for the issuer in themselves.
    fn unreachable_issuer(&self) -> Option<String> {
        let issuer = self.issuer.as_deref()?;
        let url = Url::parse(issuer).ok()?;
        let is_container = matches!(self.place, Place::Compose | Place::Kubernetes);
        (is_container && is_loopback(&url)).then(|| {
            format!(
                "the issuer {issuer} is on this machine by its name, which in a container means the container: give --issuer an address that containers and clients both reach"
            )
        })
    }

    fn backend(&self) -> Backend {
        self.backend.unwrap_or_default()
    }

    fn url(&self, base_path: &str) -> String {
        format!("http://{}{base_path}", self.listen)
    }
}

/// Names the option that a value came from: the file with it is not written yet.
fn of_options(problems: Problems) -> CommandError {
    let option = |problem: &Problem| {
        let options = [("issuer", "--issuer"), ("audiences", "--audience")];
        let inside = problem.path.strip_prefix("authn.jwt[0].")?;
        options
            .iter()
            .find(|(key, _)| inside.starts_with(key))
            .map(|(_, option)| *option)
    };
    let told = problems
        .0
        .iter()
        .find_map(|problem| Some(format!("{}: {}", option(problem)?, problem.message)));
    told.map_or(CommandError::Config(problems), CommandError::Usage)
}

/// A configuration that was built, and what there is to say of it.
struct Local {
    config: Config,
    warnings: Vec<String>,
    example: Example,
}
