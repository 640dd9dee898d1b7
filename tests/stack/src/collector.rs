//! A real collector of OpenTelemetry, rotel, which prints each span that it is sent.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

use crate::client::Ask;
use crate::process::{Plan, Process};
use crate::{Error, Result, Tools};

const NAME: &str = "the OpenTelemetry collector";

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    process: Process,
    port: u16,
}

/// A span that it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of its resource.
    pub service: String,
    /// Its trace, in hexadecimal digits.
    pub trace: String,
    /// Itself, in hexadecimal digits.
    pub id: String,
    /// The span above it; empty for the first of a trace.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// `SPAN_KIND_SERVER` and the like.
    pub kind: String,
    /// `STATUS_CODE_ERROR` and the like.
    pub status: String,
    /// Its attributes, each with its type: `Str(..)`, `Int(..)`.
    pub attributes: BTreeMap<String, String>,
}

impl Collector {
    /// Starts it, and waits until it answers.
    pub async fn start(tools: &Tools) -> Result<Self> {
        let (http, grpc) = (free_port()?, free_port()?);
        let mut process = Plan::new(NAME, &tools.collector()?)?
            .args(["start", "--exporter", "blackhole"])
            .args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .start()?;
        let address = format!("127.0.0.1:{http}");
        process
            .until("answered", async |_| {
                Ask::get("/v1/traces").send(&address).await.ok()
            })
            .await?;
        Ok(Self {
            process,
            port: http,
        })
    }

    /// The port of OTLP over HTTP, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything that it has printed so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The spans so far, those last printed only once a further line follows them.
    pub fn spans(&self) -> Vec<Span> {
        spans(&self.log())
    }

    /// Waits until the spans so far hold what is looked for.
    pub async fn until<T>(&mut self, what: &str, find: impl Fn(&[Span]) -> Option<T>) -> Result<T> {
        self.process
            .until(what, async |process| find(&spans(&process.log())))
            .await
    }
}

fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("finding a free port"))
}

fn spans(log: &str) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    let mut service = String::new();
    // The last line may still be being written.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for line in whole.lines() {
        let line = line.trim();
        if line.starts_with("Span #") {
            all.push(Span {
                service: service.clone(),
                ..Span::default()
            });
            continue;
        }
        if let Some(attribute) = line.strip_prefix("-> ") {
            let (name, value) = attribute.split_once(": ").unwrap_or((attribute, ""));
            if name == "service.name" {
                value
                    .trim_start_matches("Str(")
                    .trim_end_matches(')')
                    .clone_into(&mut service);
            } else if let Some(span) = all.last_mut() {
                span.attributes.insert(name.to_owned(), value.to_owned());
            }
            continue;
        }
        let (Some(span), Some((name, value))) = (all.last_mut(), line.split_once(':')) else {
            continue;
        };
        let value = value.trim().to_owned();
        match name.trim() {
            "Trace ID" => span.trace = value,
            "Parent ID" => span.parent = value,
            "ID" => span.id = value,
            "Name" => span.name = value,
            "Kind" => span.kind = value,
            "Status code" => span.status = value,
            _ => {}
        }
    }
    all
}
