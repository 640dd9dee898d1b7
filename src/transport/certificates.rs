//! The certificates of a gRPC port. They are replaced every few weeks by cert-manager and its like: a connection that begins
//! gets those that are in the files then.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use arc_swap::ArcSwap;
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tracing::{error, info};

use super::server::ServerError;
use crate::{causes::causes, config};

/// What the files looked like: change time and length, of each.
type Fingerprint = Vec<Option<(SystemTime, u64)>>;

/// Certificates, and the files that they come from.
pub struct Certificates {
    section: &'static str,
    settings: config::Tls,
    current: ArcSwap<Current>,
}

struct Current {
    server: Arc<ServerConfig>,
    /// Of the files that it was made of.
    files: Fingerprint,
    /// Of files that were of no use, so that it is said once.
    useless: Option<Fingerprint>,
}

impl Certificates {
    /// Those of the files that the section `section` of the configuration names.
    pub fn load(section: &'static str, settings: &config::Tls) -> Result<Self, ServerError> {
        let current = Current {
            // Looked at first: what changes while it is read is noticed later.
            files: fingerprint(settings),
            server: Arc::new(server(section, settings)?),
            useless: None,
        };
        Ok(Self {
            section,
            settings: settings.clone(),
            current: ArcSwap::from_pointee(current),
        })
    }

    /// What a connection that begins now is to use. Files that are of no use leave the last good ones in force, and are tried
    /// again by the next connection.
    pub fn now(&self) -> Arc<ServerConfig> {
        let current = self.current.load();
        let files = fingerprint(&self.settings);
        if files == current.files {
            return Arc::clone(&current.server);
        }
        let (server, files, useless) = match server(self.section, &self.settings) {
            Ok(server) => {
                info!(section = self.section, "took up new certificates");
                (Arc::new(server), files, None)
            }
            Err(fault) => {
                if current.useless.as_ref() != Some(&files) {
                    error!("{fault}; the last good certificates go on serving");
                }
                let server = Arc::clone(&current.server);
                (server, current.files.clone(), Some(files))
            }
        };
        self.current.store(Arc::new(Current {
            server: Arc::clone(&server),
            files,
            useless,
        }));
        server
    }
}

fn fingerprint(settings: &config::Tls) -> Fingerprint {
    let files = [&settings.cert, &settings.key].into_iter();
    let look = |path: &PathBuf| {
        let seen = fs::metadata(path).ok()?;
        Some((seen.modified().ok()?, seen.len()))
    };
    files.chain(&settings.client_ca).map(look).collect()
}

fn server(section: &'static str, settings: &config::Tls) -> Result<ServerConfig, ServerError> {
    let useless = |error: &dyn std::error::Error| ServerError::Certificates {
        section,
        cause: causes(error),
    };
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| useless(&e))?;
    let chain = certificates(section, &settings.cert)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&settings.key)?).map_err(|e| useless(&e))?;
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(client_ca) => {
            let mut authorities = RootCertStore::empty();
            for authority in certificates(section, client_ca)? {
                authorities.add(authority).map_err(|e| useless(&e))?;
            }
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

fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    fs::read(path).map_err(|source: io::Error| ServerError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn certificates(
    section: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let useless = |cause: String| ServerError::Certificates { section, cause };
    let found = found.map_err(|e| useless(causes(&e)))?;
    if found.is_empty() {
        return Err(useless(format!("no certificate in {}", path.display())));
    }
    Ok(found)
}
