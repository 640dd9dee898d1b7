use std::path::Path;

use serde_json::json;

use super::*;
use crate::{
    identity::Principal,
    request::{
        CheckInput, Headers,
        ogc::{Backend, RawRequest, Reader},
    },
};

fn settings() -> RegoSettings {
    RegoSettings {
        entrypoint: "geowarden/authz/allow".into(),
        dialect: Dialect::V1,
        timeout: Duration::from_millis(250),
        input: input::Shape::Native,
        remembered: 0,
    }
}

fn load(text: &str) -> Result<RegoPolicy, LoadError> {
    let mut sources = Sources::default();
    sources.modules.insert("a.rego".into(), text.into());
    RegoPolicy::load(sources, &settings())
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
    // Without strict errors the failing built-in would be undefined and its negation true.
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
    assert!(start.elapsed() < engine::LOAD_LIMIT);
    // The engine that was interrupted is not used again.
    assert_eq!(
        policy.evaluate(&serde_json::json!({"n": 1, "x": 1})),
        Ok(None)
    );
}

#[test]
fn a_panic_is_a_refusal() {
    let outcome = evaluate(
        "allow if time.parse_ns(input.a, input.b) == 0",
        &serde_json::json!({"a": "2006-é", "b": "2006-é"}),
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
            policy.evaluate(&input.clone()),
            Ok(Some(json!(allowed))),
            "{input}"
        );
    }
}

fn remembering(text: &str) -> RegoPolicy {
    let mut sources = Sources::default();
    sources.modules.insert("a.rego".into(), text.into());
    let settings = RegoSettings {
        remembered: 100,
        ..settings()
    };
    RegoPolicy::load(sources, &settings).unwrap()
}

/// Asks as a caller of a method and a collection would.
fn ask(policy: &RegoPolicy, target: &str, header: &str) -> Result<Arc<Verdict>, Fault> {
    let reader = Reader::new("", Backend::Flask).unwrap();
    let headers: Headers = [("x-tier", header)].into_iter().collect();
    let check = CheckInput {
        method: "GET".to_owned(),
        target: target.as_bytes().to_vec(),
        headers: headers.clone(),
        ..CheckInput::default()
    };
    let resource = reader
        .read(&RawRequest {
            method: "GET",
            target: target.as_bytes(),
            headers: &headers,
            body: b"",
        })
        .unwrap();
    policy.decide(&Question {
        check: &check,
        resource: &resource,
        principal: &Principal::anonymous(),
    })
}

fn remembered(policy: &RegoPolicy) -> usize {
    policy.memo.as_ref().map_or(0, Memo::len)
}

#[test]
fn a_verdict_is_remembered_by_what_the_policy_can_read() {
    let policy = remembering(
        "package geowarden.authz\nallow if { input.ogc.collection == \"obs\"; input.request.headers[\"x-tier\"] == \"gold\" }",
    );
    for _ in 0..2 {
        for (target, tier, allowed) in [
            ("/collections/obs/items", "gold", true),
            // Neither the item nor the limit is read.
            ("/collections/obs/items?limit=2", "gold", true),
            ("/collections/obs/items/1", "gold", true),
            ("/collections/obs/items", "silver", false),
            ("/collections/lakes/items", "gold", false),
            // No collection at all.
            ("/collections", "gold", false),
        ] {
            let verdict = ask(&policy, target, tier).unwrap();
            assert_eq!(verdict.allowed, allowed, "{target} {tier}");
        }
    }
    assert_eq!(remembered(&policy), 4);
}

#[test]
fn nothing_is_remembered_of_what_can_change_by_itself() {
    let by_time = remembering("package geowarden.authz\nallow if time.now_ns() > 0");
    assert!(ask(&by_time, "/", "").unwrap().allowed);
    assert!(by_time.memo.is_none());
    let faulty = remembering(
        "package geowarden.authz\nallow if to_number(input.request.headers[\"x-tier\"]) == 1",
    );
    for _ in 0..2 {
        assert!(matches!(ask(&faulty, "/", "x"), Err(Fault::Evaluation(_))));
        assert!(ask(&faulty, "/", "1").unwrap().allowed);
    }
    assert_eq!(remembered(&faulty), 1);
}

#[test]
fn a_remembered_verdict_says_all_that_it_said_at_first() {
    let policy = remembering(
        "package geowarden.authz\nallow := {\"allowed\": true, \"reason\": input.ogc.api, \"headers\": {\"x-a\": \"b\"}}",
    );
    let first = ask(&policy, "/conformance", "").unwrap();
    assert_eq!(first.reason.as_deref(), Some("conformance"));
    assert_eq!(ask(&policy, "/conformance", "").unwrap(), first);
    assert_eq!(
        ask(&policy, "/", "").unwrap().reason.as_deref(),
        Some("landing")
    );
}

#[test]
fn what_is_remembered_is_bounded() {
    let policy = remembering("package geowarden.authz\nallow if input.request.path != \"\"");
    for item in 0..1000 {
        let target = format!("/collections/obs/items/{item}");
        assert!(ask(&policy, &target, "").unwrap().allowed);
    }
    assert!(remembered(&policy) <= 100);
}

/// A policy of the corpus with its input, by what OPA answers elsewhere.
fn corpus() -> Vec<(Sources, RegoSettings, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/rego.jsonl");
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
            let settings = RegoSettings {
                entrypoint: case["entrypoint"].as_str().unwrap().to_owned(),
                dialect: if is_old { Dialect::V0 } else { Dialect::V1 },
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
        let Ok(mut policy) = RegoPolicy::load(sources.clone(), &settings) else {
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
