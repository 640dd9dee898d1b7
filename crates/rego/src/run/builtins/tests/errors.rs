//! What an error of a built-in function does.

use serde_json::json;

use super::{Fault, evaluate, evaluate_with};
use crate::BuiltinErrors;

/// With this setting, an error leaves a call undefined wherever the call is, as in OPA.
#[test]
fn an_error_can_leave_a_call_undefined() {
    // A function of geowarden and one of regorus.
    for call in ["to_number(input.x)", "abs(input.x)"] {
        for (expression, value) in [
            ("CALL", None),
            ("[y | y := CALL]", Some(json!([]))),
            ("[CALL | true]", Some(json!([]))),
            ("[1 | CALL]", Some(json!([]))),
            ("[1 | not CALL]", Some(json!([1]))),
            ("[1 | not CALL > 3]", Some(json!([]))),
            ("[1 | not y_of(CALL)]", Some(json!([]))),
            ("[1 | CALL == 1]", Some(json!([]))),
            ("[1 | CALL != 1]", Some(json!([]))),
            ("[1 | count([CALL]) >= 0]", Some(json!([]))),
            ("[y | y := {\"k\": [CALL]}]", Some(json!([]))),
            (
                "[1 | y := [z | z := CALL]; count(y) == 0]",
                Some(json!([1])),
            ),
            ("[1 | every y in CALL { y }]", Some(json!([]))),
            ("[1 | every y in [1] { CALL > y }]", Some(json!([]))),
            ("[1 | every y in [1] { y; not CALL }]", Some(json!([1]))),
            ("[y | some y in json.unmarshal(input.x)]", Some(json!([]))),
            ("[1 | 1 in CALL]", Some(json!([]))),
            ("[1 | not 1 in CALL]", Some(json!([]))),
            ("[1 | input.go with input.y as CALL]", Some(json!([]))),
            ("[1 | not input.z with input.y as CALL]", Some(json!([]))),
            ("[1 | input.go with count as CALL]", Some(json!([]))),
            ("[1 | print(CALL)]", Some(json!([1]))),
            ("$`{CALL}`", Some(json!("<undefined>"))),
            ("object.get({}, \"k\", CALL)", None),
            ("helper", Some(json!("by the other"))),
            ("partial", Some(json!([1]))),
            ("y_of(2)", Some(json!("second"))),
        ] {
            let expression = expression.replace("CALL", call);
            let rules = format!(
                "helper := 1 if {call}\nhelper := \"by the other\" if not {call}\n\
                 partial contains {call}\npartial contains 1\n\
                 y_of(y) := \"first\" if {call} > y\ny_of(y) := \"second\" if y == 2"
            );
            let expression = format!("{expression} if input.go\n{rules}\nunused := 1");
            let given = json!({"x": "x"});
            assert_eq!(
                evaluate_with(BuiltinErrors::Undefined, &expression, given),
                Ok(value),
                "{expression}"
            );
        }
        let expression = format!("[1 | not {call}]");
        let outcome = evaluate(&expression, json!({"x": "x"}));
        assert!(
            matches!(outcome, Err(Fault::Evaluation(_))),
            "{expression}: {outcome:?}"
        );
    }
}

/// If OPA would give a value, an error must not make a negation hold.
#[test]
fn limits_and_conflicts_refuse_in_any_case() {
    for expression in [
        "[1 | not numbers.range(1, input.big)]",
        "[1 | not bits.lsh(1, input.big)]",
        "[1 | not sprintf(\"%1001d\", [1])]",
        "[1 | not sprintf(\"%5d\", [\"a\"])]",
        "[1 | not json.unmarshal(input.deep)]",
        "[1 | not regex.match(input.large, \"a\")]",
        "[1 | not substring(\"abc\", 1, 9223372036854775808)]",
        "[1 | not to_number(\"1e-1000\")]",
        "[1 | not time.parse_ns(\"2006\", \"x\")]",
        "[1 | not f(input.go)] if input.go\nf(x) := 1 if x\nf(x) := 2 if x\nunused := 1",
        "[1 | not f(input.big)] if input.go\nf(x) := numbers.range(1, x)\nf(x) := 2 if x\nunused := 1",
    ] {
        let given = json!({
            "big": 1_000_000_000,
            "deep": format!("{}{}", "[".repeat(200), "]".repeat(200)),
            "large": "a{1000}".repeat(100),
        });
        let outcome = evaluate_with(BuiltinErrors::Undefined, expression, given);
        assert!(
            matches!(outcome, Err(Fault::Evaluation(_))),
            "{expression}: {outcome:?}"
        );
    }
}

/// A short text of a request makes no huge number and no huge value.
#[test]
fn texts_of_requests_have_bounds() {
    let copies = vec![json!({"op": "copy", "from": "", "path": "/a/-"}); 28];
    let given = json!({
        "exponent": "1e999999999", "binary": "1e999999Ki", "small": "1e-999999999", "digits": "9".repeat(100_000),
        "document": {"a": []}, "copies": copies, "numbers": vec![u64::MAX; 20_000],
        "nested": "[".repeat(60_000), "counts": "[{".repeat(30_000), "groups": "{9,99}*".repeat(200),
    });
    for call in [
        "units.parse(input.exponent)",
        "units.parse(input.binary)",
        "units.parse(input.small)",
        "units.parse(input.digits)",
        "units.parse_bytes(input.exponent)",
        "units.parse_bytes(input.binary)",
        "units.parse_bytes(input.small)",
        "to_number(input.exponent)",
        "to_number(input.small)",
        "to_number(input.digits)",
        "json.patch(input.document, input.copies)",
        "product(input.numbers)",
        "time.parse_duration_ns(\"5.\")",
        "time.parse_duration_ns(input.digits)",
        "regex.match(input.nested, \"a\")",
        "regex.match(input.counts, \"a\")",
        "glob.match(input.nested, [], \"a\")",
        "glob.match(input.groups, [], input.digits)",
    ] {
        let begin = std::time::Instant::now();
        let outcome = evaluate(call, given.clone());
        assert!(matches!(outcome, Err(Fault::Evaluation(_))), "{call}");
        assert!(
            begin.elapsed().as_secs() < 20,
            "{call}: {:?}",
            begin.elapsed()
        );
    }
}

/// A limit that OPA does not have refuses, also where errors are undefined.
#[test]
fn limits_on_copies_and_products_refuse() {
    let copies = vec![json!({"op": "copy", "from": "", "path": "/a/-"}); 28];
    let given = json!({"document": {"a": []}, "copies": copies, "numbers": vec![u64::MAX; 20_000]});
    for expression in [
        "[1 | not json.patch(input.document, input.copies)]",
        "[1 | not product(input.numbers)]",
    ] {
        let outcome = evaluate_with(BuiltinErrors::Undefined, expression, given.clone());
        assert!(matches!(outcome, Err(Fault::Evaluation(_))), "{expression}");
    }
}
