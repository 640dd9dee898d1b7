//! The rules in force: each request loads them once, and a reload replaces them as a whole.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use thiserror::Error;

use crate::{
    config::{HostPattern, HostTable, host_name},
    pipeline::Rules,
    request::CheckInput,
};

/// A tenant with its rules.
pub struct TenantRules {
    /// The tenant's name; `None` if no tenants are configured.
    pub name: Option<Arc<str>>,
    /// The rules that judge its requests.
    pub rules: Rules,
}

/// Why a request belongs to no tenant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unmatched {
    /// Envoy's `context_extensions` name a tenant that is not configured.
    #[error("Envoy names the tenant `{0}`, which is not configured")]
    Tenant(String),
    /// Envoy's `context_extensions` have this key, which was probably meant to name a tenant.
    #[error(
        "Envoy's context_extensions have the key `{0}`, which names no tenant: expected `policy`"
    )]
    Key(String),
    /// Envoy names no tenant, and no tenant has the host.
    #[error("no tenant has the host `{0}`")]
    Host(String),
    /// Envoy names no tenant, and the host is not a valid host name. It is not quoted, since it may contain a password.
    #[error("expected a host name in the request, found another text: no tenant can have it")]
    NoHostName,
}

/// The rules of all tenants at one moment.
#[derive(Default)]
pub struct Snapshot {
    tenants: BTreeMap<Arc<str>, Arc<TenantRules>>,
    hosts: HostTable<Arc<TenantRules>>,
    /// The rules of all requests if no tenants are configured.
    alone: Option<Arc<TenantRules>>,
}

impl Snapshot {
    /// Adds a tenant and its hosts. A tenant without a name judges every request.
    #[must_use]
    pub fn with(mut self, tenant: Arc<TenantRules>, hosts: &[HostPattern]) -> Self {
        match &tenant.name {
            Some(name) => {
                self.hosts.add(hosts, &tenant);
                self.tenants.insert(Arc::clone(name), tenant);
            }
            None => self.alone = Some(tenant),
        }
        self
    }

    /// The tenant of a request: the one that Envoy's route names, or else the one with the host.
    ///
    /// The operator writes the route, but the client sends the host, so the route takes precedence. A route that names
    /// an unknown tenant is an error, even if no tenants are configured: otherwise the wrong rules could decide.
    pub fn tenant(&self, check: &CheckInput) -> Result<Arc<TenantRules>, Unmatched> {
        if let Some(name) = check.attributes.policy_name() {
            let found = self.tenants.get(name);
            return found
                .cloned()
                .ok_or_else(|| Unmatched::Tenant(name.to_owned()));
        }
        if let Some(alone) = &self.alone {
            return Ok(Arc::clone(alone));
        }
        if let Some(key) = check.attributes.misnamed_policy() {
            return Err(Unmatched::Key(key.to_owned()));
        }
        let host = host_name(&check.host).ok_or(Unmatched::NoHostName)?;
        let found = self.hosts.find(&host).cloned();
        found.ok_or(Unmatched::Host(host))
    }
}

/// The rules in force, behind one atomic pointer, so that a request never waits for a reload.
pub struct State(ArcSwap<Snapshot>);

impl State {
    /// A state in which `rules` are in force.
    pub fn new(rules: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(rules))
    }

    /// The tenant of `check` with the rules in force now, which the request keeps to its end.
    pub fn tenant(&self, check: &CheckInput) -> Result<Arc<TenantRules>, Unmatched> {
        self.0.load().tenant(check)
    }

    /// All tenants with the rules in force now.
    pub fn tenants(&self) -> Vec<Arc<TenantRules>> {
        let snapshot = self.0.load();
        let named = snapshot.tenants.values();
        named.chain(&snapshot.alone).cloned().collect()
    }

    /// Replaces the rules, for all requests that begin from now on.
    pub fn replace(&self, rules: Snapshot) {
        self.0.store(Arc::new(rules));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use envoy_types::{
        ext_authz::v3::pb::CheckRequest,
        pb::envoy::service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Request},
        },
    };

    use prost::Message;

    use super::*;

    fn cause(host: &str, extensions: &[(&str, &str)]) -> String {
        let http = HttpRequest {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            host: host.to_owned(),
            ..HttpRequest::default()
        };
        let extensions = extensions.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        let attributes = AttributeContext {
            request: Some(Request {
                http: Some(http),
                ..Request::default()
            }),
            context_extensions: extensions.collect(),
            ..AttributeContext::default()
        };
        let check = CheckRequest {
            attributes: Some(attributes),
        };
        let check = CheckInput::from_envoy(check.encode_to_vec().into()).unwrap();
        let refused = Snapshot::default().tenant(&check).err().unwrap();
        refused.to_string()
    }

    #[test]
    fn a_cause_quotes_hosts_but_not_what_is_none() {
        assert_eq!(
            cause("A.example:80", &[]),
            "no tenant has the host `a.example`"
        );
        let long = "a.".repeat(10_000);
        for host in ["bob:PWSECRET@a.example", "", "a\nb", &long] {
            assert_eq!(
                cause(host, &[]),
                "expected a host name in the request, found another text: no tenant can have it",
                "{host}"
            );
        }
    }

    #[test]
    fn a_cause_names_the_key_that_a_route_misspells() {
        for key in ["tenant", "Policy"] {
            let told = cause("a.example", &[("layer", "x"), (key, "osgeo")]);
            assert!(
                told.contains(&format!("the key `{key}`")) && told.ends_with("expected `policy`"),
                "{told}"
            );
        }
    }
}
