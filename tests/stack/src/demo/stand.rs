//! All components of the demo, with their files in a temporary folder.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::screen::Screen;
use super::visit::KEY_HEADER;
use crate::folder::copy_folder;
use crate::{Envoy, EnvoyConfig, Error, Geowarden, Provider, Pygeoapi, Result, Tools};

/// The companies that get an API key.
const COMPANIES: [&str; 2] = ["osgeo", "geobeyond"];

/// All components. They end in the order of the fields: first Envoy, last the folder.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) envoy: Envoy,
    pub(crate) geowarden: Geowarden,
    pub(crate) provider: Provider,
    _pygeoapi: Pygeoapi,
    keys: Vec<String>,
    binary: PathBuf,
    folder: TempDir,
}

impl Stand {
    pub(crate) async fn start(tools: &Tools, binary: &Path, screen: &mut Screen) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("geowarden-demo-")
            .tempdir()
            .map_err(Error::io("making a folder for the demo"))?;
        copy_folder(
            &tools.repository().join("policies/examples/company"),
            &folder.path().join("policies"),
        )?;
        let keys = write_keys(binary, &folder.path().join("api-keys.yaml")).await?;
        // pygeoapi's links begin with Envoy's address, and Envoy's configuration has pygeoapi's. So choose Envoy's port first.
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        screen.begin("pygeoapi, and an identity provider")?;
        let provider = Provider::start(tools).await?;
        let config = folder.path().join("geowarden.yaml");
        let admin = admin_socket(folder.path());
        write(&config, &configuration(&provider.issuer(), &admin))?;
        let document = folder.path().join("openapi.yml");
        Pygeoapi::document_with_security(tools, binary, &config, &document).await?;
        let pygeoapi = Pygeoapi::start_with(tools, &url, &document).await?;
        screen.done()?;
        screen.begin("geowarden")?;
        let geowarden = Geowarden::start(binary, &config).await?;
        screen.done()?;
        screen.begin("Envoy")?;
        let template = tools.repository().join("envoy/jwt.yaml");
        let envoy = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc()).listen_on(port);
        let envoy = Envoy::start(tools, &envoy).await?;
        screen.done()?;
        Ok(Self {
            envoy,
            geowarden,
            provider,
            _pygeoapi: pygeoapi,
            keys,
            binary: binary.to_owned(),
            folder,
        })
    }

    /// The address of pygeoapi for clients.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.envoy.address())
    }

    /// The API key of a company.
    pub(crate) fn key(&self, company: &str) -> String {
        let keys = COMPANIES.iter().zip(&self.keys);
        keys.filter(|(known, _)| **known == company)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Each API key with the name of its shell variable.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (String, &str)> {
        let names = COMPANIES
            .iter()
            .map(|company| format!("{}_KEY", company.to_uppercase()));
        names.zip(self.keys.iter().map(String::as_str))
    }

    /// The command that gets a token for a client of the identity provider.
    pub(crate) fn token_command(&self, client: &str) -> String {
        let secret = Provider::secret(client);
        let form =
            format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
        format!(
            "curl -s -d '{form}' {}/token | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'",
            self.provider.issuer()
        )
    }

    /// The program `geowarden`.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// The configuration file of geowarden.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("geowarden.yaml")
    }

    /// The address of the admin service, for `geowarden tail`.
    pub(crate) fn admin_grpc(&self) -> String {
        admin_socket(self.folder.path())
    }

    /// The working copy of the policy.
    pub(crate) fn policies(&self) -> PathBuf {
        self.folder.path().join("policies")
    }

    /// The file that sets the shell variables of the curl commands.
    pub(crate) fn shell_names(&self) -> PathBuf {
        self.folder.path().join("demo.env")
    }

    /// Writes the file of the shell variables.
    pub(crate) fn write_shell_names(&self, tokens: &[(&str, &str)]) -> Result<()> {
        let names = std::iter::once(("GEOAPI".to_owned(), self.url()))
            .chain(self.keys().map(|(name, key)| (name, key.to_owned())))
            .chain(
                tokens
                    .iter()
                    .map(|(name, token)| ((*name).to_owned(), (*token).to_owned())),
            );
        let lines: Vec<String> = names
            .map(|(name, value)| format!("{name}='{value}'\n"))
            .collect();
        write(&self.shell_names(), &lines.concat())
    }

    /// Adds a file to the working copy of the policy in one step.
    pub(crate) fn add_policy(&self, name: &str, text: &str) -> Result<()> {
        let aside = self.folder.path().join(name);
        write(&aside, text)?;
        let place = self.policies().join(name);
        fs::rename(&aside, &place).map_err(Error::io(format!("writing {}", place.display())))
    }

    /// Removes such a file again.
    pub(crate) fn remove_policy(&self, name: &str) -> Result<()> {
        let place = self.policies().join(name);
        fs::remove_file(&place).map_err(Error::io(format!("removing {}", place.display())))
    }
}

fn admin_socket(folder: &Path) -> String {
    format!("unix:{}", folder.join("admin.sock").display())
}

fn configuration(issuer: &str, admin: &str) -> String {
    format!(
        "server: {{grpc: \"127.0.0.1:0\", admin: \"127.0.0.1:0\", admin_grpc: {{address: \"{admin}\"}}}}
authn:
  api_keys: {{header: {KEY_HEADER}, file: api-keys.yaml}}
  jwt:
    - {{issuer: \"{issuer}\", audiences: [pygeoapi], algorithms: [RS256]}}
policy: {{path: policies, entrypoint: geowarden/authz/allow, reload: true}}
"
    )
}

/// Makes a key for each company, and writes the key file with their digests.
async fn write_keys(binary: &Path, file: &Path) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    let mut entries = Vec::new();
    for company in COMPANIES {
        let attribute = format!("company={company}");
        let arguments = [
            "key",
            "new",
            "--id",
            company,
            "--attribute",
            &attribute,
            "--json",
        ];
        let said = Geowarden::run(binary, &arguments).await?;
        let unexpected = |problem: &str| {
            Error::unexpected("geowarden key new", format!("{problem} in {said:?}"))
        };
        let made: Value =
            serde_json::from_str(&said).map_err(|error| unexpected(&error.to_string()))?;
        let key = made
            .get("key")
            .and_then(Value::as_str)
            .ok_or_else(|| unexpected("no key"))?;
        let entry = made.get("entry").ok_or_else(|| unexpected("no entry"))?;
        keys.push(key.to_owned());
        entries.push(entry.clone());
    }
    // JSON is YAML too.
    write(file, &json!(entries).to_string())?;
    Ok(keys)
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(listener.map_err(Error::io("finding a free port"))?.port())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::io(format!("writing {}", path.display())))
}
