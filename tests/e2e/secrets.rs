//! No credential leaves geowarden: it is not in logs, metrics or answers, and pygeoapi does not get it.

use geowarden_stack::{Ask, Provider, Tools};

use crate::stage::{Outcome, Stage, items, items_by_token};

#[tokio::test]
async fn no_credential_is_emitted_anywhere() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let mut stage = Stage::with_tokens(&provider).await?;
    let key = stage.files.osgeo_key.clone();
    let token = provider.client_credentials("osgeo").await?;
    let tampered = format!("{token}x");
    let mut emitted = String::new();
    for ask in [
        items("obs", &key),
        items("lakes", &key),
        items("obs", &format!("{key}-not")),
        items_by_token("obs", &token),
        items_by_token("lakes", &token),
        items_by_token("obs", &tampered),
        items_by_token("obs", &token).header("x-api-key", &*key),
        Ask::get("/collections/obs//").bearer(&token),
    ] {
        emitted.push_str(&stage.ask(ask).await?.text());
    }
    emitted.push_str(&stage.envoy.log());
    let geowarden = stage.geowarden()?;
    // Wait for the event of the last request.
    geowarden.event(|event| event["status"] == 400).await?;
    emitted.push_str(&geowarden.log());
    emitted.push_str(&geowarden.admin_page("/metrics").await?.text());
    assert!(
        emitted.contains("geowarden_decisions_total"),
        "metrics are among what is searched"
    );
    assert!(
        emitted.contains("decision_id"),
        "logs are among what is searched"
    );
    let signature = token.rsplit('.').next().unwrap_or_default();
    let payload = token.split('.').nth(1).unwrap_or_default();
    for secret in [key.as_str(), &key[3..], &token, signature, payload] {
        assert!(!secret.is_empty());
        assert!(
            !emitted.contains(secret),
            "a part of a credential was emitted"
        );
    }
    Ok(())
}
