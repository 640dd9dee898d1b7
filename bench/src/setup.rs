//! A folder with all files of the geowarden that is measured.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use geowarden::authn::key_digest;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    Error, Result, policies,
    policies::Style,
    request::HttpAsk,
    tokens::{AUDIENCE, ISSUER, Issuer},
};

/// The API key of the requests.
pub const KEY: &str = "gw_bench_0123456789abcdefghijklmnopqrstuvwxyz";
/// A typical target of pygeoapi's clients.
pub const TARGET: &str = "/collections/obs/items?bbox=1,2,3,4&limit=10&f=json";

/// The policy that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider<'a> {
    /// The embedded default policy.
    Default,
    /// A generated policy over this number of collections.
    Collections(Style, usize),
    /// A policy in the repository.
    File(&'a Path),
}

/// The settings in which the measured geowardens differ.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// The policy.
    pub decider: Decider<'a>,
    /// The issuer whose tokens are accepted beside the API key.
    pub issuer: Option<&'a Issuer>,
    /// `telemetry.decisions`.
    pub decisions: &'static str,
    /// `policy.remembered_decisions`.
    pub remembered_decisions: u32,
}

impl Default for Choice<'_> {
    fn default() -> Self {
        Self {
            decider: Decider::Default,
            issuer: None,
            decisions: "none",
            remembered_decisions: 16_384,
        }
    }
}

/// The folder. It is removed when this value is dropped.
#[derive(Debug)]
pub struct Setup {
    folder: TempDir,
    /// The address of geowarden's gRPC service.
    pub grpc: SocketAddr,
    /// The address of geowarden's admin pages.
    pub admin: SocketAddr,
}

impl Setup {
    /// Writes configuration, keys and policy.
    pub fn new(choice: &Choice<'_>) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("geowarden-bench-")
            .tempdir()
            .map_err(Error::io("making a folder"))?;
        let setup = Self {
            folder,
            grpc: free_address()?,
            admin: free_address()?,
        };
        setup.put("api-keys.json", &keys().to_string())?;
        let policies = setup.path("policies");
        fs::create_dir(&policies).map_err(Error::io("making a folder"))?;
        // Time limits are long, so that no request is refused on a busy machine.
        let mut policy = json!({
            "timeout": "5s",
            "load_timeout": "60s",
            "remembered_decisions": choice.remembered_decisions,
        });
        match choice.decider {
            Decider::Default => {}
            Decider::Collections(style, count) => policies::write(&policies, style, count)?,
            Decider::File(file) => {
                fs::copy(file, policies.join("authz.rego"))
                    .map_err(Error::io(format!("copying {}", file.display())))?;
            }
        }
        if let (false, Some(policy)) = (choice.decider == Decider::Default, policy.as_object_mut())
        {
            policy.insert("path".to_owned(), json!("policies"));
        }
        let mut authn = json!({"api_keys": {"file": "api-keys.json"}});
        if let (Some(issuer), Some(authn)) = (choice.issuer, authn.as_object_mut()) {
            setup.put("jwks.json", &issuer.jwks())?;
            let issuer =
                json!([{"issuer": ISSUER, "audiences": [AUDIENCE], "jwks_file": "jwks.json"}]);
            authn.insert("jwt".to_owned(), issuer);
        }
        // JSON is YAML too.
        let config = json!({
            "server": {"grpc": setup.grpc.to_string(), "admin": setup.admin.to_string(), "deadline": "10s"},
            "authn": authn,
            "policy": policy,
            "telemetry": {"decisions": choice.decisions, "format": "json"},
        });
        setup.put("geowarden.yaml", &config.to_string())?;
        Ok(setup)
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.path("geowarden.yaml")
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.path(name), text).map_err(Error::io(format!("writing {name}")))
    }
}

/// A hundred keys, of which one is used.
fn keys() -> serde_json::Value {
    let entry = |id: String, key: &str| {
        json!({
            "id": id,
            "sha256": key_digest(key.as_bytes()),
            "attributes": {"company": "osgeo", "roles": ["reader"]},
        })
    };
    let others =
        (1..100).map(|number| entry(format!("other-{number}"), &format!("gw_other_{number}")));
    std::iter::once(entry("osgeo".to_owned(), KEY))
        .chain(others)
        .collect()
}

/// A port that is free now.
///
/// The log of the measured geowarden may go to `/dev/null`, so it cannot say which port the system chose. If another process
/// takes this port first, the start fails with an error.
pub(crate) fn free_address() -> Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map_err(Error::io("looking for a free port"))
}

/// A request with the API key, and with one of geowarden's headers, which clients must not set and geowarden removes.
pub fn with_key(path: &str) -> HttpAsk {
    let headers = [("x-api-key", KEY), ("x-geowarden-subject", "admin")];
    HttpAsk::of_a_browser(path, &headers)
}

/// A request with a token, and the same header.
pub fn with_token(path: &str, token: &str) -> HttpAsk {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-geowarden-subject", "admin"),
    ];
    HttpAsk::of_a_browser(path, &headers)
}
