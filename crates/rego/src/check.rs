//! What OPA's compiler refuses of a resolved policy: rules in a circle, paths that stand for two things, and
//! constants of a kind that a function does not take.

mod differences;
mod places;
mod recursion;
mod types;

pub use self::differences::DIFFERENT;
use serde_json::{Map, Value};

use crate::{diagnostic::Diagnostic, resolve::File};

/// Checks the files of a policy, beside its data. Returns what can differ from OPA all the same.
pub fn check(
    files: &[File],
    data: &Map<String, Value>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    places::check(files, data, &mut diagnostics);
    recursion::check(files, &mut diagnostics);
    types::check(files, &mut diagnostics);
    if diagnostics.is_empty() {
        differences::check(files, &mut diagnostics);
        Ok(diagnostics)
    } else {
        Err(diagnostics)
    }
}
