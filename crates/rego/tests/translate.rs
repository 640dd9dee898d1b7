//! What the engine is given, and what is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::too_many_lines)]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use geowarden_rego::{
    diagnostic::Diagnostic,
    source::Version,
    translate::{Given, Written},
};
use serde_json::{Map, Value, json};

fn builtin(name: &str) -> Option<usize> {
    match name {
        "count" | "lower" | "is_string" | "walk" | "trace" => Some(1),
        "startswith" | "plus" | "split" => Some(2),
        _ => None,
    }
}

fn translate(
    texts: &BTreeMap<String, String>,
    entry: &[String],
    data: &Value,
    builtin: &dyn Fn(&str) -> Option<usize>,
) -> Result<Given, Vec<Diagnostic>> {
    let none = Map::new();
    let written = Written {
        texts,
        version: Version::V1,
        data: data.as_object().unwrap_or(&none),
        entry,
    };
    geowarden_rego::translate::translate(written, &builtin)
}

fn translated(files: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Vec<String>> {
    let texts = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    translate(&texts, &[], &json!({}), &builtin)
        .map(|given| given.texts)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn one(rules: &str) -> String {
    let text = format!("package p\n{rules}\n");
    let all = translated(&[("a.rego", &text)]).unwrap();
    all["a.rego"].clone()
}

#[test]
fn policies_become_the_forms_of_the_core() {
    for (written, given) in [
        // What OPA evaluates before a negation stands before it.
        (
            "allow if not startswith(input.user, \"x\")",
            "allow := true if { ___0 := input.user; not startswith(___0, \"x\") }",
        ),
        (
            "allow if not data.blocked[input.user].x",
            "allow := true if { ___0 := input.user; not data.blocked[___0].x }",
        ),
        (
            "allow if not input.a == input.b",
            "allow := true if { not input.a == input.b }",
        ),
        (
            "allow if not lower(input.a) == \"x\"",
            "allow := true if { ___0 := lower(input.a); not ___0 == \"x\" }",
        ),
        // In an order in which variables have their values.
        (
            "allow if { not data.blocked[y]; y = input.u }",
            "allow := true if { __y_0 := input.u; not data.blocked[__y_0] }",
        ),
        // A variable that is another one is that one.
        (
            "allow if { y = x; not data.blocked[y]; x = input.u }",
            "allow := true if { __x_0 := input.u; not data.blocked[__x_0] }",
        ),
        (
            "allow if { walk(input.o, [_, v]); v == 1 }",
            "allow := true if { some ___1 in internal.walk(input.o); internal.array_of(___1, 2); __v_0 := ___1[1]; __v_0 == 1 }",
        ),
        (
            "allow if input.roles[_] == \"admin\"",
            "allow := true if { some ___0 in internal.iterable(input.roles); ___0 == \"admin\" }",
        ),
        (
            "allow if input.a[i].b[i]",
            "allow := true if { some __i_0, ___1 in internal.iterable(input.a); ___1.b[__i_0] }",
        ),
        (
            "allow if { {\"a\": [x, 1]} = input.o; x }",
            "allow := true if { ___1 := input.o; internal.object_of(___1, [\"a\"]); ___2 := ___1.a; internal.array_of(___2, 2); __x_0 := ___2[0]; 1 == ___2[1]; __x_0 }",
        ),
        (
            "allow if every x in input.xs { x != input.y }",
            "allow := true if { ___1 := input.xs; internal.is_collection(___1); every __x_0e in ___1 { __x_0 := __x_0e; __x_0 != input.y } }",
        ),
        (
            "allow if { some x in input.xs with input.role as input.r; x }",
            "allow := true if { ___1 := input.r; ___2 := input.xs with input.role as ___1; some __x_0 in internal.iterable(___2); __x_0 }",
        ),
        // Names are paths, whatever stands for them here.
        (
            "user := 1\nallow if { user == 1; f(user) with data.p.user as 2 }\nf(user) if user > 1",
            "user := 1\nallow := true if { data.p.user == 1; data.p.f(data.p.user) with data.p.user as 2 }\nf(__user_0) := true if { __user_0 > 1 }",
        ),
        (
            "allow if input[\"a-b\"][\"if\"].c",
            "allow := true if { input[\"a-b\"][\"if\"].c }",
        ),
        (
            "s contains x.id if some x in input.xs",
            "s contains ___2 if { some __x_0 in internal.iterable(input.xs); ___2 := __x_0.id }",
        ),
        (
            "o[k] := v if { some k, v in input.o }",
            "o[__k_0] := __v_1 if { some __k_0, __v_1 in internal.iterable(input.o) }",
        ),
        (
            "allow := $\"a{input.x}\"",
            "allow := ___1 if { ___1 := internal.template_string([\"a\", {___0 | ___0 := input.x}]) }",
        ),
        (
            "f([x, 1]) := x",
            "f(___1) := __x_0 if { internal.array_of(___1, 2); __x_0 := ___1[0]; 1 == ___1[1] }",
        ),
        (
            "allow if { count([x | x = input.a[_]]) > 1 }\nelse := 2 if input.b",
            "allow := true if { ___2 := count([___1 | some ___1 in internal.iterable(input.a)]); ___2 > 1 }\n else := 2 if { input.b }",
        ),
    ] {
        let given: Vec<&str> = given.lines().collect();
        let all = one(written);
        let lines: Vec<&str> = all.lines().skip(1).map(str::trim).collect();
        let given: Vec<&str> = given.into_iter().map(str::trim).collect();
        assert_eq!(
            without_numbers(&lines),
            without_numbers(&given),
            "{written}\n{all}"
        );
    }
}

/// Variables by the order in which they are met, since their numbers mean nothing.
fn without_numbers(lines: &[&str]) -> Vec<String> {
    let mut met: Vec<String> = Vec::new();
    lines
        .iter()
        .map(|line| {
            let mut made = String::new();
            let mut rest = *line;
            while let Some(at) = rest.find("__") {
                let (before, from) = rest.split_at(at);
                made.push_str(before);
                let end = from
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(from.len());
                let (name, behind) = from.split_at(end);
                let number = met.iter().position(|one| one == name).unwrap_or_else(|| {
                    met.push(name.to_owned());
                    met.len() - 1
                });
                made.push('v');
                made.push_str(&number.to_string());
                rest = behind;
            }
            made.push_str(rest);
            made
        })
        .collect()
}

#[test]
fn statements_stay_on_their_lines() {
    let all = one("\nallow if {\n\tinput.a\n\n\tnot input.b\n}\n\nelse := 2 if {\n\tinput.c\n}");
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(lines[2].trim(), "allow := true if {");
    assert_eq!(lines[3].trim(), "input.a;");
    assert_eq!(lines[5].trim(), "not input.b }");
    assert_eq!(lines[8].trim(), "else := 2 if {");
}

#[test]
fn translating_again_changes_nothing_but_names() {
    let text = "package p\n\nallow if {\n\tsome x in input.xs\n\tnot data.b[x]\n\tevery y in x.z { y.k == 1 }\n}\n\ndefault allow := false\n\nf(a, [b]) := {a: b}\n";
    let first = translated(&[("a.rego", text)]).unwrap();
    let extra = |name: &str| {
        builtin(name).or(match name {
            "internal.iterable" | "internal.is_collection" | "internal.same" => Some(1),
            "internal.array_of" => Some(2),
            _ => None,
        })
    };
    let second = translate(&first, &[], &json!({}), &extra).unwrap().texts;
    let count = |text: &str| text.matches(';').count();
    assert!(count(&second["a.rego"]) >= count(&first["a.rego"]));
}

#[test]
fn variables_have_names_that_no_rule_has() {
    let all = one("___x := 1\nallow if { some x in input.xs; x == ___x }");
    assert!(all.contains("some ____x_0 in"), "{all}");
}

#[test]
fn statements_from_the_last_to_the_first_take_no_time_of_the_third_power() {
    let mut rule = "allow if {\n".to_owned();
    for number in 0..400 {
        writeln!(rule, "\tx{number} = [x{}]", number + 1).unwrap();
    }
    rule.push_str("\tx400 = input.x\n}");
    let begin = Instant::now();
    assert!(one(&rule).contains("input.x"));
    assert!(begin.elapsed() < Duration::from_secs(3));
}

#[test]
fn collections_within_each_other_are_taken_apart() {
    let made = one(&format!("x := {}1{}", "[".repeat(14), "]".repeat(14)));
    let (given, most) = (made.lines().nth(1).unwrap_or_default(), "[".repeat(6));
    assert!(given.contains(&most), "{given}");
    assert!(!given.contains(&format!("{most}[")), "{given}");
}
