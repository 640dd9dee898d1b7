//! One request through all its stops, on one screen. It cannot fail: every fault becomes a denial.

mod permit;

use std::sync::Arc;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};
use tracing::error;

pub use self::permit::Permit;
use crate::{
    authn,
    identity::Principal,
    policy::{Policy, Question, Verdict, VerdictSource},
    record::{DecisionRecord, Denial, ErrorFormat},
    request::{
        CheckInput,
        ogc::{NotHonoured, Reader, Resource},
    },
    status::DenialStatus,
};

/// Everything that one decision needs, replaced as a whole by a reload.
pub struct Rules {
    /// Reads what is asked of pygeoapi.
    pub reader: Reader,
    /// Finds out who asks.
    pub authn: Arc<authn::Chain>,
    /// Says whether it may be.
    pub policy: Arc<dyn Policy>,
    /// In which words a client is told of a denial.
    pub error_format: ErrorFormat,
}

/// Why a request is denied. Boxed, since most requests are not.
type Denied = Box<Denial>;

/// Decides one request: who asks, for what, and what the policy says of it. All of it is noted in `record`; there is a permit
/// if it is allowed.
pub async fn decide<'r>(
    rules: &'r Rules,
    check: &'r CheckInput,
    record: &mut DecisionRecord<'r>,
) -> Option<Permit<'r>> {
    note_rules(rules, record);
    let outcome = run(rules, check, record).await;
    note_outcome(outcome, record)
}

/// Decides one request of a caller who is known by other means than a credential: for trying policies out.
pub fn decide_as<'r>(
    rules: &'r Rules,
    check: &'r CheckInput,
    principal: Principal,
    record: &mut DecisionRecord<'r>,
) -> Option<Permit<'r>> {
    note_rules(rules, record);
    let outcome = read(rules, check).and_then(|resource| {
        record.stops.leave_read();
        record.stops.leave_authenticate();
        let question = Question {
            check,
            resource: record.resource.insert(resource),
            principal: record.principal.insert(principal),
        };
        judge(
            rules,
            &question,
            &mut record.verdict,
            &mut record.verdict_source,
        )
    });
    note_outcome(outcome, record)
}

fn note_rules<'r>(rules: &'r Rules, record: &mut DecisionRecord<'r>) {
    record.policy_revision = Some(rules.policy.revision());
    record.error_format = rules.error_format;
}

fn note_outcome<'r>(
    outcome: Result<Permit<'r>, Denied>,
    record: &mut DecisionRecord<'_>,
) -> Option<Permit<'r>> {
    match outcome {
        Ok(permit) => {
            record.allow();
            Some(permit)
        }
        Err(denial) => {
            record.deny(denial);
            None
        }
    }
}

async fn run<'r>(
    rules: &'r Rules,
    check: &CheckInput,
    record: &mut DecisionRecord<'_>,
) -> Result<Permit<'r>, Denied> {
    let resource = &*record.resource.insert(read(rules, check)?);
    record.stops.leave_read();
    let principal = rules.authn.authenticate(&check.headers).await;
    let principal = principal.map_err(|refusal| Box::new(unauthenticated(&refusal)))?;
    let principal = &*record.principal.insert(principal);
    record.stops.leave_authenticate();
    let question = Question {
        check,
        resource,
        principal,
    };
    let (verdict, source) = (&mut record.verdict, &mut record.verdict_source);
    let mut judge = || judge(rules, &question, verdict, source);
    let Some(lane) = rules.policy.lane(&question) else {
        return judge();
    };
    // A slow policy must not hold up the requests that wait behind it on this thread.
    let _turn = lane.acquire().await;
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => block_in_place(judge),
        _ => judge(),
    }
}

fn read(rules: &Rules, check: &CheckInput) -> Result<Resource, Denied> {
    rules.reader.read(&check.raw_request()).map_err(|refusal| {
        let (code, detail) = (refusal.rule().as_str(), refusal.detail().to_owned());
        Box::new(Denial {
            logged: Some(refusal.logged().to_owned()),
            ..Denial::new(DenialStatus::BAD_REQUEST, code, detail)
        })
    })
}

fn unauthenticated(refusal: &authn::Refusal) -> Denial {
    let (status, code) = (refusal.status(), refusal.kind().as_str());
    Denial {
        challenges: refusal.challenges().to_vec(),
        cause: refusal.cause().map(str::to_owned),
        ..Denial::new(status, code, refusal.detail())
    }
}

fn judge<'r>(
    rules: &'r Rules,
    question: &Question<'_>,
    noted: &mut Option<Arc<Verdict>>,
    source: &mut Option<VerdictSource>,
) -> Result<Permit<'r>, Denied> {
    let judgement = rules.policy.decide(question);
    *source = Some(judgement.source);
    let verdict = judgement.verdict.map_err(|fault| {
        error!(fault = %fault, "the policy gave no verdict");
        let detail = "The policy could not be evaluated";
        let denial = Denial::new(DenialStatus::SERVICE_UNAVAILABLE, fault.as_str(), detail);
        Box::new(denial.because(&fault))
    })?;
    let verdict = &*noted.insert(verdict);
    if !verdict.allowed {
        return Err(Box::new(denied(rules, question.principal, verdict)));
    }
    let path =
        changed_path(question.resource, verdict).map_err(|cause| Box::new(not_honoured(&cause)))?;
    Ok(Permit::grant(
        path,
        rules.authn.credential_headers(question.principal),
    ))
}

/// The path with the query parameters that the policy set and removed, if there are any.
fn changed_path(resource: &Resource, verdict: &Verdict) -> Result<Option<String>, NotHonoured> {
    let (set, remove) = (
        &verdict.query_parameters_to_set,
        &verdict.query_parameters_to_remove,
    );
    if set.is_empty() && remove.is_empty() {
        return Ok(None);
    }
    resource.canonical_path_with(set, remove).map(Some)
}

/// What the policy asks of pygeoapi must happen, or the request does not pass.
fn not_honoured(cause: &NotHonoured) -> Denial {
    error!(%cause, "the policy asks for what pygeoapi would not do");
    let denial = Denial::new(
        DenialStatus::SERVICE_UNAVAILABLE,
        "policy-not-honoured",
        "The policy could not be applied",
    );
    denial.because(cause)
}

/// A stranger may try with a credential, 401, where there is a way to show one and the policy does not choose otherwise. All
/// others may not, 403.
fn denied(rules: &Rules, principal: &Principal, verdict: &Verdict) -> Denial {
    let challenges = rules.authn.challenges();
    let is_to_try = !principal.is_authenticated() && !challenges.is_empty();
    match verdict.http_status {
        None if is_to_try => Denial {
            challenges,
            ..Denial::new(
                DenialStatus::UNAUTHORIZED,
                "credential-required",
                "This needs a credential",
            )
        },
        chosen => {
            let status = chosen.unwrap_or(DenialStatus::FORBIDDEN);
            let denial = Denial::new(status, "policy-denied", "The policy does not allow this");
            // A 401 of the policy's own says how to try (RFC 9110, section 15.5.2).
            let says_how = status == DenialStatus::UNAUTHORIZED;
            Denial {
                challenges: if says_how { challenges } else { Vec::new() },
                ..denial
            }
        }
    }
}
