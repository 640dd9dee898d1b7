//! Resolves every name once: to a numbered variable, to a document with its full path, or to a function. Later stages
//! never compare names as texts.

mod direct;
mod frame;
mod meaning;
mod names;
mod operators;
mod query;
mod rule;
mod safety;
mod scope;
pub mod tree;
pub mod uses;
mod value;

use std::collections::BTreeMap;

pub(crate) use self::safety::unsafe_variable;
pub use self::{names::Builtins, value::DEPRECATED};
use self::{names::Names, tree::Rule};
use crate::{
    diagnostic::{Code, Diagnostic},
    parse::tree::Module,
    source::Span,
};

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The name of the file in messages.
    pub name: String,
    /// The package's path, without `data`.
    pub package: Vec<String>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// The names of its imports.
    pub imports: Vec<String>,
    /// Whether a negation holds if a part of it is undefined.
    pub negates_undefined: bool,
    /// Where its rules name parts of documents.
    pub mentions: Vec<Mention>,
}

/// A place where a rule names a document or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The constant names at the start of the reference. The first is `input` or `data`.
    pub path: Vec<String>,
    /// The place of each of these names. If an import gives several names, all have the place where the import is used.
    pub places: Vec<Span>,
    /// The whole reference.
    pub span: Span,
}

impl File {
    /// The full path of its package, `data` first.
    pub fn path_of_package(&self) -> Vec<String> {
        std::iter::once("data".to_owned())
            .chain(self.package.iter().cloned())
            .collect()
    }

    /// The full path of one of its rules, up to the first part that is not constant. It begins with `data`.
    pub fn path(&self, rule: &Rule) -> Vec<String> {
        let mut path = self.path_of_package();
        path.extend(rule.path.iter().cloned());
        path
    }
}

/// Resolves all files of a policy together, because they can use each other's rules.
pub fn resolve(
    modules: &[(String, Module)],
    builtins: &dyn Builtins,
) -> Result<Vec<File>, Vec<Diagnostic>> {
    let (files, faults) = resolve_partly(modules, builtins);
    if faults.is_empty() {
        Ok(files)
    } else {
        Err(faults)
    }
}

/// Resolves what can be resolved.
pub(crate) fn resolve_partly(
    modules: &[(String, Module)],
    builtins: &dyn Builtins,
) -> (Vec<File>, Vec<Diagnostic>) {
    let names = Names::of(modules.iter().map(|(_, module)| module), builtins);
    let mut diagnostics = Vec::new();
    let mut files = Vec::new();
    for (name, module) in modules {
        let of_file = names.file(module);
        imports_of_one_name(name, module, &mut diagnostics);
        let mut mentions = Vec::new();
        let rules = module
            .rules
            .iter()
            .map(|rule| rule::resolve(rule, &of_file, name, &mut diagnostics, &mut mentions));
        let rules = rules.collect();
        files.push(File {
            name: name.clone(),
            package: module
                .package
                .iter()
                .map(|name| name.text.clone())
                .collect(),
            rules,
            imports: of_file.imports().map(str::to_owned).collect(),
            negates_undefined: module.negates_undefined,
            mentions,
        });
    }
    (files, diagnostics)
}

/// Rejects unsafe variables: those to which nothing gives a value.
pub(crate) fn check_safety(files: &[File]) -> Result<(), Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    safety::check(files, &mut diagnostics);
    if diagnostics.is_empty() {
        Ok(())
    } else {
        Err(diagnostics)
    }
}

/// Reports imports that have the same name. Rego v0 allows this and uses the last one.
fn imports_of_one_name(file: &str, module: &Module, diagnostics: &mut Vec<Diagnostic>) {
    let mut first = BTreeMap::new();
    for import in module.imports.iter().filter(|_| module.is_v1) {
        let Some(name) = import.name() else { continue };
        let Some(place) = first.insert(&name.text, import.span) else {
            continue;
        };
        diagnostics.push(Diagnostic {
            code: Code::Import,
            file: file.to_owned(),
            span: import.span,
            message: format!("`{}` is the name of the import at {place} too", name.text),
            cure: Some("give one of them another name by `as`".to_owned()),
            ..Diagnostic::default()
        });
    }
}
