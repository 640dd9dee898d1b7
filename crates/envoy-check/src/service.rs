//! Finds out which ext_authz filters ask geowarden, and which ask another service.

use std::{cmp::Reverse, collections::BTreeSet};

use crate::{
    ListensOn,
    view::{Bootstrap, HttpFilter, Manager, NetworkAddress},
};

/// The service that an ext_authz filter asks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Service {
    /// A service with known addresses.
    At(BTreeSet<NetworkAddress>),
    /// A cluster whose addresses are unknown, or the target of google_grpc.
    Named(String),
}

impl Service {
    fn of(filter: &HttpFilter<'_>, bootstrap: &Bootstrap<'_>) -> Self {
        let name = cluster_or_target(filter).unwrap_or_default();
        let cluster = bootstrap.cluster(name);
        let addresses: BTreeSet<_> = match cluster {
            Some(cluster) => cluster.addresses().into_iter().collect(),
            None => NetworkAddress::of_target(name).into_iter().collect(),
        };
        if addresses.is_empty() {
            Self::Named(name.to_owned())
        } else {
            Self::At(addresses)
        }
    }

    /// Whether both are one service. Clusters of one service may have some addresses in common.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::At(one), Self::At(two)) => !one.is_disjoint(two),
            _ => self == other,
        }
    }

    fn likeness(&self, listens_on: Option<&ListensOn>) -> Likeness {
        match (self, listens_on) {
            (Self::At(all), Some(own)) if all.iter().any(|one| own.is_at(one)) => Likeness::Certain,
            (Self::At(all), Some(own)) if all.iter().all(|one| own.is_elsewhere(one)) => {
                Likeness::Excluded
            }
            _ => Likeness::Possible,
        }
    }
}

/// The name of the cluster that a filter asks, or the target of google_grpc.
fn cluster_or_target<'a>(filter: &HttpFilter<'a>) -> Option<&'a str> {
    let all = [
        &["grpc_service", "envoy_grpc", "cluster_name"][..],
        &["grpc_service", "google_grpc", "target_uri"],
        &["http_service", "server_uri", "cluster"],
    ];
    let mut all = all.iter();
    all.find_map(|names| filter.extension.config.at(names)?.text())
}

/// Whether a service is geowarden, by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Excluded,
    Possible,
    Certain,
}

/// The service that is geowarden.
#[derive(Debug)]
pub(crate) struct Geowarden<'b, 'a> {
    bootstrap: &'b Bootstrap<'a>,
    service: Option<Service>,
    /// Whether another service can be geowarden too.
    is_ambiguous: bool,
}

/// Finds the service that is geowarden: the one at the address at which geowarden listens. If that does not decide, it is
/// the service that most filters ask. Among equals it is the one with `geowarden` in its name, or else the first.
pub(crate) fn find<'b, 'a>(
    bootstrap: &'b Bootstrap<'a>,
    listens_on: Option<&ListensOn>,
) -> Geowarden<'b, 'a> {
    let filters = bootstrap.asking_managers();
    let filters: Vec<_> = filters.flat_map(Manager::authorizations).collect();
    let services: Vec<_> = filters.iter().map(|f| Service::of(f, bootstrap)).collect();
    let rank = |(index, service): &(usize, &Service)| {
        let asking = services.iter().filter(|other| other.is(service)).count();
        let name = filters.get(*index).and_then(|f| cluster_or_target(f));
        let is_named = name.is_some_and(|name| name.contains("geowarden"));
        let likeness = service.likeness(listens_on);
        (likeness, asking, is_named, Reverse(*index))
    };
    let service = services.iter().enumerate().max_by_key(rank);
    let service = service.map(|(_, service)| service.clone());
    let is_ambiguous = service.as_ref().is_some_and(|own| {
        let mut others = services.iter().filter(|other| !other.is(own));
        own.likeness(listens_on) != Likeness::Certain && others.next().is_some()
    });
    Geowarden {
        bootstrap,
        service,
        is_ambiguous,
    }
}

impl<'a> Geowarden<'_, 'a> {
    /// Whether a filter asks geowarden.
    pub(crate) fn is_asked_by(&self, filter: &HttpFilter<'a>) -> bool {
        let asked = Service::of(filter, self.bootstrap);
        self.service.as_ref().is_some_and(|own| own.is(&asked))
    }

    /// Whether a manager has a filter that asks geowarden.
    pub(crate) fn judges(&self, manager: &Manager<'a>) -> bool {
        manager.authorizations().any(|f| self.is_asked_by(f))
    }

    /// The ext_authz filters of a manager that count as geowarden's. If it is not sure which service is geowarden, those of a
    /// manager without any other count too: else the real one could be the one that is not checked.
    pub(crate) fn filters<'m>(&self, manager: &'m Manager<'a>) -> Vec<&'m HttpFilter<'a>> {
        let has_own = self.judges(manager);
        let all = manager.authorizations();
        all.filter(|f| self.is_asked_by(f) || (self.is_ambiguous && !has_own))
            .collect()
    }

    /// The first filter that asks another service, where that one can be geowarden too.
    pub(crate) fn ambiguous_filter(&self) -> Option<&HttpFilter<'a>> {
        let managers = self.bootstrap.asking_managers();
        let mut all = managers.flat_map(Manager::authorizations);
        all.find(|f| self.is_ambiguous && !self.is_asked_by(f))
    }
}
