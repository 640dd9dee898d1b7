//! Tokens of a second, independent provider: glewlwyd.

use std::time::Duration;

use geowarden_stack::{Geowarden, Glewlwyd, Tools};
use serde_json::json;

use crate::stage::{Files, Outcome, Stage, binary, issuer, items_by_token};

#[tokio::test]
async fn its_tokens_open_what_the_policy_says_whatever_key_signs() -> Outcome {
    let tools = Tools::find()?;
    let glewlwyd = Glewlwyd::start(&tools, 600).await?;
    assert_eq!(
        glewlwyd.discovery().await?["issuer"],
        json!(glewlwyd.issuer())
    );
    let stage = Stage::new("envoy/jwt.yaml", "127.0.0.1:0", &issuer(&glewlwyd.issuer())).await?;
    let osgeo = glewlwyd.token("osgeo").await?;
    let geobeyond = glewlwyd.token("geobeyond").await?;
    for (token, collection, status) in [
        (&osgeo, "obs", 200),
        (&osgeo, "lakes", 403),
        (&geobeyond, "lakes", 200),
        (&geobeyond, "obs", 403),
    ] {
        let (answered, code) = stage.status(items_by_token(collection, token)).await?;
        assert_eq!(answered, status, "{collection}: {code}");
    }

    glewlwyd.rotate(&tools).await?;
    let after = glewlwyd.token("osgeo").await?;
    let key = |token: &str| token.split('.').next().map(str::to_owned);
    assert_ne!(key(&osgeo), key(&after), "the same kid");
    for token in [&after, &osgeo] {
        assert_eq!(stage.status(items_by_token("obs", token)).await?.0, 200);
    }
    Ok(())
}

#[tokio::test]
async fn an_issuer_is_its_name_to_the_letter() -> Outcome {
    let glewlwyd = Glewlwyd::start(&Tools::find()?, 600).await?;
    let files = Files::new().await?;
    // The metadata exist at this address too, but name another issuer.
    let with_slash = issuer(&format!("{}/", glewlwyd.issuer()));
    let config = files.configure("127.0.0.1:0", &with_slash, "")?;
    let geowarden = Geowarden::start_alive(binary(), &config).await?;
    let stage = Stage::around("envoy/jwt.yaml", files, geowarden).await?;
    let token = glewlwyd.token("osgeo").await?;
    assert_eq!(
        stage.status(items_by_token("obs", &token)).await?,
        (401, "unknown-issuer".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_over_counts_within_the_leeway() -> Outcome {
    let glewlwyd = Glewlwyd::start(&Tools::find()?, 1).await?;
    let exact = issuer(&glewlwyd.issuer());
    let tolerant = exact.replace('}', ", leeway: 600s}");
    let exact = Stage::new("envoy/jwt.yaml", "127.0.0.1:0", &exact).await?;
    let tolerant = Stage::new("envoy/jwt.yaml", "127.0.0.1:0", &tolerant).await?;
    let token = glewlwyd.token("osgeo").await?;
    let over = async {
        let mut every = tokio::time::interval(Duration::from_millis(50));
        loop {
            every.tick().await;
            let (status, code) = exact.status(items_by_token("obs", &token)).await?;
            if status != 200 {
                return Ok::<_, Box<dyn std::error::Error>>((status, code));
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_mins(1), over).await??;
    assert_eq!(refused, (401, "expired-token".to_owned()));
    assert_eq!(tolerant.status(items_by_token("obs", &token)).await?.0, 200);
    Ok(())
}
