//! The input that `geowarden eval` shows is the input of a request through a real Envoy.

use std::process::Command;

use geowarden_stack::{Ask, Geowarden};
use serde_json::Value;

use crate::stage::{Files, Outcome, Stage, binary};

const POLICY: &str = r#"package geowarden.authz

allow := {"allowed": true, "response_headers_to_add": {"x-input": json.marshal(input)}}
"#;

/// Headers of a client that Envoy reads itself, and others.
const TWICE: [&str; 18] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "cache-control",
    "content-encoding",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-forwarded-host",
    "accept-language",
    "x-own",
];

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
    let stage = Stage::around("envoy/api-key.yaml", files, geowarden).await?;
    let twice: Vec<_> = TWICE
        .iter()
        .flat_map(|name| [(*name, "1"), (*name, "2")])
        .collect();
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
        ("GET", "/collections/lakes", &twice, ""),
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
        assert_eq!(without_own(shown), without_own(sent), "{target}");
    }
    Ok(())
}
