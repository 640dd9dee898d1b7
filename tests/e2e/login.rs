//! The login in a browser: the shipped `envoy/oidc.yaml` sends people to a real OpenID provider and back.

use std::{fs, io::ErrorKind, path::Path, time::Duration};

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Provider, Pygeoapi, Tools, Visit};
use tokio::net::TcpSocket;

use crate::{
    browser::Browser,
    stage::{Files, Outcome, binary, issuer, reserved_port},
};

/// The part of the configuration with TLS to the provider. The test removes it: its provider has plain HTTP.
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

pub(crate) struct Login {
    pub(crate) envoy: Envoy,
    pub(crate) provider: Provider,
    geowarden: Geowarden,
    _pygeoapi: Pygeoapi,
    _files: Files,
    _reserved: TcpSocket,
}

impl Login {
    async fn new() -> Outcome<Self> {
        Self::with(Files::new().await?, 600).await
    }

    /// Starts with the policy of `files`, and tokens that are valid for `lifetime` seconds.
    pub(crate) async fn with(files: Files, lifetime: u32) -> Outcome<Self> {
        let tools = Tools::find()?;
        // The provider must know the address of Envoy, and Envoy that of the provider. So reserve Envoy's port first.
        let (reserved, port) = reserved_port()?;
        let provider = Provider::start_for_browsers(
            &tools,
            &format!("http://localhost:{port}/callback"),
            lifetime,
        )
        .await?;
        // Envoy counts a token's lifetime from the time of receipt, so it still sends a token that has just expired.
        let issuer = issuer(&provider.issuer()).replace('}', ", leeway: 5s}");
        let config = files.configure("127.0.0.1:0", &issuer, "")?;
        let geowarden = Geowarden::start(binary(), &config).await?;
        let url = format!("http://localhost:{port}");
        let pygeoapi = Pygeoapi::start_for(&tools, &url).await?;
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
            .replace("https://idp.example/auth?", format!("{issuer}/auth?"))
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
            _reserved: reserved,
        })
    }

    /// The address for people. It must not have the provider's host name: cookies ignore ports, and would be sent to both.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.envoy.port())
    }
}

/// Logs in at the provider's pages, from the browser's current page, until the provider sends the browser back.
async fn log_in(browser: &mut Browser, name: &str) -> Outcome<geowarden_stack::Answer> {
    let form = format!("prompt=login&login={name}&password=any");
    let at_login = browser.address.clone();
    browser.send(&at_login, &form).await?;
    let at_consent = browser.address.clone();
    browser.send(&at_consent, "prompt=consent").await
}

#[tokio::test]
async fn a_person_logs_in_looks_around_and_signs_out_in_chromium() -> Outcome {
    let login = Login::new().await?;
    let provider = login.provider.issuer();
    let page = login.url("/collections/obs/items?f=html&limit=1");
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("e2e");
    let allowed = pictures.join("login-allowed.png");
    let forbidden = pictures.join("login-forbidden.png");
    for old in [&allowed, &forbidden] {
        // A picture of an earlier run must not look like one of this run.
        fs::remove_file(old).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }

    let seen = Visit::default()
        .open(login.url("/"))
        .look("landing page")
        .fetch("script before", "/collections/obs/items?f=json")
        .open(&page)
        .look("login page")
        .fill("input[name=login]", "osgeo")
        .fill("input[name=password]", "any")
        .press("button:has-text('Sign-in')")
        .press("button:has-text('Continue')")
        .arrive(login.url("/collections"))
        .look("allowed page")
        .screenshot(&allowed)
        .fetch("script of the session", "/collections/obs/items?f=json")
        .open(login.url("/collections/lakes/items?f=html"))
        .look("forbidden page")
        .screenshot(&forbidden)
        .fetch("forbidden to the script", "/collections/lakes/items?f=json")
        .cookies("cookies", login.url("/"))
        .open(login.url("/signout"))
        .press("button:has-text('Yes, sign me out')")
        .arrive(login.url("/"))
        .fetch("script after", "/collections/obs/items?f=json")
        .open(&page)
        .look("asked again")
        .make(&Tools::find()?)
        .await?;
    let saw = |name: &str| seen.get(name).ok_or_else(|| format!("no look at {name}"));
    let status = |name: &str| Ok::<_, String>(saw(name)?.status);

    assert_eq!(status("landing page")?, Some(200));
    for script in ["script before", "script after"] {
        let script = saw(script)?;
        assert_eq!(script.status, Some(401), "{script:?}");
        assert!(script.challenge.starts_with("Bearer "), "{script:?}");
    }
    for asked in ["login page", "asked again"] {
        let asked = saw(asked)?;
        assert!(asked.address.starts_with(&provider), "{asked:?}");
        assert!(asked.text.contains("Sign-in"), "{asked:?}");
    }

    // The browser shows the page that it asked for first, with its data.
    let there = saw("allowed page")?;
    assert_eq!((&there.address, there.status), (&page, Some(200)));
    assert!(there.text.contains("bologna"), "{there:?}");
    let script = saw("script of the session")?;
    assert_eq!(script.status, Some(200), "{script:?}");
    assert!(script.text.contains("FeatureCollection"), "{script:?}");

    // A forbidden page gives an explanation, and not the login again.
    let refused = saw("forbidden page")?;
    assert_eq!(refused.status, Some(403));
    assert_eq!(
        refused.address,
        login.url("/collections/lakes/items?f=html")
    );
    assert!(refused.text.contains("403 Forbidden"), "{refused:?}");
    assert_eq!(refused.title, "Forbidden");
    assert_eq!(status("forbidden to the script")?, Some(403));
    for picture in [allowed, forbidden] {
        assert!(fs::read(&picture)?.starts_with(b"\x89PNG"), "{picture:?}");
    }

    // No log has a token, encrypted or not.
    let log = [login.geowarden.log(), login.envoy.log()].concat();
    let cookies: Vec<_> = saw("cookies")?.text.lines().collect();
    assert!(cookies.iter().any(|value| value.len() > 500), "{cookies:?}");
    for value in cookies {
        assert!(
            value.len() < 16 || !log.contains(value),
            "a cookie is in a log"
        );
    }
    Ok(())
}

/// A token with many roles and groups does not fit into one cookie.
#[tokio::test]
async fn a_person_with_a_token_of_many_groups_logs_in_in_chromium() -> Outcome {
    let login = Login::new().await?;
    let page = login.url("/collections/obs/items?f=html&limit=1");
    let seen = Visit::default()
        .open(&page)
        .fill("input[name=login]", "ministry")
        .fill("input[name=password]", "any")
        .press("button:has-text('Sign-in')")
        .press("button:has-text('Continue')")
        .arrive(login.url("/collections"))
        .look("page")
        .fetch("script", "/collections/obs/items?f=json")
        .cookies("cookies", login.url("/"))
        .open(login.url("/signout"))
        .press("button:has-text('Yes, sign me out')")
        .arrive(login.url("/"))
        .fetch("script after", "/collections/obs/items?f=json")
        .make(&Tools::find()?)
        .await?;
    let saw = |name: &str| seen.get(name).ok_or_else(|| format!("no look at {name}"));
    let there = saw("page")?;
    assert_eq!((&there.address, there.status), (&page, Some(200)));
    assert!(there.text.contains("bologna"), "{there:?}");
    assert_eq!(saw("script")?.status, Some(200));
    assert_eq!(saw("script after")?.status, Some(401));
    let sizes: Vec<_> = saw("cookies")?.text.lines().map(str::len).collect();
    // Each cookie is small enough for a browser, but all of them together are larger than one cookie may be.
    assert!(sizes.iter().all(|size| *size < 4096), "{sizes:?}");
    assert!(sizes.iter().sum::<usize>() > 2 * 4096, "{sizes:?}");
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_tampered_with_is_none() -> Outcome {
    let login = Login::new().await?;
    let host = format!("localhost:{}", login.envoy.port());
    let page = login.url("/collections/obs/items?f=html&limit=1");
    let mut browser = Browser::default();
    browser.open(&page).await?;
    let before = browser.clone();
    let answer = log_in(&mut browser, "osgeo").await?;
    assert_eq!((answer.status(), &browser.address), (200, &page));

    // Each cookie with a token, or with a signature of one, is removed, and is changed.
    for name in ["BearerToken", "OauthHMAC", "OauthExpires"] {
        let value = browser.cookies(&host).get(name).cloned();
        let value = value.ok_or_else(|| format!("no cookie {name}"))?;
        let mut changed = value.clone();
        changed.replace_range(
            5..6,
            if value.get(5..6) == Some("7") {
                "8"
            } else {
                "7"
            },
        );
        for other in [changed, String::new()] {
            let mut thief = browser.clone();
            thief.cookies(&host).insert(name.to_owned(), other);
            // Remove the refresh token, with which Envoy could get a new session.
            thief.cookies(&host).remove("RefreshToken");
            let asked = thief.fetch(&login.url("/collections/obs/items")).await?;
            assert_eq!(asked.status(), 401, "{name}: {}", asked.text());
        }
    }

    // A callback without a login of this browser before.
    let callback = login.url("/callback?code=stolen&state=forged");
    for mut victim in [Browser::default(), before, browser] {
        victim.cookies(&host).remove("RefreshToken");
        let answer = victim.open(&callback).await?;
        assert_eq!(answer.status(), 401, "{}", victim.address);
        assert_eq!(victim.address, callback);
    }
    Ok(())
}

#[tokio::test]
async fn a_session_is_renewed_without_asking_again() -> Outcome {
    let login = Login::with(Files::new().await?, 2).await?;
    let host = format!("localhost:{}", login.envoy.port());
    let mut browser = Browser::default();
    let page = login.url("/collections/obs/items?f=html&limit=1");
    browser.open(&page).await?;
    assert_eq!(log_in(&mut browser, "osgeo").await?.status(), 200);
    let token = |browser: &mut Browser| browser.cookies(&host).get("BearerToken").cloned();
    let first = token(&mut browser).ok_or("no token in the cookies")?;
    let items = login.url("/collections/obs/items?f=json");
    let renewed = async {
        let mut every = tokio::time::interval(Duration::from_millis(100));
        while token(&mut browser).as_ref() == Some(&first) {
            every.tick().await;
            // A script is never sent to the provider, which would log the person in without a question.
            let answer = browser.fetch(&items).await?;
            assert_eq!(answer.status(), 200, "{}", answer.text());
        }
        Outcome::Ok(())
    };
    tokio::time::timeout(Duration::from_mins(1), renewed).await?
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
    // A request with a token or a key needs no login, from any client.
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
        "/openapi/?f=html",
        "/conformance",
        "/static/css/default.css",
    ] {
        let answer = Ask::get(page)
            .header("accept", "text/html")
            .send(&address)
            .await?;
        assert_eq!(answer.status(), 200, "{page}");
    }
    // A page that only looks like a public one needs a login.
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
