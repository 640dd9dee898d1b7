//! OpenTelemetry's own environment variables. They apply to keys that neither the file nor a `GEOWARDEN_` variable
//! sets.
//!
//! Variables for traces take precedence over those for all signals (OTLP exporter specification). Samplers that ignore
//! the caller's sampled flag are not supported: a sampler of `OTEL_TRACES_SAMPLER` applies to checks without a caller's
//! flag only.

use std::collections::BTreeMap;

use geowarden_yaml::Step;
use serde_json::{Value, json};

use super::{
    environment::Setting,
    traces::{self, ExportHeaders},
};

type Variables = BTreeMap<String, String>;

const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";

/// The share of checks without a parent span that are traced.
enum Share {
    All,
    None,
    /// The share in `OTEL_TRACES_SAMPLER_ARG`.
    Ratio,
}

fn sampled(name: &str) -> Option<Share> {
    match name.strip_prefix("parentbased_").unwrap_or(name) {
        "always_on" => Some(Share::All),
        "always_off" => Some(Share::None),
        "traceidratio" => Some(Share::Ratio),
        _ => None,
    }
}

/// The keys that the variables set. The endpoint comes first.
pub(super) fn settings(variables: &Variables) -> Vec<Setting> {
    let mut all = Vec::new();
    let mut put = |name: &str, key: &[&str], value: Value| {
        all.push(Setting {
            name: name.to_owned(),
            path: ["telemetry", "traces"]
                .iter()
                .chain(key)
                .map(|step| Step::Key((*step).to_owned()))
                .collect(),
            text: String::new(),
            value,
        });
    };
    if let Some((name, endpoint)) = endpoint(variables) {
        put(name, &["endpoint"], json!(endpoint));
    }
    if let Some((name, value)) = of_traces(variables, "PROTOCOL") {
        put(&name, &["protocol"], json!(value));
    }
    if let Some((name, value)) = of_traces(variables, "TIMEOUT") {
        put(&name, &["timeout"], json!(format!("{value}ms")));
    }
    if let Some((name, value)) = of_traces(variables, "CERTIFICATE") {
        put(&name, &["ca_file"], json!(value));
    }
    let attributes = get(variables, RESOURCE).map(traces::pairs);
    if let Some(value) = get(variables, "OTEL_SERVICE_NAME") {
        put("OTEL_SERVICE_NAME", &["service_name"], json!(value));
    }
    // If the list is malformed, none of it is used (resource SDK specification).
    for (name, value) in attributes.and_then(Result::ok).unwrap_or_default() {
        match name.as_str() {
            "service.name" => put(RESOURCE, &["service_name"], json!(value)),
            name => put(RESOURCE, &["resource", name], json!(value)),
        }
    }
    let ratio = match get(variables, SAMPLER).and_then(sampled) {
        Some(Share::All) => Some(json!(1)),
        Some(Share::None) => Some(json!(0)),
        Some(Share::Ratio) => get(variables, "OTEL_TRACES_SAMPLER_ARG").map(|text| {
            text.parse::<f64>()
                .map_or_else(|_| json!(text), |ratio| json!(ratio))
        }),
        None => None,
    };
    if let Some(ratio) = ratio {
        put(SAMPLER, &["sample_ratio"], ratio);
    }
    all
}

/// Notes about variables that are ignored.
pub(super) fn notes(variables: &Variables) -> Vec<String> {
    let sampler = get(variables, SAMPLER).filter(|name| sampled(name).is_none());
    let sampler = sampler.map(|_| {
        format!("{SAMPLER} is ignored: expected always_on, always_off, traceidratio or one of these with parentbased_ before it, found another word")
    });
    let resource = get(variables, RESOURCE).and_then(|text| traces::pairs(text).err());
    let resource = resource.map(|message| format!("{RESOURCE} is ignored: {message}"));
    sampler.into_iter().chain(resource).collect()
}

/// The headers of an export.
pub(super) fn headers(variables: &Variables) -> Option<ExportHeaders> {
    of_traces(variables, "HEADERS").map(|(_, text)| ExportHeaders(text.to_owned()))
}

fn endpoint(variables: &Variables) -> Option<(&'static str, String)> {
    let is_off = get(variables, "OTEL_SDK_DISABLED")
        .is_some_and(|v| v.eq_ignore_ascii_case("true"))
        || get(variables, "OTEL_TRACES_EXPORTER") == Some("none");
    if is_off {
        return None;
    }
    let whole = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
    get(variables, whole)
        .map(|address| (whole, address.to_owned()))
        .or_else(|| {
            let address = get(variables, base)?.trim_end_matches('/');
            Some((base, format!("{address}/v1/traces")))
        })
}

fn of_traces<'a>(variables: &'a Variables, what: &str) -> Option<(String, &'a str)> {
    ["OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"]
        .into_iter()
        .find_map(|prefix| {
            let name = format!("{prefix}{what}");
            let value = get(variables, &name)?;
            Some((name, value))
        })
}

/// An empty variable counts as unset (general SDK configuration).
fn get<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    let value = variables.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}
