//! The generator of load: several connections with several requests in flight on each, for a time or for a number of requests.
//!
//! It is a closed loop: each stream sends its next request when it has the answer to the last one. Latency is measured by the
//! client, from the call to the decoded answer.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use envoy_types::ext_authz::v3::pb::{CheckResponse, HttpResponse};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::LocalSet;
use tonic::{
    Request, Status,
    client::Grpc,
    codegen::{Bytes, http::uri::PathAndQuery},
    transport::{Channel, Endpoint},
};

use crate::{Error, Result, codec::Encoded};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
/// The longest latency that the histogram can hold, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// The answer that every request must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The request is allowed.
    Allowed,
    /// The request is denied, with any status.
    Denied,
    /// The request is denied, with this HTTP status for the client.
    Status(i32),
}

impl std::str::FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "allowed" => Ok(Self::Allowed),
            "denied" => Ok(Self::Denied),
            number => number
                .parse()
                .map(Self::Status)
                .map_err(|_| "expected `allowed`, `denied` or an HTTP status".to_owned()),
        }
    }
}

impl Expected {
    fn fits(self, answer: &CheckResponse) -> bool {
        let is_allowed = answer
            .status
            .as_ref()
            .is_some_and(|status| status.code == 0);
        match self {
            Self::Allowed => is_allowed,
            Self::Denied => !is_allowed,
            Self::Status(wanted) => match &answer.http_response {
                Some(HttpResponse::DeniedResponse(denied)) => denied
                    .status
                    .as_ref()
                    .is_some_and(|status| status.code == wanted),
                _ => false,
            },
        }
    }
}

/// When a load ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After this time.
    Elapsed(Duration),
    /// After this many requests.
    Asked(u64),
}

/// The result of a load.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Requests that were answered.
    pub requests: u64,
    /// Answers that were not the expected ones.
    pub wrong: u64,
    /// Calls that failed.
    pub failed: u64,
    /// What the first wrong answer or failure was.
    pub first_fault: Option<String>,
    /// How long it took.
    pub elapsed: Duration,
    /// Latencies in nanoseconds.
    pub latency: Histogram<u64>,
}

/// [`Outcome`] as it is printed.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Requests that were answered.
    pub requests: u64,
    /// Answers that were not the expected ones.
    pub unexpected: u64,
    /// Calls that failed.
    pub failed: u64,
    /// What the first wrong answer or failure was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_fault: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Answers a second.
    pub requests_per_second: f64,
    /// Latencies in microseconds.
    pub latency_us: Latencies,
    /// What the server's threads were on a processor, in microseconds a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_us: Option<f64>,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)] // the names say it
pub struct Latencies {
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Outcome {
    /// The latency in microseconds below which this share of the answers came.
    pub fn quantile_us(&self, share: f64) -> f64 {
        micros(self.latency.value_at_quantile(share))
    }

    /// How many answers took longer than this.
    pub fn later_than(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.latency.len() - self.latency.count_between(0, limit)
    }

    /// The outcome itself, or an error when an answer was not the expected one.
    pub fn as_expected(self) -> Result<Self> {
        match self.wrong + self.failed {
            0 => Ok(self),
            wrong => Err(Error::WrongAnswers {
                wrong,
                requests: self.requests + self.failed,
                first: self
                    .first_fault
                    .map(|f| format!(": {f}"))
                    .unwrap_or_default(),
            }),
        }
    }

    /// The outcome as it is printed. `cpu` is the CPU time of the server's threads during the load.
    pub fn summary(&self, cpu: Option<Duration>) -> Summary {
        let requests = per(self.requests.max(1));
        Summary {
            requests: self.requests,
            unexpected: self.wrong,
            failed: self.failed,
            first_fault: self.first_fault.clone(),
            seconds: self.elapsed.as_secs_f64(),
            requests_per_second: per(self.requests) / self.elapsed.as_secs_f64(),
            latency_us: Latencies {
                min: micros(self.latency.min()),
                mean: self.latency.mean() / 1e3,
                p50: self.quantile_us(0.5),
                p90: self.quantile_us(0.9),
                p99: self.quantile_us(0.99),
                p999: self.quantile_us(0.999),
                max: micros(self.latency.max()),
            },
            server_cpu_us: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / requests),
        }
    }
}

pub(crate) fn micros(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64() * 1e6
}

#[allow(clippy::cast_precision_loss)] // nobody sends 2^53 requests
pub(crate) fn per(count: u64) -> f64 {
    count as f64
}

/// Connections to one server. They stay open between loads.
#[derive(Debug, Clone)]
pub struct Generator {
    channels: Vec<Channel>,
}

/// One load.
#[derive(Debug, Clone)]
pub struct Load {
    /// The requests, which are sent in turn.
    pub requests: Rc<[Bytes]>,
    /// Requests in flight on each connection.
    pub streams: usize,
    /// When it ends.
    pub until: Until,
    /// The answer that every request must get.
    pub expected: Expected,
}

struct Progress {
    start: Instant,
    until: Until,
    asked: Cell<u64>,
}

impl Progress {
    /// The number of the next request, or `None` after the last one.
    fn next(&self, now: Instant) -> Option<u64> {
        let number = self.asked.get();
        let goes_on = match self.until {
            Until::Elapsed(time) => now.duration_since(self.start) < time,
            Until::Asked(count) => number < count,
        };
        goes_on.then(|| {
            self.asked.set(number + 1);
            number
        })
    }
}

impl Generator {
    /// Opens the connections: to `ADDRESS:PORT` or `unix:/PATH`.
    pub async fn connect(address: &str, connections: usize) -> Result<Self> {
        let url = if address.starts_with("unix:") {
            address.to_owned()
        } else {
            format!("http://{address}")
        };
        let failed = |source| Error::Connect {
            address: address.to_owned(),
            source,
        };
        let endpoint = Endpoint::from_shared(url).map_err(failed)?;
        let mut channels = Vec::with_capacity(connections);
        for _ in 0..connections {
            channels.push(endpoint.connect().await.map_err(failed)?);
        }
        Ok(Self { channels })
    }

    /// Sends a load and waits for its last answer.
    pub async fn run(&self, load: &Load) -> Result<Outcome> {
        let progress = Rc::new(Progress {
            start: Instant::now(),
            until: load.until,
            asked: Cell::new(0),
        });
        let tasks = LocalSet::new();
        let mut streams = Vec::new();
        for channel in &self.channels {
            for _ in 0..load.streams {
                let stream = stream(channel.clone(), load.clone(), Rc::clone(&progress));
                streams.push(tasks.spawn_local(stream));
            }
        }
        tasks.await;
        let mut whole = nothing()?;
        for stream in streams {
            let part = stream
                .await
                .map_err(|e| Error::unexpected("a stream of the load", e))??;
            whole.requests += part.requests;
            whole.wrong += part.wrong;
            whole.failed += part.failed;
            whole.first_fault = whole.first_fault.or(part.first_fault);
            whole
                .latency
                .add(&part.latency)
                .map_err(|e| Error::unexpected("latencies", e))?;
        }
        whole.elapsed = progress.start.elapsed();
        Ok(whole)
    }
}

/// An empty histogram for latencies, with three significant digits.
pub(crate) fn latencies() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST, 3).map_err(|e| Error::unexpected("latencies", e))
}

fn nothing() -> Result<Outcome> {
    Ok(Outcome {
        requests: 0,
        wrong: 0,
        failed: 0,
        first_fault: None,
        elapsed: Duration::ZERO,
        latency: latencies()?,
    })
}

async fn stream(channel: Channel, load: Load, progress: Rc<Progress>) -> Result<Outcome> {
    let mut client = Grpc::new(channel);
    let mut outcome = nothing()?;
    let mut start = Instant::now();
    while let Some(number) = progress.next(start) {
        // All streams share one counter, so that each request of the list is sent in turn, and none twice.
        let index = usize::try_from(number).unwrap_or(0) % load.requests.len().max(1);
        let ask = load.requests.get(index).cloned().unwrap_or_default();
        let answer = ask_one(&mut client, ask).await;
        let end = Instant::now();
        let latency = end.duration_since(start);
        start = end;
        match answer {
            Ok(answer) => {
                outcome.requests += 1;
                let nanos = u64::try_from(latency.as_nanos()).unwrap_or(LONGEST);
                outcome.latency.saturating_record(nanos.clamp(1, LONGEST));
                if !load.expected.fits(&answer) {
                    outcome.wrong += 1;
                    outcome.first_fault.get_or_insert_with(|| told(&answer));
                }
            }
            Err(status) => {
                outcome.failed += 1;
                outcome
                    .first_fault
                    .get_or_insert_with(|| status.to_string());
                if outcome.failed > 100 {
                    break;
                }
            }
        }
    }
    Ok(outcome)
}

async fn ask_one(
    client: &mut Grpc<Channel>,
    ask: Bytes,
) -> std::result::Result<CheckResponse, Status> {
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static(CHECK);
    let answer = client.unary(Request::new(ask), path, Encoded).await?;
    Ok(answer.into_inner())
}

/// A short description of an answer, for errors.
fn told(answer: &CheckResponse) -> String {
    let code = answer.status.as_ref().map_or(0, |status| status.code);
    match &answer.http_response {
        Some(HttpResponse::DeniedResponse(denied)) => format!(
            "denied by {}: {}",
            denied.status.as_ref().map_or(403, |status| status.code),
            denied.body
        ),
        _ => format!("gRPC code {code}"),
    }
}
