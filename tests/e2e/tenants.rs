//! The shipped `envoy/tenants.yaml`: two tenants in one geowarden, each on its own virtual host.

use std::{fs, path::Path};

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Provider, Pygeoapi, Tools};
use serde_json::{Value, json};

use crate::{
    stage::{Outcome, binary},
    tokens::now,
};

/// Each tenant, and the collection that its data allow to the companies of its keys and tokens.
const TENANTS: [(&str, &str); 2] = [("osgeo", "obs"), ("geobeyond", "lakes")];

/// The policy of both tenants. They differ in data and keys.
const POLICY: &str = r"package geowarden.authz

allow if input.ogc.collection in data.open[company]

company := input.identity.attributes.company

company := input.identity.claims.company
";

struct Stage {
    envoy: Envoy,
    geowarden: Geowarden,
    pygeoapi: Pygeoapi,
    provider: Provider,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Outcome<Self> {
        let tools = Tools::find()?;
        let provider = Provider::start(&tools).await?;
        let folder = tempfile::tempdir()?;
        let config = configure(folder.path(), &provider.issuer())?;
        let geowarden = Geowarden::start(binary(), &config).await?;
        let pygeoapi = Pygeoapi::start(&tools).await?;
        let template = tools.repository().join("envoy/tenants.yaml");
        let config = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc());
        let envoy = Envoy::start(&tools, &config).await?;
        Ok(Self {
            envoy,
            geowarden,
            pygeoapi,
            provider,
            folder,
        })
    }

    async fn status(&self, tenant: &str, ask: Ask) -> Outcome<(u16, String)> {
        self.status_at(&format!("maps.{tenant}.example"), ask).await
    }

    async fn status_at(&self, host: &str, ask: Ask) -> Outcome<(u16, String)> {
        let answer = ask.header("host", host).send(&self.envoy.address()).await?;
        let code = answer
            .json()
            .ok()
            .and_then(|body| body["code"].as_str().map(str::to_owned));
        Ok((answer.status(), code.unwrap_or_default()))
    }

    /// A token for an audience, from the provider that both tenants trust.
    async fn token(&self, audience: &str) -> Outcome<String> {
        let claims = json!({
            "iss": self.provider.issuer(), "aud": audience, "sub": "s", "company": "acme",
            "iat": now()? - 5, "exp": now()? + 300,
        });
        Ok(self.provider.mint(&json!({}), &claims).await?)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let aside = self.folder.path().join(".aside");
        fs::write(&aside, text)?;
        fs::rename(aside, self.folder.path().join(name))?;
        Ok(())
    }
}

fn key_of(tenant: &str) -> String {
    format!("key-of-{tenant}")
}

fn configure(folder: &Path, issuer: &str) -> Outcome<std::path::PathBuf> {
    let mut tenants = serde_json::Map::new();
    for (name, collection) in TENANTS {
        let policies = folder.join(name);
        fs::create_dir(&policies)?;
        fs::write(policies.join("authz.rego"), POLICY)?;
        let data = json!({"open": {"acme": [collection]}});
        fs::write(policies.join("data.json"), data.to_string())?;
        let digest = geowarden::authn::key_digest(key_of(name).as_bytes());
        let keys = json!([{"id": "acme", "sha256": digest, "attributes": {"company": "acme"}}]);
        fs::write(folder.join(format!("{name}-keys.yaml")), keys.to_string())?;
        let trusted = json!({"issuer": issuer, "audiences": [name]});
        tenants.insert(
            name.to_owned(),
            json!({
                "hosts": [format!("maps.{name}.example")],
                "authn": {"api_keys": {"file": format!("{name}-keys.yaml")}, "jwt": [trusted]},
                "policy": {"path": name},
            }),
        );
    }
    let config = json!({
        "server": {"grpc": "127.0.0.1:0", "admin": "127.0.0.1:0"},
        "tenants": tenants,
    });
    let file = folder.join("geowarden.yaml");
    fs::write(&file, config.to_string())?;
    Ok(file)
}

fn items(collection: &str) -> Ask {
    Ask::get(format!("/collections/{collection}/items?f=json"))
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn neither_keys_nor_tokens_nor_data_of_one_open_the_other() -> Outcome {
    let mut stage = Stage::new().await?;
    for (name, own) in TENANTS {
        let token = stage.token(name).await?;
        for (other, theirs) in TENANTS.into_iter().filter(|(other, _)| *other != name) {
            // Ask twice: a tenant remembers verified tokens, and must not remember those of the other tenant.
            for _ in 0..2 {
                let by_key = |collection| items(collection).header("x-api-key", key_of(name));
                assert_eq!(stage.status(name, by_key(own)).await?.0, 200, "{name}");
                let denied = refused(403, "policy-denied");
                assert_eq!(stage.status(name, by_key(theirs)).await?, denied, "{name}");
                for collection in [own, theirs] {
                    let unknown = refused(401, "unknown-key");
                    let told = format!("the key of {name} at {other}");
                    let found = stage.status(other, by_key(collection)).await?;
                    assert_eq!(found, unknown, "{told}");
                }
                let by_token = |collection| items(collection).bearer(&token);
                assert_eq!(stage.status(name, by_token(own)).await?.0, 200, "{name}");
                assert_eq!(
                    stage.status(name, by_token(theirs)).await?,
                    denied,
                    "{name}"
                );
                let audience = refused(401, "wrong-audience");
                let found = stage.status(other, by_token(theirs)).await?;
                assert_eq!(found, audience, "the token of {name} at {other}");
            }
        }
    }
    // Both logs name the tenant whose rules decided, and neither has a key.
    let line = stage
        .envoy
        .access_log_line(|line| line["tenant"] == "osgeo" && line["outcome"] == "allow")
        .await?;
    let id = line["decision_id"].clone();
    let of = |event: &Value| event["decision_id"] == id && event["tenant"] == "osgeo";
    stage.geowarden.event(of).await?;
    assert!(!stage.geowarden.log().contains("key-of-"));
    Ok(())
}

#[tokio::test]
async fn a_client_cannot_choose_whose_rules_judge_it() -> Outcome {
    let stage = Stage::new().await?;
    let own = |tenant: &str, collection| items(collection).header("x-api-key", key_of(tenant));
    for host in ["MAPS.osgeo.EXAMPLE", "maps.osgeo.example:8443"] {
        let asked = own("osgeo", "obs");
        assert_eq!(stage.status_at(host, asked).await?.0, 200, "{host}");
    }
    // Other headers with a host or a tenant change nothing.
    let mut asked = own("geobeyond", "lakes");
    for (name, value) in [
        ("x-forwarded-host", "maps.geobeyond.example"),
        ("x-geowarden-tenant", "geobeyond"),
        ("policy", "geobeyond"),
        ("forwarded", "host=maps.geobeyond.example"),
    ] {
        asked = asked.header(name, value);
    }
    assert_eq!(
        stage.status("osgeo", asked).await?,
        refused(401, "unknown-key")
    );
    // Envoy itself refuses two hosts, an unknown host, and a text that is not quite a host.
    for (host, asked, status) in [
        (
            "maps.osgeo.example",
            own("geobeyond", "lakes").header("host", "maps.geobeyond.example"),
            404,
        ),
        ("maps.example.org", own("osgeo", "obs"), 404),
        ("maps.osgeo.example.", own("osgeo", "obs"), 404),
        ("", own("osgeo", "obs"), 404),
    ] {
        assert_eq!(stage.status_at(host, asked).await?.0, status, "{host}");
    }
    Ok(())
}

#[tokio::test]
async fn a_broken_policy_of_one_keeps_its_last_good_one() -> Outcome {
    let mut stage = Stage::new().await?;
    stage.write(
        "geobeyond/authz.rego",
        "package geowarden.authz\n\nallow if {\n",
    )?;
    stage
        .geowarden
        .wait_for_metric("geowarden_reload_failed 1")
        .await?;
    for (name, own) in TENANTS {
        let asked = items(own).header("x-api-key", key_of(name));
        assert_eq!(stage.status(name, asked).await?.0, 200, "{name}");
    }
    let told = |event: &Value| {
        let message = event["message"].as_str().unwrap_or_default();
        event["level"] == "ERROR" && message.contains("tenant `geobeyond`: ")
    };
    stage.geowarden.event(told).await?;
    stage.write("geobeyond/authz.rego", &POLICY.replace("open", "closed"))?;
    stage
        .geowarden
        .wait_for_metric("geowarden_reload_failed 0")
        .await?;
    let asked = items("lakes").header("x-api-key", key_of("geobeyond"));
    let denied = refused(403, "policy-denied");
    assert_eq!(stage.status("geobeyond", asked).await?, denied);
    let asked = items("obs").header("x-api-key", key_of("osgeo"));
    assert_eq!(stage.status("osgeo", asked).await?.0, 200);
    Ok(())
}

impl Stage {
    /// Starts another Envoy with other routes, for the same geowarden.
    async fn other_envoy(&self, replacements: &[(&str, &str)]) -> Outcome<Envoy> {
        let tools = Tools::find()?;
        let template = tools.repository().join("envoy/tenants.yaml");
        let config = EnvoyConfig::new(&template, self.pygeoapi.port(), self.geowarden.grpc());
        let config = replacements
            .iter()
            .fold(config, |config, (from, to)| config.replace(*from, *to));
        Ok(Envoy::start(&tools, &config).await?)
    }
}

/// Asks for a collection's items with a tenant's key. Returns the status, and the code of a problem document.
async fn asked(
    envoy: &Envoy,
    host: &str,
    tenant: &str,
    collection: &str,
) -> Outcome<(u16, String)> {
    let ask = items(collection).header("x-api-key", key_of(tenant));
    let answer = ask.header("host", host).send(&envoy.address()).await?;
    let body = answer.json().unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    Ok((answer.status(), code))
}

#[tokio::test]
async fn the_route_wins_over_the_host_and_one_that_names_nobody_is_refused() -> Outcome {
    let stage = Stage::new().await?;
    let envoy = stage
        .other_envoy(&[
            ("domains: [maps.osgeo.example]", "domains: [\"*\"]"),
            (
                "domains: [maps.geobeyond.example]",
                "domains: [nobody.example]",
            ),
            ("{policy: geobeyond}", "{policy: nobody}"),
        ])
        .await?;
    // The route of osgeo accepts every host, so a client can send the host of geobeyond there.
    let host = "maps.geobeyond.example";
    assert_eq!(asked(&envoy, host, "osgeo", "obs").await?.0, 200);
    let unknown = refused(401, "unknown-key");
    assert_eq!(asked(&envoy, host, "geobeyond", "lakes").await?, unknown);
    let refusal = refused(503, "unknown-tenant");
    for (name, own) in TENANTS {
        assert_eq!(asked(&envoy, "nobody.example", name, own).await?, refusal);
    }
    Ok(())
}

#[tokio::test]
async fn the_host_that_envoy_passes_on_chooses_where_no_route_does() -> Outcome {
    let stage = Stage::new().await?;
    let envoy = stage
        .other_envoy(&[
            ("domains: [maps.osgeo.example]", "domains: [\"*\"]"),
            ("{policy: osgeo}", "{other: osgeo}"),
            ("{policy: geobeyond}", "{other: geobeyond}"),
        ])
        .await?;
    for host in ["maps.geobeyond.example", "MAPS.geobeyond.example:8443"] {
        assert_eq!(asked(&envoy, host, "geobeyond", "lakes").await?.0, 200);
        let unknown = refused(401, "unknown-key");
        assert_eq!(asked(&envoy, host, "osgeo", "obs").await?, unknown);
    }
    assert_eq!(
        asked(&envoy, "maps.osgeo.example", "osgeo", "obs").await?.0,
        200
    );
    for host in [
        "nobody.example",
        "maps.osgeo.example.",
        "maps.osgeo.example:abc",
        "a..osgeo.example",
        "bob:PWSECRET@maps.osgeo.example",
        "127.0.0.1",
    ] {
        let refusal = refused(421, "unknown-host");
        assert_eq!(
            asked(&envoy, host, "osgeo", "obs").await?,
            refusal,
            "{host}"
        );
    }
    // The log must not have a host that is not valid: it may contain a password.
    assert!(!stage.geowarden.log().contains("PWSECRET"));
    Ok(())
}
