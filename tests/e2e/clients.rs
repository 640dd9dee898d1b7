//! Real clients through each shipped bootstrap: GDAL, OWSLib, pystac-client and scripts (`tests/clients`) get the same
//! answers as from pygeoapi itself. The same holds for Chromium, and for recorded requests of QGIS and ogc-client
//! (`tests/corpus/clients.jsonl`). pygeoapi's server does not depend on the bootstrap, so only one is tried with Starlette.

use std::{collections::BTreeMap, fs, path::Path};

use geowarden_stack::{
    Envoy, EnvoyConfig, Framework, Geowarden, GrpcAddress, Provider, Pygeoapi, Seen, Tools, Visit,
    walk,
};
use reqwest::{Certificate, Client, Method, redirect::Policy};
use serde_json::{Value, json};
use tokio::{net::TcpSocket, sync::OnceCell};

use crate::{
    edge::Edge,
    login::Login,
    stage::{Files, Outcome, binary, issuer, reserved_port},
};

/// Every caller with a credential may do everything. A client that forgets its credential once is refused.
const KNOWN: &str = "package geowarden.authz\n\nallow if input.identity.method != \"anonymous\"\n";
/// The clients whose requests are recorded in `tests/corpus/clients.jsonl`.
const RECORDED: [&str; 2] = ["qgis", "ogc-client"];
/// The minimum of requests that all clients send together.
const REQUESTS: usize = 100;

/// The answers that the clients got.
struct Given {
    /// The results of the clients, by client and step.
    walk: Value,
    /// Each recorded request, with status and body.
    recorded: Vec<(String, u16, Value)>,
    /// The pages that Chromium showed.
    pages: BTreeMap<String, Seen>,
}

/// The answers of pygeoapi itself, fetched once for all tests.
static ON_FLASK: OnceCell<Given> = OnceCell::const_new();
static ON_STARLETTE: OnceCell<Given> = OnceCell::const_new();

async fn plain(framework: Framework) -> Outcome<&'static Given> {
    let plain = match framework {
        Framework::Flask => &ON_FLASK,
        Framework::Starlette => &ON_STARLETTE,
    };
    plain
        .get_or_try_init(async || {
            let (_reserved, port) = reserved_port()?;
            let _pygeoapi = Pygeoapi::start_on(&Tools::find()?, framework, port).await?;
            Given::at(&format!("http://127.0.0.1:{port}"), None, None).await
        })
        .await
}

impl Given {
    async fn at(url: &str, header: Option<(&str, &str)>, ca_file: Option<&Path>) -> Outcome<Self> {
        Ok(Self {
            walk: walk(&Tools::find()?, url, header, ca_file).await?,
            recorded: replay(url, header, ca_file).await?,
            pages: browse(url, header).await?,
        })
    }

    fn assert_same_as(&self, plain: &Self) {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let clients = members(&plain.walk);
        assert!(clients.len() >= 4, "clients are missing");
        assert_eq!(clients.len(), members(&self.walk).len());
        for (client, steps) in clients {
            for (step, given) in members(&steps) {
                assert_eq!(self.walk[&client][&step], given, "{client}: {step}");
            }
        }
        for (here, given) in self.recorded.iter().zip(&plain.recorded) {
            assert_eq!(here, given);
        }
        assert_eq!(self.recorded.len(), plain.recorded.len());
        for (name, page) in &plain.pages {
            assert_eq!(self.pages.get(name), Some(page), "{name}");
        }
        assert_eq!(self.pages.len(), plain.pages.len());
    }
}

/// Looks around in Chromium as a person does, by the links of pygeoapi's pages.
async fn browse(url: &str, header: Option<(&str, &str)>) -> Outcome<BTreeMap<String, Seen>> {
    let follow = |visit: Visit, link: &str, path: &str, name: &str| {
        visit.press(link).arrive(format!("{url}{path}")).look(name)
    };
    let visit = header.map_or_else(Visit::default, |header| Visit::default().send(header));
    let visit = visit.open(format!("{url}/")).look("landing page");
    let visit = follow(
        visit,
        "a:has-text('View the collections')",
        "/collections",
        "collections",
    );
    let visit = follow(
        visit,
        "a[href$='/collections/obs']",
        "/collections/obs",
        "a collection",
    );
    let visit = follow(
        visit,
        "a[title='Browse Items']",
        "/collections/obs/items",
        "items",
    );
    let visit = follow(
        visit,
        "a[href*='/collections/obs/items/']",
        "/collections/obs/items/",
        "an item",
    );
    let visit = visit
        .open(format!("{url}/processes/hello-world"))
        .look("a process");
    let mut pages = visit.make(&Tools::find()?).await?;
    for (name, page) in &mut pages {
        assert_eq!(page.status, Some(200), "{name}: {}", page.text);
        // Leaflet and Bootstrap are on other hosts, which this machine does not find.
        let own = page.errors.iter().find(|error| error.contains(url));
        assert_eq!(own, None, "{name}");
        for text in [&mut page.address, &mut page.title, &mut page.text] {
            *text = text.replace(url, "URL");
        }
    }
    Ok(pages)
}

/// Sends the recorded requests, with their headers.
async fn replay(
    url: &str,
    header: Option<(&str, &str)>,
    ca_file: Option<&Path>,
) -> Outcome<Vec<(String, u16, Value)>> {
    let mut client = Client::builder().no_proxy().redirect(Policy::none());
    if let Some(file) = ca_file {
        client = client.tls_certs_only([Certificate::from_pem(&fs::read(file)?)?]);
    }
    let client = client.build()?;
    let corpus = Tools::find()?
        .repository()
        .join("tests/corpus/clients.jsonl");
    let mut answers = Vec::new();
    for line in fs::read_to_string(corpus)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let source = text(&row["source"]);
        if !RECORDED.iter().any(|client| source.starts_with(client)) {
            continue;
        }
        let target = text(&row["target"]);
        let method = Method::from_bytes(text(&row["method"]).as_bytes())?;
        let mut request = client.request(method, format!("{url}{target}"));
        for pair in row["headers"].as_array().into_iter().flatten() {
            request = request.header(text(&pair[0]), text(&pair[1]));
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body = String::from_utf8_lossy(&answer.bytes().await?).replace(url, "URL");
        let mut body = serde_json::from_str(&body).unwrap_or(Value::from(body));
        if let Some(members) = body.as_object_mut() {
            members.remove("timeStamp");
        }
        answers.push((target, status, body));
    }
    assert!(answers.len() > 40, "recorded requests are missing");
    Ok(answers)
}

/// Asserts that the clients get pygeoapi's own answers through an Envoy, and that Envoy asked geowarden about every request.
async fn assert_as_plain(
    envoy: &Envoy,
    framework: Framework,
    url: &str,
    header: (&str, &str),
    ca_file: Option<&Path>,
) -> Outcome {
    let refused = || {
        let mut log = envoy.access_log();
        log.retain(|line| line["outcome"] != "allow");
        log
    };
    let given = Given::at(url, Some(header), ca_file)
        .await
        .map_err(|error| format!("{error}\n{:?}", refused()))?;
    given.assert_same_as(plain(framework).await?);
    assert_eq!(refused(), Vec::<Value>::new());
    let asked = envoy.access_log().len();
    assert!(asked > REQUESTS, "{asked}");
    Ok(())
}

async fn known() -> Outcome<Files> {
    let files = Files::new().await?;
    files.write("policies/authz.rego", KNOWN)?;
    Ok(files)
}

/// An Envoy with a bootstrap, and a pygeoapi whose links begin with Envoy's address.
struct Guarded {
    envoy: Envoy,
    framework: Framework,
    url: String,
    _geowarden: Geowarden,
    _pygeoapi: Pygeoapi,
    _reserved: TcpSocket,
}

impl Guarded {
    /// Starts all of them on Flask. `adapt` makes Envoy's configuration from Envoy's port, pygeoapi's port and geowarden's
    /// address.
    async fn by(
        geowarden: Geowarden,
        adapt: impl FnOnce(&Path, u16, u16, &GrpcAddress) -> EnvoyConfig,
    ) -> Outcome<Self> {
        Self::on(Framework::Flask, geowarden, adapt).await
    }

    async fn on(
        framework: Framework,
        geowarden: Geowarden,
        adapt: impl FnOnce(&Path, u16, u16, &GrpcAddress) -> EnvoyConfig,
    ) -> Outcome<Self> {
        let tools = Tools::find()?;
        let (reserved, port) = reserved_port()?;
        let url = format!("http://localhost:{port}");
        let pygeoapi = Pygeoapi::start_by(&tools, framework, &url).await?;
        let config = adapt(tools.repository(), port, pygeoapi.port(), geowarden.grpc());
        let envoy = Envoy::start(&tools, &config).await?;
        Ok(Self {
            envoy,
            framework,
            url,
            _geowarden: geowarden,
            _pygeoapi: pygeoapi,
            _reserved: reserved,
        })
    }

    async fn assert_as_plain(&self, name: &str, value: &str) -> Outcome {
        let header = (name, value);
        assert_as_plain(&self.envoy, self.framework, &self.url, header, None).await
    }
}

async fn assert_as_plain_by_api_key_yaml(framework: Framework, more: &str) -> Outcome {
    let files = known().await?;
    let config = files.configure("127.0.0.1:0", "", more)?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let adapt = |repository: &Path, port, pygeoapi, geowarden: &GrpcAddress| {
        let template = repository.join("envoy/api-key.yaml");
        EnvoyConfig::new(&template, pygeoapi, geowarden).listen_on(port)
    };
    let guarded = Guarded::on(framework, geowarden, adapt).await?;
    guarded.assert_as_plain("x-api-key", &files.osgeo_key).await
}

#[tokio::test]
async fn by_api_key_yaml_clients_are_given_what_pygeoapi_gives() -> Outcome {
    assert_as_plain_by_api_key_yaml(Framework::Flask, "").await
}

#[tokio::test]
async fn on_starlette_clients_are_given_what_pygeoapi_gives() -> Outcome {
    let more = "pygeoapi: {backend: starlette}";
    assert_as_plain_by_api_key_yaml(Framework::Starlette, more).await
}

#[tokio::test]
async fn by_jwt_yaml_clients_are_given_what_pygeoapi_gives() -> Outcome {
    let provider = Provider::start(&Tools::find()?).await?;
    let files = known().await?;
    let config = files.configure("127.0.0.1:0", &issuer(&provider.issuer()), "")?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let guarded = Guarded::by(geowarden, |repository, port, pygeoapi, geowarden| {
        let template = repository.join("envoy/jwt.yaml");
        EnvoyConfig::new(&template, pygeoapi, geowarden).listen_on(port)
    })
    .await?;
    let token = provider.client_credentials("osgeo").await?;
    guarded
        .assert_as_plain("authorization", &format!("Bearer {token}"))
        .await?;
    guarded.assert_as_plain("x-api-key", &files.osgeo_key).await
}

#[tokio::test]
async fn by_oidc_yaml_clients_are_given_what_pygeoapi_gives() -> Outcome {
    let login = Login::with(known().await?, 600).await?;
    let token = login.provider.client_credentials("osgeo").await?;
    let bearer = format!("Bearer {token}");
    let header = ("authorization", &*bearer);
    let url = login.url("");
    assert_as_plain(&login.envoy, Framework::Flask, &url, header, None).await
}

#[tokio::test]
async fn by_edge_yaml_clients_are_given_what_pygeoapi_gives() -> Outcome {
    let edge = Edge::at("localhost", known().await?).await?;
    let url = format!("https://localhost:{}", edge.envoy.port());
    let key = ("x-api-key", &*edge.files.osgeo_key);
    let ca_file = edge.files.path("ca.crt");
    assert_as_plain(&edge.envoy, Framework::Flask, &url, key, Some(&ca_file)).await
}

#[tokio::test]
async fn by_sidecar_yaml_clients_are_given_what_pygeoapi_gives() -> Outcome {
    let files = known().await?;
    let socket = files.path("authz.sock").display().to_string();
    let config = files.configure(&format!("unix:{socket}"), "", "")?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let address = |address: &str, port: u16| format!("{{address: {address}, port_value: {port}}}");
    let guarded = Guarded::by(geowarden, |repository, port, pygeoapi, _| {
        // The cluster of Envoy's own admin page is not changed, since this test does not use its probes.
        let admin = |port| {
            let address = address("127.0.0.1", port);
            format!("admin:\n  address:\n    socket_address: {address}")
        };
        EnvoyConfig::of(&repository.join("envoy/sidecar.yaml"))
            .replace(address("0.0.0.0", 8080), address("127.0.0.1", port))
            .replace(address("0.0.0.0", 9902), address("127.0.0.1", 0))
            .replace(admin(9901), admin(0))
            .replace(address("127.0.0.1", 5000), address("127.0.0.1", pygeoapi))
            .replace("/run/geowarden/authz.sock", &socket)
    })
    .await?;
    guarded.assert_as_plain("x-api-key", &files.osgeo_key).await
}

#[tokio::test]
async fn by_tenants_yaml_clients_are_given_what_pygeoapi_gives() -> Outcome {
    let files = known().await?;
    files.write("keys-of-another.yaml", "[]")?;
    let tenant = |host: &str, keys: &str| {
        json!({
            "hosts": [host],
            "authn": {"api_keys": {"file": keys}},
            "policy": {"path": "policies"},
        })
    };
    let config = json!({
        "server": {"grpc": "127.0.0.1:0", "admin": "127.0.0.1:0"},
        "tenants": {
            "osgeo": tenant("localhost", "api-keys.yaml"),
            "geobeyond": tenant("maps.geobeyond.example", "keys-of-another.yaml"),
        },
    });
    files.write("geowarden.yaml", &config.to_string())?;
    let geowarden = Geowarden::start(binary(), &files.path("geowarden.yaml")).await?;
    let guarded = Guarded::by(geowarden, |repository, port, pygeoapi, geowarden| {
        let template = repository.join("envoy/tenants.yaml");
        EnvoyConfig::new(&template, pygeoapi, geowarden)
            .listen_on(port)
            .replace("domains: [maps.osgeo.example]", "domains: [localhost]")
    })
    .await?;
    guarded.assert_as_plain("x-api-key", &files.osgeo_key).await
}
