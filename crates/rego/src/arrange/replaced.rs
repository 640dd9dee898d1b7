//! Built-ins that `with` replaces, but that the engine cannot replace. A function of the policy is called instead
//! everywhere, and replaced.

use super::places::Places;
use crate::resolve::{Builtins, File, uses};

/// Finds them in all files.
pub(super) fn find(files: &[File], builtins: &dyn Builtins, places: &mut Places) {
    for file in files {
        for rule in &file.rules {
            uses::replaced(rule, &mut |name| {
                if !builtins.is_replaceable(name) {
                    places.replaced.insert(name.to_owned());
                }
            });
        }
    }
}
