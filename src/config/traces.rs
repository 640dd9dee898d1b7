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

use super::{ConfigDuration, certificates};
use crate::files::read_one;

/// OpenTelemetry traces, exported by OTLP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// The complete URL that spans are posted to, such as `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: String,
    /// The protocol of the export.
    #[serde(default)]
    pub protocol: Protocol,
    /// `service.name` of the resource.
    #[serde(default = "service_name")]
    pub service_name: String,
    /// More attributes of the resource, for example `deployment.environment.name`.
    #[serde(default)]
    pub resource: BTreeMap<String, String>,
    /// The share of checks without a trace context from Envoy that are traced, from 0 to 1. For checks with one, its
    /// sampled flag decides.
    #[serde(default = "sample_ratio")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
    /// Use the `traceparent` of the client's request if Envoy sends no trace context of its own. Clients can then
    /// decide what is traced, unless Envoy removes their header.
    #[serde(default)]
    pub trust_request_context: bool,
    /// The longest time of one export.
    #[serde(default = "timeout")]
    pub timeout: ConfigDuration,
    /// A file with the headers of the export, such as credentials: `name=value,name=value`, values percent-encoded.
    pub headers_file: Option<PathBuf>,
    /// More certificate authorities for the endpoint (PEM), in addition to those of the system.
    pub ca_file: Option<PathBuf>,
    /// The headers from OpenTelemetry's environment variables. The file takes precedence.
    #[serde(skip)]
    pub headers: Option<ExportHeaders>,
}

/// The protocol of the export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// OTLP over HTTP with binary protobuf, usually port 4318.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// ExportHeaders in the format of `OTEL_EXPORTER_OTLP_HEADERS`. They may be credentials, so `Debug` does not print them.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportHeaders(pub(super) String);

impl fmt::Debug for ExportHeaders {
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

fn timeout() -> ConfigDuration {
    ConfigDuration::secs(10)
}

impl Traces {
    /// The headers of an export, or why they cannot be read. The error never contains names or values.
    pub fn request_headers(&self) -> Result<HeaderMap, String> {
        match (&self.headers_file, &self.headers) {
            (Some(file), _) => {
                let bytes = read(file)?;
                let text = std::str::from_utf8(&bytes)
                    .map_err(|_| format!("{}: expected UTF-8", file.display()))?;
                parsed(text.trim())
            }
            (None, Some(ExportHeaders(text))) => parsed(text).map_err(|message| {
                format!("OTEL_EXPORTER_OTLP_HEADERS (or .._TRACES_HEADERS): {message}")
            }),
            (None, None) => Ok(HeaderMap::new()),
        }
    }

    /// The certificates of `ca_file`, or why they cannot be read. At least one is required. Empty if no file is set.
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
        // A header in HTTP's notation, `Authorization: Bearer ..==`, also looks like a pair. Its name would be the
        // credential.
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

/// Parses OpenTelemetry's list of pairs: `name=value,name=value`, with percent-encoded values. Used for headers and
/// resource attributes.
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
            // Do not quote the text: it may be a credential.
            pair(part).ok_or_else(|| {
                format!(
                    "expected `name=value,name=value` with percent-encoded values; number {} is none",
                    index + 1
                )
            })
        })
        .collect()
}
