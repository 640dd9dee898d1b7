//! From the author's texts to those that regorus is given, or every reason why not.

mod graph;
mod lint;
mod refusal;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    LoadError,
    plan::{
        names::Names,
        syntax::{self, Parsed},
    },
    run::builtins,
    source::Version,
    translate::translate,
};

/// Texts by the names of their files, with the meaning that OPA gives to the author's; and what can differ all the same.
pub(crate) fn faithful(
    texts: &BTreeMap<String, String>,
    data: &Map<String, Value>,
    version: Version,
) -> Result<(BTreeMap<String, String>, Vec<String>), LoadError> {
    let given = translate(texts, version, &builtins::arguments).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        LoadError(told.join("\n"))
    })?;
    let modules = given
        .iter()
        .map(|(name, text)| syntax::parse(name, text, Version::V1))
        .collect::<Result<Vec<Parsed>, LoadError>>()?;
    let names = Names::of(&modules);
    let mut refusals = Vec::new();
    let mut warnings = Vec::new();
    graph::check(&modules, &names, data, &mut refusals);
    for parsed in &modules {
        let scope = names.scope(&parsed.module);
        for rule in &parsed.module.policy {
            lint::check(rule, &parsed.name, &scope, &mut warnings);
        }
    }
    refusal::into_result(&refusals)?;
    Ok((given, warnings))
}
