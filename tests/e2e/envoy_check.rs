//! `geowarden check --envoy` reads the configuration of a running Envoy (`/config_dump`).

use std::path::Path;

use geowarden_stack::{Ask, Envoy, EnvoyConfig, GrpcAddress, Tools};
use serde_json::Value;
use tempfile::tempdir;

use crate::stage::{Outcome, binary};

async fn checked(envoy: &Envoy) -> Outcome<(Value, Option<i32>)> {
    let dump = Ask::get("/config_dump").send(envoy.admin()).await?;
    let folder = tempdir()?;
    let file = folder.path().join("dump.json");
    std::fs::write(&file, dump.text())?;
    let output = tokio::process::Command::new(binary())
        .args(["check", "--json", "--envoy"])
        .arg(&file)
        .output()
        .await?;
    let told = serde_json::from_slice(&output.stdout)?;
    Ok((told, output.status.code()))
}

fn config(name: &str) -> EnvoyConfig {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    EnvoyConfig::new(&template, 5000, &GrpcAddress::Port(9191))
}

#[tokio::test]
async fn the_dump_of_a_shipped_configuration_has_no_finding() -> Outcome {
    let tools = Tools::find()?;
    for name in ["envoy/api-key.yaml", "envoy/tenants.yaml", "envoy/jwt.yaml"] {
        let envoy = Envoy::start(&tools, &config(name)).await?;
        let (told, code) = checked(&envoy).await?;
        assert_eq!(told["findings"], Value::Array(Vec::new()), "{name}");
        assert_eq!(code, Some(0), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_dump_of_a_changed_configuration_has_its_findings() -> Outcome {
    let tools = Tools::find()?;
    let changed = config("envoy/api-key.yaml")
        .replace("failure_mode_allow: false", "failure_mode_allow: true")
        .replace("normalize_path: true", "normalize_path: false")
        .replace("                      encode_raw_headers: true\n", "")
        .replace(
            "                        timeout: 1s\n",
            "                        timeout: 0.4s\n",
        );
    let envoy = Envoy::start(&tools, &changed).await?;
    let (told, code) = checked(&envoy).await?;
    let findings = told["findings"].as_array().into_iter().flatten();
    let mut codes: Vec<_> = findings.filter_map(|f| f["code"].as_str()).collect();
    codes.sort_unstable();
    let expected = [
        "encode-raw-headers",
        "failure-mode-allow",
        "normalize-path",
        "timeout",
    ];
    assert_eq!(codes, expected, "{told:#}");
    assert_eq!(code, Some(64));
    Ok(())
}
