//! Reads PEM files for `check` and for `serve`. Errors never quote what is in a file.

use std::sync::Arc;

use reqwest::{Certificate, Client};
use tokio_rustls::rustls::{
    Error, RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// A file of `tls` that cannot be used: its key in the configuration, and what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusableFile {
    /// `cert`, `key` or `client_ca`.
    pub key: &'static str,
    /// What was expected and what was found.
    pub message: &'static str,
}

const CERT: UnusableFile = UnusableFile {
    key: "cert",
    message: "expected the server's certificate chain (PEM), found none that can be used",
};
const KEY: UnusableFile = UnusableFile {
    key: "key",
    message: "expected the private key of the certificate (PEM: PKCS #8, PKCS #1 or SEC1, not encrypted), found none that can be used",
};
const OTHER_KEY: UnusableFile = UnusableFile {
    key: "key",
    message: "expected the private key of the first certificate of `cert`, found that of another certificate",
};
const CLIENT_CA: UnusableFile = UnusableFile {
    key: "client_ca",
    message: "expected at least one certificate of an authority (PEM), found none that can be used",
};

/// TLS settings for a gRPC port, from the content of the files that `tls` names.
pub fn server(
    cert: &[u8],
    key: &[u8],
    client_ca: Option<&[u8]>,
) -> Result<ServerConfig, UnusableFile> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| CERT)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(CERT)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| KEY)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(client_ca) => {
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(client_ca).collect();
            let mut authorities = RootCertStore::empty();
            // A bundle may contain certificates that cannot be used. A verifier without any authority is an error.
            authorities.add_parsable_certificates(all.map_err(|_| CLIENT_CA)?);
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|_| CLIENT_CA)?)
        }
    };
    let mut server = builder.with_single_cert(chain, key).map_err(|e| match e {
        Error::InvalidCertificate(_) => CERT,
        Error::InconsistentKeys(_) => OTHER_KEY,
        _ => KEY,
    })?;
    server.alpn_protocols = vec![b"h2".to_vec()];
    Ok(server)
}

/// The authorities that a client trusts. At least one is required.
pub(super) fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, &'static str> {
    let none = "expected one or more certificates (PEM), found none that can be used";
    let all = Certificate::from_pem_bundle(pem).map_err(|_| none)?;
    // Build a client, since only that parses the certificates.
    let client = Client::builder().tls_certs_only(all.clone()).build();
    if all.is_empty() || client.is_err() {
        return Err(none);
    }
    Ok(all)
}
