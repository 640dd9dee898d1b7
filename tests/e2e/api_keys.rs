//! API keys through real Envoy to real pygeoapi.

use geowarden_stack::{Ask, Envoy, Tools};

use crate::stage::{Outcome, Stage, items};

#[tokio::test]
async fn keys_open_what_the_policy_says_and_nothing_else() -> Outcome {
    let stage = Stage::with_keys().await?;
    let osgeo = stage.files.osgeo_key.clone();
    let geobeyond = stage.files.geobeyond_key.clone();

    let answer = stage.ask(items("obs", &osgeo)).await?;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json()?["numberMatched"], 5);
    for (ask, status, code) in [
        (
            Ask::get("/collections/obs/items"),
            401,
            "credential-required",
        ),
        (items("obs", "wrong"), 401, "unknown-key"),
        (items("obs", ""), 401, "unknown-key"),
        (items("obs", &geobeyond), 403, "policy-denied"),
        (items("lakes", &osgeo), 403, "policy-denied"),
        (items("secret", &osgeo), 403, "policy-denied"),
        (
            items("obs", &osgeo).header("x-api-key", &*geobeyond),
            400,
            "repeated-credential",
        ),
        (Ask::get("/"), 200, ""),
        (Ask::get("/openapi"), 200, ""),
        // A bad credential is refused on public pages too.
        (
            Ask::get("/").header("x-api-key", "wrong"),
            401,
            "unknown-key",
        ),
        (
            Ask::new("DELETE", "/collections/obs/items/1").header("x-api-key", &*osgeo),
            403,
            "policy-denied",
        ),
    ] {
        let told = format!("{ask:?}");
        assert_eq!(
            stage.status(ask).await?,
            (status, code.to_owned()),
            "{told}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_a_problem_document_with_its_decision() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let answer = stage.ask(Ask::get("/collections/obs/items")).await?;
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        answer.header("www-authenticate"),
        Some("ApiKey realm=\"pygeoapi\", header=\"x-api-key\"")
    );
    let id = answer
        .header("x-geowarden-decision-id")
        .unwrap_or_default()
        .to_owned();
    assert_eq!(id.len(), 36);
    assert_eq!(answer.json()?["instance"], format!("urn:uuid:{id}"));
    assert_eq!(answer.json()?["status"], 401);
    // Envoy's access log and geowarden's log have the same decision.
    let line = stage
        .envoy
        .access_log_line(|line| line["decision_id"] == *id)
        .await?;
    assert_eq!(line["outcome"], "deny");
    assert_eq!(line["reason"], "credential-required");
    let logged = stage
        .geowarden()?
        .event(|event| event["decision_id"] == *id)
        .await?;
    assert_eq!(logged["collection"], "obs");
    Ok(())
}

#[tokio::test]
async fn paths_that_can_be_read_two_ways_are_refused() -> Outcome {
    let stage = Stage::with_keys().await?;
    let key = stage.files.osgeo_key.clone();
    for target in [
        "/collections%2Fobs%2Fitems",
        "//collections/obs/items",
        "/collections/obs/items/",
        "/collections/obs%0a",
        "/collections/obs/items?f=json&%66=html",
        "/collections/obs/items/secret/items",
        "/collections/obs%00",
    ] {
        let answer = stage
            .ask(Ask::get(target).header("x-api-key", &*key))
            .await?;
        assert_eq!(answer.status(), 400, "{target}");
    }
    // gunicorn would take its root path from this header.
    let moved = Ask::get("/static/collections/secret/items").header("SCRIPT_NAME", "/static");
    assert_eq!(stage.ask(moved).await?.status(), 400);
    Ok(())
}

#[tokio::test]
async fn the_shipped_bootstraps_are_valid() -> Outcome {
    let tools = Tools::find()?;
    for name in ["envoy/api-key.yaml", "envoy/jwt.yaml", "envoy/sidecar.yaml"] {
        Envoy::validate(&tools, &tools.repository().join(name)).await?;
    }
    Ok(())
}
