//! Rules that give the members of a set or an object one by one.

use std::collections::BTreeSet;

use crate::resolve::{File, tree::Kind};

/// The full paths of rules that are always sets or objects, since `with` does not replace them.
pub(super) fn collections(files: &[File]) -> BTreeSet<Vec<String>> {
    let rules = files
        .iter()
        .flat_map(|file| file.rules.iter().map(move |rule| (file, rule)));
    let replaced: Vec<&Vec<String>> = rules.clone().flat_map(|(_, rule)| &rule.replaced).collect();
    rules
        .filter(|(_, rule)| rule.kind == Kind::Member || !rule.keys.is_empty())
        .map(|(file, rule)| file.path(rule))
        .filter(|path| {
            !replaced
                .iter()
                .any(|other| path.starts_with(other) || other.starts_with(path))
        })
        .collect()
}
