mod random;

use std::{fmt::Write as _, sync::Arc, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    BuiltinErrors, EngineChoice, Fault, Policy, Settings,
    plan::Plan,
    policy::Rules,
    run::{builtins::Available, slices::Slices},
    source::{Sources, Version},
};

fn sources(modules: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::default();
    for (name, text) in modules {
        sources
            .modules
            .insert((*name).to_owned(), (*text).to_owned());
    }
    sources
}

fn index(sources: &Sources) -> Option<Index> {
    Plan::of(sources, Version::V1, None, &Available)
        .unwrap()
        .index
}

fn settings() -> Settings {
    Settings {
        entrypoint: "p/allow".to_owned(),
        version: Version::V1,
        timeout: Duration::from_secs(2),
        builtin_errors: BuiltinErrors::Refuse,
        engine: EngineChoice::Auto,
    }
}

/// The same policy twice: with all its rules, and with the rules that its index chooses.
fn both(sources: &Sources) -> (Policy, Policy) {
    let plan = Plan::of(sources, Version::V1, None, &Available).unwrap();
    assert!(plan.index.is_some(), "nothing is chosen by a value");
    let load = |rules| Policy::compile(&plan, String::new(), &settings(), rules).unwrap();
    (load(Rules::Whole), load(Rules::ByIndex))
}

/// Rules for twenty collections. `rule` gives the text for each.
fn flat(rule: impl Fn(usize) -> String) -> Sources {
    let mut text = "package p\n\ndefault allow := false\n\n".to_owned();
    for number in 0..20 {
        writeln!(text, "{}\n", rule(number)).unwrap();
    }
    sources(&[("a.rego", &text)])
}

#[test]
fn rules_for_one_value_are_left_out_for_others() {
    let policy = flat(|n| {
        format!(
            "allow if {{\n\tinput.method == \"GET\"\n\tinput.c == \"c{n}\"\n\tinput.user == \"u{}\"\n}}",
            n % 10
        )
    });
    let index = index(&policy).unwrap();
    assert_eq!(index.path, [PathPart::Name("c".to_owned())]);
    assert_eq!(index.pieces("a.rego").len(), 20);
    let (whole, chosen) = both(&policy);
    for input in [
        json!({"c": "c7", "user": "u7", "method": "GET"}),
        json!({"c": "c7", "user": "u8", "method": "GET"}),
        json!({"c": "c7", "user": "u7"}),
        json!({"c": "other", "user": "u8"}),
        json!({"user": "u8"}),
        json!({"c": 7, "user": "u7"}),
        json!({"c": ["c7"], "user": "u7"}),
        json!({}),
        json!(null),
    ] {
        assert_eq!(chosen.evaluate(&input), whole.evaluate(&input), "{input}");
    }
    assert_eq!(
        chosen.evaluate(&json!({"c": "c19", "user": "u9", "method": "GET"})),
        Ok(Some(json!(true)))
    );
}

#[test]
fn an_error_names_its_line_though_rules_before_it_are_left_out() {
    let policy =
        flat(|n| format!("allow if {{\n\tinput.c == \"c{n}\"\n\tto_number(input.x) == 1\n}}"));
    let (whole, chosen) = both(&policy);
    let input = json!({"c": "c15", "x": "?"});
    let fault = chosen.evaluate(&input).unwrap_err();
    assert_eq!(Err(fault.clone()), whole.evaluate(&input));
    assert!(fault.to_string().contains("a.rego:"), "{fault}");
}

#[test]
fn what_must_be_met_first_is_met() {
    // The error comes before the comparison, so it can occur for every collection.
    let before = flat(|n| format!("allow if {{ to_number(input.x) == 1; input.c == \"c{n}\" }}"));
    assert_eq!(index(&before), None);
    // An `else` holds if the comparison does not.
    let other =
        flat(|n| format!("r{n} := 1 if {{ input.c == \"c{n}\" }} else := 2\nallow if r{n} == 2"));
    assert_eq!(index(&other), None);
    let negated = flat(|n| format!("allow if not input.c == \"c{n}\""));
    assert_eq!(index(&negated), None);
    let replaced = flat(|n| {
        format!("allow if {{ input.c == \"c{n}\" }}\nb{n} if allow with input.c as \"c{n}\"")
    });
    assert_eq!(index(&replaced), None);
    let few = sources(&[("a.rego", "package p\nallow if input.c == \"a\"")]);
    assert_eq!(index(&few), None);
}

#[test]
fn a_name_stays_defined_though_none_of_its_rules_can_hold() {
    let policy = flat(|n| {
        let rule = format!(
            "readers contains \"u{n}\" if input.c == \"c{n}\"\nonly_{n} := 1 if input.c == \"c{n}\""
        );
        match n {
            0..4 => format!("{rule}\nallow if {{ input.user in readers; only_{n} == 1 }}"),
            4 => format!("{rule}\nallow if count(readers) == 0"),
            _ => format!("readers contains \"u{n}\" if input.c == \"c{n}\""),
        }
    });
    let (whole, chosen) = both(&policy);
    for (collection, user) in [("c3", "u3"), ("c3", "u4"), ("none", "u1")] {
        let input = json!({"c": collection, "user": user});
        assert_eq!(chosen.evaluate(&input), whole.evaluate(&input), "{input}");
    }
    assert_eq!(
        chosen.evaluate(&json!({"c": "none"})),
        Ok(Some(json!(true)))
    );
}

/// A set with one member for each collection, and the rules that use the set.
fn members(rules: &str) -> Sources {
    let mut text = format!("package p\n\ndefault allow := false\n\n{rules}\n");
    for number in 0..20 {
        writeln!(
            text,
            "readable contains \"c{number}\" if input.user == \"u{}\"",
            number % 4
        )
        .unwrap();
    }
    sources(&[("a.rego", &text)])
}

#[test]
fn members_of_a_set_that_are_not_asked_for_are_left_out() {
    for rules in [
        "allow if input.c in readable",
        "allow if readable[input.c]",
        "allow if not input.c in readable",
    ] {
        let policy = members(rules);
        assert_eq!(
            index(&policy).unwrap().pieces("a.rego").len(),
            19,
            "{rules}"
        );
        let (whole, chosen) = both(&policy);
        for (c, user) in [("c7", "u3"), ("c7", "u1"), ("c0", "u0"), ("none", "u0")] {
            let input = json!({"c": c, "user": user});
            assert_eq!(
                chosen.evaluate(&input),
                whole.evaluate(&input),
                "{rules} {input}"
            );
        }
        let input = json!({"user": "u0"});
        assert_eq!(chosen.evaluate(&input), whole.evaluate(&input), "{rules}");
    }
    for rules in [
        "allow if { input.c in readable; count(readable) > 2 }",
        "allow if { some c in readable; c == input.c }",
        "allow if { input.c in readable; input.d in readable }",
        "allow if { x := readable; input.c in x }",
    ] {
        let index = index(&members(rules)).expect("by the user");
        assert_eq!(index.path, [PathPart::Name("user".to_owned())], "{rules}");
    }
    let policy = members("allow if input.c in readable");
    let plan = Plan::of(&policy, Version::V1, None, &Available).unwrap();
    let slices = Slices::of(&plan, "data.p.readable", &settings());
    assert!(matches!(slices, Ok(Slices::Whole(..))));
}

#[test]
fn what_one_evaluation_has_produced_is_not_charged_to_the_next_collection() {
    let policy = flat(|n| match n {
        0 => "allow if { input.c == \"c0\"; count(numbers.range(1, 480000)) > 0 }".to_owned(),
        19 => "allow if count(numbers.range(1, 100000)) < 0".to_owned(),
        _ => format!("allow if input.c == \"c{n}\""),
    });
    let (_, chosen) = both(&policy);
    assert!(chosen.evaluate(&json!({"c": "c0"})).is_err());
    assert_eq!(chosen.evaluate(&json!({"c": "c1"})), Ok(Some(json!(true))));
}

/// One package for each collection, and one package that chooses among them.
fn nested(chooser: &str, more: &str) -> Sources {
    let mut all = sources(&[(
        "main.rego",
        &format!("package p\n\ndefault allow := false\n\n{chooser}\n"),
    )]);
    for number in 0..20 {
        let text = format!(
            "package lists.c{number}\n\ndefault allow := false\n\nallow if input.user == \"u{number}\"\n{more}\n"
        );
        all.modules.insert(format!("c{number}.rego"), text);
    }
    all
}

#[test]
fn packages_that_a_value_does_not_name_are_left_out() {
    let policy = nested("allow if data.lists[input.c].allow", "");
    let found = index(&policy).unwrap();
    assert_eq!(found.module("c7.rego"), Some("c7"));
    assert_eq!(found.module("main.rego"), None);
    let (whole, chosen) = both(&policy);
    for input in [
        json!({"c": "c7", "user": "u7"}),
        json!({"c": "c7", "user": "u8"}),
        json!({"c": "none", "user": "u8"}),
        json!({"c": 1, "user": "u8"}),
        json!({"user": "u8"}),
    ] {
        assert_eq!(chosen.evaluate(&input), whole.evaluate(&input), "{input}");
    }
}

#[test]
fn packages_that_are_reached_otherwise_stay() {
    for chooser in [
        "allow if data.lists[input.c].allow\nallow if { some c; data.lists[c].allow }",
        "allow if data.lists[input.c].allow\nallow if { some name, _ in data.lists; name == input.n }",
        "allow if data.lists[input.c].allow\nallow if { all := data.lists; all.c3.allow }",
        "allow if data.lists[input.c].allow\nallow if data.lists[input.d].allow",
    ] {
        let chosen = index(&nested(chooser, "")).map(|index| index.modules);
        assert_eq!(chosen.unwrap_or_default(), BTreeMap::new(), "{chooser}");
    }
    let named = nested(
        "allow if data.lists[input.c].allow\nallow if data.lists.c3.allow",
        "",
    );
    let found = index(&named).unwrap();
    assert_eq!(found.module("c3.rego"), None);
    assert_eq!(found.module("c4.rego"), Some("c4"));
    let (whole, chosen) = both(&named);
    for user in ["u3", "u4"] {
        let input = json!({"c": "c4", "user": user});
        assert_eq!(chosen.evaluate(&input), whole.evaluate(&input), "{input}");
    }
}

#[test]
fn an_entrypoint_among_the_packages_is_evaluated_whole() {
    let policy = nested("allow if data.lists[input.c].allow", "");
    let plan = Plan::of(&policy, Version::V1, None, &Available).unwrap();
    let slices = Slices::of(&plan, "data.lists.c3.allow", &settings());
    assert!(matches!(slices, Ok(Slices::Whole(..))));
}

/// The decision without the index. A `with` in the policy switches the index off.
fn decided_whole(text: &str, input: &Value) -> Result<Option<Value>, Fault> {
    let text = format!("{text}\nunused if never with input as {{}}\nnever if false");
    let plan = Plan::of(
        &sources(&[("a.rego", &text)]),
        Version::V1,
        None,
        &Available,
    )
    .unwrap();
    assert_eq!(plan.index, None);
    Policy::compile(&plan, String::new(), &settings(), Rules::ByIndex)
        .unwrap()
        .evaluate(input)
}

#[test]
fn what_is_reached_in_another_way_too_is_not_left_out() {
    let five = |rule: &str| {
        let rules = ["a", "b", "c", "d", "e"].map(|n| rule.replace('N', n));
        rules.join("\n")
    };
    let member = five("r contains \"N\" if input.u");
    for (text, input) in [
        (
            format!("{member}\nok if r[\"c\"]\nallow if not ok\nallow if input.c in r"),
            json!({"c": "zz", "u": 1}),
        ),
        (
            format!("{member}\nallow if not r.c\nallow if r[input.c]"),
            json!({"c": "zz", "u": 1}),
        ),
        (
            five(
                "a[\"x.y\"] contains \"u\" if input.c == \"N\"\na.x.y contains \"u\" if input.c == \"N\"",
            ) + "\nempty if count(a.x.y) == 0\nallow if not empty",
            json!({"c": "zz"}),
        ),
        (
            format!(
                "{member}\nr contains \"f\" if f == 1\nf := 1 if input.u\nf := 2 if input.u\nallow if input.c in r"
            ),
            json!({"c": "b", "u": 1}),
        ),
    ] {
        let text = format!("package p\n{text}");
        let plan = Plan::of(
            &sources(&[("a.rego", &text)]),
            Version::V1,
            None,
            &Available,
        )
        .unwrap();
        let policy = Policy::compile(&plan, String::new(), &settings(), Rules::ByIndex).unwrap();
        let (ours, whole) = (policy.evaluate(&input), decided_whole(&text, &input));
        assert_eq!(ours.clone().ok(), whole.ok(), "{text}");
        assert_ne!(ours, Ok(Some(json!(true))), "{text}");
    }
}

#[test]
fn packages_are_not_chosen_by_what_they_hold() {
    let policy = nested("allow if not seen\nseen if input.c in data.lists", "");
    let modules = index(&policy).map(|index| index.modules);
    assert_eq!(modules.unwrap_or_default(), BTreeMap::new());
}

#[test]
fn a_policy_of_which_most_stays_is_evaluated_whole() {
    let mut text = "package p\n".to_owned();
    for number in 0..20 {
        writeln!(
            text,
            "allow if input.c == \"c{number}\"\nr{number} := input.x"
        )
        .unwrap();
    }
    assert!(index(&sources(&[("a.rego", &text)])).is_none());
}

/// A client that asks for one collection after the other must not fill the memory with engines.
#[test]
fn engines_of_a_thousand_collections_are_not_all_kept() {
    let mut text = "package p\n".to_owned();
    for number in 0..1000 {
        writeln!(text, "allow if input.c == \"c{number}\"").unwrap();
    }
    let plan = Plan::of(
        &sources(&[("a.rego", &text)]),
        Version::V1,
        None,
        &Available,
    )
    .unwrap();
    let settings = Settings {
        timeout: Duration::from_secs(5),
        ..settings()
    };
    let slices = Slices::of(&plan, "data.p.allow", &settings).unwrap();
    let Slices::By(by) = &slices else {
        panic!("the policy has no index")
    };
    for number in 0..1000 {
        slices.get(&json!({"c": format!("c{number}")})).unwrap();
    }
    let (engines, rules) = by.kept();
    assert!((100..300).contains(&engines), "{engines}");
    assert!(rules <= 4096, "{rules}");
    // The engine that was used last is still kept.
    let last = json!({"c": "c999"});
    assert!(Arc::ptr_eq(
        &slices.get(&last).unwrap(),
        &slices.get(&last).unwrap()
    ));
}
