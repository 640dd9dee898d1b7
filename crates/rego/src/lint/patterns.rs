//! Finds constant patterns that no built-in can compile.

use regorus::Value as Known;

use super::{
    Findings,
    schema::Schema,
    shape::{Locals, Rules, Shape},
};
use crate::{
    diagnostic::Code,
    resolve::{
        File,
        tree::{Function, Scalar},
        uses,
    },
    run::builtins,
};

/// The built-ins that take a pattern, each with the position of it.
const PATTERNS: [(&str, usize); 6] = [
    ("regex.match", 0),
    ("regex.split", 0),
    ("regex.find_n", 0),
    ("regex.find_all_string_submatch_n", 0),
    ("regex.replace", 1),
    ("glob.match", 0),
];

pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    findings: &mut Findings<'_>,
) {
    for rule in &file.rules {
        let locals = Locals::of(rule, rules, schema);
        uses::calls(rule, &mut |function, arguments, span| {
            let Function::Builtin { name, .. } = function else {
                return;
            };
            let position = PATTERNS.iter().find(|(other, _)| other == name);
            let pattern = position.and_then(|(_, position)| arguments.get(*position));
            let Some(Shape::Constants(all)) =
                pattern.and_then(|pattern| locals.shape(pattern, rules, schema))
            else {
                return;
            };
            for pattern in all {
                if let Scalar::String(pattern) = pattern
                    && let Some(fault) = fault(name, &pattern)
                {
                    findings.report(
                        Code::Condition,
                        span,
                        format!("`{name}` fails for every request: {fault}"),
                        "correct the pattern",
                    );
                }
            }
        });
    }
}

/// Why a pattern cannot be compiled.
fn fault(name: &str, pattern: &str) -> Option<String> {
    let (pattern, nothing) = (Known::from(pattern), Known::from(""));
    let called = if name == "glob.match" {
        builtins::call(name, &[pattern, Known::from(Vec::new()), nothing])
    } else {
        builtins::call("regex.match", &[pattern, nothing])
    };
    called?.err()
}
