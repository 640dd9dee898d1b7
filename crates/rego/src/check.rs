//! Finds what OPA's compiler rejects in a resolved policy: rules in a circle, paths with two meanings, and values of
//! types that do not fit.

mod conflicts;
mod differences;
mod keys;
mod places;
mod recursion;
mod replaced;
mod types;

pub use self::differences::DIFFERENT;
use serde_json::{Map, Value};

use crate::{diagnostic::Diagnostic, resolve::File};

/// Checks the files of a policy together with its data. Returns where values can still differ from OPA's.
pub fn check(
    files: &[File],
    data: &Map<String, Value>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    places::check(files, data, &mut diagnostics);
    conflicts::check(files, &mut diagnostics);
    keys::check(files, &mut diagnostics);
    replaced::check(files, &mut diagnostics);
    let order = recursion::check(files, &mut diagnostics);
    if diagnostics.is_empty() {
        types::check(files, &order, &mut diagnostics);
    }
    if diagnostics.is_empty() {
        differences::check(files, &mut diagnostics);
        Ok(diagnostics)
    } else {
        Err(diagnostics)
    }
}
