//! Finds `with` that replaces a part of what a rule makes.

use std::collections::BTreeSet;

use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::File,
};

/// Adds an error for each rule with such a `with`, as OPA's compiler does: it replaces rules as a whole.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    let rules = files
        .iter()
        .flat_map(|file| file.rules.iter().map(|rule| file.path(rule)));
    let rules: BTreeSet<Vec<String>> = rules.collect();
    for file in files {
        for rule in &file.rules {
            for replaced in &rule.replaced {
                let mut above = (1..replaced.len()).filter_map(|end| replaced.get(..end));
                let Some(above) = above.find(|above| rules.contains(*above)) else {
                    continue;
                };
                diagnostics.push(Diagnostic {
                    code: Code::With,
                    file: file.name.clone(),
                    span: rule.span,
                    message: format!(
                        "`with` replaces rules as a whole, found `{}`, a part of the rule `{}`",
                        replaced.join("."),
                        above.join(".")
                    ),
                    cure: Some(format!("replace `{}`", above.join("."))),
                    ..Diagnostic::default()
                });
            }
        }
    }
}
