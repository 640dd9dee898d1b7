//! Finds defaults that the engine would leave out.

use crate::{
    core::is_name,
    diagnostic::{Code, Diagnostic},
    resolve::File,
};

/// Adds an error for each default whose last name is no identifier: the engine has no default of such a path.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    for file in files {
        let defaults = file.rules.iter().filter(|rule| rule.is_default);
        for rule in defaults {
            let below = rule.path.get(1..).and_then(<[String]>::last);
            let Some(last) = below.filter(|last| !is_name(last)) else {
                continue;
            };
            diagnostics.push(Diagnostic {
                code: Code::DefaultPart,
                file: file.name.clone(),
                span: rule.span,
                message: format!("a default has a name of letters, digits and `_` that is no keyword, found `{last}`"),
                cure: Some("write the value as an `else`, or give the rule such a name".to_owned()),
                ..Diagnostic::default()
            });
        }
    }
}
