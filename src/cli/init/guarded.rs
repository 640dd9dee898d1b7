//! What there is to guard, read from pygeoapi's own configuration.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use geowarden_yaml::Document;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::super::CommandError;
use crate::{authn::is_loopback, config::Problems, reload::url_prefix};

/// Where pygeoapi listens if its configuration does not say.
const PORT: u16 = 5000;

/// The pygeoapi of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guarded {
    /// The configuration file, from the root on.
    pub(super) file: PathBuf,
    /// Its text.
    pub(super) text: String,
    /// The ids of its collections, in their order.
    pub(super) collections: Vec<String>,
    /// Collections whose items can be changed.
    pub(super) editable: Vec<String>,
    /// Collections with items: a coverage or a map has none.
    pub(super) with_items: Vec<String>,
    /// The files and folders of this machine that it names.
    pub(super) paths: BTreeSet<PathBuf>,
    /// The variables of the environment that it reads.
    pub(super) variables: BTreeSet<String>,
    /// The collections and processes whose database is on the host itself.
    pub(super) with_local_databases: Vec<String>,
    /// The ids of its processes.
    pub(super) processes: Vec<String>,
    /// The port that it listens on.
    pub(super) port: u16,
    /// `server.url`, which its links begin with.
    pub(super) url: Option<Url>,
    /// The path of `server.url`, below which a server of the web starts it (WSGI's `SCRIPT_NAME`); empty for none.
    pub(super) script_name: String,
    /// The path that it adds to its routes by itself (`server.api_rules.url_prefix`); empty for none.
    pub(super) url_prefix: String,
    /// What the operator should know.
    pub(super) notes: Vec<String>,
}

impl Guarded {
    pub(super) fn read(file: &Path) -> Result<Self, CommandError> {
        let name = file.display().to_string();
        let fault = |line, message: String| {
            CommandError::Config(Problems::file(name.clone(), line, message))
        };
        let text = fs::read_to_string(file)
            .map_err(|error| fault(None, format!("cannot be read: {error}")))?;
        let absolute = fs::canonicalize(file).map_err(|error| fault(None, error.to_string()))?;
        let document =
            Document::parse(&text).map_err(|error| fault(Some(error.line), error.message))?;
        Self::of(absolute, &text, &document.value).ok_or_else(|| {
            let expected = "expected a configuration of pygeoapi with a mapping `resources`";
            fault(None, expected.to_owned())
        })
    }

    fn of(file: PathBuf, text: &str, value: &Value) -> Option<Self> {
        let resources = value.get("resources")?.as_object()?;
        let of_type = |wanted: &'static str| {
            let is = move |resource: &&Value| {
                resource.get("type").and_then(Value::as_str) == Some(wanted)
            };
            resources.iter().filter(move |(_, resource)| is(resource))
        };
        let ids = |(id, _): (&String, &Value)| id.clone();
        let mut guarded = Self {
            with_items: of_type("collection")
                .filter(|(_, resource)| has_items(resource))
                .map(ids)
                .collect(),
            with_local_databases: resources
                .iter()
                .filter(|(_, resource)| has_local_database(resource))
                .map(ids)
                .collect(),
            paths: BTreeSet::new(),
            variables: BTreeSet::new(),
            file,
            text: text.to_owned(),
            collections: of_type("collection").map(ids).collect(),
            editable: of_type("collection")
                .filter(|(_, resource)| is_editable(resource))
                .map(ids)
                .collect(),
            processes: of_type("process").map(ids).collect(),
            port: PORT,
            url: None,
            script_name: String::new(),
            url_prefix: String::new(),
            notes: Vec::new(),
        };
        guarded.read_outside(value);
        guarded.read_server(value.get("server").unwrap_or(&Value::Null));
        if of_type("stac-collection").next().is_some() {
            guarded.notes.push(
                "resources of the type `stac-collection` are for the role `admin` only: see docs/policies.md to open them".to_owned(),
            );
        }
        Some(guarded)
    }

    fn read_server(&mut self, server: &Value) {
        let bind = server.get("bind").unwrap_or(&Value::Null);
        let port = bind.get("port").map(|port| match port {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|port| u16::try_from(port).ok()),
        });
        match port {
            Some(Some(port)) => self.port = port,
            // The value may come from the environment: `${PORT}`.
            Some(None) => self.notes.push(format!(
                "`server.bind.port` of pygeoapi is no number here: {PORT} is assumed"
            )),
            None => {}
        }
        let url = server.get("url").and_then(Value::as_str);
        self.url = url.and_then(|url| Url::parse(url).ok());
        if let Some(url) = &self.url {
            url.path()
                .trim_end_matches('/')
                .clone_into(&mut self.script_name);
        }
        match url_prefix(server) {
            Some(prefix) => self.url_prefix = prefix,
            None => self.notes.push(
                "`server.api_rules.url_prefix` of pygeoapi depends on a variable or on pygeoapi's version: none is assumed; let `pygeoapi.base_path` of geowarden.yaml end with it"
                    .to_owned(),
            ),
        }
        if !self.script_name.is_empty() {
            self.notes.push(format!(
                "pygeoapi's links begin with the path {path}, so pygeoapi is started under it (SCRIPT_NAME) and `pygeoapi.base_path` begins with {path}: take both away if a proxy before Envoy removes that path",
                path = self.script_name
            ));
        }
    }

    /// Finds the files and environment variables that the configuration names: texts that are paths, and `${VARIABLE}`.
    fn read_outside(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                for part in text.split("${").skip(1) {
                    let name = part.split(['}', ':']).next().unwrap_or_default();
                    self.variables.insert(name.to_owned());
                }
                let path = self.folder().join(text);
                let is_file = text.contains(['/', '.']) && !text.ends_with("://");
                if let Some(found) = path.canonicalize().ok().filter(|_| is_file)
                    && found.parent().is_some()
                {
                    self.paths.insert(found);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| self.read_outside(one)),
            Value::Object(all) => all.values().for_each(|one| self.read_outside(one)),
            _ => {}
        }
    }

    /// Names the files outside the mounted folder, which containers would not see, and the cure.
    pub(super) fn not_in_containers(&self, mounted: Option<&Path>, cure: &str) -> Option<String> {
        let outside = self
            .paths
            .iter()
            .filter(|path| !mounted.is_some_and(|mounted| path.starts_with(mounted)));
        let paths: Vec<String> = outside.map(|path| path.display().to_string()).collect();
        let variables: Vec<String> = self
            .variables
            .iter()
            .map(|name| format!("${{{name}}}"))
            .collect();
        let all = [paths, variables].concat();
        (!all.is_empty()).then(|| {
            format!(
                "pygeoapi's configuration reads what its container does not have: {}: {cure}",
                all.join(", ")
            )
        })
    }

    /// Names what has its database on this machine, which a container does not reach by that name.
    pub(super) fn local_databases(&self, cure: &str) -> Option<String> {
        (!self.with_local_databases.is_empty()).then(|| {
            format!(
                "pygeoapi's configuration has a database on localhost for {}: in a container that is the container itself: {cure}",
                self.with_local_databases.join(", ")
            )
        })
    }

    /// What a reader may ask for, below pygeoapi's root; the first is the best to show.
    pub(super) fn pages_to_try(&self) -> impl Iterator<Item = String> {
        let items = self.with_items.iter();
        let items = items.map(|id| format!("/collections/{}/items", encoded(id)));
        let others = self.collections.iter();
        let others = others.filter(|id| !self.with_items.contains(*id));
        items
            .chain(others.map(|id| format!("/collections/{}", encoded(id))))
            .chain(["/collections".to_owned()])
    }

    /// The address that its links begin with, if that is another port of this machine than Envoy's, or another path than the one
    /// below which it is started.
    pub(super) fn other_links(&self, envoy: SocketAddr, script_name: &str) -> Option<&Url> {
        let url = self.url.as_ref()?;
        let is_other_port = is_loopback(url) && url.port_or_known_default() != Some(envoy.port());
        (is_other_port || self.script_name != script_name).then_some(url)
    }

    /// The folder of the configuration file, in which its data often are.
    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(&self.file)
    }
}

/// A segment of a path (RFC 3986, section 3.3).
fn encoded(id: &str) -> impl std::fmt::Display + '_ {
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(id, SEGMENT)
}

fn has_items(resource: &Value) -> bool {
    let mut kinds =
        providers(resource).filter_map(|provider| provider.get("type").and_then(Value::as_str));
    kinds.any(|kind| matches!(kind, "feature" | "record"))
}

fn providers(resource: &Value) -> impl Iterator<Item = &Value> {
    let all = resource.get("providers").and_then(Value::as_array);
    all.into_iter().flatten()
}

/// Whether a provider reads from a server on this machine: `data.host` of databases, or a URL as `data`.
fn has_local_database(resource: &Value) -> bool {
    providers(resource).any(|provider| {
        let data = provider.get("data").unwrap_or(&Value::Null);
        let url = match data.get("host").and_then(Value::as_str) {
            Some(host) => Url::parse(&format!("host://{}", bracketed(host))),
            None => Url::parse(data.as_str().unwrap_or_default()),
        };
        url.is_ok_and(|url| is_loopback(&url))
    })
}

/// An address of IPv6 as it stands in a URL.
fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') && !host.starts_with('[') {
        Cow::Owned(format!("[{host}]"))
    } else {
        Cow::Borrowed(host)
    }
}

fn is_editable(resource: &Value) -> bool {
    providers(resource).any(|provider| provider.get("editable") == Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests;
