//! Rule names that the engine and OPA read differently, and entrypoints inside them.
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
fn an_object_by_paths_is_put_together() {
    let made = one(
        "o[x].k := 1 if some x in input.xs\n\nallow := o.a",
        "p/allow",
    );
    let text = &made.texts["a.rego"];
    assert!(text.contains("o := "), "{text}");
    assert!(text.contains("internal.object_by_paths("), "{text}");
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
