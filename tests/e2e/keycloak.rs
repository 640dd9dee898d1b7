//! Keycloak's tokens with the default policy. A server answers exactly as Keycloak does.

use geowarden_stack::{Geowarden, Keycloak, Tools};
use serde_json::{Value, json};

use crate::stage::{Files, Outcome, Stage, binary, items_by_token};
use crate::tokens::now;

/// A geowarden that trusts the realm, with the default policy and `more` settings of the issuer.
async fn trusting(keycloak: &Keycloak, more: &str) -> Outcome<(Files, Geowarden)> {
    let files = Files::new().await?;
    let config = format!(
        "server: {{grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}}\nauthn:\n  jwt: [{{issuer: '{}', audiences: [pygeoapi], refresh_floor: 100ms{more}}}]\n",
        keycloak.issuer()
    );
    files.write("geowarden.yaml", &config)?;
    let geowarden = Geowarden::start_alive(binary(), &files.path("geowarden.yaml")).await?;
    Ok((files, geowarden))
}

async fn stage(keycloak: &Keycloak, more: &str) -> Outcome<Stage> {
    let (files, mut geowarden) = trusting(keycloak, more).await?;
    geowarden.wait_for("/readyz").await?;
    Stage::around("envoy/jwt.yaml", files, geowarden).await
}

#[tokio::test]
async fn roles_of_the_realm_open_what_the_default_policy_says() -> Outcome {
    let keycloak = Keycloak::start(&Tools::find()?).await?;
    let stage = stage(&keycloak, "").await?;
    let reader = keycloak.client_credentials("reader").await?;
    let stranger = keycloak.client_credentials("stranger").await?;
    assert_eq!(stage.status(items_by_token("obs", &reader)).await?.0, 200);
    // A role of a client does not count as a role of the realm.
    assert_eq!(
        stage.status(items_by_token("obs", &stranger)).await?,
        (403, "policy-denied".to_owned())
    );

    // The key set also has a key for encryption. It must not be used for signatures.
    let keys = keycloak.key_set().await?;
    assert_eq!(
        (&keys["keys"][0]["alg"], &keys["keys"][1]["alg"]),
        (&json!("RS256"), &json!("RSA-OAEP"))
    );
    for (name, header, claims, code) in [
        (
            "the key for encryption",
            json!({"kid": keys["keys"][1]["kid"]}),
            json!({}),
            "unknown-key-id",
        ),
        // A token of Keycloak under another host name, or of another realm with the same keys.
        (
            "another realm",
            json!({}),
            json!({"iss": keycloak.issuer().replace("maps", "master")}),
            "unknown-issuer",
        ),
        (
            "no audience mapper",
            json!({}),
            json!({"aud": "account"}),
            "wrong-audience",
        ),
        (
            "a logout token",
            json!({"typ": "logout+jwt"}),
            json!({}),
            "token-type",
        ),
    ] {
        let token = keycloak.mint(&header, &claims).await?;
        let (status, answered) = stage.status(items_by_token("obs", &token)).await?;
        assert_eq!((status, answered.as_str()), (401, code), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_old_key_counts_as_long_as_it_is_published() -> Outcome {
    let keycloak = Keycloak::start(&Tools::find()?).await?;
    let stage = stage(&keycloak, "").await?;
    let before = keycloak.client_credentials("reader").await?;
    assert_eq!(stage.status(items_by_token("obs", &before)).await?.0, 200);
    keycloak.rotate().await?;
    let after = keycloak.client_credentials("reader").await?;
    for token in [&after, &before] {
        assert_eq!(stage.status(items_by_token("obs", token)).await?.0, 200);
    }
    Ok(())
}

#[tokio::test]
async fn metadata_of_another_issuer_are_not_believed() -> Outcome {
    let keycloak = Keycloak::start(&Tools::find()?).await?;
    keycloak
        .claim_to_be("https://keycloak.example/realms/maps")
        .await?;
    let (files, geowarden) = trusting(&keycloak, "").await?;
    assert_eq!(geowarden.admin_page("/readyz").await?.status(), 503);
    let mut stage = Stage::around("envoy/jwt.yaml", files, geowarden).await?;
    let token = keycloak.client_credentials("reader").await?;
    assert_eq!(
        stage.status(items_by_token("obs", &token)).await?,
        (503, "keys-unavailable".to_owned())
    );
    let told = |event: &Value| event.to_string().contains("expected the metadata of `");
    stage.geowarden()?.event(told).await?;
    keycloak.claim_to_be(&keycloak.issuer()).await?;
    stage.geowarden()?.wait_for("/readyz").await?;
    assert_eq!(stage.status(items_by_token("obs", &token)).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() -> Outcome {
    let keycloak = Keycloak::start(&Tools::find()?).await?;
    // Much longer than the test takes.
    let leeway = 600;
    let exact = stage(&keycloak, "").await?;
    let tolerant = stage(&keycloak, &format!(", leeway: {leeway}s")).await?;
    let time = now()?;
    for (name, claims, when_exact, when_tolerant) in [
        ("valid", json!({}), 200, 200),
        ("just over", json!({"exp": time - 1}), 401, 200),
        ("over", json!({"exp": time - leeway}), 401, 401),
        ("not yet", json!({"nbf": time + leeway / 2}), 401, 200),
        ("long not yet", json!({"nbf": time + 3 * leeway}), 401, 401),
        ("issued soon", json!({"iat": time + leeway / 2}), 401, 200),
        ("issued later", json!({"iat": time + 3 * leeway}), 401, 401),
    ] {
        let token = keycloak.mint(&json!({}), &claims).await?;
        for (stage, expected) in [(&exact, when_exact), (&tolerant, when_tolerant)] {
            let (status, code) = stage.status(items_by_token("obs", &token)).await?;
            assert_eq!(status, expected, "{name}: {code}");
        }
    }
    Ok(())
}
