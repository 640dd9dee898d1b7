//! The migration from fastgeoapi: its `.env` and its policy give the answers that its clients expect, through Envoy.

use std::fs;

use geowarden_stack::{Ask, Envoy, Geowarden, Provider, Pygeoapi, Tools};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::{Outcome, binary, start_envoy};

/// An observed answer of fastgeoapi: its name, the request, the status, and the body if it is fastgeoapi's own.
type Row = (&'static str, Ask, u16, Option<Value>);

struct Moved {
    envoy: Envoy,
    _geowarden: Geowarden,
    _pygeoapi: Pygeoapi,
    _folder: TempDir,
}

impl Moved {
    async fn from_env(env: &str, policy: Option<&str>) -> Outcome<Self> {
        let tools = Tools::find()?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join(".env");
        fs::write(&file, env)?;
        let policy_file = folder.path().join("auth.rego").display().to_string();
        let mut variables = Vec::new();
        if let Some(policy) = policy {
            fs::write(&policy_file, policy)?;
            variables.push(("GEOWARDEN_POLICY__PATH", policy_file.as_str()));
        }
        let geowarden = Geowarden::start_from_env_file(binary(), &file, &variables).await?;
        let pygeoapi = Pygeoapi::start_under(&tools, "/geoapi").await?;
        let envoy = start_envoy(&tools, "envoy/jwt.yaml", &pygeoapi, geowarden.grpc()).await?;
        Ok(Self {
            envoy,
            _geowarden: geowarden,
            _pygeoapi: pygeoapi,
            _folder: folder,
        })
    }

    async fn answers(&self, rows: Vec<Row>) -> Outcome {
        for (name, ask, status, body) in rows {
            let answer = ask.send(&self.envoy.address()).await?;
            assert_eq!(answer.status(), status, "{name}: {}", answer.text());
            if let Some(body) = body {
                assert_eq!(answer.json()?, body, "{name}");
                assert_eq!(
                    answer.header("content-type"),
                    Some("application/json"),
                    "{name}"
                );
            }
        }
        Ok(())
    }

    async fn challenge(&self, ask: Ask) -> Outcome<String> {
        let answer = ask.send(&self.envoy.address()).await?;
        Ok(answer
            .header("www-authenticate")
            .unwrap_or_default()
            .to_owned())
    }
}

fn items() -> Ask {
    Ask::get("/geoapi/collections/obs/items?f=json")
}

#[tokio::test]
async fn api_keys_answer_as_observed() -> Outcome {
    let moved = Moved::from_env(
        "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=pygeoapi\nPYGEOAPI_KEY_TWO=second\nDEV_FASTGEOAPI_CONTEXT=/geoapi\n",
        None,
    )
    .await?;
    moved
        .answers(vec![
            (
                "no key",
                items(),
                401,
                Some(json!({"detail": "no api key"})),
            ),
            (
                "wrong key",
                items().header("x-api-key", "wrong"),
                401,
                Some(json!({"detail": "invalid api key"})),
            ),
            ("empty key", items().header("x-api-key", ""), 401, None),
            (
                "right key",
                items().header("X-API-KEY", "pygeoapi"),
                200,
                None,
            ),
            (
                "further key",
                items().header("X-API-KEY", "second"),
                200,
                None,
            ),
            ("openapi", Ask::get("/geoapi/openapi"), 200, None),
            (
                "openapi as JSON",
                Ask::get("/geoapi/openapi?f=json"),
                200,
                None,
            ),
            ("landing page", Ask::get("/geoapi/"), 200, None),
            (
                "static file",
                Ask::get("/geoapi/static/css/default.css"),
                200,
                None,
            ),
            (
                "OPTIONS without CORS headers",
                Ask::new("OPTIONS", "/geoapi/collections/lakes/items"),
                401,
                Some(json!({"detail": "no api key"})),
            ),
            (
                // Safer than fastgeoapi, where any key could send a POST.
                "the administration",
                Ask::get("/geoapi/admin/config").header("x-api-key", "pygeoapi"),
                403,
                None,
            ),
        ])
        .await
}

#[tokio::test]
async fn oauth2_answers_as_observed() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let issuer = provider.issuer();
    let env = format!(
        "ENV_STATE=prod\nPROD_JWKS_ENABLED=true\nPROD_OAUTH2_JWKS_ENDPOINT={issuer}/jwks\nPROD_OAUTH2_TOKEN_ENDPOINT={issuer}/token\nPROD_OAUTH2_EXPECTED_ISSUER={issuer}\nPROD_OAUTH2_EXPECTED_AUDIENCE=pygeoapi\nPROD_FASTGEOAPI_CONTEXT=/geoapi\n"
    );
    let moved = Moved::from_env(&env, None).await?;
    let token = provider.client_credentials("osgeo").await?;
    let unauthenticated = || Some(json!({"message": "Unauthenticated"}));
    let expired = json!({"iss": issuer, "aud": "pygeoapi", "sub": "a", "exp": 1});
    let expired = provider.mint(&json!({}), &expired).await?;
    let cognito =
        json!({"iss": issuer, "client_id": "pygeoapi", "sub": "a", "exp": 4_102_444_800_u64});
    let cognito = provider.mint(&json!({}), &cognito).await?;
    let elsewhere = json!({"iss": issuer, "aud": "other", "sub": "a", "exp": 4_102_444_800_u64});
    let elsewhere = provider.mint(&json!({}), &elsewhere).await?;
    moved
        .answers(vec![
            ("no token", items(), 401, unauthenticated()),
            (
                "no token at all",
                items().bearer("x"),
                401,
                unauthenticated(),
            ),
            ("expired", items().bearer(&expired), 401, unauthenticated()),
            (
                "other audience",
                items().bearer(&elsewhere),
                401,
                unauthenticated(),
            ),
            ("valid", items().bearer(&token), 200, None),
            (
                "OPTIONS without CORS headers",
                Ask::new("OPTIONS", "/geoapi/collections/lakes/items"),
                200,
                None,
            ),
            ("client_id for aud", items().bearer(&cognito), 200, None),
            ("openapi", Ask::get("/geoapi/openapi?f=html"), 200, None),
        ])
        .await?;
    assert_eq!(
        moved.challenge(items()).await?,
        r#"Bearer realm="pygeoapi""#
    );
    assert_eq!(
        moved.challenge(items().bearer(&expired)).await?,
        r#"Bearer realm="pygeoapi", error="invalid_token""#
    );
    Ok(())
}

/// Like the sample policy of fastgeoapi, with the context that its requests really have.
const POLICY: &str = r#"package httpapi.authz

import input

default allow = false

allow {
    input.request_path = ["geoapi", "openapi"]
}

allow {
    input.request_method == "GET"
    input.request_path[1] == "collections"
    input.request_path[2] == "obs"
    input.company == "osgeo"
}
"#;

#[tokio::test]
async fn openid_connect_takes_the_policy_unchanged() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let issuer = provider.issuer();
    let env = format!(
        "ENV_STATE=dev\nDEV_OPA_ENABLED=true\nDEV_OPA_URL=http://localhost:8181\nDEV_OIDC_WELL_KNOWN_ENDPOINT={issuer}/.well-known/openid-configuration\nDEV_OIDC_CLIENT_ID=osgeo\nDEV_FASTGEOAPI_CONTEXT=/geoapi\n"
    );
    let moved = Moved::from_env(&env, Some(POLICY)).await?;
    let osgeo = provider.client_credentials("osgeo").await?;
    let geobeyond = provider.client_credentials("geobeyond").await?;
    moved
        .answers(vec![
            ("openapi", Ask::get("/geoapi/openapi"), 200, None),
            // fastgeoapi sent every client to the login page.
            (
                "no token",
                items(),
                401,
                Some(json!({"message": "Unauthorized"})),
            ),
            (
                "bad token",
                items().bearer("x.y.z"),
                401,
                Some(json!({"message": "Unauthorized"})),
            ),
            ("allowed", items().bearer(&osgeo), 200, None),
            // fastgeoapi answered 401.
            ("denied", items().bearer(&geobeyond), 403, None),
            (
                "other collection",
                Ask::get("/geoapi/collections/lakes/items").bearer(&osgeo),
                403,
                None,
            ),
        ])
        .await
}
