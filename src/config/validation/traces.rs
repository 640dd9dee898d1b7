//! Checks `telemetry.traces`: where spans are sent, with which headers. Endpoint and headers may contain credentials,
//! so errors never quote them.

use std::path::PathBuf;

use geowarden_yaml::Step;
use url::Url;

use super::{Config, Findings, is_loopback, web_address};

pub(super) fn check(config: &Config, found: &mut Findings<'_>) {
    let Some(traces) = &config.telemetry.traces else {
        return;
    };
    let endpoint = Url::parse(&traces.endpoint).ok();
    match &endpoint {
        Some(url) if !url.username().is_empty() || url.password().is_some() => found.at(
            "telemetry.traces.endpoint",
            "expected an address without a user name and password; `headers_file` is for credentials",
        ),
        Some(url) if matches!(url.scheme(), "http" | "https") && url.path() != "/" => {}
        other => {
            let is_bare = matches!(other, Some(url) if url.path() == "/");
            let found_kind = if is_bare {
                "one without a path"
            } else {
                web_address::kind(&traces.endpoint)
            };
            found.at(
                "telemetry.traces.endpoint",
                format!("expected the whole address that spans are posted to, such as `http://127.0.0.1:4318/v1/traces`, found {found_kind}"),
            );
        }
    }
    if !(0.0..=1.0).contains(&traces.sample_ratio) {
        found.at(
            "telemetry.traces.sample_ratio",
            format!(
                "expected a number from 0 to 1, found {}",
                traces.sample_ratio
            ),
        );
    }
    let ca_file = found.path("telemetry.traces.ca_file");
    let is_there = |found: &mut Findings<'_>, key: &[Step], file: &Option<PathBuf>| {
        file.as_ref().is_none_or(|file| found.file(key, file))
    };
    if is_there(found, &ca_file, &traces.ca_file)
        && let Err(message) = traces.authorities()
    {
        found.at("telemetry.traces.ca_file", message);
    }
    let headers_file = found.path("telemetry.traces.headers_file");
    if !is_there(found, &headers_file, &traces.headers_file) {
        return;
    }
    match traces.request_headers() {
        Err(message) => found.at("telemetry.traces.headers_file", message),
        Ok(headers) if headers.is_empty() => {}
        Ok(_) => {
            if endpoint.is_some_and(|url| url.scheme() == "http" && !is_loopback(&url)) {
                found.at(
                    "telemetry.traces.endpoint",
                    "expected https, since headers with credentials are sent there",
                );
            }
        }
    }
}
