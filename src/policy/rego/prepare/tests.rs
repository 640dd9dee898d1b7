use super::{super::engine::on_large_stack, *};

mod refusals;

fn prepared(text: &str) -> Result<String, String> {
    let texts = BTreeMap::from([("a.rego".to_owned(), text.to_owned())]);
    let data = serde_json::json!({"p": {"taken": 1}, "lists": {}});
    let data = data.as_object().unwrap();
    let data = data.clone();
    match on_large_stack(move || faithful(&texts, &data, Dialect::V1)) {
        Ok((mut texts, _)) => Ok(texts.remove("a.rego").unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

/// What becomes of one rule's body.
fn body(text: &str) -> String {
    let module = format!("package p\nallow if {{ {text} }}\nrule := 1\nf(x) := x\n");
    let whole = prepared(&module).unwrap();
    let line = whole.lines().nth(1).unwrap().trim();
    // Functions that negations became follow behind.
    let (own, _) = line.split_once(" } __negated").unwrap_or((line, ""));
    own.strip_prefix("allow if { ")
        .map(|rest| rest.strip_suffix(" }").unwrap_or(rest))
        .unwrap()
        .to_owned()
}

#[test]
fn a_negated_reference_by_a_variable_becomes_a_function() {
    for (written, given) in [
        (
            "not data.blocked[y]; y = input.u",
            "allow if { not __negated0_1__(y); y = input.u } __negated0_1__(y) if { data.blocked[y] }",
        ),
        (
            "x = input.x; not x[lower(y)].z == [y]; y = input.u",
            "allow if { x = input.x; __lifted1__ := lower(y); not __negated0_1__(__lifted1__, x, y); y = input.u } __negated0_1__(__lifted1__, x, y) if { x[__lifted1__].z == [y] }",
        ),
        (
            "not rule[y]; y = input.u",
            "allow if { not __negated0_1__(y); y = input.u } __negated0_1__(y) if { rule[y] }",
        ),
    ] {
        let module = format!("package p\nallow if {{ {written} }}\nrule := 1\n");
        let whole = prepared(&module).unwrap();
        assert_eq!(whole.lines().nth(1).unwrap().trim(), given, "{written}");
    }
}

#[test]
fn every_waits_for_what_its_body_needs() {
    for (written, given) in [
        (
            "y = input.u; every x in [1] { x != y }",
            "y = input.u; every __lifted1__ in internal.after([1], [y]) { x := __lifted1__; x != y }",
        ),
        // What only the body has, and what is outside of the rule, is not waited for.
        (
            "every x in [1] { y = x; y != rule; some z in [x]; z == y }",
            "every __lifted1__ in [1] { x := __lifted1__; y = x; y != rule; some z in [x]; z == y }",
        ),
        (
            "z = input.u; every x in [1] { count([y | some y in [x]; y == z]) == 0 }",
            "z = input.u; every __lifted1__ in internal.after([1], [z]) { x := __lifted1__; count([y | some y in [x]; y == z]) == 0 }",
        ),
    ] {
        assert_eq!(body(written), given, "{written}");
    }
}

#[test]
fn what_opa_evaluates_before_a_negation_is_lifted_out_of_it() {
    for (written, given) in [
        (
            r#"not startswith(input.user, "x")"#,
            r#"__lifted1__ := input.user; not startswith(__lifted1__, "x")"#,
        ),
        (
            "not f(input.user)",
            "__lifted1__ := input.user; not f(__lifted1__)",
        ),
        (
            "not input.user in [input.a, 1]",
            "__lifted1__ := input.user; __lifted2__ := [input.a, 1]; not internal.member_2(__lifted1__, __lifted2__)",
        ),
        (
            r#"not lower(input.user) == "x""#,
            r#"__lifted1__ := lower(input.user); not __lifted1__ == "x""#,
        ),
        (
            "not count(input.r) > 3",
            "__lifted1__ := count(input.r); not __lifted1__ > 3",
        ),
        (
            "not input.a != 3",
            "__lifted1__ := input.a; not __lifted1__ != 3",
        ),
        (
            "not data.blocked[input.user].x",
            "__lifted1__ := input.user; not __negated0_1__(__lifted1__)",
        ),
        (
            "not data.blocked[input.user] == 1",
            "__lifted1__ := input.user; not __negated0_1__(__lifted1__)",
        ),
        ("not f(rule)", "__lifted1__ := rule; not f(__lifted1__)"),
        (
            "not [input.a, 1] = [1, 1]",
            "__lifted1__ := input.a; not [__lifted1__, 1] = [1, 1]",
        ),
        (
            "not f(input.a) with input.b as 1",
            "__lifted1__ := input.a with input.b as 1; not f(__lifted1__) with input.b as 1",
        ),
        (
            "not rule with input.a as input.b with input.c as 1",
            "__lifted1__ := input.b; not rule with input.a as __lifted1__ with input.c as 1",
        ),
        (
            "x := count([1 | not f(input.a)])",
            "x := count([1 | __lifted1__ := input.a; not f(__lifted1__)])",
        ),
        (
            "every x in [1] { not f(input.a) }",
            "every __lifted1__ in [1] { x := __lifted1__; __lifted2__ := input.a; not f(__lifted2__) }",
        ),
        // regorus would search for an `x`.
        (
            "every x in [1] { not f(input[x]) }",
            "every __lifted1__ in [1] { x := __lifted1__; __lifted2__ := input[x]; not f(__lifted2__) }",
        ),
        // A membership is undefined where an operand is, and not false.
        (
            "x := input.a in input.b; x == false",
            "x := internal.member_2(input.a, input.b); x == false",
        ),
        (
            "1, input.a in input.b",
            "internal.member_3(1, input.a, input.b)",
        ),
        (
            "x := (1, input.a in input.b)",
            "x := internal.member_3(1, input.a, input.b)",
        ),
    ] {
        assert_eq!(body(written), given, "{written}");
    }
}

#[test]
fn what_means_the_same_stays_as_it_was_written() {
    for text in [
        r#"not input.user == "x""#,
        "not input.user = 1",
        "not rule",
        "not rule == 2",
        "x := input.a; not f(x)",
        "x := input.a;   not x in [1, 2]  # spaces stay",
        "input.a in input.b",
        "some x in input.xs; not data.blocked.x",
        "not f([x | some x in input.xs])",
    ] {
        let module = format!("package p\nallow if {{\n{text}\n}}\nrule := 1\nf(x) := x\n");
        let given = prepared(&module).unwrap();
        if text.contains("[1, 2]") {
            assert!(given.contains("internal.member_2(x, [1, 2])"), "{given}");
        } else {
            assert_eq!(given, module);
        }
    }
}

#[test]
fn the_value_of_an_else_is_a_condition_of_its_body() {
    let given =
        prepared("package p\nf(x) if input.a\nelse := input.b\nelse := 3 if x\n").unwrap_err();
    assert!(given.contains("a.rego:4"), "{given}");
    let given =
        prepared("package p\nf(x) if input.a\nelse := input.b if input.c\nelse := 3\n").unwrap();
    assert_eq!(
        given.lines().nth(2).unwrap(),
        " else := __lifted1__ if { input.c; __lifted1__ := input.b }"
    );
    assert_eq!(given.lines().nth(3).unwrap(), " else := 3");
    // Which regorus forgets where the function has a value before it.
    let given = prepared("package p\nf(x) := 1 if input.a\nelse if input.b\n").unwrap();
    assert_eq!(
        given.lines().nth(2).unwrap(),
        " else := true if { input.b }"
    );
}

#[test]
fn the_values_of_a_head_are_conditions_of_its_bodies() {
    for (written, given) in [
        (
            "q contains x.id if some x in input.xs",
            "q contains __lifted1__ if { some x in input.xs; __lifted1__ := x.id }",
        ),
        (
            "q contains input.a",
            "q contains __lifted1__ if { __lifted1__ := input.a }",
        ),
        (
            "q[x.k] := [x.v] if some x in input.xs",
            "q[__lifted1__] := __lifted2__ if { some x in input.xs; __lifted1__ := x.k; __lifted2__ := [x.v] }",
        ),
        (
            "f(x) := x.id if x.ok",
            "f(x) := __lifted1__ if { x.ok; __lifted1__ := x.id }",
        ),
        ("q := input.a", "q := input.a"),
        (
            "q contains x if x := input.a",
            "q contains x if x := input.a",
        ),
    ] {
        let module = prepared(&format!("package p\n{written}\n")).unwrap();
        assert_eq!(module.lines().nth(1).unwrap().trim(), given);
    }
}

#[test]
fn every_line_stays_where_it_was() {
    let module = r#"package p

import data.lists as l

# a comment
default allow := false

allow if {
	x := {
		"a": input.a,
		"b": `two
lines`,
	}
	not f(
		x,
		input.b,
	)

	some y in [
		1,
		2,
	]
	y > 1
}

f(a, b) := a if {
	a == b
} else := 3 if {
	b == 2
}

set contains x if some x in l.a
"#;
    let given = prepared(module).unwrap();
    assert_ne!(given, module);
    let line_of = |text: &str, part: &str| {
        text.lines()
            .position(|line| line.contains(part))
            .unwrap_or_else(|| panic!("{part} in\n{text}"))
    };
    for part in [
        "default allow",
        "input.a",
        "two",
        "some y in",
        "y > 1",
        "f(a, b)",
        "else",
        "b == 2",
        "set contains",
    ] {
        assert_eq!(
            line_of(&given, part),
            line_of(module, part),
            "{part}\n{given}"
        );
    }
    // What is lifted stands on its own line, and the rest of the statement behind it.
    assert_eq!(
        line_of(&given, "input.b; not f("),
        line_of(module, "input.b,"),
        "{given}"
    );
}

#[test]
fn sums_are_calls_in_the_order_that_they_are_written_in() {
    for (written, given) in [
        ("x == 1 - 2 - 3", "internal.minus(internal.minus(1, 2), 3)"),
        (
            "x == 1 - (2 - 3)",
            "internal.minus(1, internal.minus(2, 3))",
        ),
        (
            "x == 1 + 2 * 3 % 4",
            "internal.plus(1, internal.mul(2, 3) % 4)",
        ),
        ("x == (1 + 2) * 3", "internal.mul(internal.plus(1, 2), 3)"),
        ("x == -1 - -2", "internal.minus(-1, -2)"),
    ] {
        assert_eq!(
            body(&format!("x := 1; {written}")),
            format!("x := 1; x == {given}")
        );
    }
}

#[test]
fn operators_keep_their_order() {
    for text in [
        "x == 1 / 2 / 3",
        "x == 1 / (2 / 3)",
        "x == {1} | {2} & {3}",
        "x == ({1} | {2}) & {3}",
        "(x == 1) == (2 == 3)",
        "f((x in [1]), 2)",
    ] {
        let given = body(&format!("x := 1; {text}; not f(input.a)"));
        let expected = text.replace("(x in [1])", "internal.member_2(x, [1])");
        let expected = expected.replace("(x == 1) == ", "x == 1 == ");
        assert_eq!(
            given,
            format!("x := 1; {expected}; __lifted1__ := input.a; not f(__lifted1__)")
        );
    }
}

#[test]
fn what_can_differ_all_the_same_is_told_with_its_place() {
    let text = "package p\nx := json.marshal(1)\ny := input.a / 0.1 if ceil(input.a) > 1\nz := f(1)\nf(x) := x\n";
    let texts = BTreeMap::from([("a.rego".to_owned(), text.to_owned())]);
    let (_, warnings) = faithful(&texts, &Map::new(), Dialect::V1).unwrap();
    let places: Vec<_> = warnings
        .iter()
        .map(|warning| warning.split(": ").next().unwrap())
        .collect();
    assert_eq!(places, ["a.rego:2", "a.rego:3", "a.rego:3"], "{warnings:?}");
}

/// What is shipped, and fastgeoapi's sample in Rego v0, mean here what they mean in OPA.
#[test]
fn the_shipped_policies_load_without_a_warning() {
    use super::super::super::Sources;
    let sample = "package httpapi.authz\n\nimport input\n\ndefault allow = false\n\nallow {\n    input.request_path[0] == \"openapi\"\n}\n\nallow {\n    input.request_method == \"GET\"\n    input.request_path = [\"collections\", \"obs\", \"items\"]\n    input.company == \"osgeo\"\n}\n";
    let mut seed = Sources::default();
    seed.modules
        .insert("auth.rego".to_owned(), sample.to_owned());
    for (sources, dialect) in [
        (Sources::embedded_by_roles().unwrap(), Dialect::V1),
        (Sources::embedded_for_authenticated(true), Dialect::V1),
        (
            Sources::load(std::path::Path::new("policies/examples/company")).unwrap(),
            Dialect::V1,
        ),
        (seed, Dialect::V0),
    ] {
        let sources = sources.without_tests();
        let (given, warnings) = faithful(&sources.modules, &sources.data, dialect).unwrap();
        assert_eq!(warnings, [""; 0]);
        assert_eq!(given.len(), sources.modules.len());
        if dialect == Dialect::V0 {
            assert_eq!(given, sources.modules);
        }
    }
}
