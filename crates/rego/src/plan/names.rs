//! Paths in the texts for the engine: documents have their full path, and variables have unique names.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Module, Rule, RuleHead};

use super::syntax::{Parsed, constant_path};

/// The full paths of the functions in all modules.
pub(crate) fn functions(modules: &[Parsed]) -> BTreeSet<String> {
    let mut functions = BTreeSet::new();
    for parsed in modules {
        let package = package_path(&parsed.module);
        for rule in &parsed.module.policy {
            let reference = match rule.as_ref() {
                Rule::Spec {
                    head: RuleHead::Func { refr, .. },
                    ..
                } => refr,
                Rule::Default { refr, args, .. } if !args.is_empty() => refr,
                _ => continue,
            };
            let path = constant_path(reference);
            functions.extend(path.map(|path| format!("{package}.{path}")));
        }
    }
    functions
}

/// `data.` and the path of a module's package.
pub(crate) fn package_path(module: &Module) -> String {
    format!(
        "data.{}",
        constant_path(&module.package.refr).unwrap_or_default()
    )
}

/// The path of a rule, up to the first part that is not constant.
pub(crate) fn path_of(rule: &Rule, package: &str) -> String {
    let reference = match rule {
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. }
            | RuleHead::Set { refr, .. }
            | RuleHead::Func { refr, .. } => refr,
        },
        Rule::Default { refr, .. } => refr,
    };
    format!("{package}.{}", constant_prefix(reference).0)
}

/// The constant names at the start of a reference, and whether the reference has nothing else.
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
