//! Exports spans in batches by OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::RandomIdGenerator};
use prost::Message;
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
    redirect,
};
use thiserror::Error;
use tokio::{sync::mpsc, time::timeout};
use tracing::warn;

use super::spans::DecisionSpans;
use crate::{
    authn::causes,
    config,
    telemetry::metrics::{Metrics, SpanEnd},
};

/// The most decisions in one export.
const BATCH: usize = 256;
/// How long the first decision of a batch waits for others.
const GATHER_TIME: Duration = Duration::from_secs(1);
/// Pauses before an export is tried again.
const RETRIES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
/// Lost spans are logged at most this often.
const LOG_INTERVAL: Duration = Duration::from_mins(1);
/// The longest answer that is read. Valid answers have a few bytes.
const MAX_ANSWER: usize = 64 << 10;

/// Why spans could not be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The certificate authorities cannot be used.
    #[error("the certificate authorities of traces cannot be used: {0}")]
    Authorities(String),
    /// The headers cannot be sent.
    #[error("the headers of traces cannot be used: {0}")]
    Headers(String),
    /// The HTTP client could not be set up.
    #[error("the client of traces cannot be set up: {0}")]
    Client(String),
    /// There was no connection, or it broke.
    #[error("the request failed: {0}")]
    Transport(String),
    /// The answer was not complete in time.
    #[error("no complete answer in time")]
    Timeout,
    /// The status is not 200. Redirections are not followed.
    #[error("the answer has status {0}")]
    Status(StatusCode),
    /// The answer is not an `ExportTraceServiceResponse`.
    #[error("expected the answer of a collector (ExportTraceServiceResponse), found another one")]
    Answer,
}

impl ExportError {
    /// Whether a later export of the same spans may succeed.
    fn may_pass(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Timeout => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            _ => false,
        }
    }
}

/// Sends the spans that [`super::TraceQueue`] has queued.
pub struct Exporter {
    records: mpsc::Receiver<DecisionSpans>,
    client: Client,
    endpoint: String,
    headers: HeaderMap,
    timeout: Duration,
    resource: ResourceAttributesWithSchema,
    scope: InstrumentationScope,
    ids: RandomIdGenerator,
    metrics: Arc<Metrics>,
    last_logged: Option<Instant>,
    lost: usize,
    /// Spans that are being sent.
    in_hand: usize,
}

impl Exporter {
    pub(super) fn new(
        settings: &config::Traces,
        records: mpsc::Receiver<DecisionSpans>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ExportError> {
        let attributes = settings
            .resource
            .iter()
            .map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let resource = Resource::builder_empty()
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attributes(attributes)
            .with_attribute(KeyValue::new("service.name", settings.service_name.clone()))
            .build();
        Ok(Self {
            records,
            client: client(settings)?,
            endpoint: settings.endpoint.clone(),
            headers: settings.request_headers().map_err(ExportError::Headers)?,
            timeout: settings.timeout.0,
            resource: ResourceAttributesWithSchema::from(&resource),
            scope: InstrumentationScope::builder("geowarden")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
            ids: RandomIdGenerator::default(),
            metrics,
            last_logged: None,
            lost: 0,
            in_hand: 0,
        })
    }

    /// Exports until every sender is dropped and the queue is empty. Once `stopping` completes, no export is tried a
    /// second time.
    pub async fn run(&mut self, stopping: impl Future<Output = ()> + Send) {
        let stopping = stopping.shared();
        // The batch that was in progress when an earlier run panicked.
        let lost = std::mem::take(&mut self.in_hand);
        if lost > 0 {
            self.metrics.spans(SpanEnd::ExportFailed, lost);
        }
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(first) = self.records.recv().await {
            batch.push(first);
            let gather = async {
                while batch.len() < BATCH
                    && let Some(next) = self.records.recv().await
                {
                    batch.push(next);
                }
            };
            // Send it in both cases: the batch is full, or the time is over.
            let _ = timeout(GATHER_TIME, gather).await;
            self.in_hand = batch.iter().map(DecisionSpans::len).sum();
            let (body, spans) = self.encoded(batch.drain(..));
            let mut result = self.send(body.clone()).await;
            for pause in RETRIES {
                if !matches!(&result, Err(error) if error.may_pass()) {
                    break;
                }
                tokio::select! {
                    biased;
                    () = stopping.clone() => break,
                    () = tokio::time::sleep(pause) => {}
                }
                result = self.send(body.clone()).await;
            }
            self.in_hand = 0;
            self.count(spans, &result);
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.records.len()
    }

    fn encoded(&self, records: impl Iterator<Item = DecisionSpans>) -> (Vec<u8>, usize) {
        let spans: Vec<_> = records
            .flat_map(|record| record.into_spans(&self.ids, &self.scope))
            .collect();
        let count = spans.len();
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &self.resource),
        };
        (request.encode_to_vec(), count)
    }

    /// Sends one batch and returns how many of its spans the collector rejected.
    async fn send(&self, body: Vec<u8>) -> Result<usize, ExportError> {
        let request = self
            .client
            .post(&self.endpoint)
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(body)
            .send();
        let exchange = async {
            let response = request.await.map_err(transport)?;
            if response.status() != StatusCode::OK {
                return Err(ExportError::Status(response.status()));
            }
            rejected(response).await
        };
        timeout(self.timeout, exchange)
            .await
            .unwrap_or(Err(ExportError::Timeout))
    }

    fn count(&mut self, spans: usize, result: &Result<usize, ExportError>) {
        let (lost, end, cause) = match result {
            Ok(rejected) => {
                let rejected = spans.min(*rejected);
                let last_logged = "the collector refused them".to_owned();
                (rejected, SpanEnd::Rejected, last_logged)
            }
            Err(error) => (spans, SpanEnd::ExportFailed, error.to_string()),
        };
        if spans > lost {
            self.metrics.spans(SpanEnd::Exported, spans - lost);
        }
        if lost == 0 {
            return;
        }
        self.metrics.spans(end, lost);
        self.lost += lost;
        if self
            .last_logged
            .is_none_or(|last_logged| last_logged.elapsed() >= LOG_INTERVAL)
        {
            warn!(lost = self.lost, cause, "spans were not exported");
            self.last_logged = Some(Instant::now());
            self.lost = 0;
        }
    }
}

async fn rejected(mut response: Response) -> Result<usize, ExportError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ExportError::Answer);
        }
        body.extend_from_slice(&chunk);
    }
    let answer =
        ExportTraceServiceResponse::decode(body.as_slice()).map_err(|_| ExportError::Answer)?;
    let rejected = answer.partial_success.map_or(0, |part| part.rejected_spans);
    Ok(usize::try_from(rejected).unwrap_or(0))
}

fn client(settings: &config::Traces) -> Result<Client, ExportError> {
    let builder = || {
        Client::builder()
            .user_agent(concat!("geowarden/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.timeout.0)
            .timeout(settings.timeout.0)
            .redirect(redirect::Policy::none())
            .referer(false)
            // The proxy comes from the configuration only, never from an inherited environment.
            .no_proxy()
    };
    let set_up = |error: reqwest::Error| ExportError::Client(causes(&error));
    let authorities = settings.authorities().map_err(ExportError::Authorities)?;
    let Some(authorities) = authorities else {
        // Without certificate authorities, plain HTTP still works, and https fails closed.
        return builder()
            .build()
            .or_else(|_| builder().tls_certs_only(Vec::new()).build())
            .map_err(set_up);
    };
    builder()
        .tls_certs_merge(authorities)
        .build()
        .map_err(set_up)
}

fn transport(error: reqwest::Error) -> ExportError {
    if error.is_timeout() {
        ExportError::Timeout
    } else {
        ExportError::Transport(causes(&error.without_url()))
    }
}
