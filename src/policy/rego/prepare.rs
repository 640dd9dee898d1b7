//! From the author's texts to those that regorus is given, or every reason why not.

use std::collections::BTreeMap;

use regorus::unstable::{Rule, RuleHead};
use serde_json::{Map, Value};

use super::{
    super::{Dialect, LoadError},
    graph, lint, meaning,
    names::Names,
    patterns, print,
    refusal::{self, Refusals},
    safety,
    syntax::{self, Parsed, constant_path},
};

/// Texts by the names of their files, with the meaning that OPA gives to the author's; and what can differ all the same.
pub(super) fn faithful(
    texts: &BTreeMap<String, String>,
    data: &Map<String, Value>,
    dialect: Dialect,
) -> Result<(BTreeMap<String, String>, Vec<String>), LoadError> {
    let modules = texts
        .iter()
        .map(|(name, text)| syntax::parse(name, text, dialect))
        .collect::<Result<Vec<Parsed>, LoadError>>()?;
    let names = Names::of(&modules);
    let mut refusals = Vec::new();
    let mut warnings = Vec::new();
    graph::check(&modules, &names, data, &mut refusals);
    meaning::defaults(&modules, &mut refusals);
    for parsed in &modules {
        let mut of_file = Refusals::of_file(&parsed.name, &mut refusals);
        imports(parsed, &mut of_file);
        meaning::imports(parsed, &mut of_file);
        contains(parsed, &mut of_file);
        let scope = names.scope(&parsed.module);
        for rule in &parsed.module.policy {
            let mut refusals = Refusals::of_file(&parsed.name, &mut refusals);
            safety::check(rule, &scope, &mut refusals);
            meaning::check(rule, &scope, &mut refusals);
            patterns::check(rule, &scope, &mut refusals);
            lint::check(rule, &parsed.name, &scope, &mut warnings);
        }
    }
    refusal::into_result(&refusals)?;
    let rewritten = modules.iter().enumerate().map(|(number, parsed)| {
        let text = print::rewritten(parsed, number, &names);
        (parsed.name.clone(), text)
    });
    let given = rewritten
        .zip(texts.values())
        .map(|((name, rewritten), text)| (name, rewritten.unwrap_or_else(|| text.clone())))
        .collect();
    Ok((given, warnings))
}

/// OPA's keywords to import, as far as they mean something here.
const KEYWORDS: [&str; 4] = ["contains", "every", "if", "in"];

/// A keyword that regorus does not know would be taken for something else in silence.
fn imports(parsed: &Parsed, refusals: &mut Refusals<'_>) {
    for import in &parsed.module.imports {
        let path = constant_path(&import.refr).unwrap_or_default();
        if let Some(keyword) = path.strip_prefix("future.keywords.")
            && !KEYWORDS.contains(&keyword)
        {
            refusals.add(
                import.span.line,
                format!("`{path}` is not known here: remove the import, and what depends on it"),
            );
        }
    }
}

/// regorus takes `contains` for a keyword where it has not been imported, and OPA does not.
fn contains(parsed: &Parsed, refusals: &mut Refusals<'_>) {
    let is_imported = parsed.module.rego_v1
        || parsed.module.imports.iter().any(|import| {
            let path = constant_path(&import.refr).unwrap_or_default();
            path == "future.keywords" || path == "future.keywords.contains"
        });
    for rule in &parsed.module.policy {
        if let Rule::Spec {
            head: RuleHead::Set { span, key, .. },
            ..
        } = rule.as_ref()
            && key.is_some()
            && !is_imported
            && span
                .text()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "contains")
        {
            refusals.add(
                span.line,
                "`contains` is no keyword here: `import future.keywords.contains`, or write `name[member] { .. }`",
            );
        }
    }
}

#[cfg(test)]
mod tests;
