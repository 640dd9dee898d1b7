//! `geowarden.v1.Admin`: the gRPC service for operators, defined in `proto/geowarden/v1/admin.proto`.

pub mod client;
mod filter;
mod status;

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::Value;
use tokio::sync::watch;
use tonic::{Request, Response, Status, async_trait, service::Routes};

use self::{
    filter::Filter,
    v1::admin_server::{Admin, AdminServer},
};
use super::error::ServerError;
use crate::{
    admin::Readiness,
    config::Part,
    record::RecordedInput,
    state::State,
    telemetry::{
        decision_stream::{DecisionEvent, DecisionReader, DecisionStream, OwnedValue, StreamItem},
        reload_history::ReloadHistory,
    },
};

/// The messages and the service, generated from the definition.
#[allow(
    missing_docs,
    unused_qualifications,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]
pub mod v1 {
    include!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/proto/geowarden/v1/admin.rs"
    ));
}

/// The definition, for reflection.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/proto/geowarden/v1/admin.binpb"
));

/// Shows operators the state and the decisions.
pub struct AdminService {
    /// The configuration of each tenant.
    pub parts: Vec<Part>,
    /// The rules in force.
    pub state: Arc<State>,
    /// The keys of the issuers, and the readiness.
    pub readiness: Readiness,
    /// The history of reloads.
    pub history: Arc<ReloadHistory>,
    /// The stream of decisions.
    pub decisions: Arc<DecisionStream>,
    /// True once the service shuts down.
    pub stopped: watch::Receiver<bool>,
}

impl AdminService {
    /// The service with reflection (`grpc.reflection.v1`).
    pub(super) fn routes(self) -> Result<Routes, ServerError> {
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .build_v1()
            .map_err(|e| ServerError::Transport(e.to_string()))?;
        Ok(Routes::new(AdminServer::new(self)).add_service(reflection))
    }
}

#[async_trait]
impl Admin for AdminService {
    async fn status(
        &self,
        _: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::StatusResponse>, Status> {
        Ok(Response::new(status::of(self)))
    }

    async fn api_keys(
        &self,
        _: Request<v1::ApiKeysRequest>,
    ) -> Result<Response<v1::ApiKeysResponse>, Status> {
        Ok(Response::new(status::api_keys(self)))
    }

    type TailStream = BoxStream<'static, Result<v1::TailResponse, Status>>;

    async fn tail(
        &self,
        request: Request<v1::TailRequest>,
    ) -> Result<Response<Self::TailStream>, Status> {
        let request = request.into_inner();
        let with_input = request.with_input;
        let filter =
            Filter::new(request).map_err(|fault| Status::invalid_argument(fault.to_string()))?;
        let Some(reader) = self.decisions.subscribe(with_input) else {
            return Err(Status::resource_exhausted("too many readers of decisions"));
        };
        let tail = Tail {
            reader,
            filter,
            with_input,
            stopped: self.stopped.clone(),
        };
        let stream = stream::unfold(Some(tail), |tail| async {
            let mut tail = tail?;
            match tail.next().await {
                Ok(response) => Some((Ok(response), Some(tail))),
                Err(status) => Some((Err(status), None)),
            }
        });
        Ok(Response::new(stream.boxed()))
    }
}

/// One reader of decisions. While its client does not read, the reader is not polled and loses decisions.
struct Tail {
    reader: DecisionReader,
    filter: Filter,
    with_input: bool,
    stopped: watch::Receiver<bool>,
}

impl Tail {
    async fn next(&mut self) -> Result<v1::TailResponse, Status> {
        loop {
            let item = tokio::select! {
                biased;
                () = ended(&mut self.stopped) => None,
                item = self.reader.next() => item,
            };
            let event = match item {
                Some(StreamItem::Decision(event)) if self.filter.passes(&event) => {
                    v1::tail_response::Event::Decision(decision(&event, self.with_input))
                }
                Some(StreamItem::Decision(_)) => continue,
                Some(StreamItem::Lost(lost)) => v1::tail_response::Event::Lost(lost),
                None => return Err(Status::unavailable("geowarden is shutting down")),
            };
            return Ok(v1::TailResponse { event: Some(event) });
        }
    }
}

async fn ended(stopped: &mut watch::Receiver<bool>) {
    // If the sender was dropped, the service has stopped too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The message for a reader of decisions. It has the policy's input only if that reader asked for it.
pub(super) fn decision(event: &DecisionEvent, with_input: bool) -> v1::Decision {
    let outcome = if event.is_allowed {
        v1::Outcome::Allow
    } else {
        v1::Outcome::Deny
    };
    let text = |name| event.text(name).unwrap_or_default().to_owned();
    let principal = event.text("principal").map(|method| v1::Principal {
        method: method.to_owned(),
        subject: text("subject"),
        issuer: text("issuer"),
    });
    let recorded = event.input.as_ref().filter(|_| with_input);
    v1::Decision {
        id: text("decision_id"),
        time: Some(event.time.into()),
        outcome: outcome.into(),
        status: event.status.into(),
        reason: text("reason"),
        method: text("method"),
        path: text("path"),
        api: text("api"),
        operation: text("operation"),
        collection: text("collection"),
        principal,
        duration: event.duration.try_into().ok(),
        tenant: text("tenant"),
        facts: event.facts.iter().map(fact).collect(),
        input: recorded.map(input).unwrap_or_default(),
        erased: recorded.map(erased).unwrap_or_default(),
    }
}

fn input(recorded: &RecordedInput) -> String {
    let input = recorded.input.as_ref();
    input.map(ToString::to_string).unwrap_or_default()
}

fn erased(recorded: &RecordedInput) -> Vec<String> {
    let pointers = recorded.erased.as_ref().and_then(Value::as_array);
    let pointers = pointers.into_iter().flatten().filter_map(Value::as_str);
    pointers.map(str::to_owned).collect()
}

fn fact((name, value): &(&'static str, OwnedValue)) -> v1::Fact {
    use v1::fact::Value;
    let value = match value {
        OwnedValue::Text(text) => Value::Text(text.clone()),
        OwnedValue::Number(number) => Value::Number(*number),
        OwnedValue::Flag(flag) => Value::Flag(*flag),
    };
    v1::Fact {
        name: (*name).to_owned(),
        value: Some(value),
    }
}
