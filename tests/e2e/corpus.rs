//! Every measured request through real Envoy, geowarden and pygeoapi: pygeoapi serves exactly what geowarden decided about.

use std::path::Path;

use geowarden_stack::{Envoy, EnvoyConfig, Framework, Geowarden, Pygeoapi, Tools};
use tokio::process::Command;

use crate::stage::{Files, Outcome, binary};

/// Allows everything, and adds a header with the resource that it decided about.
const POLICY: &str = r#"package geowarden.authz

import rego.v1

target := input.request.raw_target

allow := {"allowed": true, "headers": {"x-judged": base64.encode(json.marshal({"ogc": input.ogc, "target": target}))}}
"#;

async fn send_all(framework: Framework, name: &str) -> Outcome {
    let tools = Tools::find()?;
    let files = Files::new().await?;
    files.write("policies/authz.rego", POLICY)?;
    let more = format!("pygeoapi: {{backend: {name}}}");
    let config = files.configure("127.0.0.1:0", "", &more)?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let pygeoapi = Pygeoapi::start_telling(&tools, framework).await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    // If a request is not valid HTTP/2, Envoy only closes the connection.
    let config = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc())
        .replace("delayed_close_timeout: 60s", "delayed_close_timeout: 1s");
    let envoy = Envoy::start(&tools, &config).await?;
    let output = Command::new(tools.pygeoapi_python()?)
        .args([
            "-m",
            "differential.through_envoy",
            "--address",
            &envoy.address(),
        ])
        .args(["--backend", name])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true)
        .output()
        .await?;
    let told = String::from_utf8(output.stdout)?;
    let faults = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{told}\n{faults}");
    assert!(told.contains("0 faults"), "{told}");
    Ok(())
}

#[tokio::test]
async fn flask_serves_what_was_judged() -> Outcome {
    send_all(Framework::Flask, "flask").await
}

#[tokio::test]
async fn starlette_serves_what_was_judged() -> Outcome {
    send_all(Framework::Starlette, "starlette").await
}
