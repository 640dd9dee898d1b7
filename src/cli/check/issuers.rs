//! Whether key servers of issuers answer.

use crate::{
    authn::{Fetcher, KeyFetchSettings, fetch_keys},
    config::Config,
    files::Fresh,
    reload::build,
};

/// A warning for each issuer whose keys cannot be fetched now. `serve` starts all the same, and is not ready.
pub(super) async fn unreachable(config: &Config) -> Vec<String> {
    let mut all = Vec::new();
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
            all.extend(failure(&settings, &fetcher).await);
        }
    }
    all
}

async fn failure(settings: &KeyFetchSettings, fetcher: &Fetcher) -> Option<String> {
    let error = fetch_keys(settings, fetcher).await.err()?;
    Some(format!(
        "keys of the issuer {} cannot be fetched: {error}: until they can, its tokens get 503 and geowarden is not ready",
        settings.issuer
    ))
}
