//! The rules in force: loaded once a request, replaced whole.

mod hosts;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use thiserror::Error;

use self::hosts::HostTable;
use crate::{
    config::{HostPattern, MAX_HOST_BYTES},
    pipeline::Rules,
    request::CheckInput,
};

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
    /// Envoy names none, and the host is no tenant's.
    #[error("no tenant has the host `{0}`")]
    Host(String),
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
    pub fn with(mut self, tenant: Tenant, hosts: &[HostPattern]) -> Self {
        let tenant = Arc::new(tenant);
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
        let found = self.alone.as_ref().or_else(|| self.hosts.find(&check.host));
        found
            .cloned()
            // The client's own words, of which the log needs to show no more.
            .ok_or_else(|| Unmatched::Host(check.host.chars().take(MAX_HOST_BYTES).collect()))
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
