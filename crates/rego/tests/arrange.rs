//! Rules whose names the engine does not take as OPA does, and what is asked for by its path.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use geowarden_rego::{
    source::Version,
    translate::{Given, Written, translate},
};
use serde_json::{Value, json};

fn given(files: &[(&str, &str)], entry: &str, data: &Value) -> Result<Given, Vec<String>> {
    let texts: BTreeMap<String, String> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let names: Vec<String> = entry
        .split('/')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let written = Written {
        texts: &texts,
        version: Version::V1,
        data: data.as_object().unwrap(),
        entry: &names,
    };
    let builtin = |name: &str| match name {
        "count" => Some(1),
        "plus" | "startswith" => Some(2),
        _ => None,
    };
    translate(written, &builtin).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn one(rules: &str, entry: &str) -> Given {
    given(
        &[("a.rego", &format!("package p\n{rules}\n"))],
        entry,
        &json!({}),
    )
    .unwrap()
}

fn told(rules: &str, data: &Value) -> Vec<String> {
    given(&[("a.rego", &format!("package p\n{rules}\n"))], "", data).unwrap_err()
}

#[test]
fn rules_called_as_keywords_get_another_name() {
    let made = one("if.x := 1\n\nallow if data.p[\"if\"].x == 1", "p/if/x");
    let text = &made.texts["a.rego"];
    assert!(text.contains("\n__if.x := 1"), "{text}");
    assert!(text.contains("data.p.__if.x == 1"), "{text}");
    assert_eq!(made.entry.unwrap(), "data.p.__if.x");
}

#[test]
fn a_group_of_rules_is_a_rule_of_its_own() {
    let made = one("g.a := 1 if input.a\n\nallow := g", "p/allow");
    assert!(made.texts["a.rego"].contains("data.__made.group"));
    let group = &made.texts["(rules made for others)"];
    assert!(
        group.contains(":= data.p.g.a") || group.contains("data.p.g.a"),
        "{group}"
    );
    // What the data has below the same path is a member too.
    let data = json!({"p": {"g": {"z": 1}}});
    let text = "package p\ng.a := 1\nallow := g\n";
    let made = given(&[("a.rego", text)], "p/allow", &data).unwrap();
    assert!(made.texts["(rules made for others)"].contains("data.p.g.z"));
    // Nobody asks for the whole of it here.
    let made = one("g.a := 1\n\nallow if g.a == 1", "p/allow");
    assert_eq!(made.texts.len(), 1);
}

#[test]
fn nothing_that_is_added_can_be_reached_by_a_name() {
    let rules = "g.a := 1\n\nallow if data.__made.group0\n\nother := g";
    let made = one(rules, "p/allow");
    assert!(made.texts["a.rego"].contains("data.__made.group0"));
    let group = &made.texts["(rules made for others)"];
    assert!(group.starts_with("package ___made"), "{group}");
    let text = "package p\ng.a := 1\nother := g\n";
    let data = json!({"__made": {"group0": 1}});
    let made = given(&[("a.rego", text)], "p/other", &data).unwrap();
    let group = &made.texts["(rules made for others)"];
    assert!(group.starts_with("package ___made"), "{group}");
}

#[test]
fn what_is_asked_for_need_not_be_a_rule() {
    for (rules, entry, place) in [
        ("allow := 1", "p/allow", "data.p.allow"),
        ("allow := 1", "p", "data.__made.entry"),
        ("allow := {\"a\": 1}", "p/allow/a", "data.__made.entry"),
        ("g.a := 1", "p/g", "data.__made.entry"),
        // There is nothing: the caller tells.
        ("allow := 1", "p/other", "data.p.other"),
    ] {
        assert_eq!(one(rules, entry).entry.unwrap(), place, "{rules} {entry}");
    }
}

#[test]
fn an_object_by_ways_is_put_together() {
    let made = one(
        "o[x].k := 1 if some x in input.xs\n\nallow := o.a",
        "p/allow",
    );
    let text = &made.texts["a.rego"];
    assert!(text.contains("o := "), "{text}");
    assert!(text.contains("internal.object_by_ways("), "{text}");
    assert!(
        text.contains("allow := ___0 if { ___0 := data.p.o.a }"),
        "{text}"
    );
}

#[test]
fn a_built_in_stands_in_place_of_a_function_by_one_that_calls_it() {
    let made = one(
        "f(x) := x\n\nallow if f(input.a) with f as count",
        "p/allow",
    );
    let text = &made.texts["a.rego"];
    assert!(
        text.contains("with data.p.f as data.__made.builtin_count"),
        "{text}"
    );
    assert!(made.texts["(rules made for others)"].contains("count("));
}

#[test]
fn what_opa_refuses_is_refused_with_its_place() {
    let none = json!({});
    for (rules, expected) in [
        (
            "a := b\n\nb := c\n\nc := a",
            "a.rego:6:1: `data.p.c` evaluates `data.p.a`, which evaluates `data.p.c` again: a rule must not use itself",
        ),
        (
            "f(x) := f(x)",
            "a.rego:2:1: `data.p.f` evaluates `data.p.f`, which evaluates `data.p.f` again: a rule must not use itself",
        ),
        (
            "g.a := count(g)",
            "a.rego:2:1: `data.p.g.a` evaluates `data.p.g.a`, which evaluates `data.p.g.a` again: a rule must not use itself",
        ),
        (
            "o[x].k := 1 if some x in input.xs\n\no := {}",
            "a.rego:4:1: `data.p.o` has a value of its own, and members by other rules: give the whole object by rules of one form",
        ),
        (
            "default o.d := 1\n\no[x].k := 1 if some x in input.xs",
            "a.rego:2:1: OPA has this default where it is asked for by its name, and not in the whole of `data.p.o`: write the value as an `else`",
        ),
        (
            "o[x].k := 1 if some x in input.xs\n\nallow if o.a with data.p.o.a as 1",
            "a.rego:4:1: `with` replaces a part of `data.p.o`, of which a rule's name has a key that is not constant: replace the whole object",
        ),
        (
            "allow if startswith(input.x, {\"a\"})",
            "a.rego:2:10: `startswith` takes a string as argument 2, found a set of strings",
        ),
        (
            "n := count(5)",
            "a.rego:2:1: `count` takes a string or an array or an object or a set as argument 1, found a number",
        ),
    ] {
        assert_eq!(told(rules, &none), [expected], "{rules}");
    }
    assert_eq!(
        told("users := 1", &json!({"p": {"users": {}}})),
        ["a.rego:2:1: `data.p.users` is data too: rename the rule or move the data"]
    );
    assert_eq!(
        told("users.a.b := 1", &json!({"p": {"users": 1}})),
        ["a.rego:2:1: `data.p.users.a.b` is data too: rename the rule or move the data"]
    );
    let files = [
        ("a.rego", "package p\ng.a := 1\n\nr := g"),
        ("t.rego", "package t\nallow if data.p.r with data.p as {}"),
    ];
    assert_eq!(
        given(&files, "", &none).unwrap_err(),
        [
            "t.rego:2:1: `with` replaces `data.p.g`, which stands for all rules below it and is used as a whole: replace each rule by its whole name"
        ]
    );
    let files = [
        ("a.rego", "package p\nq.o[x].k := 1 if some x in input.xs"),
        ("b.rego", "package p.q\no.z.k := 1"),
    ];
    assert_eq!(
        given(&files, "", &none).unwrap_err(),
        [
            "b.rego:2:1: `data.p.q.o` is made by rules of two packages: write all its rules in one package"
        ]
    );
    let files = [
        ("a.rego", "package p\nq := 1"),
        ("b.rego", "package p.q.r\nx := 1"),
    ];
    assert_eq!(
        given(&files, "", &none).unwrap_err(),
        [
            "a.rego:2:1: `data.p.q` is the path of a package too: give the rule or the package another name"
        ]
    );
}

#[test]
fn long_chains_are_refused_without_an_overflow_of_the_stack() {
    let mut rules: Vec<String> = (0..600)
        .map(|n| format!("r{n} := r{} + 1", n + 1))
        .collect();
    rules.push("r600 := 1".to_owned());
    let faults = told(&rules.join("\n"), &json!({}));
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].contains("deep, more than 2000: use fewer rules in a chain, or data"),
        "{faults:?}"
    );
}
