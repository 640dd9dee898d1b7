//! One request through all its stops, on one screen. It cannot fail: every fault becomes a refusal.

pub mod decision;
mod decision_id;
mod granted;
pub mod stops;

pub use self::granted::DECISION_ID;

use std::sync::Arc;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};
use tracing::error;

use self::{
    decision::{Decision, Denial, Permit, Refusals},
    decision_id::decision_id,
    stops::Stops,
};
use crate::{
    authn,
    identity::Principal,
    policy::{Policy, Question, Verdict},
    request::{
        CheckInput, Headers,
        ogc::{Reader, Resource},
    },
};

/// Everything that one decision needs, replaced as a whole by a reload.
pub struct Rules {
    /// Reads what is asked of pygeoapi.
    pub reader: Reader,
    /// Finds out who asks.
    pub authn: Arc<authn::Chain>,
    /// Says whether it may be.
    pub policy: Arc<dyn Policy>,
    /// In whose words a refusal is told.
    pub refusals: Refusals,
}

/// A decision and what is known of its request, for the answer, the log and the metrics.
#[derive(Debug)]
pub struct Decided {
    /// The decision's id, a random UUID.
    pub id: String,
    /// Allow or deny.
    pub decision: Decision,
    /// The caller, once known.
    pub principal: Option<Principal>,
    /// The resource, once read.
    pub resource: Option<Resource>,
    /// The reason: the policy's own, or a name of ours.
    pub reason: String,
    /// In whose words a refusal is told.
    pub refusals: Refusals,
    /// Whether a browser asked for a page, so that a refusal is best one too.
    pub is_for_a_person: bool,
    /// The tenant whose rules judged, where there are tenants.
    pub tenant: Option<Arc<str>>,
}

impl Decided {
    /// What is known of the decision, by the names that logs and dynamic metadata use.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let principal = self.principal.as_ref();
        let resource = self.resource.as_ref();
        [
            ("decision_id", Some(self.id.as_str())),
            ("outcome", Some(self.decision.outcome())),
            ("reason", Some(&*self.reason)),
            ("tenant", self.tenant.as_deref()),
            ("method", principal.map(|p| p.method.as_str())),
            ("subject", principal.and_then(|p| p.subject.as_deref())),
            ("api", resource.map(Resource::api)),
            ("operation", resource.map(Resource::operation)),
            ("collection", resource.and_then(Resource::collection)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Decides one request: who asks, for what, and what the policy says of it.
pub async fn decide(rules: &Rules, check: &CheckInput) -> Decided {
    decide_timed(rules, check, &mut Stops::default()).await
}

/// The same, noting in `stops` how far it has come, for those who give it up as well.
pub async fn decide_timed(rules: &Rules, check: &CheckInput, stops: &mut Stops) -> Decided {
    let mut decided = undecided(rules, check);
    let outcome = run(rules, check, &mut decided, stops).await;
    concluded(decided, outcome)
}

/// Decides one request of a caller who is known by other means than a credential: for trying policies out.
pub fn decide_as(rules: &Rules, check: &CheckInput, principal: Principal) -> Decided {
    let mut decided = undecided(rules, check);
    let principal = &*decided.principal.insert(principal);
    let outcome = match read(rules, check) {
        Ok(resource) => {
            let resource = &*decided.resource.insert(resource);
            let question = Question {
                check,
                resource,
                principal,
            };
            judge(rules, &question, &decided.id, &mut decided.reason)
        }
        Err(denial) => Err(denial),
    };
    concluded(decided, outcome)
}

fn undecided(rules: &Rules, check: &CheckInput) -> Decided {
    Decided {
        id: decision_id(),
        decision: Decision::Deny(Denial::default()),
        principal: None,
        resource: None,
        reason: String::new(),
        refusals: rules.refusals,
        is_for_a_person: check.method == "GET" && accepts_html(&check.headers),
        tenant: None,
    }
}

fn concluded(mut decided: Decided, outcome: Result<Permit, Box<Denial>>) -> Decided {
    decided.decision = match outcome {
        Ok(permit) => Decision::Allow(permit),
        Err(denial) => {
            if decided.reason.is_empty() {
                denial.reason.clone_into(&mut decided.reason);
            }
            Decision::Deny(*denial)
        }
    };
    decided
}

/// Browsers name HTML when they open a page; API clients and scripts do not.
fn accepts_html(headers: &Headers) -> bool {
    headers
        .all("accept")
        .any(|value| value.windows(9).any(|part| matches!(part, b"text/html")))
}

/// A refusal of something that never got as far as the rules.
pub fn refuse(denial: Denial) -> Decided {
    Decided {
        id: decision_id(),
        principal: None,
        resource: None,
        reason: denial.reason.to_owned(),
        refusals: Refusals::default(),
        is_for_a_person: false,
        tenant: None,
        decision: Decision::Deny(denial),
    }
}

async fn run(
    rules: &Rules,
    check: &CheckInput,
    decided: &mut Decided,
    stops: &mut Stops,
) -> Result<Permit, Box<Denial>> {
    let resource = &*decided.resource.insert(read(rules, check)?);
    stops.leave_read();
    let principal = rules.authn.authenticate(&check.headers).await;
    let principal = principal.map_err(|refusal| Box::new(unauthenticated(&refusal)))?;
    let principal = &*decided.principal.insert(principal);
    stops.leave_authenticated();
    let question = Question {
        check,
        resource,
        principal,
    };
    let (id, reason) = (&decided.id, &mut decided.reason);
    let mut judge = || judge(rules, &question, id, reason);
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

fn judge(
    rules: &Rules,
    question: &Question<'_>,
    id: &str,
    reason: &mut String,
) -> Result<Permit, Box<Denial>> {
    let verdict = rules.policy.decide(question).map_err(|fault| {
        error!(fault = %fault, "the policy gave no verdict");
        Box::new(Denial {
            status: 503,
            reason: fault.as_str(),
            detail: "The policy could not be evaluated".to_owned(),
            cause: Some(fault.to_string()),
            ..Denial::default()
        })
    })?;
    if let Some(words) = &verdict.reason {
        reason.clone_from(words);
    }
    if !verdict.allowed {
        return Err(Box::new(refused(rules, question.principal, &verdict)));
    }
    if reason.is_empty() {
        "policy-allowed".clone_into(reason);
    }
    granted::permit(rules, question, &verdict, id)
}

fn read(rules: &Rules, check: &CheckInput) -> Result<Resource, Box<Denial>> {
    rules.reader.read(&check.raw_request()).map_err(|refusal| {
        Box::new(Denial {
            status: 400,
            reason: refusal.rule().as_str(),
            detail: refusal.detail().to_owned(),
            logged: Some(refusal.logged().to_owned()),
            ..Denial::default()
        })
    })
}

fn unauthenticated(refusal: &authn::Refusal) -> Denial {
    Denial {
        status: refusal.status(),
        reason: refusal.kind().as_str(),
        detail: refusal.detail().to_owned(),
        headers: challenges(refusal.challenges()),
        cause: refusal.cause().map(str::to_owned),
        ..Denial::default()
    }
}

fn challenges(challenges: &[String]) -> Vec<(String, String)> {
    challenges
        .iter()
        .map(|challenge| ("www-authenticate".to_owned(), challenge.clone()))
        .collect()
}

/// A stranger may try with a credential, 401, where there is a way to show one and the policy does not choose otherwise. All
/// others may not, 403.
fn refused(rules: &Rules, principal: &Principal, verdict: &Verdict) -> Denial {
    let challenges = challenges(&rules.authn.challenges());
    let is_to_try = !principal.is_authenticated() && !challenges.is_empty();
    let mut denial = match verdict.http_status {
        None if is_to_try => Denial {
            status: 401,
            reason: "credential-required",
            detail: "This needs a credential".to_owned(),
            headers: challenges,
            ..Denial::default()
        },
        chosen => Denial {
            status: chosen.unwrap_or(403),
            reason: "policy-denied",
            detail: "The policy does not allow this".to_owned(),
            // A 401 of the policy's own says how to try (RFC 9110, section 15.5.2).
            headers: if chosen == Some(401) {
                challenges
            } else {
                Vec::new()
            },
            ..Denial::default()
        },
    };
    if let Some(reason) = &verdict.reason {
        denial.detail.clone_from(reason);
    }
    denial.headers.extend(verdict.headers.iter().cloned());
    denial.body.clone_from(&verdict.body);
    denial.metadata.clone_from(&verdict.dynamic_metadata);
    denial
}
