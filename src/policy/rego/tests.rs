use std::{path::Path, time::Duration};

use geowarden_rego::{
    BuiltinErrors, EngineChoice, Settings,
    source::Version,
    test::{self, TestOutcome},
};

use super::*;
use crate::{
    identity::Principal,
    policy::source,
    request::{
        CheckInput, Headers,
        ogc::{Backend, RawRequest, Reader},
    },
};

fn settings() -> RegoSettings {
    RegoSettings {
        policy: Settings {
            entrypoint: "geowarden/authz/allow".into(),
            version: Version::V1,
            timeout: Duration::from_millis(250),
            builtin_errors: BuiltinErrors::Refuse,
            engine: EngineChoice::Auto,
        },
        input: input::Shape::Native,
        remembered: 0,
        print: false,
    }
}

#[test]
fn the_embedded_policy_opens_public_pages_only() {
    let policy = RegoPolicy::load(source::embedded_by_roles().unwrap(), &settings(), None).unwrap();
    for (target, allowed) in [
        ("/", true),
        ("/conformance", true),
        ("/collections/obs/items", false),
        ("/jobs", false),
    ] {
        assert_eq!(
            ask(&policy, target, "").unwrap().allowed,
            allowed,
            "{target}"
        );
    }
}

#[test]
fn a_revision_is_that_of_the_text() {
    let revision = |text: &str| remembering(text).revision().to_owned();
    let one = revision("package geowarden.authz\nallow := true");
    assert_eq!(one.len(), 16);
    assert_eq!(one, revision("package geowarden.authz\nallow := true"));
    assert_ne!(one, revision("package geowarden.authz\nallow := false"));
}

#[test]
fn the_shipped_policies_pass_their_tests() {
    for folder in ["policies/default", "policies/examples/company"] {
        let sources = source::load(&[Path::new(folder)]).unwrap();
        let (results, _) =
            test::run(sources, Version::V1, BuiltinErrors::Refuse, false, |_| true).unwrap();
        assert!(results.len() >= 4, "{results:?}");
        for result in results {
            assert_eq!(result.outcome, TestOutcome::Pass, "{}", result.name);
        }
    }
}

fn remembering(text: &str) -> RegoPolicy {
    let mut sources = Sources::default();
    sources.modules.insert("a.rego".into(), text.into());
    let settings = RegoSettings {
        remembered: 100,
        ..settings()
    };
    RegoPolicy::load(sources, &settings, None).unwrap()
}

/// Decides an anonymous GET of a target, with a value of the header `x-tier`.
fn ask(policy: &RegoPolicy, target: &str, header: &str) -> Result<Arc<Verdict>, PolicyError> {
    questioned(target, header, |question| policy.decide(question).verdict)
}

/// Calls `with` with the question that an anonymous GET asks.
fn questioned<T>(target: &str, header: &str, with: impl FnOnce(&Question<'_>) -> T) -> T {
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
            is_partial: false,
        })
        .unwrap();
    with(&Question {
        check: &check,
        resource: &resource,
        principal: &Principal::anonymous(),
    })
}

#[test]
fn after_a_slow_evaluation_only_a_remembered_verdict_is_given_at_once() {
    let policy = remembering("package geowarden.authz\nallow if input.ogc.collection == \"obs\"");
    let turn = |target: &str| {
        questioned(target, "", |question| match policy.turn(question) {
            Turn::Now => "now".to_owned(),
            Turn::Decided(judgement) => format!("{}", judgement.verdict.unwrap().allowed),
            Turn::After(_) => "after others".to_owned(),
        })
    };
    ask(&policy, "/collections/obs/items", "").unwrap();
    assert_eq!(turn("/collections/obs/items"), "now");
    policy.noted(SLOW_EVALUATION + Duration::from_millis(1));
    // The item is not read, so this is the same decision.
    assert_eq!(turn("/collections/obs/items/1"), "true");
    assert_eq!(turn("/collections/lakes/items"), "after others");
    for _ in 0..QUICK_EVALUATIONS {
        policy.noted(Duration::ZERO);
    }
    assert_eq!(turn("/collections/lakes/items"), "now");
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
        assert!(matches!(
            ask(&faulty, "/", "x"),
            Err(PolicyError::Rego(geowarden_rego::Fault::Evaluation(_)))
        ));
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
