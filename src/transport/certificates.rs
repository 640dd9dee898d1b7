//! The certificates of a gRPC port. They are replaced every few weeks by cert-manager and its like: a connection that begins
//! gets those that are in the files then.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tracing::{error, info};

use super::server::ServerError;
use crate::{causes::causes, config, telemetry::metrics::Metrics};

/// Certificates, and the files that they come from.
pub struct Certificates {
    section: &'static str,
    settings: config::Tls,
    metrics: Arc<Metrics>,
    /// Held while files are read, so that what is older does not take the place of what is newer. Handshakes only wait for it.
    current: Mutex<Current>,
}

struct Current {
    server: Arc<ServerConfig>,
    /// The files that it was made of.
    files: Files,
    /// The fault of others since, so that it is said once.
    fault: Option<String>,
}

/// What is in the files.
#[derive(PartialEq, Eq)]
struct Files {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Certificates {
    /// Those of the files that the section `section` of the configuration names.
    pub fn load(
        section: &'static str,
        settings: &config::Tls,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServerError> {
        let files = Files::read(settings)?;
        let current = Current {
            server: Arc::new(server(section, &files)?),
            files,
            fault: None,
        };
        metrics.certificates(section, true);
        Ok(Self {
            section,
            settings: settings.clone(),
            metrics,
            current: Mutex::new(current),
        })
    }

    /// What a connection that begins now is to use. Files that are of no use leave the last good ones in force, and are tried
    /// again by the next connection.
    pub fn now(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let followed = self.follow(&mut current);
        self.metrics.certificates(self.section, followed.is_ok());
        if let Err(fault) = followed {
            let fault = fault.to_string();
            if current.fault.as_ref() != Some(&fault) {
                error!("{fault}; the last good certificates go on serving");
            }
            current.fault = Some(fault);
        }
        Arc::clone(&current.server)
    }

    fn follow(&self, current: &mut Current) -> Result<(), ServerError> {
        let files = Files::read(&self.settings)?;
        if files != current.files {
            *current = Current {
                server: Arc::new(server(self.section, &files)?),
                files,
                fault: None,
            };
            info!(section = self.section, "took up new certificates");
        }
        current.fault = None;
        Ok(())
    }
}

impl Files {
    fn read(settings: &config::Tls) -> Result<Self, ServerError> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|source| ServerError::Unreadable {
                path: path.clone(),
                source,
            })
        };
        Ok(Self {
            cert: read(&settings.cert)?,
            key: read(&settings.key)?,
            client_ca: settings.client_ca.as_ref().map(read).transpose()?,
        })
    }
}

fn server(section: &'static str, files: &Files) -> Result<ServerConfig, ServerError> {
    let useless = |error: &dyn std::error::Error| ServerError::Certificates {
        section,
        cause: causes(error),
    };
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| useless(&e))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&files.cert).collect();
    let chain = chain.map_err(|e| useless(&e))?;
    let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|e| useless(&e))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(client_ca) => {
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(client_ca).collect();
            let mut authorities = RootCertStore::empty();
            // Bundles may hold what nobody can use; a verifier without any authority is an error.
            authorities.add_parsable_certificates(all.map_err(|e| useless(&e))?);
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|e| useless(&e))?)
        }
    };
    let mut server = builder
        .with_single_cert(chain, key)
        .map_err(|e| useless(&e))?;
    server.alpn_protocols = vec![b"h2".to_vec()];
    Ok(server)
}
