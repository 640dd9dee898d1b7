//! Answers do not change when a policy is written otherwise: printed once more, its variables renamed, its imports written out,
//! its files split. Held on the written policies of the project.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod names;

use std::{collections::BTreeMap, path::Path, time::Duration};

use geowarden_rego::{
    BuiltinErrors, EngineChoice, Fault, LoadError, Policy, Settings, Sources,
    parse::{parse, tree::Module},
    source::{Span, Version},
    translate::{Written, translate},
};
use serde_json::{Map, Value};

use self::names::{Place, names};

type Texts = BTreeMap<String, String>;
type Answer = Result<Option<Value>, ()>;

/// A written policy, and what it is asked.
struct Case {
    texts: Texts,
    data: Map<String, Value>,
    settings: Settings,
    input: Value,
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/rego.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let cases = lines.split('\n').filter(|line| !line.is_empty());
    let cases = cases.filter_map(|line| {
        let case: Value = serde_json::from_str(line).unwrap();
        let is_old = case["rego"] == "v0";
        // One input of each policy is enough.
        if is_old || !seen.insert(case["modules"].to_string()) {
            return None;
        }
        let texts = case["modules"].as_object().unwrap().iter();
        let texts = texts.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()));
        Some(Case {
            texts: texts.collect(),
            data: case["data"].as_object().cloned().unwrap_or_default(),
            settings: Settings {
                entrypoint: case["entrypoint"].as_str().unwrap().to_owned(),
                version: Version::V1,
                timeout: Duration::from_secs(5),
                builtin_errors: BuiltinErrors::Refuse,
                engine: EngineChoice::Auto,
            },
            input: case["input"].clone(),
        })
    });
    cases.collect()
}

/// What a policy answers; `None` where it does not load.
type Load = fn(Sources, &Settings) -> Result<Policy, LoadError>;

fn answer(case: &Case, texts: &Texts, entrypoint: &str, load: Load) -> Option<Answer> {
    let sources = Sources {
        modules: texts.clone(),
        data: case.data.clone(),
    };
    let settings = Settings {
        entrypoint: entrypoint.to_owned(),
        ..case.settings.clone()
    };
    let policy = load(sources, &settings).ok()?;
    match policy.evaluate(&case.input) {
        Ok(value) => Some(Ok(value)),
        Err(Fault::Timeout) => None,
        Err(_) => Some(Err(())),
    }
}

/// Asserts that a policy and its changed form have the same answers.
fn same_answers(
    load: Load,
    change: impl Fn(&Case, &[(String, Module)]) -> Option<(Texts, String)>,
) -> usize {
    let mut met = 0;
    for case in cases() {
        let modules: Result<Vec<_>, _> = case
            .texts
            .iter()
            .map(|(name, text)| parse(name, text, Version::V1).map(|module| (name.clone(), module)))
            .collect();
        let Ok(modules) = modules else { continue };
        let Some(before) = answer(&case, &case.texts, &case.settings.entrypoint, Policy::load)
        else {
            continue;
        };
        let Some((texts, entrypoint)) = change(&case, &modules) else {
            continue;
        };
        let after = answer(&case, &texts, &entrypoint, load);
        assert_eq!(
            after,
            Some(before),
            "{:#?}\nas\n{texts:#?}\nfor {}",
            case.texts,
            case.input
        );
        met += 1;
    }
    met
}

/// The text with other words in some places.
fn replaced(text: &str, mut words: Vec<(Span, String)>) -> String {
    words.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (span, word) in words {
        text.replace_range(span.start..span.end, &word);
    }
    text
}

/// The names of documents and functions in all files: they stand for more than one rule's variable.
fn documents(modules: &[(String, Module)]) -> Vec<String> {
    let mut all = vec!["input".to_owned(), "data".to_owned()];
    let builtins = geowarden_rego::builtin_names().into_iter();
    all.extend(
        builtins
            .filter_map(|name| name.split('.').next())
            .map(str::to_owned),
    );
    for (_, module) in modules {
        all.extend(module.rules.iter().map(|rule| rule.head.name.text.clone()));
        let imports = module.imports.iter().filter_map(|import| import.name());
        all.extend(imports.map(|name| name.text.clone()));
    }
    all
}

#[test]
fn a_policy_that_is_printed_and_read_again_answers_the_same() {
    let met = same_answers(Policy::load_printed, |case, modules| {
        // These negations are printed as comprehensions. There OPA checks types that it does not check in a negation.
        if modules.iter().any(|(_, module)| module.negates_undefined) {
            return None;
        }
        let names: Vec<String> = case
            .settings
            .entrypoint
            .split('/')
            .map(str::to_owned)
            .collect();
        let written = Written {
            texts: &case.texts,
            version: Version::V1,
            data: &case.data,
            entry: &names,
        };
        let builtin =
            |name: &str| geowarden_rego::builtin_arguments(name).or((name == "print").then_some(1));
        let given = translate(written, &builtin).ok()?;
        let entry = given.entry?;
        // The path of a rule that was made is no name of an author's.
        let plain = entry.strip_prefix("data.")?;
        (!plain.contains('[')).then(|| (given.texts.clone(), plain.replace('.', "/")))
    });
    assert!(met > 400, "only {met} policies");
}

#[test]
fn the_names_of_variables_do_not_matter() {
    let met = same_answers(Policy::load, |case, modules| {
        let documents = documents(modules);
        let texts = modules.iter().map(|(file, module)| {
            let words = names(module)
                .into_iter()
                .filter(|name| name.place == Place::Variable && !documents.contains(&name.text))
                .map(|name| (name.span, format!("{}_otherwise", name.text)));
            (file.clone(), replaced(&case.texts[file], words.collect()))
        });
        Some((texts.collect(), case.settings.entrypoint.clone()))
    });
    assert!(met > 400, "only {met} policies");
}

#[test]
fn an_import_is_the_path_that_it_names() {
    let met = same_answers(Policy::load, |case, modules| {
        if modules.iter().all(|(_, module)| module.imports.is_empty()) {
            return None;
        }
        let texts = modules.iter().map(|(file, module)| {
            let all = names(module);
            let mut words = Vec::new();
            for import in &module.imports {
                let alias = import.name().map(|name| name.text.as_str());
                let is_hidden = all.iter().any(|name| {
                    name.place == Place::Declaration && Some(name.text.as_str()) == alias
                });
                // The documents have their names in any case.
                if is_hidden || alias == Some("input") || alias == Some("data") {
                    continue;
                }
                let path: Vec<&str> = import.path.iter().map(|name| name.text.as_str()).collect();
                let path = match path.split_first() {
                    Some((first, rest)) => rest.iter().fold((*first).to_owned(), |path, name| {
                        format!("{path}[\"{name}\"]")
                    }),
                    None => continue,
                };
                words.extend(
                    all.iter()
                        .filter(|name| Some(name.text.as_str()) == alias)
                        .map(|name| (name.span, path.clone())),
                );
            }
            (file.clone(), replaced(&case.texts[file], words))
        });
        Some((texts.collect(), case.settings.entrypoint.clone()))
    });
    assert!(met > 15, "only {met} policies");
}

#[test]
fn rules_can_stand_in_several_files() {
    let met = same_answers(Policy::load, |case, modules| {
        let mut texts = Texts::new();
        for (file, module) in modules {
            let text = &case.texts[file];
            let rules: Vec<Span> = module.rules.iter().map(|rule| rule.span).collect();
            let is_chained = rules.iter().any(|span| text[span.start..].starts_with('{'));
            if is_chained || module.negates_undefined {
                return None;
            }
            // The files have the rules in the order in which they were: OPA does not know the types of some that follow.
            let (first, second) = rules.split_at(rules.len() / 2);
            for (part, others) in [second, first].into_iter().enumerate() {
                let words = others.iter().map(|span| (*span, String::new()));
                texts.insert(format!("{file}_{part}"), replaced(text, words.collect()));
            }
        }
        Some((texts, case.settings.entrypoint.clone()))
    });
    assert!(met > 400, "only {met} policies");
}
