//! A policy tried out before it may decide: analysed, and evaluated for requests as they come.

use serde_json::{Map, Value, json};

use super::{
    super::{LoadError, Question, Sources, input},
    RegoPolicy, RegoSettings, Rules,
    engine::{Faithful, LOAD_LIMIT, on_large_stack},
};
use crate::{
    identity::{Method, Principal},
    request::{
        CheckInput, Headers,
        ogc::{Backend, RawRequest, Reader},
    },
};

/// Loads and tries a policy on this process's own account: whatever it does to the process, it does here. What it returns
/// is what was tried, in the texts that regorus was given.
pub fn prove(sources: Sources, settings: &RegoSettings) -> Result<Faithful, LoadError> {
    let settings = RegoSettings {
        // A trial on a busy machine may take its time; what never ends is ended all the same.
        timeout: LOAD_LIMIT,
        ..settings.clone()
    };
    on_large_stack(move || {
        let proven = Faithful::of(&sources, settings.dialect)?;
        // All of it at once, so that every rule is analysed; then as it will be evaluated.
        RegoPolicy::compile(&proven, String::new(), &settings, Rules::Whole)?;
        let policy = RegoPolicy::compile(&proven, String::new(), &settings, Rules::ByIndex)?;
        for principal in [Principal::anonymous(), bearer()] {
            for (method, target) in [("GET", "/collections/obs/items?limit=10"), ("GET", "/")] {
                if let Some(input) = asked(settings.input, method, target, &principal) {
                    // A refusal by an error is an answer. Only what ends or holds up this process counts.
                    let _ = policy.evaluate(&input);
                }
            }
        }
        Ok(proven)
    })
}

fn bearer() -> Principal {
    let claims: Map<String, Value> = [
        ("sub".to_owned(), json!("ada")),
        ("roles".to_owned(), json!(["reader"])),
        ("scope".to_owned(), json!("openid read")),
    ]
    .into_iter()
    .collect();
    Principal {
        method: Method::Jwt,
        subject: Some("ada".into()),
        claims: claims.into(),
        ..Principal::anonymous()
    }
}

/// What a policy is given of a request that pygeoapi answers.
fn asked(shape: input::Shape, method: &str, target: &str, principal: &Principal) -> Option<Value> {
    let reader = Reader::new("", Backend::Flask).ok()?;
    let headers: Headers = [("host", "maps.example.org")].into_iter().collect();
    let resource = reader
        .read(&RawRequest {
            method,
            target: target.as_bytes(),
            headers: &headers,
            body: b"",
        })
        .ok()?;
    let check = CheckInput {
        method: method.to_owned(),
        target: target.as_bytes().to_vec(),
        headers,
        ..CheckInput::default()
    };
    let question = Question {
        check: &check,
        resource: &resource,
        principal,
    };
    serde_json::to_value(shape.of(&question)).ok()
}
