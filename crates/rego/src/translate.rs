//! All stages at once: from the author's texts to those that the engine is given.

mod names;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub(crate) use self::names::{Names, is_inside};
use crate::{
    arrange::{Places, arrange},
    check::check,
    core,
    diagnostic::{Code, Diagnostic, nearest},
    lower::{Entry, lower},
    parse::tree::{Module, Rule},
    resolve::{Builtins, File},
    source::{Span, Version},
};

/// A policy as its author wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Its texts, by the names of their files.
    pub texts: &'a BTreeMap<String, String>,
    /// The Rego of files that do not say which they are written in.
    pub version: Version,
    /// Its data.
    pub data: &'a Map<String, Value>,
    /// The names on the way to the document that is asked for, without `data`; empty for none.
    pub entry: &'a [String],
}

/// A policy in forms that mean the same to OPA and to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its texts, by the names of their files.
    pub texts: BTreeMap<String, String>,
    /// Where the engine finds the document that is asked for: `data.p.allow`.
    pub entry: Option<String>,
    /// What can differ from OPA all the same.
    pub warnings: Vec<Diagnostic>,
    /// Set if the entrypoint does not exist, or is a function. The caller decides whether that is an error.
    pub no_entry: Option<Diagnostic>,
}

/// A policy in the forms of the core, before they become texts.
pub(crate) struct Translated {
    /// The files, with those that are made for others.
    pub modules: Vec<core::Module>,
    /// Where the engine finds the document that is asked for, by its names.
    pub entry: Option<Vec<String>>,
    /// Where the engine finds what the author's paths stand for.
    pub places: Places,
    /// A prefix for generated names. No name of the policy begins with it.
    pub prefix: String,
    /// What can differ from OPA all the same.
    pub warnings: Vec<Diagnostic>,
    pub no_entry: Option<Diagnostic>,
}

/// A policy in forms that mean the same to OPA and to the engine.
///
/// `builtins` can be a function that tells how many arguments a built-in takes, and nothing for one that there is not.
pub fn translate(written: Written<'_>, builtins: &dyn Builtins) -> Result<Given, Vec<Diagnostic>> {
    to_core(written, builtins, |_, _| ()).map(|(translated, ())| translated.given())
}

/// Translates a policy whose resolved files are first changed by `change`, which is also given the prefix that no name of the
/// policy begins with. Returns what `change` returns too, and where the engine finds the documents of the changed files.
pub(crate) fn translate_with<T>(
    written: Written<'_>,
    builtins: &dyn Builtins,
    change: impl FnOnce(&mut [File], &str) -> T,
) -> Result<(Given, T, Places), Vec<Diagnostic>> {
    let (translated, changed) = to_core(written, builtins, change)?;
    Ok((translated.given(), changed, translated.places))
}

impl Translated {
    /// The last stage.
    pub(crate) fn given(&self) -> Given {
        let texts = self.modules.iter().map(|module| {
            let text = core::print(module, &self.prefix);
            (module.name.clone(), text)
        });
        Given {
            texts: texts.collect(),
            entry: self.entry.as_deref().map(core::path),
            warnings: self.warnings.clone(),
            no_entry: self.no_entry.clone(),
        }
    }
}

/// All stages but the last, with what `change` returns.
pub(crate) fn to_core<T>(
    written: Written<'_>,
    builtins: &dyn Builtins,
    change: impl FnOnce(&mut [File], &str) -> T,
) -> Result<(Translated, T), Vec<Diagnostic>> {
    let Names {
        modules,
        files: mut resolved,
        faults,
        ..
    } = Names::of(written, builtins);
    if !faults.is_empty() {
        return Err(faults);
    }
    let prefix = prefix(written, &modules);
    let changed = change(&mut resolved, &prefix);
    let warnings = check(&resolved, written.data)?;
    let members = |path: &[String]| members(written.data, path);
    let (arranged, places) = arrange(resolved, &prefix, &members, builtins)?;
    let entry = (!written.entry.is_empty()).then(|| {
        let names = written.entry.iter().cloned();
        Entry {
            path: std::iter::once("data".to_owned()).chain(names).collect(),
            is_of_data: is_of_data(written),
        }
    });
    let lowered = lower(&arranged, &places, entry)?;
    let translated = Translated {
        modules: lowered.modules,
        entry: lowered.entry,
        places,
        prefix,
        warnings,
        no_entry: no_entry(written, &modules),
    };
    Ok((translated, changed))
}

/// The names of the data's values at a path, `data` first.
fn members(data: &Map<String, Value>, path: &[String]) -> Vec<String> {
    let mut members = data;
    for name in path.iter().skip(1) {
        match members.get(name) {
            Some(Value::Object(inner)) => members = inner,
            _ => return Vec::new(),
        }
    }
    members.keys().cloned().collect()
}

/// Whether the data has the document that is asked for.
fn is_of_data(written: Written<'_>) -> bool {
    let Some((last, above)) = written.entry.split_last() else {
        return false;
    };
    let above: Vec<String> = std::iter::once("data".to_owned())
        .chain(above.iter().cloned())
        .collect();
    members(written.data, &above).contains(last)
}

/// The error for an entrypoint that is a function.
fn function_entry(file: &str, rule: &Rule, entry: &[String]) -> Diagnostic {
    Diagnostic {
        code: Code::Entrypoint,
        file: file.to_owned(),
        span: rule.head.span,
        message: format!(
            "`data.{}` is a function, which has no value by itself: it is the entrypoint `{}`",
            entry.join("."),
            entry.join("/")
        ),
        cure: Some("make a rule without arguments the entrypoint".to_owned()),
        ..Diagnostic::default()
    }
}

/// The error for an entrypoint that does not exist, or is a function. The place of the former is the package of the rule
/// with the most similar path.
fn no_entry(written: Written<'_>, modules: &[(String, Module)]) -> Option<Diagnostic> {
    if is_of_data(written) {
        return None;
    }
    let mut paths = BTreeMap::new();
    let mut in_package: BTreeMap<&str, (&String, Span)> = BTreeMap::new();
    for (file, module) in modules {
        let package = module.package.iter().map(|name| name.text.as_str());
        let package: Vec<&str> = package.collect();
        let span = module.package.first().zip(module.package.last());
        let span = span.map_or_else(Span::default, |(first, last)| first.span.to(last.span));
        for rule in &module.rules {
            let mut path = package.clone();
            path.push(&rule.head.name.text);
            if rule.head.arguments.is_some() && path.iter().eq(written.entry) {
                return Some(function_entry(file, rule, written.entry));
            }
            let mut both = path.iter().zip(written.entry);
            if both.all(|(one, other)| one == other) {
                return None;
            }
            if let Some((_, above)) = written.entry.split_last()
                && above.iter().eq(&package)
                && rule.head.arguments.is_none()
            {
                let own = rule.head.name.text.as_str();
                in_package.entry(own).or_insert((file, rule.head.name.span));
            }
            paths.entry(path.join("/")).or_insert((file, span));
        }
    }
    let entry = written.entry.join("/");
    let message = format!(
        "no rule `data.{}`: it is the entrypoint `{entry}`",
        entry.replace('/', ".")
    );
    // The package is right, so the name of the rule is most likely wrong.
    let name = written.entry.last().map_or("", String::as_str);
    let misspelt = nearest(name, in_package.keys().copied());
    if let Some((file, span)) = misspelt.and_then(|own| in_package.get(own.as_str()).copied()) {
        return Some(Diagnostic {
            code: Code::Entrypoint,
            file: file.clone(),
            span,
            message,
            suggestion: Some(name.to_owned()),
            ..Diagnostic::default()
        });
    }
    let like = nearest(&entry, paths.keys().map(String::as_str));
    let place = like.as_ref().and_then(|path| paths.get(path));
    let (file, span) = place.or_else(|| paths.values().next())?;
    Some(Diagnostic {
        code: Code::Entrypoint,
        file: (*file).clone(),
        span: *span,
        message,
        cure: Some("correct the package or the entrypoint".to_owned()),
        suggestion: like,
        ..Diagnostic::default()
    })
}

/// A prefix that does not occur in the author's texts and data, so that no reference can reach generated rules.
fn prefix(written: Written<'_>, modules: &[(String, Module)]) -> String {
    let mut places: Vec<Vec<String>> = vec![vec!["data".to_owned()]];
    for (_, module) in modules {
        let names = module.package.iter().map(|name| name.text.clone());
        places.push(std::iter::once("data".to_owned()).chain(names).collect());
    }
    places.sort_unstable();
    places.dedup();
    let keys: Vec<String> = places
        .iter()
        .flat_map(|place| members(written.data, place))
        .filter(|key| key.starts_with("__"))
        .collect();
    let mut prefix = "__".to_owned();
    let is_taken = |prefix: &str| {
        written.texts.values().any(|text| text.contains(prefix))
            || keys.iter().any(|key| key.starts_with(prefix))
    };
    while is_taken(&prefix) {
        prefix.push('_');
    }
    prefix
}
