use std::path::Path;

use serde_json::json;

use super::*;

fn settings() -> RegoSettings {
    RegoSettings {
        entrypoint: "geowarden/authz/allow".into(),
        dialect: Dialect::V1,
        timeout: Duration::from_millis(250),
        input: input::Shape::Native,
    }
}

fn load(text: &str) -> Result<RegoPolicy, LoadError> {
    let mut sources = Sources::default();
    sources.modules.insert("a.rego".into(), text.into());
    RegoPolicy::load(sources, &settings())
}

fn evaluate(text: &str, input: Value) -> Result<Option<Value>, Fault> {
    load(&format!("package geowarden.authz\n{text}"))
        .unwrap()
        .evaluate(input)
}

#[test]
fn a_rule_is_evaluated_again_and_again() {
    let policy = load("package geowarden.authz\nallow if input.a == 1").unwrap();
    for _ in 0..3 {
        assert_eq!(
            policy.evaluate(serde_json::json!({"a": 1})),
            Ok(Some(Value::Bool(true)))
        );
        assert_eq!(policy.evaluate(serde_json::json!({"a": 2})), Ok(None));
    }
}

#[test]
fn an_engine_of_one_policy_never_serves_another() {
    let yes = load("package geowarden.authz\nallow := true").unwrap();
    let no = load("package geowarden.authz\nallow := false").unwrap();
    for _ in 0..3 {
        assert_eq!(yes.evaluate(Value::Null), Ok(Some(Value::Bool(true))));
        assert_eq!(no.evaluate(Value::Null), Ok(Some(Value::Bool(false))));
    }
}

#[test]
fn errors_refuse() {
    let conflict = "allow := true if input.a\nallow := false if input.b";
    assert!(matches!(
        evaluate(conflict, serde_json::json!({"a": 1, "b": 1})),
        Err(Fault::Evaluation(_))
    ));
    // Without strict errors the failing built-in would be undefined and its negation true.
    let builtin = "allow if not to_number(input.a) == 1";
    assert!(matches!(
        evaluate(builtin, serde_json::json!({"a": "x"})),
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
    let outcome = policy.evaluate(serde_json::json!({"n": 2000, "x": 1}));
    assert_eq!(outcome, Err(Fault::Timeout));
    assert!(start.elapsed() < engine::LOAD_LIMIT);
    // The engine that was interrupted is not used again.
    assert_eq!(
        policy.evaluate(serde_json::json!({"n": 1, "x": 1})),
        Ok(None)
    );
}

#[test]
fn a_panic_is_a_refusal() {
    let outcome = evaluate(
        "allow if time.parse_ns(input.a, input.b) == 0",
        serde_json::json!({"a": "2006-é", "b": "2006-é"}),
    );
    assert!(
        matches!(outcome, Err(Fault::Panic(_) | Fault::Evaluation(_))),
        "{outcome:?}"
    );
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

#[test]
fn the_embedded_policy_loads() {
    let policy = RegoPolicy::load(Sources::embedded_by_roles().unwrap(), &settings()).unwrap();
    assert_eq!(policy.revision().len(), 16);
}

#[test]
fn the_shipped_policies_pass_their_tests() {
    for folder in ["policies/default", "policies/examples/company"] {
        let sources = Sources::load(Path::new(folder)).unwrap();
        let (results, _) = sources.run_tests(Dialect::V1, false).unwrap();
        assert!(results.len() >= 4, "{results:?}");
        for result in results {
            assert_eq!(result.outcome, TestOutcome::Pass, "{}", result.name);
        }
    }
}

/// In the way of fastgeoapi's own sample: Rego v0, `import input`, a path without context.
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
    let settings = RegoSettings {
        entrypoint: "httpapi/authz/allow".to_owned(),
        dialect: Dialect::V0,
        ..settings()
    };
    let mut sources = Sources::default();
    sources.modules.insert("auth.rego".into(), SAMPLE.into());
    let policy = RegoPolicy::load(sources, &settings).unwrap();
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
            policy.evaluate(input.clone()),
            Ok(Some(json!(allowed))),
            "{input}"
        );
    }
}
