//! What the names of a policy stand for: rules and functions of its packages, imports, or variables of a rule.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Rule, RuleHead};

use super::syntax::{Parsed, constant_path};

/// The names of all modules of a policy.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The first name of each rule, by package.
    rules: BTreeMap<String, BTreeSet<String>>,
    /// Functions by their full path, with the number of their arguments.
    functions: BTreeMap<String, usize>,
}

/// The names that one module can use.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    names: &'a Names,
    /// `data.` and the package's path.
    pub(crate) package: String,
    /// What each import brings, by the name it has here.
    imports: BTreeMap<String, String>,
}

impl Names {
    pub(crate) fn of(modules: &[Parsed]) -> Self {
        let mut names = Self::default();
        for parsed in modules {
            let package = package_path(&parsed.module);
            for rule in &parsed.module.policy {
                let (reference, arguments) = match rule.as_ref() {
                    Rule::Spec { head, .. } => match head {
                        RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } => (refr, None),
                        RuleHead::Func { refr, args, .. } => (refr, Some(args.len())),
                    },
                    Rule::Default { refr, args, .. } => {
                        (refr, (!args.is_empty()).then_some(args.len()))
                    }
                };
                let first = root(reference);
                let rules = names.rules.entry(package.clone()).or_default();
                rules.insert(first);
                if let (Some(count), Some(path)) = (arguments, constant_path(reference)) {
                    names.functions.insert(format!("{package}.{path}"), count);
                }
            }
        }
        names
    }

    /// The full paths of all functions of the policy.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// What the names of one module stand for.
    pub(crate) fn scope<'a>(&'a self, module: &Module) -> Scope<'a> {
        let mut imports = BTreeMap::new();
        for import in &module.imports {
            let Some(path) = constant_path(&import.refr) else {
                continue;
            };
            if path.starts_with("future.") || path.starts_with("rego.") {
                continue;
            }
            let last = path.rsplit('.').next().unwrap_or_default().to_owned();
            let alias = import
                .r#as
                .as_ref()
                .map_or(last, |span| span.text().to_owned());
            imports.insert(alias, path);
        }
        Scope {
            names: self,
            package: package_path(module),
            imports,
        }
    }
}

impl Scope<'_> {
    /// The full path of a function of the policy, with the number of its arguments.
    pub(crate) fn function(&self, path: &str) -> Option<(String, usize)> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let imported = self.imports.get(first).map(|target| match rest {
            "" => target.clone(),
            rest => format!("{target}.{rest}"),
        });
        let own = format!("{}.{path}", self.package);
        [imported, Some(own), Some(path.to_owned())]
            .into_iter()
            .flatten()
            .find_map(|full| {
                let count = *self.names.functions.get(&full)?;
                Some((full, count))
            })
    }

    /// The path that a reference by constant names has below `data` or `input`.
    pub(crate) fn resolve(&self, path: &str) -> String {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let head = match first {
            "data" | "input" => return path.to_owned(),
            _ => match self.imports.get(first) {
                Some(target) => target.clone(),
                None => format!("{}.{first}", self.package),
            },
        };
        if rest.is_empty() {
            head
        } else {
            format!("{head}.{rest}")
        }
    }
}

/// `data.` and the path of a module's package.
pub(crate) fn package_path(module: &Module) -> String {
    format!(
        "data.{}",
        constant_path(&module.package.refr).unwrap_or_default()
    )
}

/// The path of a rule, as far as it is constant.
pub(crate) fn path_of(rule: &Rule, scope: &Scope<'_>) -> String {
    let reference = match rule {
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. }
            | RuleHead::Set { refr, .. }
            | RuleHead::Func { refr, .. } => refr,
        },
        Rule::Default { refr, .. } => refr,
    };
    format!("{}.{}", scope.package, constant_prefix(reference).0)
}

/// The constant names that a reference begins with, and whether that is all of it.
pub(crate) fn constant_prefix(reference: &Expr) -> (String, bool) {
    match reference {
        Expr::Var { span, .. } => (span.text().to_owned(), true),
        Expr::RefDot { refr, field, .. } => match constant_prefix(refr) {
            (path, true) => (format!("{path}.{}", field.0.text()), true),
            cut => cut,
        },
        Expr::RefBrack { refr, index, .. } => match (constant_prefix(refr), index.as_ref()) {
            ((path, true), Expr::String { value, .. }) => {
                let name = value.as_string().map(ToString::to_string);
                (format!("{path}.{}", name.unwrap_or_default()), true)
            }
            ((path, _), _) => (path, false),
        },
        _ => (String::new(), false),
    }
}

/// The variable that a reference begins with.
pub(crate) fn root(reference: &Expr) -> String {
    let mut rest = reference;
    loop {
        match rest {
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => rest = refr,
            other => return other.span().text().to_owned(),
        }
    }
}
