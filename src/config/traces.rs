//! `telemetry.traces`: where the spans of decisions are sent.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use percent_encoding::percent_decode_str;
use reqwest::{
    Certificate,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Span, certificates};
use crate::files::read_one;

/// OpenTelemetry traces, exported by OTLP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// The whole address that spans are posted to, such as `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: String,
    /// How spans are sent.
    #[serde(default)]
    pub protocol: Protocol,
    /// `service.name` of the resource.
    #[serde(default = "service_name")]
    pub service_name: String,
    /// Further attributes of the resource, `deployment.environment.name` for example.
    #[serde(default)]
    pub resource: BTreeMap<String, String>,
    /// Which share of the checks that come without a trace context of Envoy is traced, from 0 to 1; with one, its sampled
    /// flag decides.
    #[serde(default = "sample_ratio")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
    /// Where Envoy sends no trace context of its own, take the `traceparent` of the request. Clients can then decide what
    /// is traced, unless Envoy takes theirs away.
    #[serde(default)]
    pub trust_request_context: bool,
    /// How long one export may take.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// A file with the headers of the request, as `name=value,name=value`, values percent-encoded: credentials.
    pub headers_file: Option<PathBuf>,
    /// Certificate authorities of the endpoint, PEM, next to those of the system.
    pub ca_file: Option<PathBuf>,
    /// The headers that OpenTelemetry's environment variables name; a file wins over them.
    #[serde(skip)]
    pub headers: Option<Headers>,
}

/// How spans are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// OTLP over HTTP with binary protobuf, usually port 4318.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// Headers as `OTEL_EXPORTER_OTLP_HEADERS` has them. There may be credentials among them, so they are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers(pub(super) String);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn service_name() -> String {
    "geowarden".to_owned()
}

fn sample_ratio() -> f64 {
    1.0
}

fn timeout() -> Span {
    Span::secs(10)
}

impl Traces {
    /// The headers that an export is sent with, or why there are none; never with their names or values.
    pub fn request_headers(&self) -> Result<HeaderMap, String> {
        match (&self.headers_file, &self.headers) {
            (Some(file), _) => {
                let bytes = read(file)?;
                let text = std::str::from_utf8(&bytes)
                    .map_err(|_| format!("{}: expected UTF-8", file.display()))?;
                parsed(text.trim())
            }
            (None, Some(Headers(text))) => parsed(text).map_err(|message| {
                format!("OTEL_EXPORTER_OTLP_HEADERS (or .._TRACES_HEADERS): {message}")
            }),
            (None, None) => Ok(HeaderMap::new()),
        }
    }

    /// The certificates of `ca_file`, at least one, or why there are none; nothing where no file is set.
    pub fn authorities(&self) -> Result<Option<Vec<Certificate>>, String> {
        let Some(file) = &self.ca_file else {
            return Ok(None);
        };
        let pem = read(file)?;
        certificates::authorities(&pem)
            .map(Some)
            .map_err(ToOwned::to_owned)
    }
}

fn read(file: &Path) -> Result<Arc<[u8]>, String> {
    read_one(file).map_err(|error| format!("{} {error}", file.display()))
}

fn parsed(text: &str) -> Result<HeaderMap, String> {
    let mut all = HeaderMap::new();
    for (index, (name, value)) in pairs(text)?.into_iter().enumerate() {
        let header = (HeaderName::try_from(name), HeaderValue::try_from(value));
        // A header as HTTP writes it, `Authorization: Bearer ..==`, is a pair too: its name is the credential.
        let (Ok(name), Ok(mut value)) = header else {
            return Err(format!(
                "expected headers as `name=value,name=value`, such as `authorization=Bearer%20..`; number {} has no header's name or no header's value",
                index + 1
            ));
        };
        value.set_sensitive(true);
        all.append(name, value);
    }
    Ok(all)
}

/// OpenTelemetry's list of pairs, `name=value,name=value` with percent-encoded values: headers, resource attributes.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |pair: &str| -> Option<(String, String)> {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let is_whole = !name.trim().is_empty() && !value.contains(char::is_control);
        is_whole.then(|| (name.trim().to_owned(), value.into_owned()))
    };
    let pairs = text.split(',').filter(|part| !part.trim().is_empty());
    pairs
        .enumerate()
        .map(|(index, part)| {
            // Not the text itself: it may be a credential.
            pair(part).ok_or_else(|| {
                format!(
                    "expected `name=value,name=value` with percent-encoded values; number {} is none",
                    index + 1
                )
            })
        })
        .collect()
}
