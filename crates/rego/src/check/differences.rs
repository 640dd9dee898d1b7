//! Warns about each use of a built-in whose value can differ from OPA's, since no error would show it.

use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    resolve::{File, tree::Function, uses},
};

/// The built-ins whose values can differ from OPA's, with the difference. docs/policies/differences.md explains them.
pub const DIFFERENT: [(&str, &str); 10] = [
    ("ceil", "between -1 and 0 the value is 0"),
    ("floor", "between -1 and 0 the value is -1"),
    ("json.marshal", "1.0 is written as 1, and 1e-07 as 1e-7"),
    (
        "json.unmarshal",
        "integers of more than 64 bits lose digits",
    ),
    (
        "time.parse_ns",
        "layouts are read more leniently, and names of time zones otherwise",
    ),
    ("urlquery.encode_object", "`~` is encoded and `*` is not"),
    (
        "strings.replace_n",
        "patterns are tried in another order where one begins like another",
    ),
    (
        "yaml.is_valid",
        "the reader follows YAML 1.2 where Go's library follows 1.1",
    ),
    (
        "yaml.marshal",
        "a text that is unusual can be written in another style",
    ),
    (
        "yaml.unmarshal",
        "the reader follows YAML 1.2 where Go's library follows 1.1",
    ),
];

/// Adds a warning for each call of such a built-in.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    for file in files {
        for rule in &file.rules {
            uses::calls(rule, &mut |function, _, span| {
                let Function::Builtin { name, .. } = function else {
                    return;
                };
                let found = DIFFERENT.iter().find(|(other, _)| other == name);
                let told = found.map(|(name, difference)| Diagnostic {
                    code: Code::Different,
                    severity: Severity::Warning,
                    file: file.name.clone(),
                    span,
                    message: format!("`{name}` can give another value than in OPA: {difference}"),
                    ..Diagnostic::default()
                });
                diagnostics.extend(told);
            });
        }
    }
}
