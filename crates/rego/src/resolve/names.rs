//! What the names of a policy mean outside its rules: packages, functions, built-ins and imports.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnostic::nearest,
    parse::tree::{ExprKind, Import, Module},
};

/// The built-in functions that a policy can call.
pub trait Builtins {
    /// The number of arguments of a built-in, or `None` if there is none with this name.
    fn arity(&self, name: &str) -> Option<usize>;

    /// The names of all built-ins. One is suggested if an author writes an unknown name.
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The reason why geowarden does not have this built-in of OPA, if it does not.
    fn left_out(&self, _name: &str) -> Option<&str> {
        None
    }

    /// Whether `with` can replace this built-in in the engine.
    fn is_replaceable(&self, _name: &str) -> bool {
        true
    }
}

impl<F: Fn(&str) -> Option<usize>> Builtins for F {
    fn arity(&self, name: &str) -> Option<usize> {
        self(name)
    }
}

/// The names of all files of a policy.
pub(super) struct Names<'a> {
    /// The first name of each rule, by package.
    rules: BTreeMap<Vec<String>, BTreeSet<String>>,
    /// Functions by their full path, with the number of their arguments.
    functions: BTreeMap<Vec<String>, usize>,
    pub(super) builtins: &'a dyn Builtins,
}

/// The names that one file can use.
pub(super) struct OfFile<'a> {
    pub(super) all: &'a Names<'a>,
    /// The package's path, `data` first.
    pub(super) package: Vec<String>,
    /// Whether the rules of Rego v1 apply to it.
    pub(super) is_v1: bool,
    imports: BTreeMap<String, Vec<String>>,
}

impl<'a> Names<'a> {
    pub(super) fn of<'m>(
        modules: impl Iterator<Item = &'m Module>,
        builtins: &'a dyn Builtins,
    ) -> Self {
        let mut names = Self {
            rules: BTreeMap::new(),
            functions: BTreeMap::new(),
            builtins,
        };
        for module in modules {
            let package = package(module);
            for rule in &module.rules {
                let of_package = names.rules.entry(package.clone()).or_default();
                of_package.insert(rule.head.name.text.clone());
                if let Some(arguments) = &rule.head.arguments {
                    let mut path = package.clone();
                    path.push(rule.head.name.text.clone());
                    for part in &rule.head.path {
                        if let ExprKind::String(name) = &part.kind {
                            path.push(name.clone());
                        }
                    }
                    names.functions.insert(path, arguments.len());
                }
            }
        }
        names
    }

    pub(super) fn file(&'a self, module: &Module) -> OfFile<'a> {
        let mut imports = BTreeMap::new();
        for import in &module.imports {
            let path = import_path(import);
            let is_document = matches!(path.first().map(String::as_str), Some("data" | "input"));
            if let Some(name) = import.name().filter(|_| is_document) {
                imports.insert(name.text.clone(), path);
            }
        }
        OfFile {
            all: self,
            is_v1: module.is_v1,
            package: package(module),
            imports,
        }
    }

    /// A function with a similar name, to suggest when `name` is unknown.
    pub(super) fn function_like(&self, name: &str) -> Option<String> {
        let own = self.functions.keys().map(|path| path.join("."));
        let own: Vec<String> = own.collect();
        let last = own.iter().filter_map(|path| path.rsplit('.').next());
        let builtins = self.builtins.names().into_iter();
        // The names of the engine are not for authors.
        let builtins = builtins.filter(|name| !name.starts_with("internal."));
        nearest(name, builtins.chain(last))
    }

    /// A package whose function the file calls without importing the package. The file names only the last part of the
    /// package path.
    pub(super) fn package_with_function(&self, names: &[String]) -> Option<String> {
        let found = self.functions.keys().find(|path| path.ends_with(names))?;
        let package = found.get(..=found.len().checked_sub(names.len())?)?;
        Some(package.join("."))
    }

    /// Whether any built-in function has this first name, as `time.now_ns` has `time`.
    pub(super) fn is_builtin_namespace(&self, first: &str) -> bool {
        let all = self.builtins.names();
        all.iter()
            .any(|name| name.split_once('.').is_some_and(|(own, _)| own == first))
    }

    pub(super) fn arity(&self, path: &[String]) -> Option<usize> {
        self.functions.get(path).copied()
    }
}

impl OfFile<'_> {
    /// The names that the imports define.
    pub(super) fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.keys().map(String::as_str)
    }

    /// The path of the document that a name stands for.
    pub(super) fn document(&self, name: &str) -> Option<Vec<String>> {
        if name == "input" || name == "data" {
            return Some(vec![name.to_owned()]);
        }
        // As in OPA, an import hides a rule of its name.
        if let Some(path) = self.imports.get(name) {
            return Some(path.clone());
        }
        let rules = self.all.rules.get(&self.package)?;
        rules.contains(name).then(|| {
            let own = std::iter::once(name.to_owned());
            self.package.iter().cloned().chain(own).collect()
        })
    }
}

/// The path of a file's package, `data` first.
pub(super) fn package(module: &Module) -> Vec<String> {
    let names = module.package.iter().map(|name| name.text.clone());
    std::iter::once("data".to_owned()).chain(names).collect()
}

fn import_path(import: &Import) -> Vec<String> {
    import.path.iter().map(|name| name.text.clone()).collect()
}
