//! Tokens of a real OpenID provider.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use geowarden_stack::{Geowarden, Provider, Tools};
use serde_json::{Value, json};

use crate::stage::{Files, Outcome, Stage, binary, issuer, items_by_token};

pub(crate) fn now() -> Outcome<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

fn claims(provider: &Provider) -> Outcome<Value> {
    Ok(json!({
        "iss": provider.issuer(), "aud": "pygeoapi", "sub": "s", "company": "osgeo",
        "iat": now()? - 5, "exp": now()? + 300,
    }))
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn tokens_open_what_the_policy_says() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let stage = Stage::with_tokens(&provider).await?;
    let token = provider.client_credentials("osgeo").await?;
    assert_eq!(stage.status(items_by_token("obs", &token)).await?.0, 200);
    assert_eq!(
        stage.status(items_by_token("lakes", &token)).await?,
        (403, "policy-denied".to_owned())
    );
    let good = claims(&provider)?;
    let minted = provider.mint(&json!({}), &good).await?;
    assert_eq!(stage.status(items_by_token("obs", &minted)).await?.0, 200);
    for (claims, header, code) in [
        (
            with(good.clone(), "exp", json!(now()? - 1)),
            json!({}),
            "expired-token",
        ),
        (
            with(good.clone(), "nbf", json!(now()? + 60)),
            json!({}),
            "not-yet-valid",
        ),
        (
            with(good.clone(), "aud", json!("other")),
            json!({}),
            "wrong-audience",
        ),
        (
            with(good.clone(), "iss", json!("http://other")),
            json!({}),
            "unknown-issuer",
        ),
        (good.clone(), json!({"typ": "logout+jwt"}), "token-type"),
        (
            good.clone(),
            json!({"crit": ["x"], "x": 1}),
            "critical-header",
        ),
    ] {
        let token = provider.mint(&header, &claims).await?;
        let answer = stage.ask(items_by_token("obs", &token)).await?;
        assert_eq!(answer.status(), 401, "{code}");
        assert_eq!(answer.json()?["code"], code);
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    // The claims of one token with the signature of another.
    let (head, signature) = (
        minted.rsplit_once('.').unwrap_or_default().0,
        token.rsplit('.').next(),
    );
    let tampered = format!("{head}.{}", signature.unwrap_or_default());
    assert_eq!(
        stage.status(items_by_token("obs", &tampered)).await?,
        (401, "bad-signature".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn a_new_signing_key_is_found_by_its_first_token() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let stage = Stage::with_tokens(&provider).await?;
    let before = provider.client_credentials("osgeo").await?;
    assert_eq!(stage.status(items_by_token("obs", &before)).await?.0, 200);
    provider.rotate().await?;
    let after = provider.client_credentials("osgeo").await?;
    assert_eq!(stage.status(items_by_token("obs", &after)).await?.0, 200);
    // The key set no longer has the old key, so tokens of it are no longer remembered either.
    assert_eq!(stage.status(items_by_token("obs", &before)).await?.0, 401);
    Ok(())
}

#[tokio::test]
async fn a_provider_that_is_down_costs_its_tokens_only() -> Outcome {
    let tools = Tools::find()?;
    let provider = Provider::start(&tools).await?;
    let (address, token) = (
        provider.issuer(),
        provider.client_credentials("osgeo").await?,
    );
    let port = provider.stop().await?;

    let files = Files::new().await?;
    let config = files.configure("127.0.0.1:0", &issuer(&address), "")?;
    let geowarden = Geowarden::start_alive(binary(), &config).await?;
    let ready = geowarden.admin_page("/readyz").await?;
    assert_eq!(ready.status(), 503);
    assert!(ready.text().contains(&address), "{}", ready.text());
    let mut stage = Stage::around("envoy/jwt.yaml", files, geowarden).await?;
    assert_eq!(
        stage.status(items_by_token("obs", &token)).await?,
        (503, "keys-unavailable".to_owned())
    );
    let key = stage.files.osgeo_key.clone();
    assert_eq!(stage.status(crate::stage::items("obs", &key)).await?.0, 200);

    let provider = Provider::start_on(&tools, port).await?;
    stage.geowarden()?.wait_for("/readyz").await?;
    let token = provider.client_credentials("osgeo").await?;
    assert_eq!(stage.status(items_by_token("obs", &token)).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn an_opaque_token_is_what_its_issuer_says() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let files = Files::new().await?;
    files.write("client-secret", "geowarden-secret\n")?;
    let issuer = format!(
        "{{issuer: '{}', audiences: [pygeoapi], opaque_tokens: {{inquiry: introspection, client_id: geowarden, client_secret_file: client-secret, remember: 100ms}}}}",
        provider.issuer()
    );
    let config = files.configure("127.0.0.1:0", &issuer, "")?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let stage = Stage::around("envoy/jwt.yaml", files, geowarden).await?;
    let osgeo = provider.opaque_token("osgeo").await?;
    assert!(!osgeo.contains('.'), "{osgeo}");
    let geobeyond = provider.opaque_token("geobeyond").await?;
    for (token, collection, status) in [
        (osgeo.as_str(), "obs", 200),
        (&osgeo, "lakes", 403),
        (&geobeyond, "lakes", 200),
        (&geobeyond, "obs", 403),
        ("unknown", "obs", 401),
    ] {
        let (answered, code) = stage.status(items_by_token(collection, token)).await?;
        assert_eq!(answered, status, "{collection}: {code}");
    }
    // A JWT of the same issuer is still verified by its signature.
    let jwt = provider.client_credentials("osgeo").await?;
    assert_eq!(stage.status(items_by_token("obs", &jwt)).await?.0, 200);

    // After a restart, the provider no longer knows its tokens.
    let port = provider.stop().await?;
    let _provider = Provider::start_on(&Tools::find()?, port).await?;
    let forgotten = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            let (status, code) = stage.status(items_by_token("obs", &osgeo)).await?;
            if status != 200 {
                return Ok::<_, Box<dyn std::error::Error>>((status, code));
            }
        }
    };
    let (status, code) = tokio::time::timeout(Duration::from_secs(20), forgotten).await??;
    assert_eq!((status, code.as_str()), (401, "inactive-token"));
    Ok(())
}
