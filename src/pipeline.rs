//! One request through all its stops. The pipeline cannot fail: every error becomes a denial.

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
    policy::{Judgement, Policy, Question, Turn, Verdict, VerdictSource},
    record::{DecisionRecord, Denial, FastgeoapiMode, InputScope, RecordedInput},
    request::{
        CheckInput,
        ogc::{NotHonoured, Reader, Resource},
    },
    status::DenialStatus,
};

/// Everything that a decision needs. A reload replaces it as a whole.
pub struct Rules {
    /// Reads the request to pygeoapi.
    pub reader: Reader,
    /// Authenticates the caller.
    pub authn: Arc<authn::Chain>,
    /// The policy.
    pub policy: Arc<dyn Policy>,
    /// The mode of fastgeoapi whose bodies denials have; `None` for problem documents.
    pub fastgeoapi: Option<FastgeoapiMode>,
}

/// A denial. It is boxed, since most requests are allowed.
type Denied = Box<Denial>;

/// Decides one request: reads the request, authenticates the caller, and asks the policy. Everything found is written
/// to `record`. Returns a permit if the request is allowed.
pub async fn decide<'r>(
    rules: &'r Rules,
    check: &'r CheckInput,
    record: &mut DecisionRecord<'r>,
) -> Option<Permit<'r>> {
    note_rules(rules, record);
    let outcome = run(rules, check, record).await;
    note_outcome(outcome, record)
}

/// Decides one request for a given caller, without checking a credential: to try policies.
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
            rules.policy.decide(&question),
            &mut record.verdict,
            &mut record.verdict_source,
            &mut record.printed,
        )
    });
    note_outcome(outcome, record)
}

/// Writes what the policy was given to `record`, without credentials, if the policy was asked.
pub fn note_input(rules: &Rules, scope: InputScope, record: &mut DecisionRecord<'_>) {
    let (Some(check), Some(resource), Some(principal)) =
        (record.request, &record.resource, &record.principal)
    else {
        return;
    };
    let question = Question {
        check,
        resource,
        principal,
    };
    let input = match scope {
        InputScope::Reads => rules.policy.read_input(&question),
        InputScope::Full => rules.policy.shown(&question),
    };
    let credentials = rules.authn.credential_headers();
    record.input = Some(RecordedInput::new(scope, input, &credentials));
}

/// Writes to `record` which rules judge the request, and in whose words a denial is answered.
pub fn note_rules<'r>(rules: &'r Rules, record: &mut DecisionRecord<'r>) {
    // First the words of the tenant, in which every later denial is answered.
    record.fastgeoapi = rules.fastgeoapi;
    record.policy_revision = Some(rules.policy.revision());
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
    let principal = rules.authn.authenticate(check).await;
    let principal = principal.map_err(|refusal| Box::new(unauthenticated(&refusal)))?;
    let principal = &*record.principal.insert(principal);
    record.stops.leave_authenticate();
    let question = Question {
        check,
        resource,
        principal,
    };
    let decide = || rules.policy.decide(&question);
    let judgement = match rules.policy.turn(&question) {
        Turn::Now => decide(),
        Turn::Decided(judgement) => judgement,
        Turn::After(semaphore) => {
            // A slow policy must not delay the other requests on this thread.
            let _turn = semaphore.acquire().await;
            match Handle::current().runtime_flavor() {
                RuntimeFlavor::MultiThread => block_in_place(decide),
                _ => decide(),
            }
        }
    };
    let (verdict, source) = (&mut record.verdict, &mut record.verdict_source);
    let printed = &mut record.printed;
    judge(rules, &question, judgement, verdict, source, printed)
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

fn unauthenticated(refusal: &authn::AuthnError) -> Denial {
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
    judgement: Judgement,
    noted: &mut Option<Arc<Verdict>>,
    source: &mut Option<VerdictSource>,
    printed: &mut Option<String>,
) -> Result<Permit<'r>, Denied> {
    *source = Some(judgement.source);
    if !judgement.printed.is_empty() {
        *printed = Some(judgement.printed.join("\n"));
    }
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
        rules.authn.removal(question.check, question.principal),
    ))
}

/// The path with the query parameters that the policy set or removed, if there are any.
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

/// If pygeoapi would not do what the policy demands, the request is denied.
fn not_honoured(cause: &NotHonoured) -> Denial {
    error!(%cause, "pygeoapi would not do what the policy asks for");
    let denial = Denial::new(
        DenialStatus::SERVICE_UNAVAILABLE,
        "policy-not-honoured",
        "The policy could not be applied",
    );
    denial.because(cause)
}

/// A caller without a credential gets 401, if credentials are configured and the policy does not choose another status.
/// All others get 403.
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
            // If the policy itself answers 401, add the challenges (RFC 9110, section 15.5.2).
            let says_how = status == DenialStatus::UNAUTHORIZED;
            Denial {
                challenges: if says_how { challenges } else { Vec::new() },
                ..denial
            }
        }
    }
}
