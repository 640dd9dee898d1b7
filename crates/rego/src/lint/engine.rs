//! Says why the interpreter evaluates a policy.

use crate::{
    BuiltinErrors,
    diagnostic::{Code, Diagnostic, Severity},
    run::compile::compile,
    translate::Translated,
};

/// A note if the register VM cannot evaluate the policy.
pub(super) fn check(translated: &Translated) -> Option<Diagnostic> {
    let modules = translated.modules.iter();
    let rules = modules.flat_map(|module| module.rules.iter().map(move |rule| (module, rule)));
    let entry = translated.entry.as_deref()?;
    let none = compile(rules, entry, BuiltinErrors::Refuse).err()?;
    // A large policy may have an index, and then only parts of it are evaluated. Without a file there is no such rule.
    (!none.is_too_large && !none.file.is_empty()).then(|| Diagnostic {
        code: Code::Interpreter,
        severity: Severity::Note,
        file: none.file,
        span: none.span,
        message: format!(
            "regorus's interpreter evaluates this policy, not its register VM: {}",
            none.what
        ),
        cure: Some("write it without that form, if decisions take too long".to_owned()),
        ..Diagnostic::default()
    })
}
