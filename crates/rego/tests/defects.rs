//! What regorus makes of policies that mean something else in OPA, each by itself. An upgrade that mends one fails its test,
//! and what stands in for it here (`core`, `run/builtins`) can go.
#![allow(clippy::unwrap_used)]

use regorus::{Engine, Value};

/// What the plain engine, in the way this library sets it up, makes of a policy.
fn by_regorus(policy: &str, input: &str) -> &'static str {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(true);
    engine
        .add_policy("p.rego".to_owned(), format!("package p\n\n{policy}\n"))
        .unwrap();
    engine.set_input(Value::from_json_str(input).unwrap());
    match engine.eval_rule("data.p.allow".to_owned()) {
        Ok(Value::Bool(true)) => "true",
        Ok(Value::Bool(false)) => "false",
        Ok(_) => "undefined",
        Err(_) => "error",
    }
}

/// `name: policy, input, what OPA says, what regorus says`.
macro_rules! defects {
    ($($name:ident: $policy:expr, $input:expr, $opa:expr, $regorus:expr;)*) => {$(
        #[test]
        fn $name() {
            assert_ne!($opa, $regorus);
            assert_eq!(by_regorus($policy, $input), $regorus, "OPA: {}", $opa);
        }
    )*};
}

defects! {
    negation_of_a_call_with_a_missing_argument:
        r#"allow if not startswith(input.user, "evil")"#,
        "{}", "undefined", "true";
    negation_of_a_function_with_a_missing_argument:
        r#"f(x) if x == "evil"
allow if not f(input.user)"#,
        "{}", "undefined", "true";
    negation_of_a_lookup_by_a_missing_key:
        "allow if not data.blocked[input.user]",
        "{}", "undefined", "true";
    negation_of_an_order_with_a_missing_operand:
        "allow if not input.level > 3",
        "{}", "undefined", "true";
    membership_of_what_is_missing_is_false:
        r#"allow if {
	x := input.user in ["a"]
	x == false
}"#,
        "{}", "undefined", "true";
    membership_with_a_key_finds_what_is_missing:
        r#"allow if "k", input.missing in []"#,
        "{}", "undefined", "true";
    membership_with_a_key_in_a_set:
        "allow if 1, 1 in {1}",
        "{}", "true", "undefined";
    unsafe_variables_of_a_negation_are_searched_for:
        "allow if not input.xs[i] == 1",
        r#"{"xs": [2]}"#, "refused", "true";
    every_searches_by_its_own_variable:
        "allow if every x in [1] { not input.blocked[x] }",
        "{}", "true", "undefined";
    every_assigns_its_own_variable:
        "allow if every x in [1] { x = 2 }",
        "{}", "undefined", "true";
    a_set_under_a_key_without_elements:
        r#"s[input.k] contains x if some x in input.xs
allow if s == {"a": set()}"#,
        r#"{"k": "a", "xs": []}"#, "undefined", "true";
    an_object_under_a_key_without_value:
        r#"o[input.k]["v"] := input.missing
allow if count(o) > 0"#,
        r#"{"k": "a"}"#, "undefined", "true";
    an_undefined_else_of_a_function_is_true:
        "f(_) if input.a\nelse := input.b\nallow if f(1)",
        "{}", "undefined", "true";
    an_else_without_value_behind_a_function_with_one:
        "f(_) := 1 if input.a\nelse if true\nallow if f(1)",
        "{}", "true", "undefined";
    an_undefined_element_ends_a_set:
        "q contains x.id if some x in input.xs\nallow if count(q) == 0",
        r#"{"xs": [{"id": 1}, {}]}"#, "undefined", "true";
    a_pattern_of_keys_fits_more_keys:
        r#"allow if {"a": _} = input.o"#,
        r#"{"o": {"a": 1, "b": 2}}"#, "undefined", "true";
    an_undefined_group_of_rules_is_no_object:
        "g.a if input.a\ng.b if input.b\nallow if not g",
        "{}", "undefined", "true";
    only_the_last_with_value_counts:
        r#"g if input.u == "x"
allow if not g with input.u as input.missing with input.b as 1"#,
        "{}", "undefined", "true";
    some_does_not_hide_a_rule:
        r#"user := "a"
allow if {
	some user
	input.xs[user] == 1
}"#,
        r#"{"xs": [1]}"#, "true", "undefined";
    digits_of_a_regex_are_of_all_scripts:
        r#"allow if regex.match(`^\d$`, "٣")"#,
        "{}", "false", "true";
    numbers_may_stand_in_spaces:
        r#"allow if to_number(" 1") == 1"#,
        "{}", "undefined", "true";
    a_bad_escape_is_decoded:
        r#"allow if urlquery.decode("%zz") == "%zz""#,
        "{}", "undefined", "true";
    mapped_addresses_are_of_no_network:
        r#"allow if not net.cidr_contains("10.0.0.0/8", "::ffff:10.1.1.1")"#,
        "{}", "undefined", "true";
    a_star_of_a_glob_passes_delimiters:
        r#"allow if glob.match("*", [":"], "a:b")"#,
        "{}", "false", "true";
    characters_are_counted_by_other_units:
        r#"allow if count("👍🏽ab") == 4"#,
        "{}", "true", "undefined";
    fractions_are_binary:
        "allow if 0.1 + 0.2 == 0.3",
        "{}", "true", "undefined";
    sets_come_before_objects:
        r#"s := {1}
o := {"a": 1}
allow if s < o"#,
        "{}", "false", "true";
}
