//! Finds the rules named `test_*` of a policy. As in OPA, each definition is a separate test.
//!
//! A rule whose name is followed by keys, such as `test_name[case]`, also reports which cases it begins. It does so
//! right after the statement that gives a value to the last variable of the keys. So a case that fails later is still
//! known by name.

use std::collections::BTreeMap;

use crate::{
    core,
    resolve::{
        File,
        tree::{Condition, Function, Kind, Literal, LiteralKind, Query, Rule, Scalar, Value},
        uses,
    },
};

/// The built-in that reports a case. A rule that already calls it is left unchanged.
const NOTE: &str = "internal.test_case";

/// A rule that is a test.
pub(super) struct TestRule {
    /// The name of the test in the report.
    pub(super) name: String,
    /// Its full path, `data` first.
    pub(super) path: Vec<String>,
    /// What its value must be.
    pub(super) gives: Gives,
}

/// The kind of value that a test gives.
#[derive(PartialEq)]
pub(super) enum Gives {
    /// None: the test is not run, because its name begins with `todo_test_`.
    Nothing,
    /// `true`, if it passes.
    Truth,
    /// An object with one member for each case.
    Cases {
        /// The names of the path between the test's name and its first key.
        below: Vec<String>,
    },
    /// Part of an object, because the path goes on after the test's name. It is never `true`.
    Part,
}

/// Finds the tests of all files. If a name is defined several times, the second and later definitions are renamed. The
/// new names begin with `prefix`.
pub(super) fn arrange(files: &mut [File], prefix: &str) -> Vec<TestRule> {
    let mut tests = Vec::new();
    let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for file in files {
        let package = file.path_of_package();
        for rule in &mut file.rules {
            let begins = |name: &String, with: &str| name.starts_with(with);
            let is_test = |name: &String| begins(name, "test_") || begins(name, "todo_test_");
            let Some(at) = rule.path.iter().position(is_test) else {
                continue;
            };
            let is_skipped = rule.path.get(at).is_some_and(|name| begins(name, "todo_"));
            let below = rule.path.get(at + 1..).unwrap_or_default().to_vec();
            let own = rule.path.get(..=at).unwrap_or_default();
            let path = [package.as_slice(), own].concat();
            let mut name = core::path(&path);
            let count = counts.entry(path).or_default();
            if *count > 0 && !is_skipped {
                if rule.arguments.is_some() {
                    // It is another definition of the same function, so it keeps the name.
                    continue;
                }
                name = format!("{name}#{count:02}");
                if let Some(own) = rule.path.get_mut(at) {
                    *own = format!("{prefix}{own}_{count}");
                }
            }
            *count += 1;
            let is_cases = rule.kind == Kind::Value && !rule.keys.is_empty();
            let gives = if is_skipped {
                Gives::Nothing
            } else if is_cases {
                note_cases(rule, &below);
                Gives::Cases { below }
            } else if below.is_empty() && rule.keys.is_empty() && rule.arguments.is_none() {
                Gives::Truth
            } else {
                Gives::Part
            };
            tests.push(TestRule {
                name,
                path: [package.as_slice(), rule.path.as_slice()].concat(),
                gives,
            });
        }
    }
    tests
}

/// Adds the statement that reports the cases which a rule begins.
fn note_cases(rule: &mut Rule, below: &[String]) {
    let mut tells_itself = false;
    uses::calls(rule, &mut |function, _, _| {
        tells_itself |= matches!(function, Function::Builtin { name, .. } if name == NOTE);
    });
    let Some(query) = rule.body.query.as_mut().filter(|_| !tells_itself) else {
        return;
    };
    let names = below.iter().cloned();
    let names = names.map(|name| Value::Scalar(Scalar::String(name)));
    let keys = names.chain(rule.keys.iter().cloned()).collect();
    let function = Function::Builtin {
        name: NOTE.to_owned(),
        arity: 1,
    };
    let call = Value::Call(function, vec![Value::Array(keys)]);
    let at = last_given(&rule.keys, query);
    query.literals.insert(
        at,
        Literal {
            kind: LiteralKind::Condition(Condition::Value(call)),
            is_assignment: false,
            with: Vec::new(),
            span: at
                .checked_sub(1)
                .and_then(|at| query.literals.get(at))
                .map_or(rule.body.span, |literal| literal.span),
        },
    );
}

/// The position in a query after the statements that first name the variables of the keys.
fn last_given(keys: &[Value], query: &Query) -> usize {
    let mut behind = 0;
    for key in keys {
        uses::locals_of_value(key, &mut |wanted| {
            let first = query.literals.iter().position(|literal| {
                let mut is_named = false;
                uses::locals_of_literal(literal, &mut |local| is_named |= local == wanted);
                is_named
            });
            behind = behind.max(first.map_or(0, |first| first + 1));
        });
    }
    behind
}
