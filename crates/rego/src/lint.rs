//! Finds mistakes in policies that load. Each rule is compared with what `input` and the data can hold.
//!
//! The caller describes `input` by a JSON Schema. The keywords that geowarden adds to JSON Schema are listed in
//! `schema`.

mod arguments;
mod bounds;
mod codes;
mod conditions;
mod cost;
mod data_shapes;
mod documents;
mod effects;
mod ignored;
mod loops;
mod misspelt_entry;
mod never;
mod openness;
mod outcome;
mod patterns;
mod schema;
mod shape;
mod slow;
mod values;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

pub use self::codes::CODES;
pub(crate) use self::slow::{slow_loops, with_loops};
use self::{effects::Effects, schema::Schema, shape::Rules};
use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    resolve::{Builtins, File},
    run::builtins::Available,
    settings::Settings,
    source::{Sources, Span},
    translate::{Names, Written, is_inside, to_core},
};

/// All known ids of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// The ids.
    pub ids: BTreeSet<String>,
    /// The file that lists them, as messages name it: `pygeoapi.yml`.
    pub listed_in: String,
}

/// What a policy is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The schema of `input`.
    pub schema: &'a Json,
    /// The known ids, by the value of the schema's `x-names`. If a kind is missing here, its ids are not checked.
    pub ids: &'a BTreeMap<String, Ids>,
    /// Why the caller cannot read a value of the entrypoint; `None` if it can.
    pub no_verdict: fn(&Json) -> Option<String>,
}

/// Collects the findings of one file.
struct Findings<'a> {
    file: &'a File,
    all: &'a mut Vec<Diagnostic>,
}

impl Findings<'_> {
    fn report(&mut self, code: Code, span: Span, message: String, cure: &str) {
        self.add(Diagnostic {
            code,
            span,
            message,
            cure: (!cure.is_empty()).then(|| cure.to_owned()),
            ..Diagnostic::default()
        });
    }

    fn add(&mut self, found: Diagnostic) {
        let found = Diagnostic {
            file: self.file.name.clone(),
            severity: match found.severity {
                Severity::Error => Severity::Warning,
                other => other,
            },
            ..found
        };
        if !self.all.contains(&found) {
            self.all.push(found);
        }
    }
}

/// Checks a policy. Where it does not load, only the rules without faults are checked, and not what they allow;
/// [`translate`](crate::translate::translate) reports the faults.
pub fn lint(
    written: Written<'_>,
    builtins: &dyn Builtins,
    around: Surroundings<'_>,
) -> Vec<Diagnostic> {
    let names = Names::of(written, builtins);
    let files = &names.files;
    let schema = Schema(around.schema);
    let translated = to_core(written, builtins, |_, _| ()).map(|(translated, ())| translated);
    let core = translated.as_ref().map(|one| one.modules.as_slice());
    let core = core.unwrap_or_default();
    let rules = Rules::of(files, schema);
    let entry: Vec<String> = std::iter::once("data".to_owned())
        .chain(written.entry.iter().cloned())
        .collect();
    let let_in = effects::let_in(files, &rules, &entry, written.texts);
    let reached = rules.reached_from(&entry);
    let arguments = arguments::compared(files, &rules, schema);
    let mut costs = loops::Costs::new();
    let mut all = Vec::new();
    for file in files {
        let mut findings = Findings {
            file,
            all: &mut all,
        };
        let effects = Effects::of(file, &let_in);
        documents::check(file, &rules, schema, written.data, &effects, &mut findings);
        data_shapes::check(file, &rules, schema, written.data, &effects, &mut findings);
        values::check(file, &rules, schema, around.ids, &effects, &mut findings);
        arguments::check(
            file,
            &arguments,
            (&rules, schema),
            around.ids,
            &mut findings,
        );
        patterns::check(file, &rules, schema, &mut findings);
        bounds::check(file, &mut findings);
        misspelt_entry::check(file, &entry, &rules, &reached, &mut findings);
        conditions::check(file, schema, &mut findings);
        cost::check(file, schema, &mut findings);
        loops::check(
            file,
            &rules,
            &reached,
            written.data,
            &mut costs,
            &mut findings,
        );
        if let Some(text) = written.texts.get(&file.name) {
            conditions::chained(file, text, &mut findings);
        }
    }
    never::check(files, core, schema, &mut all);
    openness::check(files, core, &rules, schema, &entry, &mut all);
    verdict::check(files, &entry, around.no_verdict, &mut all);
    all.retain(|found| {
        // A rule that cannot be read can have the data, or keep somebody out.
        let is_of_one_rule = !matches!(found.code, Code::Data | Code::Open);
        (is_of_one_rule || names.unread.is_empty())
            && !names.unread.contains(&found.file)
            && !is_inside(found, &names.unresolved)
    });
    // Before the next step, since an ignored finding makes nothing unclear: its author says that the condition is meant so.
    all.retain(|found| !ignored::is_ignored(written.texts.get(&found.file), found));
    let unclear: Vec<(String, Span)> = all
        .iter()
        .filter(|found| {
            // It is clear which part is compared with a wrong value or id.
            let is_clear = matches!(found.code, Code::Open | Code::Value | Code::UnknownId);
            !is_clear && !found.code.is_of_speed()
        })
        .map(|found| (found.file.clone(), found.span))
        .collect();
    // If a condition of a rule has a finding, it is not clear what the rule allows. So do not report the rule as open.
    all.retain(|found| {
        let is_inside = |(file, span): &(String, Span)| {
            *file == found.file && found.span.start <= span.start && span.end <= found.span.end
        };
        found.code != Code::Open || !unclear.iter().any(is_inside)
    });
    all.sort_by(|a, b| (&a.file, a.span.start, a.code).cmp(&(&b.file, b.span.start, b.code)));
    all
}

/// The faults in the names and the syntax of all files, with the built-in functions of the engine.
pub fn faults_of_sources(sources: &Sources, settings: &Settings) -> Vec<Diagnostic> {
    let written = Written {
        texts: &sources.modules,
        version: settings.version,
        data: &sources.data,
        entry: &[],
    };
    Names::of(written, &Available).faults
}

/// Like `lint`, for sources, with the built-in functions of the engine.
pub fn of_sources(
    sources: &Sources,
    settings: &Settings,
    around: Surroundings<'_>,
) -> Vec<Diagnostic> {
    let names = settings.entrypoint.split('/').map(str::to_owned);
    let entry: Vec<String> = names.collect();
    let written = Written {
        texts: &sources.modules,
        version: settings.version,
        data: &sources.data,
        entry: &entry,
    };
    lint(written, &Available, around)
}
