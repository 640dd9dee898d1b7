//! One line a decision.

use std::time::Duration;

use tracing::info;

use crate::{
    config::LoggedDecisions,
    pipeline::{Decided, decision::Decision},
    request::ogc::Resource,
};

/// Logs `decided`, unless decisions of its kind are not wanted.
pub fn record(wanted: LoggedDecisions, decided: &Decided, method: &str, duration: Duration) {
    let denial = match &decided.decision {
        Decision::Allow(_) => None,
        Decision::Deny(denial) => Some(denial),
    };
    match wanted {
        LoggedDecisions::None => return,
        LoggedDecisions::Denied if denial.is_none() => return,
        LoggedDecisions::Denied | LoggedDecisions::All => {}
    }
    let principal = decided.principal.as_ref();
    let resource = decided.resource.as_ref();
    info!(
        target: "geowarden::decision",
        decision_id = %decided.id,
        outcome = decided.decision.outcome(),
        status = decided.decision.status(),
        reason = %decided.reason,
        tenant = decided.tenant.as_deref(),
        method,
        principal = principal.map(|p| p.method.as_str()),
        subject = principal.and_then(|p| p.subject.as_deref()),
        issuer = principal.and_then(|p| p.issuer.as_deref()),
        api = resource.map(Resource::api),
        operation = resource.map(Resource::operation),
        collection = resource.and_then(Resource::collection),
        detail = denial.map(|d| d.detail.as_str()),
        cause = denial.and_then(|d| d.cause.as_deref()),
        duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        "decision"
    );
}
