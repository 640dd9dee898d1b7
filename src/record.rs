//! The record of a decision: everything that is known about a request. Each stop adds what it finds.
//!
//! The record belongs to the caller of the pipeline, so it stays complete if a decision ends by a panic or the
//! deadline. The answer, the log, `geowarden tail`, spans, metrics and Envoy's metadata are views of it. [`FACTS`] has
//! the name of each fact in each view.

mod decision_id;
mod denial;
mod fact;
mod often_credentials;
mod recorded_input;
mod stops;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub use self::{
    denial::{Denial, FastgeoapiMode},
    fact::{FACTS, Fact, FactValue},
    often_credentials::CREDENTIAL_PARAMETERS,
    recorded_input::{InputScope, RecordedInput},
    stops::{Stop, Stops},
};
use crate::{
    identity::Principal,
    policy::{Verdict, VerdictSource},
    request::{CheckInput, REQUEST_ID, ogc::Resource},
};

/// The longest method that is shown, in bytes. The client chooses the method; the longest registered one has 17.
const MAX_METHOD: usize = 32;

/// The longest request id that is shown, in bytes. Clients can choose it, if Envoy allows that. A UUID has 36.
const MAX_REQUEST_ID: usize = 64;

/// Everything that is known about a decision.
#[derive(Debug)]
pub struct DecisionRecord<'r> {
    /// The decision's id, a random UUID.
    pub id: String,
    /// When the Check arrived.
    pub begun: Instant,
    /// How long the decision took; `None` before the end.
    pub duration: Duration,
    /// The stop that the request has reached.
    pub stops: Stops,
    /// The request, if Envoy's message could be read.
    pub request: Option<&'r CheckInput>,
    /// The tenant, if tenants are configured.
    pub tenant: Option<Arc<str>>,
    /// The fingerprint of the policies and data.
    pub policy_revision: Option<&'r str>,
    /// The mode of fastgeoapi whose bodies denials have; `None` for problem documents.
    pub fastgeoapi: Option<FastgeoapiMode>,
    /// The resource, once the request was read.
    pub resource: Option<Resource>,
    /// The caller, once authenticated.
    pub principal: Option<Principal>,
    /// The verdict, once the policy was asked.
    pub verdict: Option<Arc<Verdict>>,
    /// Where the verdict came from, or the error instead.
    pub verdict_source: Option<VerdictSource>,
    /// What the policy printed, a line each, where `policy.print` is set.
    pub printed: Option<String>,
    /// What the policy was given, if somebody wants it.
    pub input: Option<RecordedInput>,
    end: End,
}

/// The outcome of a decision.
#[derive(Debug)]
enum End {
    /// Not decided yet. This counts as a denial.
    Undecided,
    Allowed,
    Denied(Box<Denial>),
}

impl<'r> DecisionRecord<'r> {
    /// An empty record. With `are_stops_timed`, the time of each stop is recorded.
    pub fn new(begun: Instant, are_stops_timed: bool) -> Self {
        Self {
            id: decision_id::decision_id(),
            begun,
            duration: Duration::ZERO,
            stops: Stops::new(are_stops_timed),
            request: None,
            tenant: None,
            policy_revision: None,
            fastgeoapi: None,
            resource: None,
            principal: None,
            verdict: None,
            verdict_source: None,
            printed: None,
            input: None,
            end: End::Undecided,
        }
    }

    /// The record of a request without times.
    pub fn of(request: &'r CheckInput) -> Self {
        Self {
            request: Some(request),
            ..Self::new(Instant::now(), false)
        }
    }

    /// Records that the request is allowed. The answer to Envoy needs a permit of the pipeline as well.
    pub fn allow(&mut self) {
        self.end = End::Allowed;
    }

    /// Records that the request is denied.
    pub fn deny(&mut self, denial: impl Into<Box<Denial>>) {
        self.end = End::Denied(denial.into());
    }

    /// Why the request is denied; `None` if it is allowed.
    pub fn denial(&self) -> Option<&Denial> {
        match &self.end {
            End::Undecided => Some(&denial::UNDECIDED),
            End::Allowed => None,
            End::Denied(denial) => Some(denial),
        }
    }

    /// Whether the request may pass.
    pub fn is_allowed(&self) -> bool {
        self.denial().is_none()
    }

    /// `allow` or `deny`.
    pub fn outcome(&self) -> &'static str {
        if self.is_allowed() { "allow" } else { "deny" }
    }

    /// The HTTP status of a denial; 200 for an allowed request.
    pub fn status(&self) -> u16 {
        self.denial().map_or(200, |denial| denial.status.get())
    }

    /// geowarden's own name for the reason. It never contains the policy's words, which may name people.
    pub fn code(&self) -> &'static str {
        self.denial().map_or("policy-allowed", |denial| denial.code)
    }

    /// The reason: the policy's own, or else the code.
    pub fn reason(&self) -> &str {
        let words = self.verdict.as_ref().and_then(|v| v.reason.as_deref());
        match words {
            None | Some("") => self.code(),
            Some(words) => words,
        }
    }

    /// The verdict, if the decision follows it. It does not if pygeoapi cannot honour the verdict.
    pub fn followed_verdict(&self) -> Option<&Verdict> {
        let verdict = self.verdict.as_deref();
        verdict.filter(|verdict| verdict.allowed == self.is_allowed())
    }

    /// The sentence for a denied client: the policy's own, or else geowarden's.
    pub fn detail(&self) -> Option<&str> {
        let denial = self.denial()?;
        let words = self.followed_verdict().and_then(|verdict| {
            let for_user = verdict.reason_user.as_deref();
            for_user.or(verdict.reason.as_deref())
        });
        Some(words.unwrap_or(&denial.detail))
    }

    /// The sentence for the log. It never quotes a secret.
    pub fn logged_detail(&self) -> Option<&str> {
        let logged = self.denial()?.logged.as_deref();
        logged.or_else(|| self.detail())
    }

    /// The HTTP method, shortened if it is too long; empty if the request could not be read.
    pub fn method(&self) -> &str {
        let method = self.request.map_or("", |request| &request.method);
        let end = method.floor_char_boundary(MAX_METHOD);
        method.get(..end).unwrap_or_default()
    }

    /// The id that Envoy gave the request (`x-request-id`), if there is exactly one and it is short visible ASCII.
    pub fn request_id(&self) -> Option<&str> {
        let id = self.request?.headers.one(REQUEST_ID).ok().flatten()?;
        let is_shown = id.len() <= MAX_REQUEST_ID && id.iter().all(u8::is_ascii_graphic);
        str::from_utf8(id).ok().filter(|_| is_shown)
    }

    /// The kind of the caller's credential, once verified.
    pub fn credential(&self) -> Option<&'static str> {
        self.principal
            .as_ref()
            .map(|caller| caller.credential.as_str())
    }

    /// The canonical path without its query. A query can contain anything, even a token.
    pub fn path(&self) -> Option<&str> {
        let path = self.resource.as_ref()?.canonical_path();
        path.split('?').next()
    }

    /// The facts of one view. `name` returns the name of a fact in that view.
    pub fn facts(
        &self,
        name: fn(&Fact) -> Option<&'static str>,
    ) -> impl Iterator<Item = (&'static str, FactValue<'_>)> {
        FACTS
            .iter()
            .filter_map(move |fact| Some((name(fact)?, fact.of(self)?)))
    }
}
