//! Finds likely mistakes in policies and data, also by pygeoapi's ids.

use std::{collections::BTreeMap, path::Path};

use geowarden_rego::{
    LoadError, Sources,
    diagnostic::{Code, Diagnostic, Severity, nearest},
    lint::{self, Ids, Surroundings},
    prove::Prover,
    source::Span,
};
use geowarden_yaml::Document;

use super::{RegoPolicy, RegoSettings, named_ids};

/// The ids of pygeoapi's collections, as the schema of `input` names their kind.
pub const COLLECTION: &str = "collection";
/// Those of its processes.
pub const PROCESS: &str = "process";
/// Those of the properties of its collections.
pub const PROPERTY: &str = "property";

/// The errors and likely mistakes of a policy, in the order of its files. If the policy cannot be loaded, its likely mistakes
/// are not looked for: that could take unlimited time and memory.
pub fn findings(
    sources: &Sources,
    settings: &RegoSettings,
    prover: Option<&Prover>,
    ids: &BTreeMap<String, Ids>,
) -> Vec<Diagnostic> {
    let mut all = match RegoPolicy::load(sources.clone(), settings, prover) {
        Ok(policy) => policy.diagnostics().to_vec(),
        Err(LoadError::Diagnostics(all)) => all,
        Err(_) => return Vec::new(),
    };
    let schema = settings.input.schema();
    let around = Surroundings {
        schema: &schema,
        ids,
    };
    let has_errors = all.iter().any(|one| one.severity == Severity::Error);
    let more = lint::of_sources(sources, &settings.policy, around).into_iter();
    // What a policy allows is not known as long as it does not load.
    all.extend(more.filter(|one| one.code != Code::Open || !has_errors));
    all.sort_by(|one, other| {
        let key = |found: &Diagnostic| (found.file.clone(), found.span.start);
        key(one).cmp(&key(other))
    });
    all
}

/// The ids in a data file that pygeoapi does not have.
pub fn unknown_ids(
    file: &Path,
    document: &Document,
    ids: &BTreeMap<String, Ids>,
) -> Vec<Diagnostic> {
    let Some(collections) = ids.get(COLLECTION) else {
        return Vec::new();
    };
    let processes = ids.get(PROCESS);
    let mut all = Vec::new();
    for named in named_ids::named(document) {
        let mut known = collections.ids.iter();
        let mut others = processes.into_iter().flat_map(|processes| &processes.ids);
        let is_known = known.any(|id| *id == named.id)
            || named.can_be_a_process && others.any(|id| *id == named.id);
        // Policies can define `*` as "all ids", so it is not unknown.
        if is_known || named.id == "*" {
            continue;
        }
        let kind = if named.can_be_a_process {
            "collection or process"
        } else {
            "collection"
        };
        all.push(Diagnostic {
            code: Code::UnknownId,
            severity: Severity::Warning,
            file: file.display().to_string(),
            span: Span {
                line: named
                    .line
                    .and_then(|line| line.try_into().ok())
                    .unwrap_or(1),
                column: 1,
                ..Span::default()
            },
            message: format!(
                "{}: there is no {kind} `{}` in {}",
                named.path, named.id, collections.listed_in
            ),
            cure: Some("correct the id, or add it there".to_owned()),
            suggestion: nearest(&named.id, collections.ids.iter().map(String::as_str)),
        });
    }
    all
}
