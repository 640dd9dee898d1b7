//! The input that `geowarden eval` shows is the input of a request through a real Envoy.

use std::process::Command;

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Pygeoapi, Tools};
use serde_json::Value;

use crate::stage::{Files, Outcome, Stage, binary};

const POLICY: &str = r#"package geowarden.authz

allow := {"allowed": true, "response_headers_to_add": {"x-input": json.marshal(input)}}
"#;

/// What is another in each request: times, ports and Envoy's ids of the request. Envoy puts its own address in place of a loopback one.
const OWN: [&str; 8] = [
    "/attributes/request/http/id",
    "/attributes/request/http/headers/x-forwarded-for",
    "/request/headers/x-forwarded-for",
    "/attributes/request/time",
    "/attributes/source/address/socketAddress/portValue",
    "/attributes/destination/address/socketAddress/portValue",
    "/attributes/request/http/headers/x-request-id",
    "/request/headers/x-request-id",
];

fn without_own(mut input: Value) -> Value {
    for pointer in OWN {
        let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(members)) = input.pointer_mut(parent) {
            members.remove(name);
        }
    }
    let raw = input.pointer_mut("/attributes/request/http/headerMap/headers");
    if let Some(Value::Array(headers)) = raw {
        headers.retain(|header| {
            let key = header["key"].as_str().unwrap_or_default();
            !["x-request-id", "x-forwarded-for"].contains(&key)
        });
        headers.sort_by_key(|header| header["key"].to_string());
    }
    input
}

#[tokio::test]
async fn eval_shows_what_envoy_sends() -> Outcome {
    let files = Files::new().await?;
    files.write("policies/authz.rego", POLICY)?;
    let config = files.configure("127.0.0.1:0", "", "")?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let tools = Tools::find()?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let bootstrap = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc());
    let envoy = Envoy::start(&tools, &bootstrap).await?;
    let stage = Stage::of(envoy, geowarden, pygeoapi, files);
    for (method, target, headers, body) in [
        ("GET", "/collections?f=json&f=json", &[][..], ""),
        (
            "GET",
            "/collections/obs",
            &[
                ("accept", "text/html"),
                ("accept", "application/json"),
                ("x-one", "1"),
                ("x-one", "2"),
                ("x-envoy-original-path", "/a"),
                ("x-envoy-retry-on", "5xx"),
            ],
            "",
        ),
        ("DELETE", "/jobs/a", &[("host", "maps.example.org")], ""),
        ("POST", "/processes/a/execution", &[], "{\"inputs\":{}}"),
    ] {
        let mut ask = Ask::new(method, target);
        let mut eval = Command::new(binary());
        eval.args(["eval", "--input", "-X", method, target, "--body", body]);
        eval.arg("--config").arg(&config);
        for (name, value) in headers {
            ask = ask.header(*name, *value);
            eval.args(["-H", &format!("{name}: {value}")]);
        }
        if !headers.iter().any(|(name, _)| *name == "host") {
            eval.args(["--host", &stage.envoy.address()]);
        }
        if !body.is_empty() {
            ask = ask.body("application/json", body);
            eval.args(["-H", "content-type: application/json"]);
        }
        let answer = stage.ask(ask).await?;
        let Some(sent) = answer.header("x-input") else {
            panic!("{method} {target}: {} {}", answer.status(), answer.text());
        };
        let output = eval.output()?;
        let shown = serde_json::from_slice(&output.stdout)
            .map_err(|e| format!("{e}: {}", String::from_utf8_lossy(&output.stderr)))?;
        let sent = serde_json::from_str(sent)?;
        assert_same(&without_own(shown), &without_own(sent), target);
    }
    Ok(())
}

/// Says which parts differ.
fn assert_same(shown: &Value, sent: &Value, target: &str) {
    let lines = |value: &Value| -> Vec<String> {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    let (shown, sent) = (lines(shown), lines(sent));
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        let all = one.iter().filter(|line| !other.contains(line));
        all.cloned().collect()
    };
    assert_eq!(
        (only(&shown, &sent), only(&sent, &shown)),
        (Vec::new(), Vec::new()),
        "{target}: what eval alone shows, and what Envoy alone sends"
    );
}
