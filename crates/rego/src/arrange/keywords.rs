//! Renames rules whose first name is a keyword of the engine or the name of one of its functions.

use super::places::Places;
use crate::{core::RESERVED, resolve::File};

/// Whether the engine would not accept the name of a rule.
pub(super) fn is_taken(name: &str) -> bool {
    RESERVED.contains(&name) || name == "internal"
}

/// Renames the rules.
pub(super) fn rename(files: &mut [File], places: &mut Places) {
    for file in files {
        let mut moved = Vec::new();
        for (index, rule) in file.rules.iter().enumerate() {
            if rule.path.first().is_some_and(|name| is_taken(name)) {
                moved.push((index, file.path(rule)));
            }
        }
        for (index, path) in moved {
            if let Some(rule) = file.rules.get_mut(index)
                && let Some(first) = rule.path.first_mut()
            {
                first.insert_str(0, &places.prefix);
                let place = file.package.iter().chain(&rule.path).cloned();
                let place = std::iter::once("data".to_owned()).chain(place).collect();
                places.others.insert(path, place);
            }
        }
    }
}
