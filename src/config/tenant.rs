//! `tenants`: different rules for different hosts or routes.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Authn, Config, HostPattern, Policy, Pygeoapi};

/// The rules of one tenant. It has its own credentials and policy, and inherits none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The hosts of the tenant. They apply if Envoy's route names no tenant. A host belongs to one tenant only.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// The tenant's pygeoapi, instead of the top-level one.
    pub pygeoapi: Option<Pygeoapi>,
    /// Which credentials are accepted.
    pub authn: Authn,
    /// The Rego policy.
    pub policy: Policy,
}

/// One set of rules to build.
#[derive(Debug, Clone)]
pub struct Part {
    /// The tenant's name; `None` without tenants.
    pub tenant: Option<Arc<str>>,
    /// The hosts of the tenant.
    pub hosts: Vec<HostPattern>,
    /// The complete configuration for these requests, without tenants.
    pub config: Config,
}

impl Config {
    /// The configuration of each tenant, or the whole configuration if there are no tenants.
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

    /// Whether files are watched. All tenants have the same setting.
    pub fn watches_files(&self) -> bool {
        let mut tenants = self.tenants.values();
        tenants
            .next()
            .map_or(self.policy.reload, |tenant| tenant.policy.reload)
    }
}

/// Whether a text can be the name of a tenant: a DNS label in lower case.
pub(super) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
