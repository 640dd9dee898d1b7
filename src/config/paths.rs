//! Resolves relative paths.

use std::path::{Path, PathBuf};

use geowarden_yaml::{KeyPath, Step};

use super::{Authn, Config, Policy, Pygeoapi, Tls, sources::Sources};

/// Makes the paths in the file relative to the folder of the file.
pub(super) fn resolve(config: &mut Config, folder: &Path, sources: &Sources) {
    let top = Resolver {
        folder,
        sources,
        above: KeyPath::new(),
    };
    if let Some(tls) = &mut config.server.tls {
        top.below(&["server"]).tls(tls);
    }
    let admin = config.server.admin_grpc.as_mut();
    if let Some(tls) = admin.and_then(|admin| admin.tls.as_mut()) {
        top.below(&["server", "admin_grpc"]).tls(tls);
    }
    if let Some(traces) = &mut config.telemetry.traces {
        let section = top.below(&["telemetry", "traces"]);
        section.resolve(&["headers_file"], traces.headers_file.as_mut());
        section.resolve(&["ca_file"], traces.ca_file.as_mut());
    }
    top.pygeoapi(&mut config.pygeoapi);
    top.authn(&mut config.authn);
    top.policy(&mut config.policy);
    for (name, tenant) in &mut config.tenants {
        let below = top.below(&["tenants", name]);
        if let Some(pygeoapi) = &mut tenant.pygeoapi {
            below.pygeoapi(pygeoapi);
        }
        below.authn(&mut tenant.authn);
        below.policy(&mut tenant.policy);
    }
}

struct Resolver<'a> {
    folder: &'a Path,
    sources: &'a Sources,
    above: KeyPath,
}

impl Resolver<'_> {
    fn below(&self, keys: &[&str]) -> Self {
        let mut above = self.above.clone();
        above.extend(keys.iter().map(|key| Step::Key((*key).to_owned())));
        Self { above, ..*self }
    }

    fn resolve<'p>(&self, keys: &[&str], path: impl Into<Option<&'p mut PathBuf>>) {
        if let Some(path) = path.into()
            && path.is_relative()
            && self.sources.variable(&self.below(keys).above).is_none()
        {
            *path = self.folder.join(&*path);
        }
    }

    fn tls(&self, tls: &mut Tls) {
        self.resolve(&["tls", "cert"], &mut tls.cert);
        self.resolve(&["tls", "key"], &mut tls.key);
        self.resolve(&["tls", "client_ca"], tls.client_ca.as_mut());
    }

    fn pygeoapi(&self, pygeoapi: &mut Pygeoapi) {
        self.resolve(&["pygeoapi", "config"], pygeoapi.config.as_mut());
    }

    fn authn(&self, authn: &mut Authn) {
        if let Some(keys) = &mut authn.api_keys {
            self.resolve(&["authn", "api_keys", "file"], keys.file.as_mut());
            self.resolve(&["authn", "api_keys", "dir"], keys.dir.as_mut());
        }
        for (index, issuer) in authn.jwt.iter_mut().enumerate() {
            let mut here = self.below(&["authn", "jwt"]);
            here.above.push(Step::Index(index));
            here.resolve(&["jwks_file"], issuer.jwks_file.as_mut());
            here.resolve(&["ca_file"], issuer.ca_file.as_mut());
            if let Some(opaque) = &mut issuer.opaque_tokens {
                let key = ["opaque_tokens", "client_secret_file"];
                here.resolve(&key, opaque.client_secret_file.as_mut());
            }
        }
    }

    fn policy(&self, policy: &mut Policy) {
        self.resolve(&["policy", "path"], policy.path.as_mut());
    }
}
