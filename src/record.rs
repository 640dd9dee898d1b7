//! One record of a decision: everything that is known of a request, filled in while it goes through its stops.
//!
//! The record belongs to the caller of the pipeline, so it is complete wherever the decision ends, also by a panic or by the
//! deadline. The answer, the log, `geowarden tail`, spans, metrics and Envoy's metadata are views of it; [`FACTS`] has the
//! name of each fact in each of them.

mod decision_id;
mod denial;
mod fact;
mod stops;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub use self::{
    denial::{Denial, ErrorFormat},
    fact::{FACTS, Fact, FactValue},
    stops::{Stop, Stops},
};
use crate::{
    identity::Principal,
    policy::{Verdict, VerdictSource},
    request::{CheckInput, ogc::Resource},
};

/// Bytes of a method, which the client chose, that are told: the longest one that is registered has 17.
const MAX_METHOD: usize = 32;

/// Bytes of Envoy's request id that are told: a client can choose it where Envoy lets it. A UUID has 36.
const MAX_REQUEST_ID: usize = 64;

/// What is known of a decision.
#[derive(Debug)]
pub struct DecisionRecord<'r> {
    /// The decision's id, a random UUID.
    pub id: String,
    /// When the Check began.
    pub begun: Instant,
    /// How long the decision took, once there is one.
    pub duration: Duration,
    /// How far the request has come.
    pub stops: Stops,
    /// The request, if Envoy's message could be read.
    pub request: Option<&'r CheckInput>,
    /// The tenant whose rules judge, where there are tenants.
    pub tenant: Option<Arc<str>>,
    /// The fingerprint of the policies and data that judge.
    pub policy_revision: Option<&'r str>,
    /// In which words the client is told of a denial.
    pub error_format: ErrorFormat,
    /// The resource, once read.
    pub resource: Option<Resource>,
    /// The caller, once known.
    pub principal: Option<Principal>,
    /// What the policy said, once it was asked.
    pub verdict: Option<Arc<Verdict>>,
    /// Where the verdict is from, or the fault in its place.
    pub verdict_source: Option<VerdictSource>,
    end: End,
}

/// How the decision ended.
#[derive(Debug)]
enum End {
    /// Not yet. Whoever looks at it now sees a denial.
    Undecided,
    Allowed,
    Denied(Box<Denial>),
}

impl<'r> DecisionRecord<'r> {
    /// A record of which nothing is known. With `are_stops_timed` the clock is asked at each stop.
    pub fn new(begun: Instant, are_stops_timed: bool) -> Self {
        Self {
            id: decision_id::decision_id(),
            begun,
            duration: Duration::ZERO,
            stops: Stops::new(are_stops_timed),
            request: None,
            tenant: None,
            policy_revision: None,
            error_format: ErrorFormat::default(),
            resource: None,
            principal: None,
            verdict: None,
            verdict_source: None,
            end: End::Undecided,
        }
    }

    /// The record of a request that is not timed.
    pub fn of(request: &'r CheckInput) -> Self {
        Self {
            request: Some(request),
            ..Self::new(Instant::now(), false)
        }
    }

    /// Notes that the request may pass. The answer to Envoy needs a permit of the pipeline as well.
    pub fn allow(&mut self) {
        self.end = End::Allowed;
    }

    /// Notes that the request is denied.
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

    /// The HTTP status of a denial; 200 stands for passing on.
    pub fn status(&self) -> u16 {
        self.denial().map_or(200, |denial| denial.status.get())
    }

    /// geowarden's own name for why; never a policy's words, which may name people.
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

    /// The verdict, if the decision is what it says: a policy that allows what pygeoapi cannot honour is not followed.
    pub fn followed_verdict(&self) -> Option<&Verdict> {
        let verdict = self.verdict.as_deref();
        verdict.filter(|verdict| verdict.allowed == self.is_allowed())
    }

    /// A sentence for the client whose request is denied: the policy's own, or else geowarden's.
    pub fn detail(&self) -> Option<&str> {
        let denial = self.denial()?;
        let words = self.followed_verdict().and_then(|v| v.reason.as_deref());
        Some(words.unwrap_or(&denial.detail))
    }

    /// The sentence for the log, which never quotes a secret.
    pub fn logged_detail(&self) -> Option<&str> {
        let logged = self.denial()?.logged.as_deref();
        logged.or_else(|| self.detail())
    }

    /// The HTTP method, cut off where it is too long; empty if the request could not be read.
    pub fn method(&self) -> &str {
        let method = self.request.map_or("", |request| &request.method);
        let end = method.floor_char_boundary(MAX_METHOD);
        method.get(..end).unwrap_or_default()
    }

    /// The id that Envoy gave the request (`x-request-id`), if it is there once and short visible ASCII.
    pub fn request_id(&self) -> Option<&str> {
        let id = self.request?.headers.one("x-request-id").ok().flatten()?;
        let is_shown = id.len() <= MAX_REQUEST_ID && id.iter().all(u8::is_ascii_graphic);
        str::from_utf8(id).ok().filter(|_| is_shown)
    }

    /// The kind of the caller's credential, once known.
    pub fn credential(&self) -> Option<&'static str> {
        self.principal.as_ref().map(|caller| caller.method.as_str())
    }

    /// The canonical path without its query: a query can hold anything, also a token.
    pub fn path(&self) -> Option<&str> {
        let path = self.resource.as_ref()?.canonical_path();
        path.split('?').next()
    }

    /// The facts that have a name in a view, which `name` finds.
    pub fn facts(
        &self,
        name: fn(&Fact) -> Option<&'static str>,
    ) -> impl Iterator<Item = (&'static str, FactValue<'_>)> {
        FACTS
            .iter()
            .filter_map(move |fact| Some((name(fact)?, fact.of(self)?)))
    }
}
