//! `tenants`: rules that differ from host to host, or from route to route.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Authn, Config, HostPattern, Policy, Pygeoapi};

/// The rules of one tenant. Credentials and policy are its own: nothing of them comes from elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The hosts whose requests it judges where Envoy names no tenant; a host belongs to one tenant only.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// The pygeoapi that is guarded, instead of the one at the top.
    pub pygeoapi: Option<Pygeoapi>,
    /// Which credentials are accepted.
    pub authn: Authn,
    /// The Rego that decides.
    pub policy: Policy,
}

/// One set of rules to be built.
#[derive(Debug, Clone)]
pub struct Part {
    /// The tenant's name; none where there are no tenants.
    pub tenant: Option<Arc<str>>,
    /// The hosts of the tenant.
    pub hosts: Vec<HostPattern>,
    /// Its whole configuration, without tenants.
    pub config: Config,
}

impl Config {
    /// The configuration of every tenant, or the whole itself where there are none.
    pub fn parts(&self) -> Vec<Part> {
        if self.tenants.is_empty() {
            return vec![Part {
                tenant: None,
                hosts: Vec::new(),
                config: self.clone(),
            }];
        }
        let part = |(name, tenant): (&String, &Tenant)| Part {
            tenant: Some(name.as_str().into()),
            hosts: tenant.hosts.clone(),
            config: self.of_tenant(tenant),
        };
        self.tenants.iter().map(part).collect()
    }

    fn of_tenant(&self, tenant: &Tenant) -> Self {
        let mut pygeoapi = tenant.pygeoapi.clone().unwrap_or(self.pygeoapi.clone());
        pygeoapi
            .gunicorn_arguments
            .clone_from(&self.pygeoapi.gunicorn_arguments);
        Self {
            server: self.server.clone(),
            pygeoapi,
            authn: tenant.authn.clone(),
            policy: tenant.policy.clone(),
            decision_log: self.decision_log.clone(),
            telemetry: self.telemetry.clone(),
            program: self.program.clone(),
            ..Self::default()
        }
    }

    /// Whether files are watched, which is the same for all tenants.
    pub fn watches_files(&self) -> bool {
        let mut tenants = self.tenants.values();
        tenants
            .next()
            .map_or(self.policy.reload, |tenant| tenant.policy.reload)
    }
}

/// Whether a text is the name of a tenant: a label of the DNS in lower case.
pub(super) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
