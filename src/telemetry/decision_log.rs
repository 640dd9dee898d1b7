//! One line a decision.

use std::{io::Write, time::Duration};

use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use tracing::info;

use crate::{
    config::LoggedDecisions,
    pipeline::{
        Decided,
        decision::{Decision, Denial},
    },
    request::ogc::Resource,
    telemetry::logging,
};

const TARGET: &str = "geowarden::decision";
const MESSAGE: &str = "decision";

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
    let line = Line::of(decided, denial, method, duration);
    match logging::json_lines() {
        // A line of its own making takes half of what the same line takes by way of tracing.
        Some(writer) => line.write(writer),
        None => line.tell(),
    }
}

/// What a decision's line says. Its members stand in this order in a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    decision_id: &'a str,
    outcome: &'static str,
    status: u16,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    duration_us: u64,
}

/// A line as tracing's own JSON has it.
#[derive(Serialize)]
struct Json<'a> {
    timestamp: &'a str,
    level: &'static str,
    message: &'static str,
    #[serde(flatten)]
    line: &'a Line<'a>,
    target: &'static str,
}

impl<'a> Line<'a> {
    fn of(
        decided: &'a Decided,
        denial: Option<&'a Denial>,
        method: &'a str,
        duration: Duration,
    ) -> Self {
        let principal = decided.principal.as_ref();
        let resource = decided.resource.as_ref();
        Self {
            decision_id: &decided.id,
            outcome: decided.decision.outcome(),
            status: decided.decision.status(),
            reason: &decided.reason,
            tenant: decided.tenant.as_deref(),
            method,
            principal: principal.map(|p| p.method.as_str()),
            subject: principal.and_then(|p| p.subject.as_deref()),
            issuer: principal.and_then(|p| p.issuer.as_deref()),
            api: resource.map(Resource::api),
            operation: resource.map(Resource::operation),
            collection: resource.and_then(Resource::collection),
            detail: denial.map(|d| d.logged.as_deref().unwrap_or(&d.detail)),
            cause: denial.and_then(|d| d.cause.as_deref()),
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        }
    }

    fn write(&self, mut writer: impl Write) {
        let mut text = Vec::with_capacity(512);
        let json = Json {
            timestamp: &Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
            level: "INFO",
            message: MESSAGE,
            line: self,
            target: TARGET,
        };
        if serde_json::to_writer(&mut text, &json).is_ok() {
            text.push(b'\n');
            // The writer counts what it loses.
            let _ = writer.write_all(&text);
        }
    }

    fn tell(&self) {
        info!(
            target: TARGET,
            decision_id = self.decision_id,
            outcome = self.outcome,
            status = self.status,
            reason = self.reason,
            tenant = self.tenant,
            method = self.method,
            principal = self.principal,
            subject = self.subject,
            issuer = self.issuer,
            api = self.api,
            operation = self.operation,
            collection = self.collection,
            detail = self.detail,
            cause = self.cause,
            duration_us = self.duration_us,
            "{MESSAGE}"
        );
    }
}
