//! gRPC over TLS, with and without client certificates.

use std::{fs, path::Path};

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use geowarden::{
    app::App,
    config::{AdminGrpc, Tls},
};

use crate::service::{Answer, config, folder, request, run};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The certificate of the authority itself, PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for localhost and its key, PEM.
    pub(crate) fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

async fn ask(grpc: &str, tls: ClientTlsConfig) -> Result<i32, String> {
    let port = grpc.rsplit(':').next().unwrap();
    let channel = Channel::from_shared(format!("https://localhost:{port}"))
        .unwrap()
        .tls_config(tls)
        .map_err(|e| e.to_string())?
        .connect()
        .await
        .map_err(|e| e.to_string())?;
    let answer = AuthorizationClient::new(channel)
        .check(request("GET", "/", &[]))
        .await
        .map_err(|e| e.to_string())?;
    Ok(Answer(answer.into_inner()).status())
}

/// A folder with certificates of `authority`, which also identifies clients.
pub(crate) fn secured(authority: &Authority) -> TempDir {
    let policy = include_str!("../../policies/examples/company/authz.rego");
    let folder = folder(policy, "");
    write(folder.path(), authority);
    let text = fs::read_to_string(folder.path().join("geowarden.yaml"))
        .unwrap()
        .replace(
            "admin: '127.0.0.1:0'}",
            "admin: '127.0.0.1:0', tls: {cert: cert.pem, key: key.pem, client_ca: ca.pem}}",
        );
    fs::write(folder.path().join("geowarden.yaml"), text).unwrap();
    folder
}

fn write(folder: &Path, authority: &Authority) {
    let (cert, key) = authority.issue();
    for (name, text) in [
        ("cert.pem", &cert),
        ("key.pem", &key),
        ("ca.pem", &authority.pem()),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
}

/// The settings of a client that trusts the authority and has a certificate of it.
fn client_of(authority: &Authority) -> ClientTlsConfig {
    let (cert, key) = authority.issue();
    trusting(authority).identity(Identity::from_pem(cert, key))
}

fn trusting(authority: &Authority) -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()))
}

#[tokio::test]
async fn only_clients_of_the_authority_are_served() {
    let authority = Authority::new();
    let folder = secured(&authority);
    let (grpc, _admin, _reload, _stop, _running) =
        run(App::bind(config(folder.path())).await.unwrap());
    assert_eq!(ask(&grpc, client_of(&authority)).await, Ok(200));
    assert!(
        ask(&grpc, trusting(&authority)).await.is_err(),
        "a client without a certificate was served"
    );
    let (cert, key) = Authority::new().issue();
    let unknown = trusting(&authority).identity(Identity::from_pem(cert, key));
    assert!(
        ask(&grpc, unknown).await.is_err(),
        "a stranger's certificate was accepted"
    );
}

#[tokio::test]
async fn new_certificates_are_for_new_connections_and_useless_ones_for_none() {
    let (authority, next) = (Authority::new(), Authority::new());
    let folder = secured(&authority);
    let (grpc, admin, _reload, _stop, _running) =
        run(App::bind(config(folder.path())).await.unwrap());
    let failed = async || {
        let text = reqwest::get(format!("http://{admin}/metrics"))
            .await
            .unwrap();
        let text = text.text().await.unwrap();
        text.contains("geowarden_certificates_failed{section=\"server.tls\"} 1")
    };
    let port = grpc.rsplit(':').next().unwrap();
    let lasting = Channel::from_shared(format!("https://localhost:{port}"))
        .unwrap()
        .tls_config(client_of(&authority))
        .unwrap()
        .connect()
        .await
        .unwrap();
    write(folder.path(), &next);
    assert_eq!(ask(&grpc, client_of(&next)).await, Ok(200));
    assert!(ask(&grpc, client_of(&authority)).await.is_err());
    let (cert, key) = authority.issue();
    let of_old = Identity::from_pem(cert, key);
    let of_old = trusting(&next).identity(of_old);
    assert!(ask(&grpc, of_old.clone()).await.is_err());
    let mut lasting = AuthorizationClient::new(lasting);
    let answer = lasting.check(request("GET", "/", &[])).await.unwrap();
    assert_eq!(Answer(answer.into_inner()).status(), 200);
    // The key does not match the certificate, as between two writes, or by mistake.
    let good = fs::read(folder.path().join("key.pem")).unwrap();
    fs::write(folder.path().join("key.pem"), authority.issue().1).unwrap();
    assert_eq!(ask(&grpc, client_of(&next)).await, Ok(200));
    for name in ["key.pem", "ca.pem"] {
        fs::remove_file(folder.path().join(name)).unwrap();
        assert_eq!(ask(&grpc, client_of(&next)).await, Ok(200), "{name}");
        assert!(ask(&grpc, of_old.clone()).await.is_err(), "{name}");
        assert!(failed().await, "{name}");
    }
    fs::write(folder.path().join("key.pem"), good).unwrap();
    fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    assert_eq!(ask(&grpc, of_old).await, Ok(200));
    assert!(!failed().await);
    assert!(ask(&grpc, client_of(&next)).await.is_err());
}

/// A client that connects and sends nothing does not delay others.
#[tokio::test]
async fn a_handshake_that_does_not_come_holds_up_no_other() {
    let authority = Authority::new();
    let folder = secured(&authority);
    let (grpc, _admin, _reload, _stop, _running) =
        run(App::bind(config(folder.path())).await.unwrap());
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&grpc).await.unwrap());
    }
    assert_eq!(ask(&grpc, client_of(&authority)).await, Ok(200));
}

#[tokio::test]
async fn certificates_of_no_use_end_the_start_and_name_their_section() {
    let authority = Authority::new();
    let (cert, key) = authority.issue();
    let (_, other_key) = authority.issue();
    let good = [cert.as_str(), &key, &authority.pem()];
    for (index, junk) in [
        (0, ""),
        (0, "junk"),
        (1, "junk"),
        (1, other_key.as_str()),
        (2, ""),
        (2, "junk"),
    ] {
        let mut texts = good;
        texts[index] = junk;
        for section in ["server.tls", "server.admin_grpc.tls"] {
            let folder = folder(
                include_str!("../../policies/examples/company/authz.rego"),
                "",
            );
            for (name, text) in ["cert.pem", "key.pem", "ca.pem"].into_iter().zip(texts) {
                fs::write(folder.path().join(name), text).unwrap();
            }
            let mut config = config(folder.path());
            let path = |name: &str| folder.path().join(name);
            let tls = Tls {
                cert: path("cert.pem"),
                key: path("key.pem"),
                client_ca: Some(path("ca.pem")),
            };
            if section == "server.tls" {
                config.server.tls = Some(tls);
            } else {
                config.server.admin_grpc = Some(AdminGrpc {
                    address: "127.0.0.1:0".parse().unwrap(),
                    tls: Some(tls),
                });
            }
            let told = App::bind(config).await.err().unwrap().to_string();
            let key = ["cert", "key", "client_ca"][index];
            let expected = format!("gRPC: {section}.{key}: expected ");
            assert!(told.starts_with(&expected), "{index} {junk}: {told}");
        }
    }
}
