//! Built-ins and numbers whose values can differ from OPA's: each use is told, since no error would tell of it.

use regorus::unstable::{Expr, Rule};

use super::{
    names::{Names, Scope},
    syntax::{Parsed, Visitor, constant_path, walk_rule},
};

/// The built-ins whose values can differ from OPA's, and where; docs/policies/differences.md says more.
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

/// All uses in a policy, each with file and line.
pub(super) fn warnings(modules: &[Parsed], names: &Names) -> Vec<String> {
    let mut warnings = Vec::new();
    for parsed in modules {
        let scope = names.scope(&parsed.module);
        for rule in &parsed.module.policy {
            check(rule, &parsed.name, &scope, &mut warnings);
        }
    }
    warnings
}

/// Adds a warning for each use in a rule.
pub(super) fn check(rule: &Rule, file: &str, scope: &Scope<'_>, warnings: &mut Vec<String>) {
    walk_rule(
        rule,
        &mut Uses {
            file,
            scope,
            warnings,
        },
    );
}

struct Uses<'a, 'b> {
    file: &'a str,
    scope: &'a Scope<'b>,
    warnings: &'a mut Vec<String>,
}

impl Visitor for Uses<'_, '_> {
    fn expression(&mut self, expression: &Expr) -> bool {
        let told = match expression {
            // A quotient.
            Expr::Call { fcn, params, .. }
                if constant_path(fcn).is_some_and(|path| path == "internal.div") =>
            {
                params
                .iter()
                .find(|operand| {
                    matches!(operand.as_ref(), Expr::Number { span, .. } if span.text().contains('.'))
                })
                .map(|_| "a quotient has 53 bits here and 64 in OPA: the last digits differ".to_owned())
            }
            Expr::Call { fcn, .. } => constant_path(fcn)
                .filter(|path| self.scope.function(path).is_none())
                .and_then(|path| DIFFERENT.iter().find(|(name, _)| *name == path))
                .map(|(name, difference)| format!("`{name}` can give another value than in OPA: {difference}")),
            _ => None,
        };
        if let Some(told) = told {
            let warning = format!("{}:{}: {told}", self.file, expression.span().line);
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        true
    }
}
