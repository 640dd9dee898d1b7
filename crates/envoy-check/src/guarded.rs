//! Finds the clusters that geowarden guards.

use std::collections::BTreeSet;

use crate::{
    service::Geowarden,
    view::{Bootstrap, Cluster, NetworkAddress, Route, Target},
};

/// The guarded clusters: those that are the targets of routes with a decision of geowarden.
#[derive(Debug, Default)]
pub(crate) struct Guarded {
    names: BTreeSet<String>,
    /// Clusters that take their address from the request.
    open: BTreeSet<String>,
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
            Target::Cluster(name, _) if self.names.is_empty() || self.has(name) => true,
            _ => self.is_chosen_by_request(target),
        }
    }

    /// Whether the request chooses the cluster or its address.
    pub(crate) fn is_chosen_by_request(&self, target: &Target<'_>) -> bool {
        match target {
            Target::Cluster(name, _) => self.open.contains(*name),
            Target::ChosenByRequest(_) => true,
        }
    }
}

/// Finds the guarded clusters. The members of a guarded cluster are guarded too, and each cluster with an address of a
/// guarded one, whatever its name. A cluster with a guarded member counts as guarded, since it leads there.
pub(crate) fn find(bootstrap: &Bootstrap<'_>, geowarden: &Geowarden<'_, '_>) -> Guarded {
    let managers = bootstrap.asking_managers();
    let mut names = BTreeSet::new();
    for manager in managers.filter(|manager| geowarden.judges(manager)) {
        let filters = geowarden.filters(manager);
        let filters: Vec<_> = filters.iter().map(|f| f.extension.name).collect();
        let judged = manager
            .routes
            .iter()
            .filter(|r| r.switch(&filters).is_none());
        for target in judged.flat_map(Route::targets) {
            if let Target::Cluster(name, _) = target {
                names.insert(name.to_owned());
            }
        }
    }
    let clusters = &bootstrap.clusters;
    grow(&mut names, |names| {
        let holders = clusters.iter().filter(|c| names.contains(c.name));
        holders.flat_map(Cluster::members).collect()
    });
    let own = clusters.iter().filter(|c| names.contains(c.name));
    let addresses: BTreeSet<NetworkAddress> = own.flat_map(Cluster::addresses).collect();
    let others = clusters.iter().filter(|cluster| {
        let mut own = cluster.addresses().into_iter();
        own.any(|address| addresses.contains(&address))
    });
    names.extend(others.map(|cluster| cluster.name.to_owned()));
    grow(&mut names, |names| {
        let holders = clusters.iter().filter(|cluster| {
            let mut members = cluster.members().into_iter();
            members.any(|member| names.contains(member))
        });
        holders.map(|cluster| cluster.name).collect()
    });
    let open = clusters.iter().filter(|c| c.takes_address_of_request());
    Guarded {
        names,
        open: open.map(|cluster| cluster.name.to_owned()).collect(),
    }
}

/// Adds names until there are no more.
fn grow<'a>(names: &mut BTreeSet<String>, more: impl Fn(&BTreeSet<String>) -> Vec<&'a str>) {
    loop {
        let before = names.len();
        let added = more(names).into_iter().map(ToOwned::to_owned);
        names.extend(added);
        if names.len() == before {
            return;
        }
    }
}
