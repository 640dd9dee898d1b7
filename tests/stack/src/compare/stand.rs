//! Starts geowarden and fastgeoapi with the same `.env`.

use std::fmt;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{
    Envoy, EnvoyConfig, Error, Fastgeoapi, Geowarden, Glewlwyd, Opa, Provider, Pygeoapi, Result,
    Tools,
};

/// fastgeoapi's ways of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    ApiKey,
    Jwks,
    Oidc,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ApiKey => "api key",
            Self::Jwks => "jwks",
            Self::Oidc => "oidc",
        })
    }
}

/// The provider that issues tokens.
pub(super) enum Tokens {
    None,
    Minted(Provider),
    /// Its access tokens are valid for its userinfo endpoint, which fastgeoapi asks.
    Login(Glewlwyd),
}

/// The policy: OPA loads it for fastgeoapi, and geowarden loads it itself. It is valid in Rego v0 and v1.
const POLICY: &str = r#"package httpapi.authz

import rego.v1

default allow := false

allow if input.request_path == ["geoapi", "openapi"]

allow if {
    input.request_method == "GET"
    input.request_path == ["geoapi", "collections", "obs", "items"]
    input.company == "osgeo"
}

# No `true`, and so nothing that may let in.
allow := "yes" if input.request_path == ["geoapi", "collections", "lakes"]
"#;

pub(super) struct Stand {
    envoy: Envoy,
    _geowarden: Geowarden,
    _pygeoapi: Pygeoapi,
    fastgeoapi: Fastgeoapi,
    _opa: Option<Opa>,
    pub(super) tokens: Tokens,
    _folder: TempDir,
}

impl Stand {
    pub(super) async fn start(tools: &Tools, binary: &Path, mode: Mode) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(Error::io("making a folder"))?;
        let policy = folder.path().join("auth.rego");
        write(&policy, POLICY)?;
        let (tokens, opa, scheme) = scheme(tools, mode, &policy).await?;
        let env = format!("ENV_STATE=dev\nDEV_FASTGEOAPI_CONTEXT=/geoapi\n{scheme}");
        let file = folder.path().join(".env");
        write(&file, &env)?;
        let policy = policy.display().to_string();
        let variables: &[_] = match mode {
            Mode::Oidc => &[("GEOWARDEN_POLICY__PATH", policy.as_str())],
            Mode::ApiKey | Mode::Jwks => &[],
        };
        let geowarden = Geowarden::start_from_env_file(binary, &file, variables).await?;
        let (pygeoapi, fastgeoapi) = tokio::try_join!(
            Pygeoapi::start_under(tools, "/geoapi"),
            Fastgeoapi::start(tools, &env)
        )?;
        let template = tools.repository().join("envoy/jwt.yaml");
        let envoy = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc());
        Ok(Self {
            envoy: Envoy::start(tools, &envoy).await?,
            _geowarden: geowarden,
            _pygeoapi: pygeoapi,
            fastgeoapi,
            _opa: opa,
            tokens,
            _folder: folder,
        })
    }

    pub(super) fn theirs(&self) -> String {
        self.fastgeoapi.address()
    }

    pub(super) fn ours(&self) -> String {
        self.envoy.address()
    }
}

async fn scheme(tools: &Tools, mode: Mode, policy: &Path) -> Result<(Tokens, Option<Opa>, String)> {
    Ok(match mode {
        Mode::ApiKey => {
            let env = "DEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=pygeoapi\nPYGEOAPI_KEY_TWO=second\n";
            (Tokens::None, None, env.to_owned())
        }
        Mode::Jwks => {
            let provider = Provider::start(tools).await?;
            let issuer = provider.issuer();
            let env = format!(
                "DEV_JWKS_ENABLED=true\nDEV_OAUTH2_JWKS_ENDPOINT={issuer}/jwks\nDEV_OAUTH2_TOKEN_ENDPOINT={issuer}/token\nDEV_OAUTH2_EXPECTED_ISSUER={issuer}\nDEV_OAUTH2_EXPECTED_AUDIENCE=pygeoapi\n"
            );
            (Tokens::Minted(provider), None, env)
        }
        Mode::Oidc => {
            let (glewlwyd, opa) =
                tokio::try_join!(Glewlwyd::start(tools, 600), Opa::start(tools, policy))?;
            let env = format!(
                "DEV_OPA_ENABLED=true\nDEV_OPA_URL={}\nDEV_APP_URI=http://127.0.0.1:5000\nDEV_OIDC_WELL_KNOWN_ENDPOINT={}/.well-known/openid-configuration\nDEV_OIDC_CLIENT_ID=desktop\nDEV_OIDC_CLIENT_SECRET=desktop-secret\n",
                opa.url(),
                glewlwyd.issuer()
            );
            (Tokens::Login(glewlwyd), Some(opa), env)
        }
    })
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).map_err(Error::io(format!("writing {}", file.display())))
}
