//! Renames rules that the engine does not accept by their names: the first name is a keyword of the engine or the name of one of
//! its functions, or the last name of a default is no identifier.

use std::collections::BTreeSet;

use super::places::{Path, Places};
use crate::{
    core::{RESERVED, is_name},
    resolve::{File, tree::Rule},
};

/// Whether the engine would not accept the name of a rule.
pub(super) fn is_taken(name: &str) -> bool {
    RESERVED.contains(&name) || name == "internal"
}

/// Renames the rules.
pub(super) fn rename(files: &mut [File], places: &mut Places) {
    let defaults = odd_defaults(files);
    for file in files {
        let package: Path = std::iter::once("data".to_owned())
            .chain(file.package.iter().cloned())
            .collect();
        for rule in &mut file.rules {
            let path = [package.as_slice(), rule.path.as_slice()].concat();
            let number = defaults.iter().position(|other| *other == path);
            if rename_rule(rule, number, &places.prefix) {
                let place = [package.as_slice(), rule.path.as_slice()].concat();
                places.others.insert(path, place);
            }
        }
    }
}

/// The paths of rules with a default whose last name is no identifier, such as `default o["a-b"] := 1`. The engine would leave
/// that default out.
fn odd_defaults(files: &[File]) -> BTreeSet<Path> {
    let rules = files
        .iter()
        .flat_map(|file| file.rules.iter().map(move |rule| (file, rule)));
    rules
        .filter(|(_, rule)| {
            let last = rule.path.get(1..).and_then(<[String]>::last);
            rule.is_default && last.is_some_and(|last| !is_name(last))
        })
        .map(|(file, rule)| file.path(rule))
        .collect()
}

/// Gives a rule names that the engine accepts. `default` is the number of its path among those of defaults that need another name.
fn rename_rule(rule: &mut Rule, default: Option<usize>, prefix: &str) -> bool {
    let is_taken = rule.path.first().is_some_and(|name| is_taken(name));
    if let Some(first) = rule.path.first_mut().filter(|_| is_taken) {
        first.insert_str(0, prefix);
    }
    if let (Some(number), Some(last)) = (default, rule.path.last_mut()) {
        *last = format!("{prefix}default{number}");
    }
    is_taken || default.is_some()
}
