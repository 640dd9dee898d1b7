//! A real collector of OpenTelemetry, rotel, and a server that keeps the spans that the collector exports.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1 as otlp,
};
use prost::Message;
use tokio::task::JoinHandle;

use crate::client::Ask;
use crate::process::{Plan, Process};
use crate::{Error, Result, Tools};

const NAME: &str = "the OpenTelemetry collector";

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    process: Process,
    port: u16,
    kept: Arc<Mutex<Vec<Span>>>,
    keeper: JoinHandle<std::io::Result<()>>,
}

/// A span that the collector has exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// `service.name` of its resource.
    pub service: String,
    /// The id of its trace, in hexadecimal digits.
    pub trace: String,
    /// Its id, in hexadecimal digits.
    pub id: String,
    /// The id of its parent. It is empty for the first span of a trace.
    pub parent: String,
    /// The span as it was exported.
    pub otlp: otlp::Span,
}

impl Span {
    /// One of its attributes, if it is a text.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        text(&self.otlp.attributes, name)
    }
}

impl Collector {
    /// Starts it, and waits until it answers.
    pub async fn start(tools: &Tools) -> Result<Self> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (address, keeper) = keep(Arc::clone(&kept)).await?;
        let (port, grpc) = (free_port()?, free_port()?);
        let mut process = Plan::new(NAME, &tools.collector()?)?
            .args(["start", "--exporter", "otlp", "--otlp-exporter-protocol"])
            .args(["http", "--otlp-exporter-endpoint", &address])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{port}")])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .start()?;
        let asked = format!("127.0.0.1:{port}");
        process
            .until("answered", async |_| {
                Ask::get("/v1/traces").send(&asked).await.ok()
            })
            .await?;
        Ok(Self {
            process,
            port,
            kept,
            keeper,
        })
    }

    /// The port of OTLP over HTTP, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The spans so far.
    pub fn spans(&self) -> Vec<Span> {
        kept(&self.kept)
    }

    /// Waits until `find` finds something in the spans so far. `what` describes it in the error.
    pub async fn until<T>(&mut self, what: &str, find: impl Fn(&[Span]) -> Option<T>) -> Result<T> {
        let spans = Arc::clone(&self.kept);
        self.process
            .until(what, async |_| find(&kept(&spans)))
            .await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

fn kept(spans: &Mutex<Vec<Span>>) -> Vec<Span> {
    spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Starts a server that keeps what the collector exports. Returns its address.
async fn keep(spans: Arc<Mutex<Vec<Span>>>) -> Result<(String, JoinHandle<std::io::Result<()>>)> {
    let failed = || "listening behind the collector".to_owned();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(Error::io(failed()))?;
    let address = listener.local_addr().map_err(Error::io(failed()))?;
    let handler = async move |body: Bytes| {
        // rotel always compresses, whatever its settings say.
        let mut export = Vec::new();
        let unpacked = GzDecoder::new(&*body).read_to_end(&mut export).is_ok();
        match ExportTraceServiceRequest::decode(&*export) {
            Ok(export) if unpacked => {
                let mut all = spans.lock().unwrap_or_else(PoisonError::into_inner);
                all.extend(export.resource_spans.into_iter().flat_map(of_resource));
                StatusCode::OK
            }
            _ => StatusCode::BAD_REQUEST,
        }
    };
    let router = Router::new().route("/v1/traces", post(handler));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((format!("http://{address}"), serving))
}

fn of_resource(spans: otlp::ResourceSpans) -> Vec<Span> {
    let resource = spans.resource.unwrap_or_default();
    let service = text(&resource.attributes, "service.name").unwrap_or_default();
    let all = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
    all.map(|otlp| Span {
        service: service.to_owned(),
        trace: HEXLOWER.encode(&otlp.trace_id),
        id: HEXLOWER.encode(&otlp.span_id),
        parent: HEXLOWER.encode(&otlp.parent_span_id),
        otlp,
    })
    .collect()
}

fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("finding a free port"))
}
