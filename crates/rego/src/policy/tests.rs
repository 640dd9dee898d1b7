use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;

use super::*;
use crate::{BuiltinErrors, EngineChoice, run::engine::LOAD_LIMIT, source::Version};

fn settings() -> Settings {
    Settings {
        entrypoint: "geowarden/authz/allow".into(),
        version: Version::V1,
        timeout: Duration::from_millis(250),
        builtin_errors: BuiltinErrors::Refuse,
        engine: EngineChoice::Auto,
    }
}

fn load(text: &str) -> Result<Policy, LoadError> {
    let mut sources = Sources::default();
    sources.modules.insert("a.rego".into(), text.into());
    Policy::load(sources, &settings())
}

fn evaluate(text: &str, input: &Value) -> Result<Option<Value>, Fault> {
    load(&format!("package geowarden.authz\n{text}"))
        .unwrap()
        .evaluate(input)
}

#[test]
fn a_rule_is_evaluated_again_and_again() {
    let policy = load("package geowarden.authz\nallow if input.a == 1").unwrap();
    for _ in 0..3 {
        assert_eq!(
            policy.evaluate(&serde_json::json!({"a": 1})),
            Ok(Some(Value::Bool(true)))
        );
        assert_eq!(policy.evaluate(&serde_json::json!({"a": 2})), Ok(None));
    }
}

#[test]
fn an_engine_of_one_policy_never_serves_another() {
    let yes = load("package geowarden.authz\nallow := true").unwrap();
    let no = load("package geowarden.authz\nallow := false").unwrap();
    for _ in 0..3 {
        assert_eq!(yes.evaluate(&Value::Null), Ok(Some(Value::Bool(true))));
        assert_eq!(no.evaluate(&Value::Null), Ok(Some(Value::Bool(false))));
    }
}

#[test]
fn errors_refuse() {
    let conflict = "allow := true if input.a\nallow := false if input.b";
    assert!(matches!(
        evaluate(conflict, &serde_json::json!({"a": 1, "b": 1})),
        Err(Fault::Evaluation(_))
    ));
    // Without strict errors, the built-in that fails would be undefined and its negation true.
    let builtin = "allow if not to_number(input.a) == 1";
    assert!(matches!(
        evaluate(builtin, &serde_json::json!({"a": "x"})),
        Err(Fault::Evaluation(_))
    ));
}

#[test]
fn what_never_ends_is_ended() {
    let endless = "allow if { some i in numbers.range(1, 2000); some j in numbers.range(1, 2000); some k in numbers.range(1, 2000); i + j + k == -1; input.x }";
    let policy = load(&format!(
        "package geowarden.authz\nn := input.n\n{}",
        endless.replace("2000", "n")
    ))
    .unwrap();
    let start = Instant::now();
    let outcome = policy.evaluate(&serde_json::json!({"n": 2000, "x": 1}));
    assert_eq!(outcome, Err(Fault::Timeout));
    assert!(start.elapsed() < LOAD_LIMIT);
    // The interrupted engine is not used again.
    assert_eq!(
        policy.evaluate(&serde_json::json!({"n": 1, "x": 1})),
        Ok(None)
    );
}

/// The input makes regorus cut a character of two bytes in half. If a release of regorus no longer panics here, use
/// another input that makes it panic.
#[test]
fn a_panic_is_a_fault_and_the_next_evaluation_is_not() {
    let text = "package geowarden.authz\nallow if time.parse_ns(input.format, input.time) == 0";
    let policy = load(text).unwrap();
    for _ in 0..2 {
        let outcome = policy.evaluate(&json!({"format": "2006-é", "time": "2006-é"}));
        assert!(matches!(outcome, Err(Fault::Panic(_))), "{outcome:?}");
        let outcome = policy.evaluate(&json!({"format": "2006-01-02", "time": "1970-01-01"}));
        assert_eq!(outcome, Ok(Some(json!(true))));
    }
}

#[test]
fn a_broken_policy_names_its_file_and_line() {
    let told = load("package geowarden.authz\nallow if {")
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("a.rego:2"), "{told}");
    let told = load("package geowarden.authz\nallow if x")
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("a.rego:2"), "{told}");
    let told = load("package other\nallow := true")
        .err()
        .unwrap()
        .to_string();
    assert!(
        told.contains("no rule `data.geowarden.authz.allow`"),
        "{told}"
    );
}

/// Written like fastgeoapi's own sample: Rego v0, `import input`, and a path without context.
const SAMPLE: &str = r#"package httpapi.authz

import input

default allow = false

allow {
    input.request_path[0] == "openapi"
}

allow {
    input.request_method == "GET"
    input.request_path = ["collections", "obs", "items"]
    input.company == "osgeo"
}
"#;

#[test]
fn a_policy_of_fastgeoapi_runs_as_it_is() {
    let settings = Settings {
        entrypoint: "httpapi/authz/allow".to_owned(),
        version: Version::V0,
        ..settings()
    };
    let mut sources = Sources::default();
    sources.modules.insert("auth.rego".into(), SAMPLE.into());
    let policy = Policy::load(sources, &settings).unwrap();
    for (path, company, allowed) in [
        (json!(["openapi"]), "none", true),
        (json!(["collections", "obs", "items"]), "osgeo", true),
        (json!(["collections", "obs", "items"]), "geobeyond", false),
        (
            json!(["geoapi", "collections", "obs", "items"]),
            "osgeo",
            false,
        ),
    ] {
        let input = json!({"request_method": "GET", "request_path": path, "company": company});
        assert_eq!(
            policy.evaluate(&input.clone()),
            Ok(Some(json!(allowed))),
            "{input}"
        );
    }
}

/// The policies of the corpus, each with its input and settings. The corpus holds OPA's answers.
fn corpus() -> Vec<(Sources, Settings, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/rego.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let case: Value = serde_json::from_str(line).unwrap();
            let mut sources = Sources::default();
            for (name, module) in case["modules"].as_object().unwrap() {
                let module = module.as_str().unwrap();
                sources.modules.insert(name.clone(), module.to_owned());
            }
            if let Value::Object(data) = &case["data"] {
                sources.data = data.clone();
            }
            let is_old = case["rego"] == "v0";
            let settings = Settings {
                entrypoint: case["entrypoint"].as_str().unwrap().to_owned(),
                version: if is_old { Version::V0 } else { Version::V1 },
                ..settings()
            };
            (sources, settings, case["input"].clone())
        })
        .collect()
}

#[test]
fn what_a_policy_cannot_read_does_not_change_its_value() {
    let mut met = 0;
    for (sources, settings, input) in corpus() {
        let Ok(mut policy) = Policy::load(sources.clone(), &settings) else {
            continue;
        };
        let pruned = policy.evaluate(&input);
        policy.reads = Reads::Whole;
        let whole = policy.evaluate(&input);
        assert_eq!(pruned, whole, "{:?} for {input}", sources.modules);
        met += 1;
    }
    assert!(met > 500, "only {met} policies could be compared");
}

#[test]
fn what_is_printed_is_kept_for_who_asks_and_changes_nothing() {
    let text = "package geowarden.authz\nallow if {\n\tprint(\"user:\", input.user, lower(input.user), input.none)\n\tprint(1, {\"b\", \"a\"}, [x | some x in input.xs])\n\tprint()\n\tsome y in input.xs\n\tprint(y)\n}";
    let policy = load(text).unwrap();
    let input = json!({"user": "Ada\n", "xs": [2, 1]});
    let (value, printed) = policy.evaluate_printing(&input);
    assert_eq!(value, Ok(Some(json!(true))));
    assert_eq!(
        printed,
        [
            "user: Ada\n ada\n <undefined>",
            "1 {\"a\", \"b\"} [2, 1]",
            "",
            "2"
        ]
    );
    assert_eq!(policy.evaluate(&input), Ok(Some(json!(true))));
    let (_, again) = policy.evaluate_printing(&input);
    assert_eq!(again, printed);

    // The length of the printed text has a limit.
    let text = "package geowarden.authz\nallow if { some x in numbers.range(1, 99); print(input.long, x); x == 99 }";
    let policy = load(text).unwrap();
    let (value, printed) = policy.evaluate_printing(&json!({"long": "é".repeat(999)}));
    assert_eq!(value, Ok(Some(json!(true))));
    let bytes: usize = printed.iter().map(String::len).sum();
    assert!((6 << 10..=8 << 10).contains(&bytes), "{bytes}");
}
