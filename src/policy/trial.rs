//! Tries a policy in another process, `geowarden prove`, before it is put in force. A policy that crashes a process
//! crashes that one.

use std::{path::Path, process::Command};

use geowarden_rego::{
    LoadError, Sources,
    prove::{Limits, Proof, ProofError, Prover, Trial},
};
use serde_json::{Map, Value, json};

use super::{Question, RegoSettings, input};
use crate::{
    identity::{CredentialKind, Principal},
    request::{
        CheckInput, Headers,
        ogc::{Backend, RawRequest, Reader},
    },
};

/// Starts the process that tries policies. `program` is a geowarden, usually the running one.
pub fn prover(program: &Path, limits: Limits) -> Prover {
    let program = program.to_path_buf();
    let command = move || {
        let mut command = Command::new(&program);
        command
            .arg("prove")
            .args(["--memory", &limits.memory.to_string()])
            .args(["--seconds", &limits.time.as_secs().max(1).to_string()])
            .env_clear()
            // This makes the allocator reserve less memory: it would reserve one GiB of addresses, which counts against
            // the limit.
            .env("MIMALLOC_ARENA_RESERVE", "64MiB");
        command
    };
    Prover::new(command, limits)
}

/// Tries a policy with the inputs of typical requests.
pub(super) fn prove(
    prover: &Prover,
    sources: Sources,
    settings: &RegoSettings,
) -> Result<Proof, LoadError> {
    let trial = Trial {
        sources,
        settings: settings.policy.clone(),
        inputs: inputs(settings.input),
    };
    prover.prove(trial).map_err(|error| match error {
        ProofError::Refused(error) => error,
        ProofError::TooSlow(_) => {
            LoadError::Unusable(format!("{error}; `policy.load_timeout` sets the limit"))
        }
        other => LoadError::Unusable(other.to_string()),
    })
}

/// The inputs of an anonymous caller and of the bearer of a token.
fn inputs(shape: input::Shape) -> Vec<Value> {
    let mut inputs = Vec::new();
    for principal in [Principal::anonymous(), bearer()] {
        for target in ["/collections/obs/items?limit=10", "/"] {
            inputs.extend(asked(shape, target, &principal));
        }
    }
    inputs
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
        credential: CredentialKind::Jwt,
        subject: Some("ada".into()),
        claims: claims.into(),
        ..Principal::anonymous()
    }
}

/// The input of a request that pygeoapi would answer.
fn asked(shape: input::Shape, target: &str, principal: &Principal) -> Option<Value> {
    let reader = Reader::new("", Backend::Flask).ok()?;
    let headers: Headers = [("host", "maps.example.org")].into_iter().collect();
    let resource = reader
        .read(&RawRequest {
            method: "GET",
            target: target.as_bytes(),
            headers: &headers,
            body: b"",
            is_partial: false,
        })
        .ok()?;
    let check = CheckInput {
        method: "GET".to_owned(),
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
