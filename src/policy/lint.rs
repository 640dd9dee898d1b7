//! Finds likely mistakes in policies and data, also by pygeoapi's ids.

use std::{collections::BTreeMap, path::Path};

use geowarden_rego::{
    LoadError, Sources,
    diagnostic::{Code, Diagnostic, Severity, nearest},
    lint::{self, Ids, Surroundings},
    prove::Prover,
    source::{Span, is_test},
};
use geowarden_yaml::{Document, Mark};
use serde_json::{Map, Value};

use super::{
    RegoPolicy, RegoSettings, default_roles,
    named_ids::{self, Kind},
    verdict::Verdict,
};

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
        Ok(policy) => policy.diagnostics(),
        Err(LoadError::Diagnostics(all)) => all,
        Err(_) => return Vec::new(),
    };
    let schema = settings.input.schema();
    let around = Surroundings {
        schema: &schema,
        ids,
        no_verdict,
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

/// Why a value of the entrypoint is no verdict.
fn no_verdict(value: &Value) -> Option<String> {
    let read = Verdict::from_value(Some(value.clone()));
    read.err().map(|error| error.to_string())
}

/// The faults and likely mistakes in tests: what cannot be read, and names of `input` that no request has. `sources` have tests and
/// policies. All are warnings, since tests decide nothing.
pub fn findings_in_tests(sources: &Sources, settings: &RegoSettings) -> Vec<Diagnostic> {
    let schema = settings.input.schema();
    let around = Surroundings {
        schema: &schema,
        ids: &BTreeMap::new(),
        no_verdict,
    };
    let mut all = lint::of_sources(sources, &settings.policy, around);
    // What else is found there is often meant so in a test.
    all.retain(|one| one.code == Code::Input);
    let faults = lint::faults_of_sources(sources, &settings.policy).into_iter();
    all.extend(faults.map(|fault| Diagnostic {
        severity: Severity::Warning,
        ..fault
    }));
    all.retain(|one| is_test(&one.file));
    all.sort_by(|one, other| (&one.file, one.span.start).cmp(&(&other.file, other.span.start)));
    all
}

/// The ids in a data file of a policy that pygeoapi does not have.
pub fn unknown_ids(
    file: &Path,
    text: &str,
    document: &Document,
    ids: &BTreeMap<String, Ids>,
    policy: &Sources,
) -> Vec<Diagnostic> {
    // Policies can define `*` as "all ids", so it is not unknown. In the default policy `all` is an id like any other.
    let is_default = default_roles::is_in(policy);
    let stands_for_all = |id: &str| id == "*" || id == "all" && !is_default;
    let collections = ids.get(COLLECTION);
    let is_collection = |id: &str| collections.is_none_or(|known| known.ids.contains(id));
    let mut all = Vec::new();
    for named in named_ids::named(document, &is_collection) {
        let (what, kinds): (_, &[&str]) = match named.kind {
            Kind::Collection => (COLLECTION, &[COLLECTION]),
            Kind::Process => (PROCESS, &[PROCESS]),
            Kind::Property => (PROPERTY, &[PROPERTY]),
            Kind::CollectionOrProcess => ("collection or process", &[COLLECTION, PROCESS]),
        };
        let known: Vec<&Ids> = kinds.iter().filter_map(|kind| ids.get(*kind)).collect();
        let all_ids = || known.iter().flat_map(|known| &known.ids);
        let is_unknown = !stands_for_all(&named.id) && all_ids().all(|id| *id != named.id);
        if known.len() < kinds.len() || !is_unknown {
            continue;
        }
        let listed_in = known.first().map_or("", |known| &known.listed_in);
        all.push(Diagnostic {
            code: Code::UnknownId,
            severity: Severity::Warning,
            file: file.display().to_string(),
            span: named
                .mark
                .map_or_else(Span::default, |mark| place(text, mark, &named.id)),
            message: format!(
                "{}: there is no {what} `{}` in {listed_in}",
                named.path, named.id
            ),
            cure: Some("correct the id, or add it there".to_owned()),
            suggestion: nearest(&named.id, all_ids().map(String::as_str)),
        });
    }
    all
}

/// What gives a caller no role, although it looks like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FutileRole {
    /// The data of the default policy does not have it.
    Unknown {
        /// Its name.
        name: String,
        /// A role of the data with a similar name.
        nearest: Option<String>,
    },
    /// The attribute `roles` is no list.
    NoList,
}

/// What gives no role in the attributes of an API key: roles that the default policy's `data.roles` does not have, and another value
/// than a list. Other policies may take roles from elsewhere, so nothing is known of theirs.
pub fn futile_roles(sources: &Sources, attributes: &Map<String, Value>) -> Vec<FutileRole> {
    let Some(Value::Object(known)) = sources
        .data
        .get("roles")
        .filter(|_| default_roles::is_in(sources))
    else {
        return Vec::new();
    };
    // Every caller has the first, and callers with a credential have the second.
    let is_known =
        |name: &str| known.contains_key(name) || ["anonymous", "authenticated"].contains(&name);
    let named = match attributes.get("roles") {
        None => return Vec::new(),
        Some(Value::Array(named)) => named.iter().filter_map(Value::as_str),
        Some(_) => return vec![FutileRole::NoList],
    };
    named
        .filter(|name| !is_known(name))
        .map(|name| FutileRole::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, known.keys().map(String::as_str)),
        })
        .collect()
}

/// The place of an id in a text, with the quotes around it.
fn place(text: &str, mark: Mark, id: &str) -> Span {
    let lines = text.split_inclusive('\n');
    let before: usize = lines.take(mark.line.saturating_sub(1)).map(str::len).sum();
    let line = text.get(before..).unwrap_or_default();
    let column = line.char_indices().nth(mark.column.saturating_sub(1));
    let start = before + column.map_or(0, |(at, _)| at);
    let rest = text.get(start..).unwrap_or_default();
    let quotes = usize::from(rest.starts_with(['"', '\'']));
    let is_as_written = rest.get(quotes..).is_some_and(|rest| rest.starts_with(id));
    Span {
        start,
        end: start
            + if is_as_written {
                id.len() + 2 * quotes
            } else {
                0
            },
        line: mark.line.try_into().unwrap_or(u32::MAX),
        column: mark.column.try_into().unwrap_or(u32::MAX),
    }
}
