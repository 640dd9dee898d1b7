//! Built-ins that `with` puts something in place of, or puts in place of something.

use regorus::unstable::WithModifier;

use super::{super::names::Scope, super::refusal::Refusals, builtin};

/// OPA's names of the operators, of which the text of a policy has the signs only.
const OPERATORS: [&str; 18] = [
    "and", "assign", "div", "eq", "equal", "gt", "gte", "lt", "lte", "minus", "mul", "neq", "or",
    "plus", "rem", "trace", "walk", "print",
];

/// Checks one `with`.
pub(super) fn check(
    with: &WithModifier,
    scope: &Scope<'_>,
    line: u32,
    refusals: &mut Refusals<'_>,
) {
    for part in [&with.refr, &with.r#as] {
        let Some(name) = builtin(part, scope) else {
            continue;
        };
        if OPERATORS.contains(&name.as_str()) || name.starts_with("internal.") {
            refusals.add(
                line,
                format!("`with` cannot have `{name}` here: write a function that calls it, and replace that"),
            );
        }
    }
}
