//! Groups of rules that are one document in OPA: `g`, if there are rules `g.a` and `g.b`, and each package with such
//! rules.
//!
//! The engine has an object for a package, but not for a group that the names of rules make. In OPA that object exists
//! even if no rule holds.

use std::collections::BTreeSet;

use super::{
    keywords::is_taken,
    places::{Path, Places},
};
use crate::resolve::File;

/// Finds the groups for which the engine has no object, or a different one.
pub(super) fn find(
    files: &[File],
    hidden: &BTreeSet<Path>,
    members: &dyn Fn(&[String]) -> Vec<String>,
    places: &mut Places,
) {
    let mut leaves = BTreeSet::new();
    let mut groups = BTreeSet::new();
    for file in files {
        for rule in &file.rules {
            let mut path = file.path(rule);
            let is_other = rule.path.len() > 1
                || rule.path.first().is_some_and(|name| is_taken(name))
                || hidden.contains(&path);
            if is_other {
                // A hidden name must not be a member of its package.
                groups.extend(
                    (1..path.len())
                        .filter_map(|end| path.get(..end))
                        .map(<[String]>::to_vec),
                );
            }
            if rule.arguments.is_some() {
                // A function is not a member of the document around it, but the document exists.
                path.pop();
            }
            leaves.insert(path);
        }
    }
    for group in groups {
        let below = leaves.range(group.clone()..);
        let below = below.take_while(|path| path.starts_with(&group));
        let mut names: BTreeSet<String> = below
            .filter(|path| !hidden.contains(*path) || hidden.contains(&group))
            .filter_map(|path| path.get(group.len()).cloned())
            .collect();
        names.extend(members(&group));
        places.groups.insert(group, names);
    }
}
