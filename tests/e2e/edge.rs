//! The shipped `envoy/edge.yaml`: TLS, the renewal of a certificate, a limit of requests for each client.

use std::fs;

use geowarden_stack::{Envoy, EnvoyConfig, Geowarden, Pygeoapi, Tools};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use reqwest::{Certificate, Client, StatusCode};
use tokio::net::TcpSocket;

use crate::stage::{Files, Outcome, binary, reserved_port};

const HOST: &str = "maps.example.org";

pub(crate) struct Edge {
    pub(crate) envoy: Envoy,
    geowarden: Geowarden,
    _pygeoapi: Pygeoapi,
    pub(crate) files: Files,
    _reserved: TcpSocket,
}

impl Edge {
    async fn new() -> Outcome<Self> {
        Self::at(HOST, Files::new().await?).await
    }

    /// Starts with the policy of `files`, for clients that use the host name `host`.
    pub(crate) async fn at(host: &str, files: Files) -> Outcome<Self> {
        let tools = Tools::find()?;
        let config = files.configure("127.0.0.1:0", "", "")?;
        let geowarden = Geowarden::start(binary(), &config).await?;
        let (reserved, listening) = reserved_port()?;
        let url = format!("https://{host}:{listening}");
        let pygeoapi = Pygeoapi::start_for(&tools, &url).await?;
        fs::create_dir(files.path("tls"))?;
        certify(host, &files)?;
        let folder = files.path("tls").display().to_string();
        files.write(
            "tls.yaml",
            &format!(
                "resources:\n  - \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n    name: edge\n    tls_certificate:\n      certificate_chain: {{filename: {folder}/tls.crt}}\n      private_key: {{filename: {folder}/tls.key}}\n      watched_directory: {{path: {folder}}}\n"
            ),
        )?;
        let port = geowarden.grpc_port().ok_or("no port")?;
        let address = |port: u16| format!("{{address: 127.0.0.1, port_value: {port}}}");
        let config = EnvoyConfig::of(&tools.repository().join("envoy/edge.yaml"))
            .replace("{address: 0.0.0.0, port_value: 8443}", address(listening))
            .replace(address(9901), address(0))
            .replace(address(5000), address(pygeoapi.port()))
            .replace(address(9191), address(port))
            .replace(
                "{path: /etc/envoy/tls.yaml}",
                format!("{{path: {}}}", files.path("tls.yaml").display()),
            );
        let envoy = Envoy::start(&tools, &config).await?;
        Ok(Self {
            envoy,
            geowarden,
            _pygeoapi: pygeoapi,
            files,
            _reserved: reserved,
        })
    }

    /// A client that only trusts the current authority.
    fn client(&self) -> Outcome<Client> {
        let pem = fs::read(self.files.path("ca.crt"))?;
        let address = format!("127.0.0.1:{}", self.envoy.port()).parse()?;
        Ok(Client::builder()
            .tls_certs_only([Certificate::from_pem(&pem)?])
            .resolve(HOST, address)
            .no_proxy()
            .build()?)
    }

    fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.envoy.port())
    }
}

/// Writes a new certificate for a host into the folder `tls`, with the key first. `ca.crt` is then its new authority.
fn certify(host: &str, files: &Files) -> Outcome {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority
        .distinguished_name
        .push(DnType::CommonName, "geowarden's tests");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut certificate = CertificateParams::new(vec![host.to_owned()])?;
    // Python rejects certificates without this extension.
    certificate.use_authority_key_identifier_extension = true;
    let certificate = certificate.signed_by(&key, &authority)?;
    for (name, text) in [
        ("ca.crt", authority.pem()),
        ("tls/tls.key", key.serialize_pem()),
        ("tls/tls.crt", certificate.pem()),
    ] {
        files.write(name, &text)?;
    }
    Ok(())
}

#[tokio::test]
async fn requests_over_tls_are_judged_and_a_renewed_certificate_is_served() -> Outcome {
    let mut edge = Edge::new().await?;
    let client = edge.client()?;
    let items = edge.url("/collections/obs/items?f=json");
    for (key, status) in [
        (edge.files.osgeo_key.clone(), 200),
        (edge.files.geobeyond_key.clone(), 403),
        ("wrong".to_owned(), 401),
    ] {
        let answer = client.get(&items).header("x-api-key", key).send().await?;
        assert_eq!(answer.status(), status);
    }
    let plain = geowarden_stack::Ask::get("/")
        .send(&edge.envoy.address())
        .await;
    assert!(plain.is_err(), "plain text was answered: {plain:?}");

    certify(HOST, &edge.files)?;
    let renewed = edge.client()?;
    edge.envoy
        .until("served the new certificate", async || {
            renewed.get(&items).send().await.ok()
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_client_that_asks_too_often_costs_envoy_alone() -> Outcome {
    let edge = Edge::new().await?;
    let client = edge.client()?;
    let (mut served, mut limited) = (0, 0);
    // More than the burst of 200 requests, and the 50 a second that are added while these are sent.
    for _ in 0..20 {
        let asked = (0..100).map(|_| client.get(edge.url("/nowhere")).send());
        for answer in futures_util::future::join_all(asked).await {
            match answer?.status() {
                StatusCode::TOO_MANY_REQUESTS => limited += 1,
                _ => served += 1,
            }
        }
    }
    assert!(
        limited > 0 && served >= 200,
        "{served} served, {limited} limited"
    );
    let metrics = edge.geowarden.admin_page("/metrics").await?.text();
    let judged: u64 = metrics
        .lines()
        .filter(|line| line.starts_with("geowarden_decisions_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum();
    assert_eq!(judged, served, "{metrics}");
    Ok(())
}
