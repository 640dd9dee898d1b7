//! Credentials in `Authorization`, in the query and in cookies, sent by real clients. pygeoapi never sees them.

use geowarden_stack::{
    Answer, Ask, Envoy, EnvoyConfig, Geowarden, Provider, Pygeoapi, Tools, Visit,
};
use tokio::process::Command;

use crate::stage::{Files, Outcome, Stage, binary, issuer};

/// Answers with the request that Envoy would send to pygeoapi.
const ROUTE: &str = "- match: {prefix: /}
";
const ECHO: &str = r#"- match: {prefix: /}
                          response_headers_to_add:
                            - header: {key: x-seen, value: "path=%REQ(:PATH)% cookie=%REQ(COOKIE)% authorization=%REQ(AUTHORIZATION)% referer=%REQ(REFERER)%%REQ(X-ORIGINAL-URL)%"}
"#;

const PLACES: &str =
    "{file: api-keys.yaml, authorization: [apikey, basic], query: api_key, cookie: key}";

async fn stage(provider: &Provider) -> Outcome<Stage> {
    let files = Files::new().await?;
    let jwt = issuer(&provider.issuer());
    let text = format!(
        "server: {{grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}}\nauthn:\n  api_keys: {PLACES}\n  jwt: [{jwt}]\n  tokens: {{query: access_token, cookie: token}}\npolicy: {{path: policies}}\n"
    );
    files.write("geowarden.yaml", &text)?;
    let geowarden = Geowarden::start(binary(), &files.path("geowarden.yaml")).await?;
    let tools = Tools::find()?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let config =
        EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc()).replace(ROUTE, ECHO);
    let envoy = Envoy::start(&tools, &config).await?;
    Ok(Stage::of(envoy, geowarden, pygeoapi, files))
}

const ITEMS: &str = "/collections/obs/items";

fn basic(key: &str) -> String {
    format!(
        "Basic {}",
        data_encoding::BASE64.encode(format!("me:{key}").as_bytes())
    )
}

/// Each place of a key, then each of a token.
fn places(key: &str, token: &str) -> Vec<Ask> {
    vec![
        Ask::get(ITEMS).header("x-api-key", key),
        Ask::get(ITEMS).header("authorization", format!("APIKEY {key}")),
        Ask::get(ITEMS).header("authorization", basic(key)),
        Ask::get(format!("{ITEMS}?api_key={key}")),
        Ask::get(format!("{ITEMS}?api%5Fkey={key}")),
        Ask::get(ITEMS).header("cookie", format!("key={key}")),
        Ask::get(ITEMS).bearer(token),
        Ask::get(format!("{ITEMS}?access_token={token}")),
        Ask::get(ITEMS).header("cookie", format!("token={token}")),
    ]
}

fn seen(answer: &Answer) -> &str {
    answer.header("x-seen").unwrap_or_default()
}

#[tokio::test]
async fn a_credential_opens_in_each_place_and_is_seen_nowhere() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let mut stage = stage(&provider).await?;
    let key = stage.files.osgeo_key.clone();
    let token = provider.client_credentials("osgeo").await?;
    let mut emitted = String::new();
    for ask in places(&key, &token) {
        let told = format!("{ask:?}");
        let answer = stage.ask(ask).await?;
        assert_eq!(answer.status(), 200, "{told}");
        let expected = format!("path={ITEMS} cookie= authorization= referer=");
        assert_eq!(seen(&answer), expected, "{told}");
        emitted.push_str(&answer.text());
    }
    // Only the credential is removed.
    let page = format!("https://maps.example.org/collections?api_key={key}");
    let ask = Ask::get(format!("{ITEMS}?limit=1&api_key={key}&f=json"))
        .header("cookie", "a=1; b=2")
        .header("referer", &*page)
        .header("x-original-url", &*page);
    let answer = stage.ask(ask).await?;
    let expected = format!("path={ITEMS}?limit=1&f=json cookie=a=1; b=2 authorization= referer=");
    assert_eq!(seen(&answer), expected);
    let ask = Ask::get(ITEMS).header("cookie", format!("a=1; key={key}; b=2"));
    let answer = stage.ask(ask).await?;
    assert!(
        seen(&answer).contains("cookie=a=1; b=2 "),
        "{}",
        seen(&answer)
    );

    for (wrong, code) in [
        (Ask::get(format!("{ITEMS}?api_key={key}x")), "unknown-key"),
        (
            Ask::get(ITEMS).header("cookie", format!("key={key}x")),
            "unknown-key",
        ),
        (
            Ask::get(ITEMS).header("authorization", basic(&format!("{key}x"))),
            "unknown-key",
        ),
        (
            Ask::get(format!("{ITEMS}?access_token={token}x")),
            "malformed-token",
        ),
        (
            Ask::get(format!("{ITEMS}?api_key={key}")).header("x-api-key", &*key),
            "several-credentials",
        ),
        (
            Ask::get(format!("{ITEMS}?api_key={key}")).bearer(&token),
            "several-credentials",
        ),
        (
            Ask::get(format!("{ITEMS}?api_key={key}&api_key={key}")),
            "repeated-credential",
        ),
        (
            Ask::new("DELETE", format!("{ITEMS}/1"))
                .header("cookie", format!("key={key}"))
                .header("sec-fetch-site", "cross-site"),
            "cross-site-credential",
        ),
    ] {
        let told = format!("{wrong:?}");
        let answer = stage.ask(wrong).await?;
        let body = answer.text();
        assert!(body.contains(&format!("\"{code}\"")), "{told}: {body}");
        emitted.push_str(&body);
    }
    emitted.push_str(&stage.envoy.log());
    let geowarden = stage.geowarden()?;
    geowarden.event(|event| event["status"] == 403).await?;
    emitted.push_str(&geowarden.log());
    let encoded = basic(&key);
    let payload = token.split('.').nth(1).unwrap_or_default();
    for secret in [key.as_str(), &key[3..], payload, &encoded[6..]] {
        assert!(
            !secret.is_empty() && !emitted.contains(secret),
            "a part of a credential was emitted"
        );
    }
    assert!(
        emitted.contains("decision_id"),
        "logs are among what is searched"
    );
    Ok(())
}

#[tokio::test]
async fn a_stranger_is_told_each_way() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let stage = stage(&provider).await?;
    let answer = stage.ask(Ask::get(ITEMS)).await?;
    assert_eq!(answer.status(), 401);
    let challenges: Vec<_> = answer.headers("www-authenticate").collect();
    let expected = [
        "Bearer realm=\"pygeoapi\"",
        "ApiKey realm=\"pygeoapi\", header=\"x-api-key\"",
        "Basic realm=\"pygeoapi\", charset=\"UTF-8\"",
    ];
    assert_eq!(challenges, expected);
    Ok(())
}

/// With Basic, a browser asks for the password once, and sends it with all later requests. A script of a web map adds a
/// header.
#[tokio::test]
async fn a_browser_sends_a_password_and_a_web_map_a_header() -> Outcome {
    let tools = Tools::find()?;
    let provider = Provider::start(&tools).await?;
    let stage = stage(&provider).await?;
    let (host, key) = (stage.envoy.address(), stage.files.osgeo_key.as_str());
    let seen = Visit::default()
        .open(format!("http://{host}/"))
        .fetch_with("a map", ITEMS, ("x-api-key", key))
        // The address has the password, in place of the browser's dialog: a script cannot fill in the dialog.
        .open(format!("http://me:{key}@{host}{ITEMS}?f=html"))
        .look("the page")
        .open(format!("http://{host}{ITEMS}?f=html"))
        .look("the next page")
        .fetch("its script", ITEMS)
        .make(&tools)
        .await?;
    for (name, status) in [
        ("a map", 200),
        ("the page", 200),
        ("the next page", 200),
        ("its script", 200),
    ] {
        let look = seen.get(name).ok_or_else(|| format!("no look at {name}"))?;
        assert_eq!(look.status, Some(status), "{name}: {}", look.text);
    }
    Ok(())
}

/// Prints how many features GDAL reads with the key as a password.
const GDAL: &str = r#"
import os
import pyogrio

password = {"GDAL_HTTP_AUTH": "BASIC", "GDAL_HTTP_USERPWD": "me:" + os.environ["KEY"]}
pyogrio.set_gdal_config_options(password)
print(len(pyogrio.raw.read("/vsicurl/" + os.environ["ITEMS"])[2]), "features")
"#;

/// Prints how many features Python's requests reads with the key as a password.
const REQUESTS: &str = r#"
import os
import requests

answer = requests.get(os.environ["ITEMS"], auth=("me", os.environ["KEY"]))
print(answer.json()["numberMatched"], "features")
"#;

/// Runs a client and returns what it prints.
async fn run(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome<String> {
    let output = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .await
        .map_err(|error| format!("{program} is not installed: run `make tools` ({error})"))?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(told + &String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn real_clients_send_the_key_as_a_password() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let stage = stage(&provider).await?;
    let key = stage.files.osgeo_key.clone();
    let items = format!("http://{}{ITEMS}?f=json", stage.envoy.address());
    let user = format!("me:{key}");
    let status = [
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
    ];
    // curl sends the password at once, or after the challenge.
    for more in [&["--user", &*user][..], &["--anyauth", "--user", &user]] {
        let arguments = [&status[..], more, &[&*items]].concat();
        assert_eq!(run("curl", &arguments, &[]).await?, "200", "{more:?}");
    }
    let python = Tools::find()?.clients_python()?;
    let python = python.to_string_lossy();
    let variables = [
        ("ITEMS", &*items),
        ("KEY", &*key),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ];
    for client in [GDAL, REQUESTS] {
        let told = run(&python, &["-c", client], &variables).await?;
        assert_eq!(told.trim(), "5 features", "{client}");
    }
    Ok(())
}
