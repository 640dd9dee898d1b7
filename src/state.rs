//! The rules in force: loaded once a request, replaced whole.

mod hosts;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use thiserror::Error;

use self::hosts::{HostTable, host_name};
use crate::{config::HostPattern, pipeline::Rules, request::CheckInput};

/// Rules, and whose they are.
pub struct Tenant {
    /// The tenant's name; none where there are no tenants.
    pub name: Option<Arc<str>>,
    /// What its requests are judged by.
    pub rules: Rules,
}

/// Why no rules are meant for a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unmatched {
    /// Envoy's `context_extensions` name a tenant that there is none of.
    #[error("Envoy names the tenant `{0}`, which is not configured")]
    Tenant(String),
    /// Envoy's `context_extensions` have this key, which looks as if it were to name a tenant.
    #[error(
        "Envoy's context_extensions have the key `{0}`, by which no tenant is named: expected `policy`"
    )]
    Key(String),
    /// Envoy names none, and the host is no tenant's.
    #[error("no tenant has the host `{0}`")]
    Host(String),
    /// Envoy names none, and what stands for the host is no host: not quoted, since it may hold a password.
    #[error("no tenant has what is no host name")]
    NoHostName,
}

/// The rules of all tenants at one moment.
#[derive(Default)]
pub struct Snapshot {
    tenants: BTreeMap<Arc<str>, Arc<Tenant>>,
    hosts: HostTable,
    /// The rules of every request where there are no tenants.
    alone: Option<Arc<Tenant>>,
}

impl Snapshot {
    /// Adds a tenant and its hosts. One without a name judges all requests for which there is no other.
    #[must_use]
    pub fn with(mut self, tenant: Arc<Tenant>, hosts: &[HostPattern]) -> Self {
        match &tenant.name {
            Some(name) => {
                self.hosts.add(hosts, &tenant);
                self.tenants.insert(Arc::clone(name), tenant);
            }
            None => self.alone = Some(tenant),
        }
        self
    }

    /// Whose request this is: that of the tenant that Envoy's route names, else that of the host's.
    ///
    /// A route is the operator's word and a host the client's, so the route's wins; and a route that names nobody is
    /// refused, even where there are no tenants: what it was meant for must not be judged by other rules.
    pub fn tenant(&self, check: &CheckInput) -> Result<Arc<Tenant>, Unmatched> {
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

/// Holds the rules behind one atomic pointer: a request never waits for a reload.
pub struct State(ArcSwap<Snapshot>);

impl State {
    /// Starts with `rules`.
    pub fn new(rules: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(rules))
    }

    /// The rules of `check` that are in force now; a request keeps them to its end.
    pub fn tenant(&self, check: &CheckInput) -> Result<Arc<Tenant>, Unmatched> {
        self.0.load().tenant(check)
    }

    /// Everybody's rules that are in force now.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        let snapshot = self.0.load();
        let named = snapshot.tenants.values();
        named.chain(&snapshot.alone).cloned().collect()
    }

    /// Puts other rules in force, for requests that begin from now on.
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
                "no tenant has what is no host name",
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
