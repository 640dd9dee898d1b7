//! People with a browser: the shipped `envoy/oidc.yaml` sends them to a real OpenID provider and back.

use std::fs;

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Provider, Pygeoapi, Tools};

use crate::{
    browser::Browser,
    stage::{Files, Outcome, binary, free_port, issuer},
};

/// TLS to the provider, which speaks plain HTTP on loopback here.
const TLS: &str = r#"      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: idp.example
          common_tls_context:
            validation_context:
              trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}
              match_typed_subject_alt_names:
                - {san_type: DNS, matcher: {exact: idp.example}}
"#;

struct Login {
    envoy: Envoy,
    provider: Provider,
    geowarden: Geowarden,
    _pygeoapi: Pygeoapi,
    _files: Files,
}

impl Login {
    async fn new() -> Outcome<Self> {
        let tools = Tools::find()?;
        // The provider must know the callback before Envoy is there, and Envoy the provider.
        let port = free_port()?;
        let provider =
            Provider::start_for_browsers(&tools, &format!("http://127.0.0.1:{port}/callback"))
                .await?;
        let files = Files::new().await?;
        let config = files.configure("127.0.0.1:0", &issuer(&provider.issuer()), "")?;
        let geowarden = Geowarden::start(binary(), &config).await?;
        let pygeoapi = Pygeoapi::start(&tools).await?;
        for (name, secret) in [
            ("token", "browser-secret"),
            ("hmac", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
        ] {
            let text = format!(
                "resources:\n  - \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n    name: {name}\n    generic_secret: {{secret: {{inline_string: '{secret}'}}}}\n"
            );
            fs::write(files.path(&format!("{name}.yaml")), text)?;
        }
        let secret = |name: &str| files.path(&format!("{name}.yaml")).display().to_string();
        let issuer = provider.issuer();
        let address = issuer.trim_start_matches("http://127.0.0.1:").to_owned();
        let template = tools.repository().join("envoy/oidc.yaml");
        let config = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc())
            .listen_on(port)
            .replace("https://idp.example/auth", format!("{issuer}/auth"))
            .replace("https://idp.example/token", format!("{issuer}/token"))
            .replace(
                "https://idp.example/session/end",
                format!("{issuer}/session/end"),
            )
            .replace("https://maps.example.org", "urn:geowarden:pygeoapi")
            .replace("[openid, offline_access]", "[openid, offline_access, read]")
            .replace("/etc/envoy/oauth2/token.yaml", secret("token"))
            .replace("/etc/envoy/oauth2/hmac.yaml", secret("hmac"))
            .replace("type: STRICT_DNS", "type: STATIC")
            .replace(
                "{address: idp.example, port_value: 443}",
                format!("{{address: 127.0.0.1, port_value: {address}}}"),
            )
            .replace(TLS, "");
        let envoy = Envoy::start(&tools, &config).await?;
        Ok(Self {
            envoy,
            provider,
            geowarden,
            _pygeoapi: pygeoapi,
            _files: files,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.envoy.address())
    }

    /// Logs in at the provider's own pages, from wherever the visit ended.
    async fn log_in(&self, browser: &mut Browser, name: &str) -> Outcome<geowarden_stack::Answer> {
        let at_login = browser.address.clone();
        assert!(at_login.starts_with(&self.provider.issuer()), "{at_login}");
        let form = format!("prompt=login&login={name}&password=any");
        let answer = browser.send(&at_login, &form).await?;
        if !browser.address.starts_with(&self.provider.issuer()) {
            return Ok(answer);
        }
        let at_consent = browser.address.clone();
        browser.send(&at_consent, "prompt=consent").await
    }
}

#[tokio::test]
async fn a_page_that_needs_a_login_leads_there_and_back() -> Outcome {
    let login = Login::new().await?;
    let mut browser = Browser::default();
    let page = login.url("/collections/obs/items?f=html&limit=1");
    let asked = browser.open(&page).await?;
    assert!(
        browser.address.contains("/interaction/"),
        "{}: {}",
        browser.address,
        asked.text()
    );
    let answer = login.log_in(&mut browser, "osgeo").await?;
    assert_eq!(
        answer.status(),
        200,
        "{}: {}",
        browser.address,
        answer.text()
    );
    assert_eq!(browser.address, page);
    assert!(answer.text().contains("<html"), "{}", answer.text());

    // What the person may not see is refused, not asked for again; a script uses the same login.
    let denied = browser
        .open(&login.url("/collections/lakes/items?f=html"))
        .await?;
    assert_eq!(denied.status(), 403);
    assert_eq!(
        denied.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        denied.text().contains("<h1>403 Forbidden</h1>"),
        "{}",
        denied.text()
    );
    let script = browser
        .fetch(&login.url("/collections/obs/items?f=json"))
        .await?;
    assert_eq!(script.status(), 200);

    // Signed out, the person is asked again.
    // The provider wants to be told too, else it would let the person in without asking.
    let farewell = browser.open(&login.url("/signout")).await?;
    assert!(
        browser.address.contains("/session/end"),
        "{}: {}",
        browser.address,
        farewell.text()
    );
    let page_text = farewell.text();
    let xsrf = page_text
        .split_once("name=\"xsrf\" value=\"")
        .and_then(|(_, rest)| rest.split('"').next())
        .ok_or("no form to sign out")?;
    let confirm = format!("{}/session/end/confirm", login.provider.issuer());
    browser
        .send(&confirm, &format!("xsrf={xsrf}&logout=yes"))
        .await?;
    browser.open(&page).await?;
    assert!(
        browser.address.starts_with(&login.provider.issuer()),
        "{}",
        browser.address
    );

    // No token in a log.
    let log = [login.geowarden.log(), login.envoy.log()].concat();
    for value in browser.values(&login.envoy.address()) {
        assert!(
            value.len() < 16 || !log.contains(&value),
            "a cookie is in a log"
        );
    }
    Ok(())
}

#[tokio::test]
async fn who_is_no_browser_is_asked_for_a_token() -> Outcome {
    let login = Login::new().await?;
    let address = login.envoy.address();
    let items = || Ask::get("/collections/obs/items?f=json");
    for (name, ask) in [
        ("API client", items()),
        ("script", items().header("accept", "application/json")),
        (
            "form",
            Ask::new("POST", "/collections/obs/items").header("accept", "text/html"),
        ),
    ] {
        let answer = ask.send(&address).await?;
        assert_eq!(answer.status(), 401, "{name}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer "), "{name}: {challenge}");
    }
    // A token or a key of one's own needs no login, whatever asks.
    let token = login.provider.client_credentials("osgeo").await?;
    let with_token = items()
        .bearer(&token)
        .header("accept", "text/html")
        .send(&address)
        .await?;
    assert_eq!(with_token.status(), 200);
    let wrong = items()
        .bearer("x.y.z")
        .header("accept", "text/html")
        .send(&address)
        .await?;
    assert_eq!(wrong.status(), 401);
    // Public pages are public for browsers too.
    for page in [
        "/",
        "/openapi?f=html",
        "/conformance",
        "/static/css/default.css",
    ] {
        let answer = Ask::get(page)
            .header("accept", "text/html")
            .send(&address)
            .await?;
        assert_eq!(answer.status(), 200, "{page}");
    }
    // But nothing that only looks like one.
    for page in [
        "/static",
        "/openapi/../collections/obs",
        "/conformance/x",
        "/?f=json/collections",
    ] {
        let answer = Ask::get(page)
            .header("accept", "text/html")
            .send(&address)
            .await?;
        assert!(
            answer.status() != 200 || page.starts_with("/?"),
            "{page}: {}",
            answer.status()
        );
    }
    Ok(())
}
