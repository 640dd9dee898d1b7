//! What the value of a policy depends on: parts of `input`, and also time, chance or the network.

use regorus::unstable::Expr;
use serde::{Deserialize, Serialize};

use super::{
    reads::Reads,
    syntax::{Parsed, Visitor, constant_path, walk_rule},
};

/// Built-in functions that can give another value in each call. OPA calls most of them nondeterministic. Signing is
/// here too, because some signatures have a random part.
pub(crate) const IMPURE: [&str; 10] = [
    "http.send",
    "io.jwt.decode_verify",
    "io.jwt.encode_sign",
    "io.jwt.encode_sign_raw",
    "net.lookup_ip_addr",
    "opa.runtime",
    "rand.intn",
    "time.now_ns",
    "trace",
    "uuid.rfc4122",
];

/// Those of them that give a value by chance, which differs between two evaluations of the same input and time.
const BY_CHANCE: [&str; 4] = [
    "io.jwt.encode_sign",
    "io.jwt.encode_sign_raw",
    "rand.intn",
    "uuid.rfc4122",
];

/// What the value of a policy depends on, besides its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// The parts of `input` that can be read.
    pub(crate) reads: Reads,
    /// Whether the same input always gives the same value.
    pub(crate) is_pure: bool,
    /// Whether the value can depend on chance.
    pub(crate) is_by_chance: bool,
}

impl Reach {
    /// What all rules of these modules can reach. It does not matter which rule is evaluated.
    pub(crate) fn of<'a>(modules: impl IntoIterator<Item = &'a Parsed>) -> Self {
        let mut reach = Self {
            reads: Reads::default(),
            is_pure: true,
            is_by_chance: false,
        };
        for parsed in modules {
            for rule in &parsed.module.policy {
                walk_rule(rule, &mut reach);
            }
        }
        reach
    }

    fn reference(&mut self, expression: &Expr) {
        if let Some(path) = read_at(expression) {
            self.reads.add(path.iter().map(String::as_str));
        }
    }

    fn named(&mut self, expression: &Expr) {
        let path = constant_path(expression);
        if let Some(path) = path {
            self.is_pure &= !IMPURE.contains(&path.as_str());
            self.is_by_chance |= BY_CHANCE.contains(&path.as_str());
        }
        self.reference(expression);
    }
}

impl Visitor for Reach {
    fn expression(&mut self, expression: &Expr) -> bool {
        match expression {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.named(expression);
            }
            Expr::Call { fcn, .. } => self.named(fcn),
            _ => {}
        }
        true
    }
}

/// The names after `input` at the start of a reference, or `None` if the reference does not start with `input`.
///
/// Only names narrow what is read. In `input.a[x]`, `x` can choose any part of `input.a`.
fn read_at(reference: &Expr) -> Option<Vec<String>> {
    match reference {
        Expr::Var { span, .. } => (span.text() == "input").then(Vec::new),
        Expr::RefDot { refr, field, .. } => {
            let mut path = read_at(refr)?;
            if is_named(refr) {
                path.push(field.0.text().to_owned());
            }
            Some(path)
        }
        Expr::RefBrack { refr, index, .. } => {
            let mut path = read_at(refr)?;
            if is_named(refr)
                && let Expr::String { value, .. } = index.as_ref()
                && let Ok(name) = value.as_string()
            {
                path.push(name.to_string());
            }
            Some(path)
        }
        _ => None,
    }
}

/// Whether a reference consists of names only.
fn is_named(reference: &Expr) -> bool {
    constant_path(reference).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::syntax::parse, *};
    use crate::{run::builtins, source::Version};

    fn reach(text: &str) -> Reach {
        let parsed = parse("a.rego", &format!("package p\n{text}"), Version::V1).unwrap();
        Reach::of([&parsed])
    }

    #[test]
    fn paths_by_name_are_followed_and_others_are_read_whole() {
        for (text, paths) in [
            ("allow := true", &[][..]),
            ("# input\nallow if \"input\" == `input`", &[]),
            (
                "allow if input.ogc.collection == \"obs\"",
                &["ogc.collection"],
            ),
            (
                "allow if input[\"identity\"].roles[\"a\"]",
                &["identity.roles.a"],
            ),
            ("allow if input[\"\\u006fgc\"]", &["ogc"]),
            ("allow if { some k; input[k] }", &[""]),
            ("allow if { some k; input.a[k].b; input.c }", &["a", "c"]),
            ("allow if input.a[input.b.c].d == 1", &["a", "b.c"]),
            ("allow if input.parsed_path[0] == \"x\"", &["parsed_path"]),
            ("x := input", &[""]),
            ("x := f(input)\nf(y) := y.a", &[""]),
            ("x := object.get(input.a, \"b\", 1)", &["a"]),
            ("x := {\"a\": [input.a.b, {input.c}]}", &["a.b", "c"]),
            ("x contains input.a.b", &["a.b"]),
            ("x[input.a] := input.b", &["a", "b"]),
            (
                "x := y if { y := input.a } else := input.b if input.c",
                &["a", "b", "c"],
            ),
            (
                "default x := 1\nx := [y | some y in input.a; y > input.b]",
                &["a", "b"],
            ),
            ("x if every y in input.a { y == input.b }", &["a", "b"]),
            ("x if not input.a", &["a"]),
            ("x if -input.a < input.b + input.c", &["a", "b", "c"]),
            (
                "x if y with input.a as input.b\ny if input.c",
                &["a", "b", "c"],
            ),
            ("x if y with input as {\"c\": input.b}\ny if input.c", &[""]),
            ("x if input.a.b in data.lists[input.c]", &["a.b", "c"]),
            ("f(input.a) := 1", &["a"]),
        ] {
            assert_eq!(reach(text).reads, Reads::of(paths), "{text}");
        }
    }

    #[test]
    fn a_policy_that_asks_for_more_than_its_input_is_not_pure() {
        for text in [
            "x := time.now_ns()",
            "x if { y := [z | z := time.now_ns()]; y[0] > input.a }",
            "x if count([1]) == 1 with count as time.now_ns",
            "x := rand.intn(\"a\", 2)",
        ] {
            assert!(!reach(text).is_pure, "{text}");
        }
        assert!(reach("x := time.parse_rfc3339_ns(input.a)").is_pure);
    }

    #[test]
    fn every_other_built_in_that_a_policy_can_call_is_pure() {
        // A name that sounds like time, chance or the network may belong to IMPURE. This test makes the author of a new
        // built-in decide.
        let doubtful: BTreeSet<&str> = builtins::names()
            .into_iter()
            .filter(|name| {
                [
                    "now", "rand", "uuid", "send", "lookup", "runtime", "verify", "env", "trace",
                ]
                .iter()
                .any(|word| name.contains(word))
            })
            .collect();
        // These depend on their arguments only.
        let is_pure = |name: &str| name.starts_with("io.jwt.verify_") || name == "uuid.parse";
        let impure = doubtful
            .iter()
            .copied()
            .filter(|name| IMPURE.contains(name) || is_pure(name));
        assert_eq!(doubtful, impure.collect());
        assert!(doubtful.contains("time.now_ns"));
    }
}
