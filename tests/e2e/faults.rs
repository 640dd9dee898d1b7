//! After a fault, requests are refused and not allowed.

use geowarden_stack::Geowarden;
use serde_json::Value;

use crate::stage::{Outcome, Stage, binary, items};

#[tokio::test]
async fn without_geowarden_envoy_refuses_everything() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let key = stage.files.osgeo_key.clone();
    assert_eq!(stage.status(items("obs", &key)).await?.0, 200);
    if let Some(geowarden) = stage.geowarden.take() {
        geowarden.kill().await?;
    }
    for path in ["/", "/collections/obs/items"] {
        let ask = geowarden_stack::Ask::get(path).header("x-api-key", &*key);
        assert_eq!(stage.ask(ask).await?.status(), 503, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_reload_only_takes_away_keys_and_a_good_one_changes_everything() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let key = stage.files.osgeo_key.clone();
    let good = std::fs::read_to_string(stage.files.path("policies/authz.rego"))?;

    stage
        .files
        .write("policies/authz.rego", "package geowarden.authz\nallow if {")?;
    stage
        .geowarden()?
        .wait_for_metric("geowarden_reload_failed 1")
        .await?;
    assert_eq!(stage.status(items("obs", &key)).await?.0, 200);
    assert_eq!(stage.status(items("lakes", &key)).await?.0, 403);
    let names_the_line = |event: &Value| event.to_string().contains("authz.rego:2");
    stage.geowarden()?.event(names_the_line).await?;

    // A broken key file also delays a valid policy: files only come into force together, except for revocation. The entry
    // of osgeo is still in the file.
    let keys = std::fs::read_to_string(stage.files.path("api-keys.yaml"))?;
    let broken = format!("{keys}- id: [\n");
    stage.files.write("api-keys.yaml", &broken)?;
    let open = good.replace("\"osgeo\": \"obs\"", "\"osgeo\": \"lakes\"");
    stage.files.write("policies/authz.rego", &open)?;
    let names_the_file = |event: &Value| event.to_string().contains("api-keys.yaml:");
    stage.geowarden()?.event(names_the_file).await?;
    assert_eq!(stage.status(items("obs", &key)).await?.0, 200);

    // The file no longer has the key of osgeo.
    stage
        .files
        .write("api-keys.yaml", "- id: x\n  sha256: nonsense\n")?;
    let names_the_entry = |event: &Value| event.to_string().contains("[0].sha256");
    stage.geowarden()?.event(names_the_entry).await?;
    assert_eq!(stage.status(items("obs", &key)).await?.0, 401);

    stage.files.write("api-keys.yaml", &keys)?;
    stage
        .geowarden()?
        .wait_for_metric("geowarden_reload_failed 0")
        .await?;
    assert_eq!(stage.status(items("obs", &key)).await?.0, 403);
    assert_eq!(stage.status(items("lakes", &key)).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn a_policy_that_never_ends_is_refused_and_others_served() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let key = stage.files.osgeo_key.clone();
    let endless = "package geowarden.authz\n\nallow if {\n\tinput.ogc.collection == \"lakes\"\n\tns := numbers.range(1, 3000)\n\tsome a in ns\n\tsome b in ns\n\ta + b == input.never\n}\n\nallow if input.ogc.collection == \"obs\"\n";
    stage.files.write("policies/authz.rego", endless)?;
    stage
        .geowarden()?
        .wait_for_metric("geowarden_reloads_total{result=\"success\"} 2")
        .await?;
    assert_eq!(
        stage.status(items("lakes", &key)).await?,
        (503, "policy-timeout".to_owned())
    );
    assert_eq!(stage.status(items("obs", &key)).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn a_removed_key_is_refused_after_its_reload() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let key = stage.files.osgeo_key.clone();
    assert_eq!(stage.status(items("obs", &key)).await?.0, 200);
    stage.files.write("api-keys.yaml", "[]")?;
    stage
        .geowarden()?
        .wait_for_metric("geowarden_reloads_total{result=\"success\"} 2")
        .await?;
    assert_eq!(
        stage.status(items("obs", &key)).await?,
        (401, "unknown-key".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_served_is_told_with_exit_code_64() -> Outcome {
    let files = crate::stage::Files::new().await?;
    files.write("policies/authz.rego", "package geowarden.authz\nallow if {")?;
    files.write("api-keys.yaml", "- id: x\n  sha256: nonsense\n")?;
    let config = files.configure("127.0.0.1:0", "", "telemetry: {level: loud}")?;
    for command in ["check", "serve"] {
        let ended = tokio::process::Command::new(binary())
            .args([command, "--config"])
            .arg(&config)
            .output()
            .await?;
        assert_eq!(ended.status.code(), Some(64), "{command}");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(
            told.contains("telemetry.level: expected `error` or `warn`"),
            "{told}"
        );
    }
    let config = files.configure("127.0.0.1:0", "", "")?;
    let told = Geowarden::run(
        binary(),
        &["check", "--config", &config.display().to_string()],
    )
    .await
    .err()
    .map(|e| e.to_string())
    .unwrap_or_default();
    for expected in ["api-keys.yaml:2: [0].sha256", "authz.rego:2"] {
        assert!(told.contains(expected), "{expected} not in {told}");
    }
    Ok(())
}
