//! Why a document has its value: the condition that is told is the true cause, and following what it asks for leads to an allowance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::too_many_lines)]

mod texts;

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use geowarden_rego::{
    BuiltinErrors, EngineChoice, Policy, Settings, Sources,
    explain::{
        Condition, Definition, Explainer, Explanation, Outcome, WantedValue,
        text::{Extent, NoPaint},
    },
    source::Version,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn on_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(geowarden_rego::STACK_BYTES);
    thread.spawn(work).unwrap().join().unwrap()
}

fn settings() -> Settings {
    Settings {
        entrypoint: "p/allow".to_owned(),
        version: Version::V1,
        timeout: Duration::from_secs(5),
        builtin_errors: BuiltinErrors::Refuse,
        engine: EngineChoice::Auto,
    }
}

fn explain(rules: &str, input: &Value, data: &Value) -> Explanation {
    let sources = Sources {
        modules: BTreeMap::from([("p.rego".to_owned(), format!("package p\n{rules}"))]),
        data: data.as_object().cloned().unwrap_or_default(),
    };
    let policy = Policy::load(sources.clone(), &settings()).unwrap();
    let decided = policy.evaluate(input);
    let explainer = Explainer::load(sources.clone(), &settings()).unwrap();
    let why = explainer.explain(input, &decided).unwrap();
    let made = made_names(&sources, input, &why);
    assert!(made.is_empty(), "{rules}\n{made}");
    why
}

/// Lines of an explanation, as JSON and as text, with names that the translation made.
fn made_names(sources: &Sources, input: &Value, why: &Explanation) -> String {
    let given = sources.modules.values().cloned().collect::<String>()
        + &Value::from(sources.data.clone()).to_string();
    let mut prefix = "__".to_owned();
    while given.contains(&prefix) {
        prefix.push('_');
    }
    let mut text = serde_json::to_string_pretty(why).unwrap();
    for extent in [Extent::All, Extent::Short { all: "--all" }] {
        text.push_str(&why.text(&NoPaint, extent));
    }
    let is_of_input = input.to_string().contains(&prefix);
    let made = text.lines().filter(|line| {
        let is_made = line.contains(&prefix) && !is_of_input;
        let is_built_in = line.contains("internal.") && !given.contains("internal.");
        is_made || is_built_in || line.contains("(rules made")
    });
    made.fold(String::new(), |all, line| all + line + "\n")
}

/// The causes that are told first, from the entrypoint to the last rule: lines of conditions, with what they saw.
fn causes(definition: &Definition, all: &mut Vec<(u32, Vec<String>)>) {
    for condition in &definition.conditions {
        cause(condition, all);
    }
}

fn cause(condition: &Condition, all: &mut Vec<(u32, Vec<String>)>) {
    let mut seen: Vec<String> = condition
        .values
        .iter()
        .map(|value| match &value.text {
            Some(text) => format!("{} = {text}", value.name),
            None => format!("{} is undefined", value.name),
        })
        .collect();
    seen.extend(condition.notes.iter().cloned());
    seen.extend(
        condition
            .tried
            .iter()
            .map(|tried| format!("none of {} of {}", tried.count, tried.over)),
    );
    all.push((condition.place.line, seen));
    if let Some(first) = condition.because.first() {
        causes(first, all);
    }
    if let Some(first) = condition.inside.first() {
        cause(first, all);
    }
}

/// Rules, input, data, the line of the last cause, and what was seen on the way.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    u32,
    &'static [&'static str],
);

const DENIALS: &[Case] = &[
    // One condition.
    (
        "allow if input.x == 1",
        r#"{"x": 2}"#,
        "{}",
        2,
        &["input.x = 2"],
    ),
    ("allow if input.x", "{}", "{}", 2, &["input.x is undefined"]),
    (
        "allow if input.x",
        r#"{"x": false}"#,
        "{}",
        2,
        &["input.x = false"],
    ),
    (
        "allow if {\n\tinput.a == 1\n\tinput.b == 2\n\tinput.c == 3\n}",
        r#"{"a": 1, "b": 3, "c": 3}"#,
        "{}",
        4,
        &["input.b = 3"],
    ),
    (
        "allow if input.n > 3",
        r#"{"n": 2}"#,
        "{}",
        2,
        &["input.n = 2"],
    ),
    (
        "allow if input.n != 3",
        r#"{"n": 3}"#,
        "{}",
        2,
        &["input.n = 3"],
    ),
    (
        "allow if input.who in {\"ada\", \"bob\"}",
        r#"{"who": "eve"}"#,
        "{}",
        2,
        &["input.who = \"eve\""],
    ),
    (
        "allow if \"admin\" in input.roles",
        r#"{"roles": ["reader"]}"#,
        "{}",
        2,
        &["input.roles = [\"reader\"]"],
    ),
    (
        "allow if startswith(lower(input.name), \"a\")",
        r#"{"name": "Bob"}"#,
        "{}",
        2,
        &["input.name = \"Bob\"", "lower(input.name) = \"bob\""],
    ),
    (
        "allow if count(input.roles) > 1",
        r#"{"roles": ["a"]}"#,
        "{}",
        2,
        &["count(input.roles) = 1"],
    ),
    (
        "allow if {\n\trole := input.role\n\trole == \"admin\"\n}",
        r#"{"role": "reader"}"#,
        "{}",
        4,
        &["role = \"reader\""],
    ),
    (
        "allow if data.roles[input.role].write",
        r#"{"role": "reader"}"#,
        r#"{"roles": {"reader": {"read": true}}}"#,
        2,
        &["data.roles.reader.write is undefined"],
    ),
    (
        "allow if [input.a, \"x\"] == [\"b\", \"x\"]",
        r#"{"a": "c"}"#,
        "{}",
        2,
        &["input.a = \"c\""],
    ),
    (
        "allow if {\n\t{\"a\": x, \"b\": [y, _]} = input.o\n\tx == y\n}",
        r#"{"o": {"a": 1, "b": [2, 3]}}"#,
        "{}",
        4,
        &["x = 1", "y = 2"],
    ),
    (
        "allow if {\n\t[a, b] = input.pair\n\ta == b\n}",
        r#"{"pair": [1, 2, 3]}"#,
        "{}",
        3,
        &["expected that input.pair is an array of 2"],
    ),
    // Several rules, of which the nearest is told first.
    (
        "allow if {\n\tinput.action == \"read\"\n\tinput.user == \"ada\"\n}\nallow if {\n\tinput.action == \"write\"\n\tinput.user == \"bob\"\n}",
        r#"{"action": "write", "user": "eve"}"#,
        "{}",
        8,
        &["input.user = \"eve\""],
    ),
    (
        "allow if {\n\tinput.a == 1\n\tinput.b == 1\n\tinput.c == 1\n}\nallow if {\n\tinput.a == 1\n\tinput.d == 1\n}",
        r#"{"a": 1, "b": 1, "c": 2, "d": 2}"#,
        "{}",
        5,
        &["input.c = 2"],
    ),
    (
        "allow if {\n\tinput.x == 1\n\tdeep\n}\nallow if {\n\tinput.x == 1\n\tinput.y == 1\n}\ndeep if {\n\tinput.a\n\tinput.b\n}",
        r#"{"x": 1}"#,
        "{}",
        8,
        &["input.y is undefined"],
    ),
    // Rules that others use.
    (
        "default allow := false\nallow if is_admin\nis_admin if input.role == \"admin\"",
        r#"{"role": "x"}"#,
        "{}",
        4,
        &["input.role = \"x\""],
    ),
    (
        "allow if a\na if b\nb if c\nc if input.deep.value == 3",
        r#"{"deep": {"value": 4}}"#,
        "{}",
        5,
        &["input.deep.value = 4"],
    ),
    (
        "allow if \"admin\" in roles\nroles contains role if some role in input.roles\nroles contains \"admin\" if input.root",
        r#"{"roles": ["reader"]}"#,
        "{}",
        3,
        &["roles = {\"reader\"}"],
    ),
    (
        "allow if access == \"write\"\naccess := \"read\" if input.method == \"GET\"\naccess := \"write\" if input.method == \"POST\"",
        r#"{"method": "GET"}"#,
        "{}",
        3,
        &["access = \"read\"", "input.method = \"GET\""],
    ),
    (
        "allow if perms.write\nperms.read if input.r\nperms.write if input.w",
        r#"{"r": true}"#,
        "{}",
        4,
        &["input.w is undefined"],
    ),
    (
        "allow if limits[input.who] > 5\nlimits[name] := n if {\n\tsome name, n in input.limits\n}",
        r#"{"who": "ada", "limits": {"ada": 3}}"#,
        "{}",
        4,
        &["limits.ada = 3"],
    ),
    // Functions.
    (
        "allow if is_one(input.x)\nis_one(x) if x == 1",
        r#"{"x": 2}"#,
        "{}",
        3,
        &["x = 2"],
    ),
    (
        "allow if level(input.user) > 2\nlevel(user) := 3 if {\n\tuser.admin\n} else := 2 if {\n\tuser.editor\n} else := 0",
        r#"{"user": {}}"#,
        "{}",
        4,
        &["level(input.user) = 0"],
    ),
    (
        "allow if kind(input.x) == \"b\"\nkind(\"a\") := \"b\"",
        r#"{"x": "z"}"#,
        "{}",
        2,
        &["no definition of `kind` takes these arguments"],
    ),
    (
        "allow if f(input.x)\nf(x) if x.a == 1\nf(x) if {\n\tx.b == 1\n\tx.c == 1\n}",
        r#"{"x": {"b": 1}}"#,
        "{}",
        6,
        &["x.c is undefined"],
    ),
    // `else`.
    (
        "allow if input.a == 1\nelse if input.b == 2",
        r#"{"a": 2, "b": 3}"#,
        "{}",
        2,
        &["input.a = 2"],
    ),
    (
        "allow if {\n\tinput.a == 1\n\tinput.c == 1\n\tinput.d == 1\n} else if {\n\tinput.b == 2\n\tinput.e\n}",
        r#"{"a": 2, "b": 2}"#,
        "{}",
        8,
        &["input.e is undefined"],
    ),
    // Loops.
    (
        "allow if {\n\tsome role in input.roles\n\tdata.roles[role].write\n}",
        r#"{"roles": ["guest", "reader", "x"]}"#,
        r#"{"roles": {"reader": {"read": true}}}"#,
        4,
        &["none of 3 of input.roles"],
    ),
    (
        "allow if {\n\tsome x in input.xs\n\tx.kind == \"a\"\n\tx.ok\n}",
        r#"{"xs": [{"kind": "b"}, {"kind": "a", "id": 7}]}"#,
        "{}",
        5,
        &["none of 2 of input.xs", "x.ok is undefined"],
    ),
    (
        "allow if {\n\tsome role in input.roles\n\trole == \"a\"\n}",
        r#"{"roles": []}"#,
        "{}",
        3,
        &["`input.roles` has no elements"],
    ),
    (
        "allow if {\n\tsome role in input.roles\n\trole == \"a\"\n}",
        r#"{"roles": "a"}"#,
        "{}",
        3,
        &["`input.roles` is no collection, so it has no elements"],
    ),
    (
        "allow if input.roles[_] == \"admin\"",
        r#"{"roles": ["a", "b"]}"#,
        "{}",
        2,
        &["none of 2 of input.roles"],
    ),
    (
        "allow if {\n\tsome a in input.a\n\tsome b in input.b\n\ta == b\n}",
        r#"{"a": [1, 2], "b": [3]}"#,
        "{}",
        5,
        &["none of 2 of input.a", "none of 1 of input.b"],
    ),
    (
        "allow if {\n\tsome i\n\tinput.xs[i].name == \"a\"\n\tinput.xs[i].ok\n}",
        r#"{"xs": [{"name": "b"}, {"name": "a"}]}"#,
        "{}",
        5,
        &["input.xs[1].ok is undefined"],
    ),
    // Negations.
    (
        "allow if not input.blocked",
        r#"{"blocked": true}"#,
        "{}",
        2,
        &["input.blocked = true"],
    ),
    (
        "allow if not denied\ndenied if input.age < 18\ndenied if input.banned",
        r#"{"age": 12}"#,
        "{}",
        3,
        &["input.age = 12"],
    ),
    (
        "allow if not \"x\" in input.roles",
        r#"{"roles": ["x"]}"#,
        "{}",
        2,
        &["input.roles = [\"x\"]"],
    ),
    (
        "allow if not startswith(input.path, \"/admin\")",
        r#"{"path": "/admin/x"}"#,
        "{}",
        2,
        &["input.path = \"/admin/x\""],
    ),
    (
        "allow if not startswith(input.path, \"/admin\")",
        "{}",
        "{}",
        2,
        &["input.path is undefined"],
    ),
    (
        "allow if count(deny) == 0\ndeny contains \"a\" if input.a\ndeny contains \"b\" if input.b > 3",
        r#"{"b": 5}"#,
        "{}",
        4,
        &["count(deny) = 1", "deny = {\"b\"}", "input.b = 5"],
    ),
    // `every`.
    (
        "allow if {\n\tevery x in input.xs {\n\t\tx > 3\n\t}\n}",
        r#"{"xs": [4, 5, 2]}"#,
        "{}",
        4,
        &["x = 2"],
    ),
    (
        "allow if {\n\tevery k, v in input.o {\n\t\tk != \"z\"\n\t\tv == 1\n\t}\n}",
        r#"{"o": {"a": 1, "b": 2}}"#,
        "{}",
        5,
        &["k = \"b\"", "v = 2"],
    ),
    (
        "allow if {\n\tevery x in input.xs { x }\n}",
        r#"{"xs": 3}"#,
        "{}",
        3,
        &["expected that input.xs is a collection"],
    ),
    // `with`.
    (
        "allow if ok with input.user as \"ada\"\nok if {\n\tinput.user == \"ada\"\n\tinput.y == 2\n}",
        r#"{"user": "bob", "y": 1}"#,
        "{}",
        5,
        &["input.y = 1"],
    ),
    (
        "allow if {\n\tok\n\tok with input.x as 2\n}\nok if input.x == 1",
        r#"{"x": 1}"#,
        "{}",
        6,
        &["input.x = 2"],
    ),
    (
        "allow if f(input.x) with f as g\nf(x) if x == 1\ng(x) if x == 2",
        r#"{"x": 1}"#,
        "{}",
        4,
        &["x = 1"],
    ),
    (
        "allow if ok with data.limits as {\"n\": 1}\nok if input.n <= data.limits.n",
        r#"{"n": 3}"#,
        r#"{"limits": {"n": 9}}"#,
        3,
        &["data.limits.n = 1"],
    ),
    // Comprehensions.
    (
        "allow if count([x | some x in input.xs; x.ok]) > 0",
        r#"{"xs": [{"id": 1}, {"ok": false}]}"#,
        "{}",
        2,
        &["none of 2 of input.xs"],
    ),
    (
        "allow if {\n\tnames := {x.name | some x in input.xs}\n\t\"ada\" in names\n}",
        r#"{"xs": [{"name": "bob"}]}"#,
        "{}",
        4,
        &["names = {\"bob\"}"],
    ),
    // A verdict that is an object.
    (
        "allow := {\"allowed\": ok}\ndefault ok := false\nok if input.x == 1",
        r#"{"x": 2}"#,
        "{}",
        4,
        &["input.x = 2"],
    ),
];

#[test]
fn denials_are_told_with_their_true_cause() {
    assert!(DENIALS.len() >= 40);
    let wrong = on_large_stack(|| {
        let mut wrong = String::new();
        for (rules, input, data, line, seen) in DENIALS {
            let input: Value = serde_json::from_str(input).unwrap();
            let why = explain(rules, &input, &serde_json::from_str(data).unwrap());
            let mut all = Vec::new();
            if let Some(first) = why.definitions.first() {
                causes(first, &mut all);
            }
            let is_line = all.last().is_some_and(|(last, _)| last == line);
            let values: Vec<&String> = all.iter().flat_map(|(_, seen)| seen).collect();
            let has_seen = seen
                .iter()
                .all(|one| values.iter().any(|value| value == one));
            if !is_line || !has_seen {
                write!(wrong,
                    "package p\n{rules}\n{input}\nexpected line {line} and {seen:?}, found {all:?}\n{}\n",
                    why.text(&NoPaint, Extent::All)
                ).unwrap();
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_allowance_is_told_with_the_rule_that_gave_it() {
    let why = on_large_stack(|| {
        explain(
            "default allow := false\nallow if input.x == 2\nallow if {\n\tis_reader\n\tinput.action == \"read\"\n}\nis_reader if \"reader\" in input.roles",
            &json!({"x": 1, "roles": ["reader"], "action": "read"}),
            &json!({}),
        )
    });
    let first = &why.definitions[0];
    assert_eq!((first.place.line, first.outcome), (4, Outcome::Held));
    assert_eq!((first.passed, first.of), (2, 2));
    assert_eq!(first.conditions[0].place.source, "is_reader");
    assert_eq!(first.conditions[0].because[0].place.line, 8);
    assert_eq!(first.conditions[1].values[0].value, Some(json!("read")));
}

/// Rules, input, lines that are told, and texts that are not.
type Wording = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const WORDINGS: &[Wording] = &[
    // Operators keep their order.
    (
        "allow if {\n\tx := (input.a - input.b) * input.c\n\tx - (1 - input.a) - 2 == 4\n}",
        r#"{"a": 1, "b": 2, "c": 3}"#,
        &["x - (1 - input.a) - 2 = -5"],
        &[],
    ),
    (
        "allow if (input.a - input.b) * input.c / 2 > 4",
        r#"{"a": 1, "b": 2, "c": 3}"#,
        &["(input.a - input.b) * input.c / 2 = -1.5"],
        &[],
    ),
    (
        "allow if f((1 in [input.a])) == 4\nf(x) := x",
        r#"{"a": 1}"#,
        &["f((1 in [input.a])) = true"],
        &[],
    ),
    // Sets are sets.
    (
        "allow if [{\"x\"}, roles] in [[{\"y\"}, {\"a\"}]]\nroles contains r if some r in input.r",
        r#"{"r": ["a"]}"#,
        &["wanted: [{\"x\"}, roles] = [{\"y\"}, {\"a\"}]"],
        &[],
    ),
    (
        "allow if {\"a\"} in input.r",
        r#"{"r": ["a"]}"#,
        &["wanted: {\"a\"} in input.r"],
        &[],
    ),
    (
        "allow if f(input.r)\nf(roles) if \"a\" in roles",
        r#"{"r": ["b"]}"#,
        &["wanted: \"a\" in roles"],
        &[],
    ),
    // What is fixed, or is no Rego, cannot be asked for.
    // Comparisons by order.
    (
        "allow if input.n < 3",
        r#"{"n": "2"}"#,
        &[
            "`input.n` is a string and `3` is a number: values of different types are ordered by their types",
        ],
        // The condition says it.
        &["wanted"],
    ),
    (
        "allow if 3 >= input.n",
        r#"{"n": 4}"#,
        &["wanted: input.n <= 3"],
        &["types"],
    ),
    (
        "allow if data.limits.n < input.n",
        r#"{"n": 4}"#,
        &["wanted: input.n > 9"],
        &["types", "internal."],
    ),
    (
        "allow if count(input.xs) > data.limits.n",
        r#"{"xs": [1]}"#,
        &["wanted: count(input.xs) > 9"],
        &["types"],
    ),
    ("allow if \"a\" == \"b\"", "{}", &[], &["wanted"]),
    ("allow if 1 in [2, 3]", "{}", &[], &["wanted"]),
    (
        "allow if {\n\tx := 1\n\tx == input.a + 3\n}",
        r#"{"a": 1}"#,
        &["wanted: input.a + 3 = 1"],
        &[],
    ),
    (
        "allow if {\n\tsome r in [\"a\", \"b\"]\n\tr == \"c\"\n}",
        "{}",
        &["r = \"a\""],
        &["wanted"],
    ),
    (
        "allow if walk(input, [[\"a\"], 3])",
        r#"{"a": 1}"#,
        &["none of 2 elements of walk(input) holds; the nearest:"],
        &["wanted", "internal."],
    ),
    (
        "allow if input == {\"y\": input.x} with input as {\"y\": 1}",
        "{}",
        &[],
        &["{\"y\": 1} = {\"y\": 1}"],
    ),
    // What a variable was made of.
    (
        "allow if {\n\txs := [x | some x in input.a; x > 1]\n\tn := count(xs)\n\tn > 0\n}",
        r#"{"a": [1, 0]}"#,
        &[
            "p.rego:3 x > 1",
            "none of 2 elements of input.a holds; the nearest:",
        ],
        &[],
    ),
    (
        "allow if {\n\txs := {x | some x in input.a; x > 1}\n\tevery y in input.ys { y in xs }\n}",
        r#"{"a": [1], "ys": [5]}"#,
        &["p.rego:3 x > 1"],
        &[],
    ),
    (
        "allow if {\n\tsome r in roles\n\tr == \"admin\"\n}\nroles contains \"x\" if input.a\nroles contains \"admin\" if input.c",
        r#"{"a": true}"#,
        &["misses p.rego:7 roles contains \"admin\" if input.c"],
        &[],
    ),
    (
        "allow if {\n\trole := assigned\n\trole == \"admin\"\n}\nassigned := \"x\" if input.a\nassigned := \"admin\" if input.c",
        r#"{"a": true}"#,
        &["misses p.rego:7 assigned := \"admin\" if input.c"],
        &[],
    ),
    // Each member of a set, from each definition.
    (
        "allow := {\"allowed\": count(deny) == 0, \"reason\": concat(\", \", deny)}\ndeny contains msg if {\n\tsome x in input.xs\n\tx > 3\n\tmsg := sprintf(\"%d is large\", [x])\n}\ndeny contains \"closed\" if input.closed",
        r#"{"xs": [1, 5, 7], "closed": true}"#,
        &[
            "holds p.rego:3 deny contains msg if {, gives \"5 is large\"",
            "holds p.rego:3 deny contains msg if {, gives \"7 is large\"",
            "x = 7",
            "holds p.rego:8 deny contains \"closed\" if input.closed, gives \"closed\"",
        ],
        &[],
    ),
    (
        "allow if count(deny) == 0\ndeny contains x if some x in input.xs",
        r#"{"xs": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}"#,
        &["holds p.rego:3 deny contains x if some x in input.xs, gives 8, and 2 more"],
        &["gives 9"],
    ),
    // Of a set that is asked for one member, only that.
    (
        "allow if \"b\" in roles\nroles contains x if some x in input.roles",
        r#"{"roles": ["a", "b", "c"]}"#,
        &["holds p.rego:3 roles contains x if some x in input.roles, gives \"b\""],
        &["gives \"a\"", "gives \"c\""],
    ),
    // `with`.
    (
        "allow if ok with input.x as 2 with data.limits.n as 3\nok if {\n\tinput.x == 2\n\tdata.limits.n == 5\n}\nok if {\n\ty := input.x\n\ty == input.z\n}",
        r#"{"x": 1, "z": 4}"#,
        &[
            "data.limits.n = 3 (by `with`)",
            "y = 2 (by `with`)",
            "input.z = 4",
        ],
        &["input.z = 4 (by"],
    ),
    (
        "allow if every z in input.z { z } with input as {}",
        r#"{"z": [true]}"#,
        &["input.z is undefined (by `with`)"],
        &[],
    ),
    // Rules that the translation makes of one are told as that one.
    (
        "allow := [o.a.z, o.a.k]\no[x].k := 1 if some x in input.xs\no.a.z := 2 if input.a",
        r#"{"xs": ["a"]}"#,
        &[
            "misses p.rego:4 o.a.z := 2 if input.a",
            "holds p.rego:3 o[x].k := 1 if some x in input.xs, gives 1",
        ],
        &["misses p.rego:3"],
    ),
    // Of the elements that miss, one that has a value is nearer than one that has none.
    (
        "all := {\"a\": {}, \"b\": {\"all\": [\"read\"]}}\nallow if {\n\tsome role in input.roles\n\tinput.c in all[role].all\n}",
        r#"{"roles": ["a", "b"], "c": "write"}"#,
        &["role = \"b\"", "all.b.all = [\"read\"]"],
        &["role = \"a\""],
    ),
    // Where a part is undefined, the other definitions of a rule that has its value are no cause.
    (
        "allow if access in input.all[access]\naccess := \"read\" if input.a\naccess := \"write\" if input.c",
        r#"{"a": true, "all": {}}"#,
        &[
            "input.all.read is undefined: input.all has no `read`",
            "holds p.rego:3 access := \"read\" if input.a, gives \"read\"",
        ],
        &["p.rego:4"],
    ),
    // What a set with members lacks is told once.
    (
        "allow if 3 in s\nallow if 4 in s\ns contains 1 if input.a\ns contains 2 if input.b",
        r#"{"a": true}"#,
        &[
            "misses p.rego:5 s contains 2 if input.b",
            "holds p.rego:4 s contains 1 if input.a, gives 1, as shown above",
        ],
        &["input.b, as shown above"],
    ),
];

#[test]
fn values_and_expressions_are_told_as_rego_writes_them() {
    let wrong = on_large_stack(|| {
        let mut wrong = String::new();
        for (rules, input, told, untold) in WORDINGS {
            let data = json!({"limits": {"n": 9}});
            let why = explain(rules, &serde_json::from_str(input).unwrap(), &data);
            let text = why.text(&NoPaint, Extent::All);
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            let is_told = told.iter().all(|line| lines.contains(line));
            if !is_told || untold.iter().any(|part| text.contains(part)) {
                write!(
                    wrong,
                    "{rules}\n{input}\nexpected {told:?} and not {untold:?}, found\n{text}\n"
                )
                .unwrap();
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_failed_evaluation_is_told_where_it_failed() {
    let why = on_large_stack(|| {
        explain(
            "allow if {\n\tinput.a == 1\n\tconcat(\"-\", [input.n]) == \"x\"\n}",
            &json!({"a": 1, "n": 3}),
            &json!({}),
        )
    });
    assert!(why.fault.unwrap().contains("p.rego:4"), "told by its line");
    let condition = &why.definitions[0].conditions[0];
    assert_eq!(
        (condition.place.line, condition.outcome),
        (4, Outcome::Failed)
    );
}

#[test]
fn a_misspelt_name_is_told_with_the_right_one() {
    let why = on_large_stack(|| {
        explain(
            "allow if input.ogc.collections == \"obs\"",
            &json!({"ogc": {"collection": "obs"}}),
            &json!({}),
        )
    });
    let missing = why.definitions[0].conditions[0].values[0]
        .missing
        .clone()
        .unwrap();
    assert_eq!(
        (missing.at.as_str(), missing.key.as_str()),
        ("input.ogc", "collections")
    );
    assert_eq!(missing.suggestion.as_deref(), Some("collection"));
}

#[test]
fn an_explanation_of_another_decision_is_an_error() {
    let text = on_large_stack(|| {
        let sources = Sources {
            modules: BTreeMap::from([(
                "p.rego".to_owned(),
                "package p\nallow if input.x".to_owned(),
            )]),
            ..Sources::default()
        };
        let explainer = Explainer::load(sources, &settings()).unwrap();
        explainer
            .explain(&json!({"x": true}), &Ok(None))
            .unwrap_err()
            .to_string()
    });
    assert!(
        text.starts_with("the explained evaluation gave true, and the decision undefined"),
        "{text}"
    );
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A condition, and the rules that it needs.
fn condition() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(NAMES.to_vec());
    (name, 0..3_u8, 0..12_u8, "[a-z]{5}").prop_map(|(name, value, form, rule)| {
        let none = String::new();
        match form {
            0 => (format!("input.{name} == {value}"), none),
            1 => (format!("input.{name} in {{{value}, 7}}"), none),
            2 => (format!("input.o.{name}"), none),
            3 => (format!("not input.n.{name}"), none),
            4 => (
                format!("{name}_{rule} := input.{name}; {name}_{rule} == {value}"),
                none,
            ),
            5 => (
                format!("r_{rule}"),
                format!("r_{rule} if {{ input.{name} == {value}; input.o.{name} }}\n"),
            ),
            6 => (format!("{value} in input.l.{name}"), none),
            7 => (format!("input.{name} < {value}"), none),
            8 => (format!("input.{name} >= {value}"), none),
            9 => (format!("{value} < input.{name}"), none),
            10 => (format!("{value} >= input.{name}"), none),
            _ => (format!("{value} == input.{name}"), none),
        }
    })
}

fn policy() -> impl Strategy<Value = String> {
    let rule = prop::collection::vec(condition(), 1..4);
    prop::collection::vec(rule, 1..4).prop_map(|rules| {
        let mut text = "default allow := false\n".to_owned();
        for conditions in rules {
            let all: Vec<&str> = conditions.iter().map(|(one, _)| one.as_str()).collect();
            write!(text, "allow if {{\n\t{}\n}}\n", all.join("\n\t")).unwrap();
            for (_, helper) in &conditions {
                if !text.contains(helper) {
                    text.push_str(helper);
                }
            }
        }
        text
    })
}

fn input() -> impl Strategy<Value = Value> {
    let value = || {
        prop_oneof![
            Just(Value::Null),
            (0..3_i64).prop_map(Value::from),
            any::<bool>().prop_map(Value::from)
        ]
    };
    let some =
        move || prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), value(), 0..4);
    (some(), some(), some()).prop_map(|(top, o, n)| {
        let mut input = json!(top);
        input["o"] = json!(o);
        input["n"] = json!(n);
        input["l"] = json!({"a": [0, 9], "b": [], "c": [1], "d": [2]});
        input
    })
}

/// The first condition that says what would make it hold.
fn first_wanted(definition: &Definition) -> Option<&Condition> {
    definition.conditions.iter().find_map(|condition| {
        if condition.wanted.is_some() && condition.because.is_empty() {
            return Some(condition);
        }
        condition.because.iter().find_map(first_wanted)
    })
}

fn set(input: &mut Value, path: &[Value], value: Value) {
    let mut at = input;
    for key in path {
        let key = key.as_str().unwrap();
        if !at.is_object() {
            *at = json!({});
        }
        at = at
            .as_object_mut()
            .unwrap()
            .entry(key)
            .or_insert(Value::Null);
    }
    *at = value;
}

fn at<'v>(input: &'v Value, path: &[Value]) -> &'v Value {
    path.iter()
        .fold(input, |value, key| &value[key.as_str().unwrap_or_default()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What a condition asks for makes it hold, and the rule gets further by it.
    #[test]
    fn what_a_condition_asks_for_makes_it_hold(rules in policy(), input in input()) {
        let (rules, input) = (rules.clone(), input.clone());
        on_large_stack(move || {
            let mut input = input;
            // Conditions of one rule can ask for different things, so a rule is not followed for ever.
            for _ in 0..3 {
                let why = explain(&rules, &input, &json!({}));
                if why.value == Some(json!(true)) {
                    assert_eq!(why.definitions[0].outcome, Outcome::Held);
                    return;
                }
                let first = &why.definitions[0];
                let condition = first_wanted(first).unwrap_or_else(|| panic!("{rules}{input}\n{}", why.text(&NoPaint, Extent::All)));
                let wanted = condition.wanted.clone().unwrap();
                let path = wanted.path.clone().unwrap();
                let value = match wanted.to {
                    WantedValue::OneOf(values) => values[0].clone(),
                    WantedValue::Containing(value) => {
                        let mut all = at(&input, &path).as_array().cloned().unwrap_or_default();
                        all.push(value);
                        json!(all)
                    }
                    WantedValue::LessOrEqual(value) | WantedValue::GreaterOrEqual(value) => value,
                    WantedValue::Less(value) => json!(value.as_i64().unwrap() - 1),
                    WantedValue::Greater(value) => json!(value.as_i64().unwrap() + 1),
                    WantedValue::Defined | WantedValue::Truth => json!(true),
                    WantedValue::NoTruth => json!(false),
                };
                set(&mut input, &path, value);
                let after = explain(&rules, &input, &json!({}));
                let place = (condition.place.line, condition.place.column);
                let mut missed = Vec::new();
                after.definitions.iter().for_each(|definition| missed_places(definition, &mut missed));
                assert!(!missed.contains(&place), "{rules}{input}\n{}\n{}", why.text(&NoPaint, Extent::All), after.text(&NoPaint, Extent::All));
            }
        });
    }

    /// Whatever the policy, the explained decision is the decision; a difference is an error, which `explain` unwraps.
    #[test]
    fn every_rule_that_was_evaluated_is_told(rules in policy(), input in input()) {
        let (rules, input) = (rules.clone(), input.clone());
        on_large_stack(move || {
            let why = explain(&rules, &input, &json!({}));
            let held = why.definitions.iter().filter(|one| one.outcome == Outcome::Held).count();
            assert_eq!(held > 0, why.value == Some(json!(true)));
            let count = rules.matches("allow if").count();
            // Definitions that are written alike stand at different places, and are told each.
            assert!(held > 0 || why.definitions.len() == count, "{rules}{input}\n{}", why.text(&NoPaint, Extent::All));
        });
    }
}

fn missed_places(definition: &Definition, all: &mut Vec<(u32, u32)>) {
    for condition in definition
        .conditions
        .iter()
        .filter(|one| one.outcome == Outcome::Missed)
    {
        if condition.because.is_empty() {
            all.push((condition.place.line, condition.place.column));
        }
        condition
            .because
            .iter()
            .for_each(|inner| missed_places(inner, all));
    }
}

/// All definitions that are told, with their arguments.
fn outcomes(definition: &Definition, all: &mut Vec<(String, Outcome)>) {
    let texts: Vec<_> = definition.arguments.iter().map(|one| &one.text).collect();
    all.push((
        format!("{:?} {texts:?}", definition.place),
        definition.outcome,
    ));
    let mut conditions: Vec<&Condition> = definition.conditions.iter().collect();
    while let Some(condition) = conditions.pop() {
        condition.because.iter().for_each(|one| outcomes(one, all));
        conditions.extend(&condition.inside);
    }
}

/// The measured policies: what is explained has the value that is decided, whatever the policy.
#[test]
fn every_measured_policy_is_explained() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/rego.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let wrong = on_large_stack(move || {
        let (mut wrong, mut count) = (String::new(), 0);
        for line in lines.lines().filter(|line| !line.is_empty()) {
            let case: Value = serde_json::from_str(line).unwrap();
            // An explanation looks at every solution, and so meets the conflict behind the first one.
            if case["name"].as_str().unwrap().contains("of a loop: every") {
                continue;
            }
            let modules = case["modules"].as_object().unwrap().iter();
            let sources = Sources {
                modules: modules
                    .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
                    .collect(),
                data: case["data"].as_object().cloned().unwrap_or_default(),
            };
            let settings = Settings {
                entrypoint: case["entrypoint"].as_str().unwrap().to_owned(),
                version: match case["rego"].as_str() {
                    Some("v0") => Version::V0,
                    _ => Version::V1,
                },
                ..settings()
            };
            geowarden_rego::fix_now(Some(1_800_000_000_000_000_000));
            let Ok(policy) = Policy::load(sources.clone(), &settings) else {
                continue;
            };
            let input = case.get("input").cloned().unwrap_or_else(|| json!({}));
            let decided = policy.evaluate(&input);
            if !policy.is_pure() && line.contains("rand") {
                continue;
            }
            count += 1;
            let explainer = match Explainer::load(sources.clone(), &settings) {
                Ok(explainer) => explainer,
                Err(error) => {
                    write!(wrong, "{}\n  {error}\n", case["modules"]).unwrap();
                    continue;
                }
            };
            let why = explainer.explain(&input, &decided);
            if let Ok(why) = &why {
                let made = made_names(&sources, &input, why);
                if !made.is_empty() {
                    write!(wrong, "{}\n{made}", case["modules"]).unwrap();
                }
            }
            match why {
                Ok(why)
                    if why.definitions.is_empty()
                        && why.default.is_none()
                        && why.value.is_some()
                        // A document of the data has no rules.
                        && !settings
                            .entrypoint
                            .split('/')
                            .try_fold(&case["data"], |part, name| part.get(name))
                            .is_some_and(|found| Some(found) == why.value.as_ref()) =>
                {
                    write!(
                        wrong,
                        "{}\n  nothing is told of {:?}\n",
                        case["modules"], why.value
                    )
                    .unwrap();
                }
                // A `with` can make a definition hold that does not without it.
                Ok(why) if !line.contains(" with ") => {
                    let mut all = Vec::new();
                    why.definitions
                        .iter()
                        .for_each(|one| outcomes(one, &mut all));
                    let is_of_both = |(one, outcome): &(String, Outcome)| {
                        *outcome == Outcome::Held && all.contains(&(one.clone(), Outcome::Missed))
                    };
                    if let Some((one, _)) = all.iter().find(|one| is_of_both(one)) {
                        let text = why.text(&NoPaint, Extent::All);
                        writeln!(
                            wrong,
                            "{}\n  {one} holds and misses\n{text}",
                            case["modules"]
                        )
                        .unwrap();
                    }
                }
                Ok(_) => {}
                Err(error) => write!(wrong, "{} {input}\n  {error}\n", case["modules"]).unwrap(),
            }
        }
        assert!(count > 500, "{count}");
        wrong
    });
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_helper_that_is_gathered_is_gone_into() {
    let data = json!({"grants": {"obs": ["ada"], "lakes": ["bob"]}});
    let rules = "default allow := false\nallow if {\n\tinput.what in allowed\n}\nallowed := {c |\n\tsome c, who in data.grants\n\tinput.who in who\n}\n";
    for who in ["eve", "bob"] {
        let why = explain(rules, &json!({"what": "obs", "who": who}), &data);
        let text = why.text(&NoPaint, Extent::All);
        assert!(text.contains("p.rego:8 input.who in who"), "{text}");
        assert!(text.contains(&format!("input.who = \"{who}\"")), "{text}");
    }
    let rules = "default allow := false\nallow if count(problems) == 0\nproblems := [p |\n\tinput.size > 3\n\tp := \"too large\"\n]\n";
    let why = explain(rules, &json!({"size": 4}), &json!({}));
    let text = why.text(&NoPaint, Extent::All);
    assert!(text.contains("p.rego:5 input.size > 3"), "{text}");
    // Tables stay out.
    let rules = "default allow := false\nallow if input.what in table\ntable := {\"a\", \"b\"}\n";
    let why = explain(rules, &json!({"what": "obs"}), &json!({}));
    let text = why.text(&NoPaint, Extent::All);
    assert!(!text.contains("p.rego:4"), "{text}");
}
