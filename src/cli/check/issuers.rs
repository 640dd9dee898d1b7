//! Whether key servers of issuers answer with keys that can be used.

use crate::{
    authn::{Fetcher, KeyFetchError, KeyFetchSettings, KeySet, fetch_keys},
    config::{Config, Problems},
    files::Fresh,
    reload::build,
};

/// What was found at the key servers.
#[derive(Default)]
pub(super) struct IssuerFindings {
    /// Key servers that publish no key that can be used: only a person can mend that.
    pub(super) problems: Problems,
    /// A warning for each issuer whose keys cannot be fetched now, and for each faulty key. `serve` starts all the same.
    pub(super) warnings: Vec<String>,
}

/// Fetches the keys of each issuer once.
pub(super) async fn inspect(config: &Config) -> IssuerFindings {
    let mut found = IssuerFindings::default();
    for part in config.parts() {
        let Ok(files) = build::files(&part.config, Fresh::Read) else {
            // Which files cannot be read is told elsewhere.
            continue;
        };
        let deadline = part.config.server.deadline.0;
        for (index, issuer) in part.config.authn.jwt.iter().enumerate() {
            if issuer.jwks_file.is_some() {
                continue;
            }
            let settings = build::key_fetch_settings(index, issuer, deadline, &files);
            let Ok((settings, fetch)) = settings else {
                continue;
            };
            let Ok(fetcher) = Fetcher::new(&fetch) else {
                continue;
            };
            found.add(&settings, fetch_keys(&settings, &fetcher).await);
        }
    }
    found
}

impl IssuerFindings {
    fn add(&mut self, settings: &KeyFetchSettings, fetched: Result<KeySet, KeyFetchError>) {
        let issuer = &settings.issuer;
        match fetched {
            Ok(set) => {
                let faulty = set.unfit().iter().filter(|key| key.is_faulty());
                self.warnings
                    .extend(faulty.map(|key| format!("keys of the issuer {issuer}: {key}")));
            }
            Err(error @ KeyFetchError::KeySet(_)) => {
                let name = format!("keys of the issuer {issuer}");
                let found = Problems::file(name, None, error.to_string());
                self.problems.0.extend(found.0);
            }
            Err(error) => self.warnings.push(format!(
                "keys of the issuer {issuer} cannot be fetched: {error}: until they can, its tokens get 503 and geowarden is not ready"
            )),
        }
    }
}
