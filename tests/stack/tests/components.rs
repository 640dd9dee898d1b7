//! The components start, behave as the end-to-end tests expect, and leave no processes or files.
#![allow(clippy::indexing_slicing)] // of JSON: an absent member is null

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, GrpcAddress, Provider, Pygeoapi, Tools};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn pygeoapi_serves_its_collections_from_a_copy_of_its_own() -> Outcome {
    let tools = Tools::find()?;
    let pygeoapi = Pygeoapi::start_for(&tools, "http://maps.example.org").await?;
    let address = format!("127.0.0.1:{}", pygeoapi.port());

    let items = Ask::get("/collections/obs/items").send(&address).await?;
    assert_eq!(items.status(), 200);
    let items = items.json()?;
    assert_eq!(items["numberMatched"], 5);
    assert_eq!(items["features"][0]["properties"]["station"], "bologna");
    let link = items["links"][0]["href"].as_str().unwrap_or_default();
    assert!(link.starts_with("http://maps.example.org/"), "{link}");

    for (path, status) in [
        ("/openapi?f=json", 200),
        ("/collections/lakes/items/2", 200),
        ("/collections/secret/items", 200),
        ("/collections/none/items", 404),
        ("/processes/hello-world", 200),
        ("/jobs", 200),
    ] {
        assert_eq!(
            Ask::get(path).send(&address).await?.status(),
            status,
            "{path}"
        );
    }

    let deleted = Ask::new("DELETE", "/collections/lakes/items/2")
        .send(&address)
        .await?;
    assert_eq!(deleted.status(), 200, "{}", deleted.text());
    assert_eq!(
        Ask::get("/collections/lakes/items/2")
            .send(&address)
            .await?
            .status(),
        404
    );
    let shipped = std::fs::read_to_string(
        tools
            .repository()
            .join("tests/stack/pygeoapi/data/lakes.geojson"),
    )?;
    assert!(
        shipped.contains("Lac Léman"),
        "the repository's own file was written to"
    );

    drop(pygeoapi);
    gone(&address).await
}

#[tokio::test]
async fn pygeoapi_ignores_the_header_that_moves_its_root() -> Outcome {
    let pygeoapi = Pygeoapi::start(&Tools::find()?).await?;
    let ask = Ask::get("/static/collections/secret/items").header("SCRIPT_NAME", "/static");
    let answer = ask.send(&format!("127.0.0.1:{}", pygeoapi.port())).await?;
    assert_eq!(answer.status(), 404, "{}", answer.text());
    Ok(())
}

#[tokio::test]
async fn the_provider_gives_tokens_mints_and_rotates() -> Outcome {
    let tools = Tools::find()?;
    let provider = Provider::start(&tools).await?;
    let issuer = provider.issuer();
    let address = issuer.trim_start_matches("http://").to_owned();

    let discovery = Ask::get("/.well-known/openid-configuration")
        .send(&address)
        .await?
        .json()?;
    assert_eq!(discovery["issuer"], issuer.as_str());
    assert_eq!(discovery["jwks_uri"], format!("{issuer}/jwks"));

    let (header, claims) = read_token(&provider.client_credentials("geobeyond").await?)?;
    assert_eq!(
        (&header["alg"], &header["kid"]),
        (&json!("RS256"), &kid(&address).await?)
    );
    assert_eq!(claims["aud"], "pygeoapi");
    assert_eq!(claims["iss"], issuer.as_str());
    assert_eq!(claims["company"], "geobeyond");
    assert_eq!(claims["groups"], json!(["viewers"]));
    let error = provider
        .client_credentials("nobody")
        .await
        .err()
        .ok_or("an unknown client got a token")?;
    assert!(error.to_string().contains("invalid_client"), "{error}");

    let minted = provider
        .mint(&json!({"typ": "JWT"}), &json!({"exp": 1, "jti": null}))
        .await?;
    let (header, claims) = read_token(&minted)?;
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("JWT"), &json!("RS256"))
    );
    assert_eq!((&claims["exp"], claims.get("jti")), (&json!(1), None));

    let before = kid(&address).await?;
    let after = provider.rotate().await?;
    assert_ne!(before, after.as_str());
    assert_eq!(kid(&address).await?, after.as_str());
    let (header, _) = read_token(&provider.client_credentials("osgeo").await?)?;
    assert_eq!(header["kid"], after.as_str());

    let port = provider.stop().await?;
    assert!(
        TcpStream::connect(&address).await.is_err(),
        "it still listens"
    );
    let again = Provider::start_on(&tools, port).await?;
    assert_eq!(again.issuer(), issuer);
    assert_ne!(
        kid(&address).await?,
        after.as_str(),
        "a new start has a new key"
    );
    drop(again);
    gone(&address).await
}

#[tokio::test]
async fn envoy_refuses_everything_while_nobody_answers_for_geowarden() -> Outcome {
    let tools = Tools::find()?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let nobody = GrpcAddress::Unix("/nonexistent/geowarden.sock".into());
    let config = EnvoyConfig::new(
        &tools.repository().join("envoy/api-key.yaml"),
        pygeoapi.port(),
        &nobody,
    );
    let mut envoy = Envoy::start(&tools, &config).await?;
    let address = envoy.address();

    for path in [
        "/",
        "/openapi",
        "/collections/obs/items",
        "/static/css/default.css",
    ] {
        let answer = Ask::get(path).send(&address).await?;
        assert_eq!(
            (answer.status(), answer.text().as_str()),
            (503, ""),
            "{path}"
        );
        assert_eq!(answer.header("server"), Some("edge"));
        let id = answer
            .header("x-request-id")
            .ok_or("no request id")?
            .to_owned();
        let line = envoy
            .access_log_line(|line| line["request_id"] == id.as_str())
            .await?;
        assert_eq!(
            (&line["path"], &line["status"]),
            (&json!(path), &json!(503))
        );
        assert_eq!(line["details"], "ext_authz_error");
    }

    // Envoy itself refuses these requests, before it asks geowarden.
    for (ask, status) in [
        (Ask::get("/collections%2Fobs%2Fitems"), 400),
        (Ask::get("/a%5Cb"), 400),
        (Ask::get("/").header("script_name", "/static"), 400),
        (Ask::get("/a#b"), 400),
        (Ask::get("http://other/collections"), 404),
        (Ask::get("/").header("x-long", "a".repeat(40_000)), 431),
        (
            Ask::new("POST", "/x").body("application/json", vec![b' '; 65_537]),
            413,
        ),
        (
            Ask::new("POST", "/x").body("application/json", vec![b' '; 65_536]),
            503,
        ),
    ] {
        assert_eq!(ask.send(&address).await?.status(), status, "{ask:.100?}");
    }

    let admin = envoy.admin().to_owned();
    drop(envoy);
    gone(&address).await?;
    gone(&admin).await
}

#[tokio::test]
async fn envoy_answers_the_preflights_of_known_origins_itself() -> Outcome {
    let tools = Tools::find()?;
    let nobody = GrpcAddress::Port(9);
    let config = EnvoyConfig::new(&tools.repository().join("envoy/jwt.yaml"), 9, &nobody);
    let envoy = Envoy::start(&tools, &config).await?;
    let preflight = |origin: &str| {
        Ask::new("OPTIONS", "/collections/obs/items")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization")
    };

    let known = preflight("https://maps.example.org")
        .send(&envoy.address())
        .await?;
    assert_eq!(known.status(), 200);
    assert_eq!(
        known.header("access-control-allow-origin"),
        Some("https://maps.example.org")
    );
    let allowed = known
        .header("access-control-allow-headers")
        .unwrap_or_default();
    assert!(allowed.contains("authorization"), "{allowed}");

    for unknown in [
        "https://maps.example.org.evil.test",
        "http://maps.example.org",
        "null",
    ] {
        let answer = preflight(unknown).send(&envoy.address()).await?;
        assert_eq!(
            (
                answer.status(),
                answer.header("access-control-allow-origin")
            ),
            (503, None),
            "{unknown}"
        );
    }

    // A page of another origin may read the reason of a refusal.
    let refused = Ask::get("/")
        .header("origin", "https://maps.example.org")
        .send(&envoy.address())
        .await?;
    assert_eq!(refused.status(), 503);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some("https://maps.example.org")
    );
    Ok(())
}

#[tokio::test]
async fn envoy_accepts_the_shipped_configurations_as_they_are() -> Outcome {
    let tools = Tools::find()?;
    for name in ["api-key.yaml", "jwt.yaml"] {
        Envoy::validate(&tools, &tools.repository().join("envoy").join(name)).await?;
    }
    let broken = tempfile::NamedTempFile::new()?;
    std::fs::write(broken.path(), "static_resources: {listeners: 1}")?;
    assert!(Envoy::validate(&tools, broken.path()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_component_that_does_not_start_is_told_with_its_command_and_log() -> Outcome {
    let error = Geowarden::start(Path::new("/bin/sh"), Path::new("none.yaml"))
        .await
        .err()
        .ok_or("it started")?;
    let error = error.to_string();
    assert!(
        error.contains("geowarden: ended with exit status"),
        "{error}"
    );
    assert!(
        error.contains("command: /bin/sh serve --config none.yaml"),
        "{error}"
    );
    assert!(
        error.contains("end of its log:") && error.contains("serve"),
        "{error}"
    );
    Ok(())
}

/// Waits until no process listens at an address: a killed process needs a moment to end.
async fn gone(address: &str) -> Outcome {
    let limit = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).await.is_ok() {
        assert!(
            Instant::now() < limit,
            "somebody still listens at {address}"
        );
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn kid(address: &str) -> Result<Value, Box<dyn Error>> {
    let keys = Ask::get("/jwks").send(address).await?.json()?;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    Ok(keys["keys"][0]["kid"].clone())
}

/// The header and the claims of a token, without verification.
fn read_token(token: &str) -> Result<(Value, Value), Box<dyn Error>> {
    let mut parts = token.split('.').map(|part| {
        let bytes = data_encoding::BASE64URL_NOPAD
            .decode(part.as_bytes())
            .ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    let mut next = || parts.next().flatten().ok_or("not a token");
    Ok((next()?, next()?))
}
