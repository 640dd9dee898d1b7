//! Prometheus metrics. No label has a value that clients can choose freely.

use std::{fmt, sync::Arc};

use prometheus_client::{
    encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Metric, Registry, Unit},
};

use crate::{
    authn::{KeyEvents, KeyFetchError},
    record::DecisionRecord,
    telemetry::logging,
};

/// The label `tenant`, only present if tenants are configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TenantLabel(Option<Arc<str>>);

impl EncodeLabelSet for TenantLabel {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        match &self.0 {
            Some(name) => ("tenant", name.as_ref()).encode(encoder.encode_label()),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    outcome: &'static str,
    status: u32,
    reason: &'static str,
    principal: &'static str,
    stop: &'static str,
    #[prometheus(flatten)]
    tenant: TenantLabel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
    #[prometheus(flatten)]
    tenant: TenantLabel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SectionLabels {
    section: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedLabels {
    listener: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

/// All metrics of one geowarden.
pub struct Metrics {
    registry: Registry,
    decisions: Family<DecisionLabels, Counter>,
    duration: Histogram,
    in_flight: Gauge,
    reloads: Family<ResultLabels, Counter>,
    reload_failed: Gauge,
    tenant_reload_failed: Family<TenantLabel, Gauge>,
    certificates_failed: Family<SectionLabels, Gauge>,
    keys: Family<IssuerLabels, Gauge>,
    key_fetch_failures: Family<IssuerLabels, Counter>,
    log_lines_lost: Counter,
    trace_spans: Family<ResultLabels, Counter>,
    task_restarts: Family<TaskLabels, Counter>,
    task_down: Family<TaskLabels, Gauge>,
    dropped: Family<DroppedLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("geowarden");
        let decisions = registered(
            &mut registry,
            "decisions",
            "Decisions by outcome, HTTP status, reason, kind of credential and the stop where they ended",
        );
        let duration = Histogram::new(exponential_buckets(20e-6, 2.0, 16));
        registry.register_with_unit(
            "check_duration",
            "How long a Check took",
            Unit::Seconds,
            duration.clone(),
        );
        let in_flight = registered(&mut registry, "checks_in_flight", "Checks in progress");
        let reloads = registered(
            &mut registry,
            "reloads",
            "Reloads of keys, policies and data",
        );
        let reload_failed = registered(
            &mut registry,
            "reload_failed",
            "1 while the files on disk cannot be used and the last good ones serve",
        );
        let tenant_reload_failed = registered(
            &mut registry,
            "tenant_reload_failed",
            "1 while the files of a tenant cannot be used and its last good ones serve",
        );
        let certificates_failed = registered(
            &mut registry,
            "certificates_failed",
            "1 while the certificates of a section cannot be used and the last good ones serve",
        );
        let keys = registered(&mut registry, "jwks_keys", "Usable keys of an issuer");
        let key_fetch_failures = registered(
            &mut registry,
            "jwks_fetch_failures",
            "Fetches of an issuer's keys that failed",
        );
        let log_lines_lost = registered(
            &mut registry,
            "log_lines_lost",
            "Log lines lost because they were not read in time",
        );
        let trace_spans = registered(
            &mut registry,
            "trace_spans",
            "Spans by outcome of their export",
        );
        let task_restarts = registered(
            &mut registry,
            "task_restarts",
            "Restarts of background tasks that had ended or panicked",
        );
        let task_down = registered(
            &mut registry,
            "task_down",
            "Background tasks that keep ending",
        );
        let dropped = registered(
            &mut registry,
            "dropped",
            "Connections and messages of clients that were dropped, by reason",
        );
        registry.register(
            "build",
            "The running version",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            registry,
            decisions,
            duration,
            in_flight,
            reloads,
            reload_failed,
            tenant_reload_failed,
            certificates_failed,
            keys,
            key_fetch_failures,
            log_lines_lost,
            trace_spans,
            task_restarts,
            task_down,
            dropped,
        }
    }
}

/// Creates a metric and adds it to the registry.
fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// Counts one decision.
    pub fn decided(&self, record: &DecisionRecord<'_>) {
        self.decisions
            .get_or_create(&DecisionLabels {
                outcome: record.outcome(),
                status: record.status().into(),
                reason: record.code(),
                principal: record.credential().unwrap_or("unknown"),
                stop: record.stops.current().as_str(),
                tenant: TenantLabel(record.tenant.clone()),
            })
            .inc();
        self.duration.observe(record.duration.as_secs_f64());
    }

    /// Counts a check as in progress until the guard is dropped, even if Envoy cancels it.
    #[must_use]
    pub fn in_flight(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Records the outcome of a reload, and whether the files of any tenant cannot be used.
    pub fn reloaded(&self, is_good: bool, is_failing: bool) {
        let result = if is_good { "success" } else { "failure" };
        self.reloads.get_or_create(&ResultLabels { result }).inc();
        self.reload_failing(is_failing);
    }

    /// Records whether the files of any tenant cannot be used.
    pub fn reload_failing(&self, is_failing: bool) {
        self.reload_failed.set(i64::from(is_failing));
    }

    /// Records whether the files of a tenant could be used.
    pub fn tenant_reloaded(&self, tenant: Option<&Arc<str>>, is_good: bool) {
        if let Some(tenant) = tenant {
            let labels = TenantLabel(Some(Arc::clone(tenant)));
            let gauge = self.tenant_reload_failed.get_or_create(&labels);
            gauge.set(i64::from(!is_good));
        }
    }

    /// Counts restarts of a background task; zero only registers the task.
    pub fn task_restarts(&self, task: &'static str, count: u64) {
        let labels = TaskLabels { task };
        self.task_restarts.get_or_create(&labels).inc_by(count);
        let _ = self.task_down.get_or_create(&labels);
    }

    /// Records that one more task is down, or one less.
    pub fn task_down(&self, task: &'static str, more: i64) {
        self.task_down
            .get_or_create(&TaskLabels { task })
            .inc_by(more);
    }

    /// Records whether the certificate files of a section could be used at the last check.
    pub fn certificates(&self, section: &'static str, are_good: bool) {
        let gauge = self
            .certificates_failed
            .get_or_create(&SectionLabels { section });
        gauge.set(i64::from(!are_good));
    }

    /// The metrics that count the key fetches of a tenant.
    pub fn key_events(metrics: &Arc<Self>, tenant: Option<&Arc<str>>) -> Arc<dyn KeyEvents> {
        Arc::new(TenantKeyEvents {
            metrics: Arc::clone(metrics),
            tenant: tenant.cloned(),
        })
    }

    /// Counts spans by the outcome of their export.
    pub fn spans(&self, end: SpanEnd, count: usize) {
        let result = end.as_str();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.trace_spans
            .get_or_create(&ResultLabels { result })
            .inc_by(count);
    }

    /// Counts a dropped connection or message of a client of `listener`.
    pub fn dropped(&self, listener: &'static str, reason: Dropped) {
        let reason = reason.as_str();
        self.dropped
            .get_or_create(&DroppedLabels { listener, reason })
            .inc();
    }

    /// All metrics as text (OpenMetrics 1.0).
    pub fn text(&self) -> Result<String, fmt::Error> {
        let lost = logging::lost_lines();
        self.log_lines_lost
            .inc_by(lost.saturating_sub(self.log_lines_lost.get()));
        let task = "log-writer";
        let written = self.task_restarts.get_or_create(&TaskLabels { task }).get();
        self.task_restarts(task, logging::restarts().saturating_sub(written));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The outcome of the export of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanEnd {
    /// The collector accepted it.
    Exported,
    /// The collector accepted its batch, but not the span.
    Rejected,
    /// The queue was full: too many decisions, or the collector is slow or unreachable.
    QueueFull,
    /// The export failed.
    ExportFailed,
}

impl SpanEnd {
    fn as_str(self) -> &'static str {
        match self {
            Self::Exported => "exported",
            Self::Rejected => "rejected",
            Self::QueueFull => "queue-full",
            Self::ExportFailed => "export-failed",
        }
    }
}

/// Why a connection or a message was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// A connection: to make room for a new one.
    TooManyConnections,
    /// A connection: the system could not accept it.
    NotAccepted,
    /// A connection: nothing arrived in time, such as a handshake, headers, or the answer to a PING.
    Silent,
    /// A connection: the client does not read its answers.
    UnreadAnswers,
    /// A message: it was not complete in time.
    Late,
    /// A message: it was incomplete when the memory for incomplete messages was used up.
    Memory,
    /// A request: its HTTP/2 headers cannot be read.
    Unreadable,
}

impl Dropped {
    /// The reason, as metrics and log write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooManyConnections => "too-many-connections",
            Self::NotAccepted => "not-accepted",
            Self::Silent => "silent",
            Self::UnreadAnswers => "unread-answers",
            Self::Late => "late-message",
            Self::Memory => "memory",
            Self::Unreadable => "unreadable-request",
        }
    }
}

/// A check in progress.
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts the fetches of a tenant's keys.
struct TenantKeyEvents {
    metrics: Arc<Metrics>,
    tenant: Option<Arc<str>>,
}

impl TenantKeyEvents {
    fn labels(&self, issuer: &str) -> IssuerLabels {
        IssuerLabels {
            issuer: issuer.to_owned(),
            tenant: TenantLabel(self.tenant.clone()),
        }
    }
}

impl KeyEvents for TenantKeyEvents {
    fn fetched(&self, issuer: &str, keys: usize, _skipped: usize) {
        let keys = i64::try_from(keys).unwrap_or(i64::MAX);
        let family = &self.metrics.keys;
        family.get_or_create(&self.labels(issuer)).set(keys);
    }

    fn failed(&self, issuer: &str, _error: &KeyFetchError) {
        let family = &self.metrics.key_fetch_failures;
        family.get_or_create(&self.labels(issuer)).inc();
    }
}
