//! Finds the clusters that geowarden guards.

use std::collections::BTreeSet;

use crate::view::{Bootstrap, Cluster, NetworkAddress, Target, targets_of};

/// The guarded clusters: those that are the targets of routes with a decision of geowarden.
#[derive(Debug, Default)]
pub(crate) struct Guarded {
    names: BTreeSet<String>,
    addresses: BTreeSet<NetworkAddress>,
}

impl Guarded {
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn has(&self, cluster: &str) -> bool {
        self.names.contains(cluster)
    }

    /// Whether a route without a decision may lead to a guarded cluster.
    pub(crate) fn may_be(&self, target: &Target<'_>) -> bool {
        match target {
            Target::Cluster(name, _) => self.has(name) || self.names.is_empty(),
            Target::ChosenByRequest(_) => true,
        }
    }
}

/// Finds the guarded clusters. A cluster with the address of a guarded cluster is guarded too, whatever its name.
pub(crate) fn find(bootstrap: &Bootstrap<'_>) -> Guarded {
    let mut guarded = Guarded::default();
    for manager in bootstrap.asking_managers() {
        for route in &manager.routes {
            if manager.switch_of(route).is_none() {
                let targets = targets_of(&route.node).into_iter();
                guarded
                    .names
                    .extend(targets.filter_map(|target| match target {
                        Target::Cluster(name, _) => Some(name.to_owned()),
                        Target::ChosenByRequest(_) => None,
                    }));
            }
        }
    }
    let named = bootstrap.clusters.iter();
    let named = named.filter(|cluster| guarded.names.contains(cluster.name));
    guarded.addresses = named.flat_map(Cluster::addresses).collect();
    let others = bootstrap.clusters.iter();
    let others = others.filter(|cluster| {
        let mut addresses = cluster.addresses().into_iter();
        addresses.any(|address| guarded.addresses.contains(&address))
    });
    let others: Vec<String> = others.map(|cluster| cluster.name.to_owned()).collect();
    guarded.names.extend(others);
    guarded
}
