//! A geowarden for one test, between an Envoy and a pygeoapi.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use geowarden_stack::{
    Answer, Ask, Envoy, EnvoyConfig, Geowarden, GrpcAddress, Provider, Pygeoapi, Tools,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpSocket;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The binary under test.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_geowarden"))
}

/// The files of one geowarden: configuration, keys, a copy of the example policy.
pub(crate) struct Files {
    folder: TempDir,
    pub(crate) osgeo_key: String,
    pub(crate) geobeyond_key: String,
}

impl Files {
    pub(crate) async fn new() -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("geowarden-e2e-")
            .tempdir()?;
        fs::create_dir(folder.path().join("policies"))?;
        fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/examples/company/authz.rego"),
            folder.path().join("policies/authz.rego"),
        )?;
        let mut entries = Vec::new();
        let mut keys = Vec::new();
        for company in ["osgeo", "geobeyond"] {
            let attribute = format!("company={company}");
            let made = Geowarden::run(
                binary(),
                &[
                    "key",
                    "new",
                    "--id",
                    company,
                    "--attribute",
                    &attribute,
                    "--json",
                ],
            )
            .await?;
            let made: Value = serde_json::from_str(&made)?;
            keys.push(made["key"].as_str().unwrap_or_default().to_owned());
            entries.push(made["entry"].clone());
        }
        let files = Self {
            osgeo_key: keys[0].clone(),
            geobeyond_key: keys[1].clone(),
            folder,
        };
        files.write("api-keys.yaml", &Value::from(entries).to_string())?;
        Ok(files)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file in one step, as an editor or a ConfigMap does.
    pub(crate) fn write(&self, name: &str, text: &str) -> Outcome {
        let aside = self.path(".aside");
        fs::write(&aside, text)?;
        fs::rename(aside, self.path(name))?;
        Ok(())
    }

    /// Writes the configuration; `more` is YAML of further sections.
    pub(crate) fn configure(&self, grpc: &str, jwt: &str, more: &str) -> Outcome<PathBuf> {
        let text = format!(
            "server: {{grpc: '{grpc}', admin: '127.0.0.1:0'}}\nauthn:\n  api_keys: {{file: api-keys.yaml}}\n  jwt: [{jwt}]\npolicy: {{path: policies}}\n{more}\n"
        );
        self.write("geowarden.yaml", &text)?;
        Ok(self.path("geowarden.yaml"))
    }
}

/// One trusted issuer as YAML. Its keys are refreshed quickly.
pub(crate) fn issuer(issuer: &str) -> String {
    format!(
        "{{issuer: '{issuer}', audiences: [pygeoapi], algorithms: [RS256], refresh_floor: 100ms}}"
    )
}

/// Envoy, geowarden and pygeoapi. They end in the order of the fields.
pub(crate) struct Stage {
    pub(crate) envoy: Envoy,
    pub(crate) geowarden: Option<Geowarden>,
    _pygeoapi: Pygeoapi,
    pub(crate) files: Files,
}

impl Stage {
    /// Starts with API keys only, with the shipped `envoy/api-key.yaml`.
    pub(crate) async fn with_keys() -> Outcome<Self> {
        Self::new("envoy/api-key.yaml", "127.0.0.1:0", "").await
    }

    /// Starts with API keys and with tokens of `provider`, with the shipped `envoy/jwt.yaml`.
    pub(crate) async fn with_tokens(provider: &Provider) -> Outcome<Self> {
        Self::new("envoy/jwt.yaml", "127.0.0.1:0", &issuer(&provider.issuer())).await
    }

    pub(crate) async fn new(template: &str, grpc: &str, jwt: &str) -> Outcome<Self> {
        let files = Files::new().await?;
        let grpc = grpc.replace("FOLDER", &files.path("").display().to_string());
        let config = files.configure(&grpc, jwt, "")?;
        let geowarden = Geowarden::start(binary(), &config).await?;
        Self::around(template, files, geowarden).await
    }

    pub(crate) async fn around(
        template: &str,
        files: Files,
        geowarden: Geowarden,
    ) -> Outcome<Self> {
        let tools = Tools::find()?;
        let pygeoapi = Pygeoapi::start(&tools).await?;
        let envoy = start_envoy(&tools, template, &pygeoapi, geowarden.grpc()).await?;
        Ok(Self::of(envoy, geowarden, pygeoapi, files))
    }

    pub(crate) fn of(envoy: Envoy, geowarden: Geowarden, pygeoapi: Pygeoapi, files: Files) -> Self {
        Self {
            envoy,
            geowarden: Some(geowarden),
            _pygeoapi: pygeoapi,
            files,
        }
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Outcome<Answer> {
        Ok(ask.send(&self.envoy.address()).await?)
    }

    /// The status of an answer, and its code if it is a problem document.
    pub(crate) async fn status(&self, ask: Ask) -> Outcome<(u16, String)> {
        let answer = self.ask(ask).await?;
        let code = answer
            .json()
            .ok()
            .and_then(|body| body["code"].as_str().map(str::to_owned));
        Ok((answer.status(), code.unwrap_or_default()))
    }

    pub(crate) fn geowarden(&mut self) -> Outcome<&mut Geowarden> {
        self.geowarden
            .as_mut()
            .ok_or_else(|| "geowarden has ended".into())
    }
}

pub(crate) async fn start_envoy(
    tools: &Tools,
    template: &str,
    pygeoapi: &Pygeoapi,
    grpc: &GrpcAddress,
) -> Outcome<Envoy> {
    let template = tools.repository().join(template);
    let config = EnvoyConfig::new(&template, pygeoapi.port(), grpc);
    Ok(Envoy::start(tools, &config).await?)
}

/// Asks for the items of a collection with an API key.
pub(crate) fn items(collection: &str, key: &str) -> Ask {
    Ask::get(format!("/collections/{collection}/items")).header("x-api-key", key)
}

/// Asks for the items of a collection with a token.
pub(crate) fn items_by_token(collection: &str, token: &str) -> Ask {
    Ask::get(format!("/collections/{collection}/items")).bearer(token)
}

/// A port on which Envoy or gunicorn can listen. No other program gets it while the returned socket exists.
pub(crate) fn reserved_port() -> Outcome<(TcpSocket, u16)> {
    let socket = TcpSocket::new_v4()?;
    // Envoy and gunicorn set SO_REUSEPORT too. This socket does not listen, so it gets no connection.
    socket.set_reuseport(true)?;
    socket.bind("127.0.0.1:0".parse()?)?;
    let port = socket.local_addr()?.port();
    Ok((socket, port))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
