//! The requests that are sent to both.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::stand::{Mode, Stand, Tokens};
use crate::{Ask, Error, Provider, Result};

pub(super) struct Request {
    pub(super) name: String,
    pub(super) ask: Ask,
}

const ITEMS: &str = "/geoapi/collections/obs/items?f=json";

/// The requests of a mode.
pub(super) async fn of(mode: Mode, stand: &Stand) -> Result<Vec<Request>> {
    let mut all = Requests(Vec::new());
    let good = match (mode, &stand.tokens) {
        (Mode::Jwks, Tokens::Minted(provider)) => all.tokens(provider).await?,
        (Mode::Oidc, Tokens::Login(glewlwyd)) => {
            let other = glewlwyd.token("geobeyond").await?;
            all.add("denied by the policy", Ask::get(ITEMS).bearer(&other));
            let good = glewlwyd.token("osgeo").await?;
            all.add("allowed by the policy", Ask::get(ITEMS).bearer(&good));
            let truthy = Ask::get("/geoapi/collections/lakes?f=json").bearer(&good);
            all.add("a policy's truthy value", truthy);
            all.add("no token", Ask::get(ITEMS));
            let create = Ask::new("POST", "/geoapi/collections/lakes/items");
            all.add("no token, POST", create.body("application/geo+json", "{}"));
            all.add("a token of nobody", Ask::get(ITEMS).bearer("x.y.z"));
            ("authorization", format!("Bearer {good}"))
        }
        _ => all.keys(),
    };
    all.pages(&(good.0, &good.1));
    Ok(all.0)
}

struct Requests(Vec<Request>);

impl Requests {
    fn add(&mut self, name: impl Into<String>, ask: Ask) {
        self.0.push(Request {
            name: name.into(),
            ask,
        });
    }

    fn keys(&mut self) -> (&'static str, String) {
        let with = |key: &str| Ask::get(ITEMS).header("x-api-key", key);
        self.add("no key", Ask::get(ITEMS));
        self.add("wrong key", with("wrong"));
        self.add("empty key", with(""));
        self.add("key in capitals", with("PYGEOAPI"));
        self.add("key and more", with("pygeoapi2"));
        self.add("right key", with("pygeoapi"));
        self.add("further key", with("second"));
        self.add(
            "header in capitals",
            Ask::get(ITEMS).header("X-API-KEY", "pygeoapi"),
        );
        self.add("key as a token", Ask::get(ITEMS).bearer("pygeoapi"));
        self.add(
            "key in the query",
            Ask::get(format!("{ITEMS}&x-api-key=pygeoapi")),
        );
        ("x-api-key", "pygeoapi".to_owned())
    }

    async fn tokens(&mut self, provider: &Provider) -> Result<(&'static str, String)> {
        let with = |token: &str| Ask::get(ITEMS).bearer(token);
        self.add("no token", Ask::get(ITEMS));
        self.add("no JWT", with("x"));
        self.add("garbage", with("x.y.z"));
        self.add(
            "another scheme",
            Ask::get(ITEMS).header("authorization", "Basic eDp5"),
        );
        let time = now()?;
        for (name, claims) in [
            ("valid", json!({})),
            ("aud in a list", json!({"aud": ["other", "pygeoapi"]})),
            (
                "client_id for aud",
                json!({"aud": null, "client_id": "pygeoapi"}),
            ),
            (
                "client_id of another",
                json!({"aud": null, "client_id": "other"}),
            ),
            ("no sub", json!({"sub": null})),
            ("no exp", json!({"exp": null})),
            ("expired by a second", json!({"exp": time - 1})),
            ("nbf in the future", json!({"nbf": time + 3600})),
            ("iat in the future", json!({"iat": time + 3600})),
            ("other aud", json!({"aud": "other"})),
            ("no aud", json!({"aud": null, "client_id": null})),
            ("other iss", json!({"iss": "http://other.example"})),
            ("no iss", json!({"iss": null})),
        ] {
            self.add(name, with(&provider.mint(&json!({}), &claims).await?));
        }
        for (name, header) in [
            ("typ of a logout token", json!({"typ": "logout+jwt"})),
            ("no kid", json!({"kid": null})),
            ("unknown kid", json!({"kid": "unknown"})),
            ("embedded jwk", json!({"jwk": {"kty": "oct", "k": "eA"}})),
            ("crit", json!({"crit": ["x"], "x": 1})),
        ] {
            self.add(name, with(&provider.mint(&header, &json!({})).await?));
        }
        for (name, signer, alg) in [
            ("alg none", "nobody", "none"),
            ("alg None", "nobody", "None"),
            ("HS256 with the public key", "public key", "HS256"),
        ] {
            let header: Value = json!({ "alg": alg });
            self.add(
                name,
                with(&provider.mint_as(signer, &header, &json!({})).await?),
            );
        }
        let good = provider.client_credentials("osgeo").await?;
        self.add("tampered", with(&format!("{good}A")));
        self.add(
            "a raw token",
            Ask::get(ITEMS).header("authorization", &*good),
        );
        let lower = format!("bearer {good}");
        self.add(
            "scheme in small letters",
            Ask::get(ITEMS).header("authorization", lower),
        );
        Ok(("authorization", format!("Bearer {good}")))
    }

    /// Pages of pygeoapi, without a credential and with a valid one.
    fn pages(&mut self, good: &(&str, &str)) {
        let preflight = Ask::new("OPTIONS", ITEMS)
            .header("origin", "https://maps.example.org")
            .header("access-control-request-method", "GET");
        self.add("CORS preflight", preflight);
        self.add("OPTIONS without CORS", Ask::new("OPTIONS", ITEMS));
        for (name, page) in [
            ("openapi", "/geoapi/openapi"),
            ("openapi as JSON", "/geoapi/openapi?f=json"),
            ("openapi as HTML", "/geoapi/openapi?f=html"),
            ("landing page", "/geoapi/"),
            ("conformance", "/geoapi/conformance"),
            ("static file", "/geoapi/static/css/default.css"),
            ("collections", "/geoapi/collections"),
            ("an unknown page", "/geoapi/nothing"),
            ("a page elsewhere", "/nothing"),
            ("a slash at the end", "/geoapi/collections/"),
            ("two slashes", "/geoapi//collections"),
            ("healthz", "/healthz"),
            ("readyz", "/readyz"),
            ("administration", "/admin/config/status"),
        ] {
            self.add(name, Ask::get(page));
            self.add(
                format!("{name}, with a credential"),
                Ask::get(page).header(good.0, good.1),
            );
        }
        for (name, page) in [
            ("item", "/geoapi/collections/obs/items/1?f=json"),
            ("no such item", "/geoapi/collections/obs/items/none?f=json"),
            (
                "no such collection",
                "/geoapi/collections/none/items?f=json",
            ),
            ("process", "/geoapi/processes/hello-world?f=json"),
        ] {
            self.add(
                format!("{name}, with a credential"),
                Ask::get(page).header(good.0, good.1),
            );
        }
        let reload = Ask::new("POST", "/admin/config/reload");
        self.add("reload", reload.clone());
        self.add("reload, with a credential", reload.header(good.0, good.1));
    }
}

fn now() -> Result<u64> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|time| time.as_secs())
        .map_err(|error| Error::unexpected("the clock", error))
}
