//! What is told of policies that load and are most likely not meant so.
#![allow(clippy::panic, clippy::unwrap_used, clippy::too_many_lines)]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use geowarden_rego::{
    BuiltinErrors, EngineChoice, Policy, Settings, Sources,
    lint::{self, Ids, Surroundings},
    source::Version,
};
use serde_json::{Value, json};

fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["who", "what", "how", "page"],
        "properties": {
            "who": {"type": "object", "additionalProperties": true, "x-asks": "caller", "x-anonymous": {"kind": "none", "roles": []}, "properties": {
                "kind": {"type": "string"}, "name": {"type": "string"}, "roles": {"type": "array", "items": {"type": "string"}},
            }},
            "what": {"type": "string", "x-asks": "resource", "x-names": "layer"},
            "how": {"type": "string", "x-asks": "action", "enum": ["read", "write"]},
            "page": {"type": "string", "x-asks": "resource", "enum": ["start", "layers"], "x-public": ["start"]},
            "size": {"type": "number"},
            "is_big": {"type": "boolean"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}, "x-differs-at": ["x-request-id"], "x-lower-case": true},
            "list": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {"order": {"enum": ["up", "down"], "type": "string"}}}},
        },
    })
}

fn found(files: &[(&str, &str)], data: &Value) -> Vec<String> {
    let modules = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let sources = Sources {
        modules: modules.collect(),
        data: data.as_object().unwrap().clone(),
    };
    let settings = Settings {
        entrypoint: "p/allow".to_owned(),
        version: Version::V1,
        timeout: Duration::from_millis(100),
        builtin_errors: BuiltinErrors::Refuse,
        engine: EngineChoice::Auto,
    };
    if let Err(error) = Policy::load(sources.clone(), &settings) {
        panic!("{error}");
    }
    let layers = Ids {
        ids: BTreeSet::from(["roads".to_owned(), "lakes".to_owned()]),
        listed_in: "layers.yml".to_owned(),
    };
    let schema = schema();
    let ids = BTreeMap::from([("layer".to_owned(), layers)]);
    let around = Surroundings {
        schema: &schema,
        ids: &ids,
        no_verdict: |verdict| {
            let reason = verdict.get("reason").filter(|reason| !reason.is_string());
            reason.map(|_| "`reason` of the verdict must be a string".to_owned())
        },
    };
    lint::of_sources(&sources, &settings, around)
        .iter()
        .map(|found| format!("{} {}", found.code.as_str(), found))
        .collect()
}

/// What is found in rules of the package `p`, of which the first stands in line 2.
fn one(rules: &str) -> Vec<String> {
    found(
        &[("a.rego", &format!("package p\n{rules}\n"))],
        &json!({"roles": {"admin": ["ada"]}, "many": vec!["one"; 200]}),
    )
}

/// An allowance that nothing else is told of.
const FINE: &str = "allow if input.who.name == \"ada\"\n";

#[test]
fn what_is_told_has_its_place_and_its_cure() {
    let mut wrong = Vec::new();
    for (rules, told) in [
        (
            "r if input.whom.name",
            "input a.rego:3:12: `input` has no member `whom`, so this never holds: did you mean `input.who`?",
        ),
        (
            "r if input.name",
            "input a.rego:3:12: `input` has no member `name`, so this never holds: did you mean `input.who.name`?",
        ),
        (
            "r if input.what.id",
            "input a.rego:3:17: `input.what` has no member `id`: it is of the type string",
        ),
        ("import input.list as l\nr if l[_].orders == 1", ""),
        (
            "r if input.how == \"reed\"",
            "value a.rego:3:6: `input.how` is never `\"reed\"`: did you mean `read`?",
        ),
        (
            "r if \"x\" == input.how",
            "value a.rego:3:13: `input.how` is never `\"x\"`: it is one of read, write",
        ),
        (
            "r if input.how in {\"read\", \"writer\"}",
            "value a.rego:3:6: `input.how` is never `\"writer\"`: did you mean `write`?",
        ),
        (
            "hows := {\"reed\"}\nr if input.how in hows",
            "value a.rego:4:6: `input.how` is never `\"reed\"`: did you mean `read`?",
        ),
        (
            "r if { h := input.how; h == \"reed\" }",
            "value a.rego:3:24: `input.how` is never `\"reed\"`: did you mean `read`?",
        ),
        (
            "r if { some o in input.list; o.order == \"downs\" }",
            "value a.rego:3:30: `input.list[_].order` is never `\"downs\"`: did you mean `down`?",
        ),
        (
            "r if input.size == \"1\"",
            "value a.rego:3:6: `input.size` is of the type number, and never `\"1\"`: write it without quotes",
        ),
        (
            "r if input.what > 3",
            "value a.rego:3:6: `input.what` is of the type string, and `3` of the type number: they are ordered by their types: write `to_number(..)`",
        ),
        (
            "r if input.is_big == \"true\"",
            "value a.rego:3:6: `input.is_big` is of the type boolean, and never `\"true\"`: write it without quotes",
        ),
        (
            "r if input.list == \"a\"",
            "value a.rego:3:6: `input.list` is of the type array, and never `\"a\"`: write `.. in` before it to ask whether it is among them",
        ),
        (
            "r if { some x in input.what; x == 1 }",
            "value a.rego:3:8: `input.what` is of the type string, which has no elements, so this never holds: compare it with `==`",
        ),
        (
            "r if object.get(input, \"how\", \"\") == \"reed\"",
            "value a.rego:3:6: `input.how` is never `\"reed\"`: did you mean `read`?\nevery-request a.rego:3:17: this reads `input.headers[\"x-request-id\"]`, which hardly two requests have alike: verdicts are hardly remembered: name the parts that the decision needs",
        ),
        (
            "r if input.what == \"road\"",
            "unknown-id a.rego:3:6: there is no layer `\"road\"` in layers.yml: did you mean `roads`?",
        ),
        (
            "r if input.who.name in data.role.admin",
            "data a.rego:3:29: no data file and no rule has `data.role`, so this never holds: did you mean `data.roles`?",
        ),
        (
            "r if not input.who.name in data.blocked",
            "data a.rego:3:33: no data file and no rule has `data.blocked`, so this negation never holds: its parts are evaluated before it: add it to a data file, or `# geowarden ignore: data` where it may be missing",
        ),
        (
            "r if not startswith(input.whom, \"a\")",
            "input a.rego:3:27: `input` has no member `whom`, so this negation never holds: its parts are evaluated before it: did you mean `input.who`?",
        ),
        (
            "r if not [input.whom] == [1]",
            "input a.rego:3:17: `input` has no member `whom`, so this negation never holds: its parts are evaluated before it: did you mean `input.who`?",
        ),
        (
            "r if not input.whom == lower(input.who.name)",
            "input a.rego:3:16: `input` has no member `whom`, so this negation does not test what it was to test: did you mean `input.who`?",
        ),
        (
            "r if not input.whom == \"x\"",
            "input a.rego:3:16: `input` has no member `whom`, so this negation always holds: what it was to keep out is let in: did you mean `input.who`?",
        ),
        (
            "r if not input.whom",
            "input a.rego:3:16: `input` has no member `whom`, so this negation always holds: what it was to keep out is let in: did you mean `input.who`?",
        ),
        (
            "r if count([x | some x in data.blocked; x == input.who.name]) == 0",
            "data a.rego:3:32: no data file and no rule has `data.blocked`, so nothing is gathered here, and the condition always holds: what it was to keep out is let in: add it to a data file, or `# geowarden ignore: data` where it may be missing",
        ),
        (
            "r if count([x | some x in input.who.roles; not x in data.blocked]) == 0",
            "data a.rego:3:58: no data file and no rule has `data.blocked`, so this negation never holds: its parts are evaluated before it: add it to a data file, or `# geowarden ignore: data` where it may be missing",
        ),
        (
            "r if \"a\" == \"b\"",
            "condition a.rego:3:6: this condition never holds: no request changes `\"a\" == \"b\"`: ask for a part of `input`, or remove the rule",
        ),
        (
            "r if not 1 < 2.5",
            "condition a.rego:3:6: this condition never holds: no request changes `not 1 < 2.5`: ask for a part of `input`, or remove the rule",
        ),
        ("r if { 1 != 2; 1 == 1.0; input.how == \"read\" }", ""),
        ("r if {input.how == \"read\"}", ""),
        (
            "r if {\"a\": input.how}",
            "condition a.rego:3:6: this condition holds as soon as its parts are there: an object is never false: write conditions, each on a line of its own",
        ),
        (
            "r if input.how",
            "condition a.rego:3:6: this condition always holds: it is in every request and never false: compare it with a value",
        ),
        (
            "r if not input.how",
            "condition a.rego:3:6: this condition never holds: it is in every request and never false: compare it with a value",
        ),
        (
            "r if [x | x := input.who.roles[_]]",
            "condition a.rego:3:6: this condition always holds: what is gathered is never false, even where it is empty: compare its `count(..)`",
        ),
        (
            "r if { false }",
            "condition a.rego:3:8: this condition never holds: no request changes `false`: ask for a part of `input`, or remove the rule",
        ),
        (
            "r if { input.how == \"read\"; input.how == \"write\" }",
            "condition a.rego:3:29: this condition contradicts the one in line 3, so `r` never holds here: write a second rule of the same name, or `in {..}` for one of several values",
        ),
        (
            "r if input.size == 1 {\n\tinput.size == 2\n}",
            "condition a.rego:3:22: this body is another way for the rule of line 3 to hold, and no part of its condition: write all conditions between one pair of braces: `if {..}`",
        ),
        (
            "r if input.headers[\"x-request-id\"] == \"1\"",
            "every-request a.rego:3:6: this reads `input.headers[\"x-request-id\"]`, which hardly two requests have alike: verdicts are hardly remembered: name the parts that the decision needs",
        ),
        (
            "r if time.now_ns() > 1",
            "every-request a.rego:3:6: `time.now_ns` can have another value in each request: no verdict of this policy is remembered: leave it out where it is not needed",
        ),
        (
            "f(x) if x == \"reed\"\nr if f(input.how)",
            "value a.rego:3:9: `input.how` is never `\"reed\"`: did you mean `read`?",
        ),
        (
            "f(x, y) if g(y)\ng(x) if x.orders == \"up\"\nr if { some one in input.list; f(1, one) }",
            "input a.rego:4:9: `input.list[_]` has no member `orders`, so this never holds: did you mean `input.list[_].order`?",
        ),
        (
            "r if input.headers[\"X-Foo\"] == \"a\"",
            "input a.rego:3:20: `input.headers` has no member `X-Foo`, so this never holds: its names are in lower case: did you mean `input.headers[\"x-foo\"]`?",
        ),
        (
            "r if g with input.haw as \"read\"\ng if input.how == \"read\"",
            "input a.rego:3:6: `input` has no member `haw`, so what is put there stands for no request: did you mean `input.how`?",
        ),
        (
            "w := {\"haw\": \"read\"}\nr if g with input as w\ng if input.how == \"read\"",
            "input a.rego:4:6: `input` has no member `haw`, so what is put there stands for no request: did you mean `input.how`?",
        ),
    ] {
        let (imports, rules) = match rules.split_once('\n') {
            Some((import, rest)) if import.starts_with("import") => (import, rest),
            _ => ("", rules),
        };
        let text = if imports.is_empty() {
            format!("{FINE}{rules}")
        } else {
            format!("{imports}\n{FINE}{rules}")
        };
        let found = one(&text).join("\n");
        if found != told {
            wrong.push(format!("{rules}\n  found    {found}\n  expected {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn loops_within_loops_are_told() {
    let by = |place: &str, with: &str| {
        format!(
            "cost {place}: for one request, this goes through 40000 elements{with}, more than 10000: make an object of the data, with what is looked for as its keys"
        )
    };
    for (rules, told) in [
        (
            "r if { data.many[i] > input.size; data.many[j] > i }",
            by("a.rego:3:35", ""),
        ),
        (
            "r if { some x in data.many; count([y | y := data.many[_]; y > x]) > 1 }",
            by("a.rego:3:40", ""),
        ),
        (
            "r if { some x in data.many; every y in data.many { y > x } }",
            by("a.rego:3:29", ""),
        ),
        (
            "r if { some x in data.many; some y in data.many; x == y }",
            by("a.rego:3:29", ""),
        ),
        (
            "r if { some x in data.many; y := x; some z in data.many; z > y }",
            by("a.rego:3:37", ""),
        ),
        // The loop is in a function.
        (
            "r if { some x in data.many; known(x) }\nknown(x) if { some y in data.many; x == y }",
            by("a.rego:3:29", " with `known`"),
        ),
        (
            "r if count([1 | some x in data.many; not outer(x)]) > 1\nouter(x) := count(inner(x)) > 1\ninner(x) := [y | some y in data.many; y > x]",
            by("a.rego:3:38", " with `outer`"),
        ),
        (
            "r := {x: known(x) | some x in data.many}\nknown(x) if { some y in data.many; y > x }",
            by("a.rego:3:1", " with `known`"),
        ),
    ] {
        let used = "allow if { input.who.name == \"ada\"; r }\n";
        assert_eq!(one(&format!("{used}{rules}")), [told], "{rules}");
    }
    for rules in [
        // One element is left after the equation.
        "r if { data.many[i] == input.size; data.many[j] == i }",
        "r if { some x in data.many; x == input.size; some y in data.many; y > 1 }",
        "r if { some x in data.many; y := x; input.size == y; some z in data.many; z > 1 }",
        "r if { some x in data.many; x == input.size; known(x) }\nknown(x) if { some y in data.many; y > x }",
        "r if { some x in data.many; known(x) }\nknown(x) if data.many[x] > 2",
    ] {
        let used = "allow if { input.who.name == \"ada\"; r }\n";
        let told = one(&format!("{used}{rules}"));
        assert!(told.is_empty(), "{rules}: {told:?}");
    }
    // The entrypoint does not use it.
    let told = one(&format!(
        "{FINE}r if {{ some x in data.many; some y in data.many; x == y }}"
    ));
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn allowances_for_more_than_is_meant_are_told() {
    for (rules, told) in [
        (
            "default allow := true",
            "open a.rego:2:1: by default, `allow` lets everybody in: a request that no rule was written for is allowed: write `default .. := false`, and rules for what is allowed",
        ),
        (
            "allow := true",
            "open a.rego:2:1: `allow` always holds, and lets everybody do everything: write conditions behind `if`",
        ),
        (
            "allow if \"a\" == \"b\"",
            "condition a.rego:2:10: this condition never holds: no request changes `\"a\" == \"b\"`: ask for a part of `input`, or remove the rule",
        ),
        (
            "allow if true",
            "open a.rego:2:1: this `allow` does not look at who asks, and lets everybody do everything: ask for the caller, the resource and the action",
        ),
        (
            "allow if input.how == \"read\"",
            "open a.rego:2:1: this `allow` does not look at who asks, and lets everybody do this to every resource: ask for the caller, or name what is public",
        ),
        (
            "allow if input.what == \"roads\"",
            "open a.rego:2:1: this `allow` does not look at who asks, and lets everybody do everything to what it names, writing included: ask for the caller, or for the action: reading only",
        ),
        (
            "allow := {\"allowed\": true} if input.what == \"roads\"",
            "open a.rego:2:1: this `allow` does not look at who asks, and lets everybody do everything to what it names, writing included: ask for the caller, or for the action: reading only",
        ),
        (
            "allow if helper\nhelper if input.what == \"roads\"",
            "open a.rego:2:1: this `allow` does not look at who asks, and lets everybody do everything to what it names, writing included: ask for the caller, or for the action: reading only",
        ),
        (
            "allow if { input.what == \"roads\"; input.how == \"read\" }",
            "",
        ),
        ("allow if input.page == \"start\"", ""),
        ("pages := {\"start\"}\nallow if input.page in pages", ""),
        (
            "allow if { input.what == \"roads\"; known }\nknown if input.who.name == \"ada\"",
            "",
        ),
        ("allow := false", ""),
        ("allow := {\"allowed\": false}", ""),
    ] {
        assert_eq!(one(rules).join("\n"), told, "{rules}");
    }
}

#[test]
fn a_condition_that_a_caller_without_a_credential_meets_keeps_nobody_out() {
    const OPEN: &str = "holds for one without a credential, so it lets everybody do everything: ";
    for conditions in [
        "not input.who.name",
        "input.who.kind == \"none\"",
        "not input.who.name == \"bob\"",
        "input.who.kind != \"key\"",
        "count(input.who.roles) == 0",
        "not \"banned\" in input.who.roles",
        "every role in input.who.roles { role != \"banned\" }",
        "object.get(input.who, \"name\", \"nobody\") != \"bob\"",
        "w := input.who\n\tnot w.name",
        "not banned",
        "unknown(input.who)",
        "not startswith(object.get(input.who, \"name\", \"\"), \"ext-\")",
        "some role in {\"guest\", \"ada\"}\n\tnot role in input.who.roles",
        "{r | some r in input.who.roles} == set()",
    ] {
        let told = one(&format!(
            "allow if {{\n\t{conditions}\n}}\nbanned if input.who.name in {{\"bob\"}}\nunknown(w) if not w.name"
        ));
        assert!(
            told.len() == 1 && told[0].contains(OPEN),
            "{conditions}: {told:?}"
        );
    }
    for conditions in [
        "input.who.name",
        "input.who.name != \"bob\"",
        "input.who.kind != \"none\"",
        "not startswith(input.who.name, \"ext-\")",
        "count(input.who.roles) > 0",
        "not anonymous",
        "data.roles[input.who.kind]",
        "some role in my_roles\n\trole in data.many",
        "x := input.who.name\n\tx == \"ada\"",
        "some f in input.who.roles\n\tprint(f)",
        "user == input.what",
        "input.who.name in data.many",
        "some x in data.many\n\tx in input.who.roles",
    ] {
        let told = one(&format!(
            "allow if {{\n\t{conditions}\n}}\nanonymous if not input.who.name\nmy_roles contains \"guest\"\nmy_roles contains r if some r in input.who.roles\nuser := input.who.name"
        ));
        assert!(told.is_empty(), "{conditions}: {told:?}");
    }
    // What is public stays so: the resource and the action are named.
    let named = "allow if { not input.who.name; input.what == \"roads\"; input.how == \"read\" }";
    assert_eq!(one(named), Vec::<String>::new());
}

#[test]
fn conditions_that_no_request_meets_are_told() {
    for conditions in [
        "1 == 2",
        "false",
        "x := 1\n\tx == 2",
        "input.how == \"read\"\n\tinput.how == \"write\"",
        "input.how in {\"read\"}\n\t\"write\" == input.how",
        "not true",
        "count([]) > 0",
        "some x in []\n\tx == input.size",
        "\"a\" in []",
        "startswith(\"abc\", \"x\")",
        "kind == \"b\"",
        "kind := \"c\"\n\tkind == \"b\"",
        "input.size == 1\n\tnot input.size",
        "input.is_big\n\tnot input.is_big",
        "not input.is_big\n\tinput.is_big",
        "x := input.size\n\tx == 1\n\tx == 2",
        "x := input.size\n\tx == 1\n\tinput.size == 2",
        "startswith(input.what, \"a\")\n\tnot startswith(input.what, \"a\")",
        "some o in input.list\n\to.order == \"up\"\n\to.order == \"down\"",
        "some x in [1, 2]\n\tx == 3",
        "lower(\"ABC\") == \"ABC\"",
        "every x in [1, 2] { x > 1 }",
        "{1, 2} == {1}",
        "c := {x | some x in [1]}\n\tcount(c) == 2",
        "input.size == 1\n\tinput.size > 2",
    ] {
        let told = one(&format!("{FINE}r if {{\n\t{conditions}\n}}\nkind := \"a\""));
        assert!(
            told.len() == 1 && told[0].starts_with("condition "),
            "{conditions}: {told:?}"
        );
    }
    for conditions in [
        "debug",
        "not debug",
        "input.how in {\"read\", \"write\"}\n\tinput.how == \"read\"",
        "some x in [1, 2]\n\tx == 2",
        "input.size == 1\n\tinput.size == 1.0",
        "some x in input.list\n\tsome y in input.list\n\tx.order == \"up\"\n\ty.order == \"down\"",
        "nothing",
        "data.roles.admin == []",
        "time.now_ns() > 1",
        "x := count(input.list)\n\tx > 1\n\tx < 9",
        "known with input.size as 2",
        "is(\"z\")",
        "pair([input.size, 2])",
    ] {
        let told = one(&format!(
            "{FINE}r if {{\n\t{conditions}\n}}\ndebug := false\ndefault nothing := false\nnothing if input.size == 1\nknown if input.size == 2\nis(x) if x == \"a\"\npair([1, x]) if x == 2\npair([2, x]) if x == 3"
        ));
        let told: Vec<_> = told
            .iter()
            .filter(|told| told.starts_with("condition"))
            .collect();
        assert!(told.is_empty(), "{conditions}: {told:?}");
    }
}

#[test]
fn a_value_that_is_no_verdict_is_told() {
    let of = |what: &str, column: u32| {
        format!(
            "verdict a.rego:2:{column}: `allow` is {what}, which is no verdict: each request that it decides is refused: "
        )
    };
    for (rules, what) in [
        ("allow := \"yes\"", "a string"),
        ("allow := 1 if input.who.name == \"ada\"", "a number"),
        (
            "allow contains \"x\" if input.who.name == \"ada\"",
            "a set (`contains`)",
        ),
        ("allow := [x | some x in input.who.roles]", "an array"),
        (
            "allow := {\"allow\": true} if input.who.name == \"ada\"",
            "an object without `allowed`",
        ),
        (
            "allow := {\"allowed\": \"yes\"}",
            "an object whose `allowed` is not a boolean",
        ),
        ("default allow := null", "`null`"),
    ] {
        let told = one(rules);
        assert!(
            told.len() == 1 && told[0].starts_with(&of(what, 1)),
            "{rules}: {told:?}"
        );
    }
    for rules in [
        "default allow := {\"allowed\": false, \"reason\": 3}",
        "allow := {\"allowed\": ok, \"reason\": [\"no\"]}\nok if input.who.name == \"ada\"",
    ] {
        let told = one(rules);
        let why =
            "`allow` decides by this value is refused: `reason` of the verdict must be a string";
        assert!(told.len() == 1 && told[0].contains(why), "{told:?}");
    }
    for rules in [
        "allow := {\"allowed\": true, \"reason\": sprintf(\"%v\", [input.how])} if input.who.name == \"ada\"",
        "default allow := {\"allowed\": false, \"reason\": \"no\"}",
        "allow := v if { v := {\"allowed\": true}; input.who.name == \"ada\" }",
        "allow := {\"allowed\": ok}\nok if input.who.name == \"ada\"",
        "allow := {k: true | k := input.who.name}",
    ] {
        assert_eq!(one(rules), Vec::<String>::new(), "{rules}");
    }
}

#[test]
fn a_list_of_what_is_kept_out_lets_in_when_its_data_is_missing() {
    let lets_in = |negation: &str, line: u32| {
        format!(
            ", so this never holds, and `{negation}` in line {line} of a.rego always does: what it was to keep out is let in: "
        )
    };
    for (rules, negation, line) in [
        (
            "allow if {\n\tinput.how == \"read\"\n\tnot kept_out\n}\nkept_out if input.who.name in data.blocked",
            "not kept_out",
            4,
        ),
        (
            "allow if count(denied) == 0\ndenied contains 1 if input.who.name in data.blocked",
            "count(denied) == 0",
            2,
        ),
        (
            "allow if denied == set()\ndenied contains 1 if is_blocked(input.who.name)\nis_blocked(name) if name in data.blocked",
            "denied == set()",
            2,
        ),
        (
            "allow if not a\na if not b\nb if not c\nc if input.who.name in data.blocked",
            "not c",
            4,
        ),
    ] {
        let told = one(rules).join("\n");
        assert!(told.contains(&lets_in(negation, line)), "{rules}: {told}");
    }
    let beside = |negation: &str, line: u32, name: &str| {
        format!(
            ", so this never holds, and `{negation}` in line {line} of a.rego does wherever no other rule of `{name}` holds: what it was to keep out is let in: "
        )
    };
    for (rules, told) in [
        (
            "allow if not out\ndefault out := false\nout if input.who.name in data.blocked",
            lets_in("not out", 2),
        ),
        (
            "allow if not out\nout if input.who.name in data.blocked\nout if input.how == \"write\"",
            beside("not out", 2, "out"),
        ),
        (
            "allow if count(out) == 0\nout contains 1 if input.who.name in data.blocked\nout contains 2 if input.how == \"write\"",
            beside("count(out) == 0", 2, "out"),
        ),
    ] {
        let found = one(rules).join("\n");
        assert!(found.contains(&told), "{rules}: {found}");
    }
    // What is missing here keeps out.
    for rules in [
        "import future.keywords.not\nallow if not { not out }\nout if input.who.name in data.guests",
        "allow if known\nknown if input.who.name in data.guests",
        "allow if not kept_out\nkept_out if not known\nknown if input.who.name in data.guests",
    ] {
        let told = one(rules).join("\n");
        assert!(
            told.contains("`data.guests`, so this never holds: add it"),
            "{rules}: {told}"
        );
    }
}

#[test]
fn what_comes_of_a_negated_query_is_told() {
    let not = "import future.keywords.not\n";
    for (rules, told) in [
        (
            "allow if not { false; input.how == \"read\" }",
            "this condition never holds: no request changes `false`: ask for a part of `input`, or remove what is around it",
        ),
        (
            "allow if not { data.nope == 1 }",
            "so this negation always holds: what it was to keep out is let in",
        ),
        (
            "allow if not { not { data.nope == 1 } }",
            "so this negation always holds, and the one around it never does",
        ),
        (
            "allow if not { some x in data.many; some y in data.many; x > y }",
            "this goes through",
        ),
    ] {
        let found = one(&format!("{not}{rules}")).join("\n");
        assert!(found.contains(told), "{rules}: {found}");
    }
}

#[test]
fn what_is_right_is_not_told() {
    for rules in [
        "r if input.who.anything.below",
        "r if input.who[x]\nx := \"name\"",
        "r if input.headers[\"x-tenant\"] == \"a\"",
        "r if input.how in data.roles[input.who.name]",
        "r if data.roles.admin[_] == input.who.name",
        "r if data.p.allow",
        "r if data.p.allow == true",
        "r if object.get(data.roles, \"blocked\", []) == []",
        "r if input.size > 3",
        "r if input.is_big",
        "r if input.what != \"\\u0000\"",
        "r if { input.how == \"read\"; input.how == \"read\" }",
        "r if { some h in {\"read\", \"write\"}; h == input.how }",
        "r if { input.size == 1 } else := false if input.size == 2",
        "f(x) if x == \"reed\"\nr if f(input.how)\nq if f(input.what)",
        "f(x) if x.anything\nr if f(input.who)",
        "r if input.headers[\"x-foo\"] == \"a\"",
        "r if g with input.how as \"read\" with input.who as {\"name\": \"ada\", \"other\": 1}\ng if input.how == \"read\"",
        "r if { some i; data.many[i] == input.size; data.many[i] > 3 }",
        "r if { i := 3; j := 4; data.many[i] == data.many[j] }",
        "r if count([1 | data.many[_] == input.size]) > 1",
    ] {
        let told = one(&format!("{FINE}{rules}"));
        let told: Vec<_> = told
            .iter()
            .filter(|told| !told.contains("\\u0000"))
            .collect();
        let is_id = rules.contains("u0000");
        assert!(told.is_empty() || is_id, "{rules}: {told:?}");
    }
}

#[test]
fn a_part_of_the_input_is_found_through_variables_too() {
    let of_list = "`input.list[_]` has no member `orders`, so this ";
    let of_root = "`input` has no member `howw`, so this ";
    let of_input = |rule: &str| -> Vec<String> {
        let told = one(&format!("{FINE}other if {{\n\t{rule}\n}}"));
        let of_input = told.into_iter().filter(|told| told.starts_with("input "));
        of_input.collect()
    };
    for (rule, part, effect) in [
        ("w := input\n\tw.howw == \"read\"", of_root, "never holds"),
        ("w := input\n\tnot w.howw", of_root, "negation always holds"),
        (
            "some one in input.list\n\tone.orders == \"up\"",
            of_list,
            "never holds",
        ),
        (
            "object.get(input, \"howw\", \"\") == \"read\"",
            of_root,
            "is always the default",
        ),
        (
            "some one in input.list\n\tobject.get(one, [\"orders\"], \"\") == \"up\"",
            of_list,
            "is always the default",
        ),
    ] {
        let told = of_input(rule);
        let expected = format!("{part}{effect}");
        assert!(
            told.len() == 1 && told[0].contains(&expected),
            "{rule}: {told:?}"
        );
        assert!(told[0].contains("did you mean"), "{told:?}");
    }
    let right = "w := input\n\tw.how == \"read\"\n\tobject.get(input, \"how\", \"\") == \"read\"";
    assert_eq!(of_input(right), Vec::<String>::new());
}

#[test]
fn a_missing_name_below_a_package_is_told_by_itself() {
    let helper = "package p.helpers\nis_ok if input.who.name == \"ada\"\n";
    for (reference, says) in [
        (
            "data.p.helper.is_ok",
            "`data.p.helper`, so this never holds: did you mean `data.p.helpers`?",
        ),
        (
            "data.p.helpers.isok",
            "`data.p.helpers.isok`, so this never holds: did you mean `data.p.helpers.is_ok`?",
        ),
        (
            "data.p.allowed",
            "`data.p.allowed`, so this never holds: did you mean `data.p.allow`?",
        ),
    ] {
        let text = format!("package p\n{FINE}other if {reference}\n");
        let told = found(&[("a.rego", &text), ("b.rego", helper)], &json!({}));
        assert!(told.len() == 1 && told[0].contains(says), "{told:?}");
    }
}

#[test]
fn what_the_author_means_so_is_left_out() {
    let rules = format!(
        "{FINE}# geowarden ignore: data\nr if not data.blocked\n\nq if input.how # geowarden ignore: condition, data"
    );
    assert_eq!(one(&rules), Vec::<String>::new());
    let rules = format!("{FINE}# geowarden ignore: open\nr if not data.blocked");
    assert_eq!(one(&rules).len(), 1);
    // What the rule allows is still told.
    let open = one("allow if data.everything # geowarden ignore: data");
    assert!(open.len() == 1 && open[0].contains("open"), "{open:?}");
}

#[test]
fn allowances_by_a_value_are_told() {
    const ALL: &str = "a.rego:2:1: this `allow` does not look at who asks, and lets everybody do everything: ask for the caller, the resource and the action";
    const THIS: &str = "a.rego:2:1: this `allow` does not look at who asks, and lets everybody do this to every resource: ask for the caller, or name what is public";
    for (rules, told) in [
        ("allow := input.how == \"read\"", THIS),
        ("allow := yes if input.how == \"read\"\nyes := true", THIS),
        (
            "allow := {\"allowed\": yes, \"reason\": input.what} if input.how == \"read\"\nyes := true",
            THIS,
        ),
        (
            "allow := verdict\nverdict := {\"allowed\": true, \"reason\": \"x\"}",
            ALL,
        ),
        (
            "allow := x if {\n\tinput.how == \"read\"\n\tx := {\"allowed\": true}\n}",
            THIS,
        ),
        ("allow := {\"allowed\": input.how == \"read\"}", THIS),
        (
            "allow.allowed if input.how == \"read\"",
            "a.rego:2:1: this `allow.allowed` does not look at who asks, and lets everybody do this to every resource: ask for the caller, or name what is public",
        ),
        (
            "allow.allowed := true",
            "a.rego:2:1: `allow.allowed` always holds, and lets everybody do everything: write conditions behind `if`",
        ),
        (
            "allow := not_me\nnot_me if not input.who.name",
            "a.rego:2:1: what this `allow` asks of the caller holds for one without a credential, so it lets everybody do everything: ask for the caller, the resource and the action",
        ),
    ] {
        assert_eq!(one(rules), [format!("open {told}")], "{rules}");
    }
    for rules in [
        "allow := input.who.name == \"ada\"",
        "allow := verdict\nverdict := {\"allowed\": false, \"reason\": \"x\"}",
        "allow := verdict\nverdict := {\"allowed\": known}\ndefault known := false\nknown if input.who.name == \"ada\"",
        "allow := x if {\n\tinput.how == \"read\"\n\tx := {\"allowed\": false}\n}",
        "allow.allowed if input.who.name == \"ada\"\nallow.reason := \"x\" if input.how == \"read\"",
        "allow := {\"allowed\": input.how == \"read\"} if input.what == \"roads\"",
    ] {
        assert_eq!(one(rules), Vec::<String>::new(), "{rules}");
    }
}

#[test]
fn a_wrong_value_or_id_hides_no_open_allowance() {
    let told = one("allow if input.how != \"reed\"");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter().any(|one| one.starts_with("open a.rego:2:1: ")),
        "{told:?}"
    );
    let told = one("allow if input.what == \"road\"");
    assert_eq!(told.len(), 2, "{told:?}");
    // The caller was most likely meant.
    let told = one("allow if input.whom.name == \"ada\"");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_rule_with_almost_the_name_of_the_entrypoint_is_told() {
    const TOLD: &str = "entrypoint a.rego:3:1: nothing uses `allov`, and the entrypoint is `allow`: did you mean `allow`?";
    let told = one("default allow := false\nallov if input.who.name == \"ada\"");
    assert_eq!(told, [TOLD]);
    for rules in [
        "allow if allov\nallov if input.who.name == \"ada\"",
        "default allow := false\nreader if input.who.name == \"ada\"",
    ] {
        assert_eq!(one(rules), Vec::<String>::new(), "{rules}");
    }
}

#[test]
fn ids_are_found_as_keys_and_as_arguments() {
    const TOLD: &str = "there is no layer `\"road\"` in layers.yml: did you mean `roads`?";
    for (rules, place) in [
        (
            "public := {\"road\": true, \"lakes\": true}\nr if public[input.what]",
            "4:13",
        ),
        (
            "public := {\"road\", \"lakes\"}\nr if public[input.what]",
            "4:13",
        ),
        (
            "public contains \"road\"\npublic contains \"lakes\"\nr if public[input.what]",
            "5:13",
        ),
        ("public contains \"road\"\nr if input.what in public", "4:6"),
        (
            "owner.road := \"ada\"\nowner.lakes := \"bob\"\nr if owner[input.what] == input.who.name",
            "5:12",
        ),
        (
            "r if {\"road\": \"ada\"}[input.what] == input.who.name",
            "3:22",
        ),
        (
            "r if is_for(\"road\")\nis_for(layer) if input.what == layer",
            "3:6",
        ),
        (
            "r if is_for([\"lakes\", \"road\"])\nis_for(layers) if input.what in layers",
            "3:6",
        ),
        (
            "r if one(\"road\")\none(l) if is_for(l)\nis_for(layer) if layer == input.what",
            "3:6",
        ),
        (
            "r if { some l in [\"road\"]; is_for(l) }\nis_for(layer) if input.what == layer",
            "3:28",
        ),
    ] {
        let told = one(&format!("{FINE}{rules}"));
        assert_eq!(
            told,
            [format!("unknown-id a.rego:{place}: {TOLD}")],
            "{rules}"
        );
    }
    for rules in [
        "public := {\"roads\": true}\nr if public[input.what]",
        "r if is_for(\"ada\")\nis_for(x) if input.what == x\nis_for(x) if input.who.name == x",
        "r if is_for(input.what)\nis_for(layer) if input.what == layer",
        "owner.road := \"ada\"\nr if owner[input.who.name]",
        "r if is_for(\"ada\")\nis_for(\"ada\") if input.who.name\nis_for(x) if input.what == x",
        "public := {\"*\": true, \"lakes\": true}\nr if public[input.what]",
    ] {
        assert_eq!(
            one(&format!("{FINE}{rules}")),
            Vec::<String>::new(),
            "{rules}"
        );
    }
}

#[test]
fn data_of_another_shape_than_is_asked_for_is_told() {
    const LET_IN: &str = "so this negation always holds: what it was to keep out is let in";
    let data = json!({
        "text": "ada", "numbers": [1, 2], "names": ["ada"], "switches": {"ada": true}, "roles": {"admin": {"lists": 1}},
        "owners": {"roads": "ada"},
    });
    for (rules, told) in [
        ("r if not input.who.name in data.text", format!("3:6: `data.text` is of the type string, which has no elements, {LET_IN}: make it a list")),
        ("r if input.who.name in data.numbers", "3:6: none of the elements of `data.numbers` is of the type string, so this never holds: correct the list in the data".to_owned()),
        ("r if not input.who.name in data.switches", format!("3:6: `data.switches` is an object, of which `in` compares the values and not the keys, {LET_IN}: write `data.switches[..]` to look for a key, or make it a list")),
        ("r if not data.names[input.who.name]", format!("3:6: `data.names` is a list, whose keys are numbers and no texts, {LET_IN}: write `.. in data.names` to look for an element")),
        ("r if { some x in data.text; x == input.who.name }", "3:8: `data.text` is of the type string, which has no elements, so this never holds: make it a list".to_owned()),
        ("r if { all := data.roles; all.admni }", "3:27: no data file and no rule has `data.roles.admni`, so this never holds: did you mean `data.roles.admin`?".to_owned()),
        ("r if { all := data.roles; one := all.admin; one.list == 1 }", "3:45: no data file and no rule has `data.roles.admin.list`, so this never holds: did you mean `data.roles.admin.lists`?".to_owned()),
    ] {
        let text = format!("package p\n{FINE}{rules}\n");
        let told = format!("data a.rego:{told}");
        assert_eq!(found(&[("a.rego", &text)], &data), [told], "{rules}");
    }
    for rules in [
        "r if input.who.name in data.names",
        "r if input.who.name in data.owners",
        "r if data.switches[input.who.name]",
        "r if data.numbers[0] == input.size",
        "r if { all := data.roles; all.admin }",
        "r if { all := data.roles; all[input.who.name] }",
    ] {
        let text = format!("package p\n{FINE}{rules}\n");
        assert_eq!(
            found(&[("a.rego", &text)], &data),
            Vec::<String>::new(),
            "{rules}"
        );
    }
}

#[test]
fn searches_in_texts_bounds_and_patterns_that_never_hold_are_told() {
    const BOUNDS: &str = "this condition contradicts the one in line 4, so `r` never holds here: write a second rule of the same name, or `in {..}` for one of several values";
    for (rules, told) in [
        ("r if \"a\" in input.what", "value a.rego:3:6: `input.what` is of the type string, which has no elements, so this never holds: compare it with `==`, or write `contains(input.what, ..)` for a part of the text".to_owned()),
        ("r if {\n\tinput.size > 5\n\tinput.size < 3\n}", format!("condition a.rego:5:2: {BOUNDS}")),
        ("r if {\n\t5 <= input.size\n\tinput.size < 5\n}", format!("condition a.rego:5:2: {BOUNDS}")),
        ("r if {\n\tcount(input.who.roles) > 5\n\t3 > count(input.who.roles)\n}", format!("condition a.rego:5:2: {BOUNDS}")),
        ("r if count([1 |\n\tinput.size > 5\n\tinput.size < 3\n]) == 1", format!("condition a.rego:5:2: {}", BOUNDS.replace("`r`", "what is around it"))),
        ("r if regex.match(\"(a\", input.what)", "condition a.rego:3:6: `regex.match` fails for every request: ".to_owned()),
        ("r if regex.replace(input.what, \"(a\", \"b\") == \"b\"", "condition a.rego:3:6: `regex.replace` fails for every request: ".to_owned()),
        ("shape := \"[a\"\nr if glob.match(shape, [], input.what)", "condition a.rego:4:6: `glob.match` fails for every request: ".to_owned()),
    ] {
        let all = one(&format!("{FINE}{rules}"));
        assert!(all.len() == 1 && all[0].starts_with(&told), "{rules}: {all:?}");
    }
    for rules in [
        "r if { input.size > 3; input.size < 5 }",
        "r if { input.size >= 5; input.size <= 5 }",
        "r if { input.list[_].order > 5; input.list[_].order < 3 }",
        "r if regex.match(\"(a)\", input.what)",
        "r if glob.match(\"[a]*\", [], input.what)",
    ] {
        let told = one(&format!("{FINE}{rules}"));
        let is_of_these = |one: &String| one.contains("contradicts") || one.contains("fails for");
        assert!(!told.iter().any(is_of_these), "{rules}: {told:?}");
    }
}
