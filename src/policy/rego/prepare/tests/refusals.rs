//! What does not load, and why.

use super::prepared;

/// Rules, where they are refused, and a word of the reason.
const CASES: &[(&str, &str, &str)] = &[
    (
        "import future.keywords\nallow if not input.a",
        "a.rego:2",
        "by their names",
    ),
    ("import rego.v2\nallow if input.a", "a.rego:2", "rego.v1"),
    (
        "import data.b as input\nallow if input.a",
        "a.rego:2",
        "another name",
    ),
    (
        "f(data) if data.x\nallow if f(1)",
        "a.rego:2",
        "an argument is called `data`",
    ),
    (
        "allow if every input in [1] { input == 1 }",
        "a.rego:2",
        "another name",
    ),
    (
        "default allow := false\ndefault allow := true",
        "a.rego:3",
        "another default at a.rego:2",
    ),
    (
        "allow if {\n\tsome x\n\tinput.a\n}",
        "a.rego:3",
        "nothing uses",
    ),
    (
        "allow if {\n\tsome x\n\tinput.a\n} else if {\n\tsome x\n\tinput.xs[x]\n}",
        "a.rego:3",
        "nothing uses",
    ),
    (
        "allow if {\n\tsome x\n\tevery x in [1] { x == 1 }\n}",
        "a.rego:3",
        "nothing uses",
    ),
    (
        "import data as d\nallow if not d.p.denied",
        "a.rego:2",
        "the own package or one above it",
    ),
    (
        "f(x, y) := 1\ng if 2 + 2 == 1\nallow if g with plus as f",
        "a.rego:4",
        "cannot have `plus`",
    ),
    (
        "f(_) := false\nallow if f(1) with f as trace",
        "a.rego:3",
        "cannot have `trace`",
    ),
    (
        "allow if {\n\t__lifted1__ := 1\n\t__lifted1__ == input.a\n}",
        "a.rego:3",
        "made here",
    ),
    ("__negated0_1__(_) if input.a", "a.rego:2", "made here"),
    (
        "allow if { [_, v] := walk(input); v == 1 }",
        "a.rego:2",
        "walk(value, [path, inner])",
    ),
    (
        "allow if count([1 | walk(input)]) > 0",
        "a.rego:2",
        "walk(value, [path, inner])",
    ),
    ("allow if not trace(\"x\") == true", "a.rego:2", "`trace`"),
    ("allow if {\n\tnot input.xs[_] == 1\n}", "a.rego:3", "`_`"),
    ("allow if not input.xs[i]", "a.rego:2", "`i`"),
    (
        "allow if {\n\tsome i\n\tnot input.xs[i] == 1\n}",
        "a.rego:4",
        "bind it before",
    ),
    ("allow if not x := 1", "a.rego:2", "cannot assign"),
    ("allow if [1 | not f(y)]\nf(x) := x", "a.rego:2", "`y`"),
    (
        "allow if not startswith(input.xs[_], \"a\")",
        "a.rego:2",
        "`_`",
    ),
    (
        "allow if b\nb if c\nc if allow",
        "a.rego:",
        "must not use itself",
    ),
    (
        "f(x) := f(x)\nallow if f(1)",
        "a.rego:2",
        "must not use itself",
    ),
    (
        "allow if data[input.x].y",
        "a.rego:2",
        "must not use itself",
    ),
    (
        "s[input.a] contains 1 if input.b",
        "a.rego:2",
        "not constant",
    ),
    ("o[input.a].b := 1 if input.b", "a.rego:2", "not constant"),
    (
        "g.a if input.a\ng.b if input.b\nallow if not g",
        "a.rego:4",
        "whole name",
    ),
    (
        "import future.keywords.not\nallow if not input.a",
        "a.rego:2",
        "not known here",
    ),
    (
        "allow if {\"a\": y} = input.o",
        "a.rego:2",
        "by their names",
    ),
    (
        "allow if some {\"a\": y} in input.xs",
        "a.rego:2",
        "by their names",
    ),
    ("f({\"a\": y}) := y", "a.rego:2", "by their names"),
    (
        "allow if {\n\t1 | input.a\n\tinput.b\n}",
        "a.rego:3",
        "in these braces",
    ),
    (
        "allow if {1 | input.a == 2\n\tinput.b\n}",
        "a.rego:2",
        "in these braces",
    ),
    (
        "allow if {\"a\": 1} == input.a",
        "a.rego:2",
        "in these braces",
    ),
    (
        "allow if input.a == {\"a\": 1, \"a\": 2}",
        "a.rego:2",
        "stands twice",
    ),
    (
        "user := 1\nallow if { some user; input.xs[user] }",
        "a.rego:3",
        "another name",
    ),
    (
        "allow if { some g in [1]; [r | some g; r := input.xs[g]] }",
        "a.rego:2",
        "another name",
    ),
    ("taken := 2", "a.rego:2", "is data too"),
    ("o[input.a].b := 1 if input.b", "a.rego:2", "not constant"),
    ("internal.x := 1", "a.rego:2", "a name of the language"),
    (
        "g.a if input.a\nallow if count(data.p) == 0",
        "a.rego:3",
        "whole name",
    ),
    (
        "allow if x == {1, input.a}[x]",
        "a.rego:2",
        "to a variable first",
    ),
    ("f(x, [x]) := x", "a.rego:2", "stands twice among"),
    ("allow if no.such(1)", "a.rego:2", "neither a function"),
    (
        "allow if count(1, 2, 3)",
        "a.rego:2",
        "takes 1 arguments, found 3",
    ),
];

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (text, place, word) in CASES {
        let told = prepared(&format!("package p\n{text}\n")).unwrap_err();
        assert!(told.starts_with(place), "{told}");
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_name_that_a_rule_declares_is_no_other_rule() {
    let texts = [
        "user := f(input.a)\nf(user) := user",
        "xs := [x | some x in input.xs]\nx := count(xs)",
        "a if { every b in [1] { b == 1 } }\nb if a",
        "a if { b := 1; b == 1 }\nb if a",
    ];
    for text in texts {
        assert!(prepared(&format!("package p\n{text}\n")).is_ok(), "{text}");
    }
    // But where the declaration does not reach, it is.
    let told = prepared("package p\na if { every b in [1] { b == 1 }; b }\nb if a\n").unwrap_err();
    assert!(told.contains("must not use itself"), "{told}");
}

#[test]
fn chains_are_bounded() {
    let chain = |count: usize| {
        let rules = (1..count).map(|index| format!("r{index} := r{} + 1", index - 1));
        let rules: Vec<String> = rules.collect();
        prepared(&format!("package p\nr0 := 1\n{}\n", rules.join("\n")))
    };
    assert!(chain(300).is_ok());
    let told = chain(1000).unwrap_err();
    assert!(told.contains("nested"), "{told}");
    let deep = format!(
        "package p\nx := {}1{}\n",
        "f(".repeat(3000),
        ")".repeat(3000)
    );
    assert!(prepared(&format!("{deep}f(x) := x\n")).is_err());
    let sum = format!("package p\nx := 1{}\n", " + 1".repeat(3000));
    assert!(prepared(&sum).unwrap_err().contains("nested"));
}

#[test]
fn a_keyword_of_v1_is_none_in_v0() {
    use std::collections::BTreeMap;

    use super::super::{Dialect, Map, faithful};

    let load = |text: &str| {
        let texts = BTreeMap::from([("a.rego".to_owned(), text.to_owned())]);
        faithful(&texts, &Map::new(), Dialect::V0).map_err(|e| e.to_string())
    };
    let told = load("package p\nimport future.keywords.in\ndeny contains 1\n").unwrap_err();
    assert!(told.starts_with("a.rego:3: `contains`"), "{told}");
    assert!(load("package p\nimport future.keywords.contains\ndeny contains 1\n").is_ok());
    assert!(load("package p\ndeny[x] { x := \"contains\" }\n").is_ok());
}
