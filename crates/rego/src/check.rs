//! Checks a policy as a whole: rules that use themselves or are nested too deep, definitions that OPA rejects, and built-ins
//! whose values can differ from OPA's.

mod graph;
mod lint;
mod refusal;

use serde_json::{Map, Value};

use crate::{
    LoadError,
    plan::{names::Names, syntax::Parsed},
};

/// Checks all modules of a policy. What can differ from OPA all the same is returned, each with file and line.
pub(crate) fn check(
    modules: &[Parsed],
    names: &Names,
    data: &Map<String, Value>,
) -> Result<Vec<String>, LoadError> {
    let mut refusals = Vec::new();
    graph::check(modules, names, data, &mut refusals);
    refusal::into_result(&refusals)?;
    let mut warnings = Vec::new();
    for parsed in modules {
        let scope = names.scope(&parsed.module);
        for rule in &parsed.module.policy {
            lint::check(rule, &parsed.name, &scope, &mut warnings);
        }
    }
    Ok(warnings)
}
