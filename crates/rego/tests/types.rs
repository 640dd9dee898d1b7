//! What OPA's type checker accepts, and where it tells what it rejects; `diagnostics` has each text.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use geowarden_rego::{
    resolve::Builtins,
    source::Version,
    translate::{Written, translate},
};
use serde_json::{Map, Value};

/// Every built-in of OPA, by the number of its arguments.
struct Opa(BTreeMap<String, usize>);

impl Opa {
    fn new() -> Self {
        let declared = include_str!("../src/check/types/declared.json");
        let all: BTreeMap<String, (Vec<Value>, Value)> = serde_json::from_str(declared).unwrap();
        Self(
            all.into_iter()
                .map(|(name, (arguments, _))| (name, arguments.len()))
                .collect(),
        )
    }
}

fn told(rules: &str) -> Vec<String> {
    let texts = BTreeMap::from([("a.rego".to_owned(), format!("package p\n{rules}\n"))]);
    let written = Written {
        texts: &texts,
        version: Version::V1,
        data: &Map::new(),
        entry: &[],
    };
    let opa = Opa::new();
    let arity = |name: &str| opa.0.get(name).copied();
    match translate(written, &arity as &dyn Builtins) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_fault_is_told_where_it_is_and_not_again_where_its_rule_is_used() {
    assert_eq!(
        told("r := 1 if \"a\" == 1\n\ns := r.x\n\nt if [y | y := count(input.a); y == \"b\"]"),
        [
            "a.rego:2:11: the two sides are never equal: a string on the left, a number on the right",
            "a.rego:6:32: the two sides are never equal: a number on the left, a string on the right",
        ]
    );
}

#[test]
fn what_can_fit_is_accepted_as_by_opa() {
    for rules in [
        // Comparisons within values, orders and membership take any two values.
        "allow if { x := (1 == \"a\"); x }",
        "allow if 1 in {\"a\"}",
        // An argument can be anything, also as an element.
        "f(x) if { some y in [x]; y }",
        "f(x) if { z := [x]; some y in z; y }",
        // A name that a collection declares for itself.
        "allow if { some r in [r | some r in input.roles]; r }",
        "allow if { some r in [r | some r in input.roles; x := [1 | r == 2]; x]; r }",
        "allow if { some r in {r | some _, r in input.roles}; r }",
        "allow if 1 < \"a\"",
        "allow if 1 != \"a\"",
        // The body of `every` has no types.
        "allow if every x in [1, 2] { x == \"a\" }",
        // Nothing is known of input, of data, and of what is parsed.
        "allow if { x := json.unmarshal(input.y); x == 1; x == \"a\" }",
        "allow if { input.x == 1; input.x == \"a\"; data.q.z.k == 1 }",
        "allow if input[1]",
        // A variable of a function takes its type from the body, not from what stands in a comprehension.
        "f(x) := count([y | y := x + 1])\n\nallow if f(input.a)",
        "f(1) := 1\n\nf(\"a\") := 2\n\nallow if f(\"a\") == 2",
        // Rules of several types make any of them.
        "r := 1 if input.a\n\nr := \"s\" if input.b\n\nallow if r == \"s\"",
        "r.a := 1\n\nr.b := \"s\"\n\nallow if r[input.k] == \"s\"",
        "o[x] := 1 if some x in input.xs\n\nallow if o.a == 1",
        "s contains x if some x in input.xs\n\nallow if s[1]",
        // A package can have data beside its rules.
        "r := 1\n\nallow if data.p.other.name == \"a\"",
        "allow if { walk(input, [path, value]); path[0] == 1; value == \"a\" }",
        "allow if { {1} - {2} == {1}; 2 - 1 == 1 }",
        "allow := {1.0: \"a\"}[1]",
        "allow := {10: \"a\"}[1e1]",
        "o[x].k := 1 if some x in input.xs\n\no.a := 2 if input.a\n\nallow if not o.a.k",
        "allow if { [x, y] = input.pair; x == 1; y == \"a\" }",
        // A function's argument of which nothing is known, in a pattern.
        "f(k) if { [\"a\", z] = [k, input.z]; z }",
        "f(u) if { [_, n] = u; not data.blocked[n] }",
        "f(y) if { a := [y]; s := {[\"a\"], [\"b\", 1]}; s[a] }",
    ] {
        assert_eq!(told(rules), Vec::<String>::new(), "{rules}");
    }
}

/// What stands in a value is looked at a few times at most: nesting must not double the time.
#[test]
fn nested_calls_and_comprehensions_take_no_time() {
    let calls = format!("allow if {}1{} == 1", "abs(".repeat(100), ")".repeat(100));
    assert_eq!(told(&calls), Vec::<String>::new());
    let lists = format!(
        "allow if {}1{} != 1",
        "[x | x := ".repeat(20),
        "]".repeat(20)
    );
    assert_eq!(told(&lists), Vec::<String>::new());
}

#[test]
fn a_type_that_doubles_with_each_line_is_as_any_value() {
    let doubled = |pair: &dyn Fn(usize) -> String, between: &str| -> String {
        let lines: Vec<String> = (0..60).map(pair).collect();
        lines.join(between)
    };
    let statements = doubled(&|at| format!("x{} := [x{at}, x{at}]", at + 1), "; ");
    let objects = doubled(
        &|at| format!("x{} := {{\"a\": x{at}, \"b\": x{at}}}", at + 1),
        "; ",
    );
    let rules = doubled(&|at| format!("r{} := [r{at}, r{at}]", at + 1), "\n");
    let patterns = doubled(&|at| format!("[x{at}, x{at}] = x{}", at + 1), "; ");
    for rules in [
        format!("allow if {{ x0 := 1; {statements} }}"),
        format!("allow if {{ x0 := 1; {objects} }}"),
        format!("r0 := 1\n{rules}"),
        format!("f(x0) if {{ {patterns} }}"),
    ] {
        assert_eq!(told(&rules), Vec::<String>::new(), "{rules}");
        // Types that are not that large are still looked at.
        let fault = told(&format!("{rules}\nlate if count(1)"));
        assert_eq!(fault.len(), 1, "{rules}: {fault:?}");
    }
}
