//! Runs real clients of pygeoapi (`tests/clients`): GDAL, OWSLib, pystac-client and scripts.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::process::Plan;
use crate::{Error, Result, Tools};

const NAME: &str = "clients";
/// The time limit for all clients together.
const LIMIT: Duration = Duration::from_mins(3);

/// Lets each client use all parts of the pygeoapi at `url`, with this header in every request. They trust the certificates of
/// `ca_file`. Returns the result of each step of each client, in which `URL` replaces the address.
pub async fn walk(
    tools: &Tools,
    url: &str,
    header: Option<(&str, &str)>,
    ca_file: Option<&Path>,
) -> Result<Value> {
    let plan =
        Plan::new(NAME, &tools.clients_python()?)?.directory(&tools.repository().join("tests"));
    let output = plan.folder().join("told.json");
    let mut plan = plan
        .args(["-m", "clients", "--url", url, "--output"])
        .arg(&output)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some((name, value)) = header {
        plan = plan.arg("--header").arg(format!("{name}:{value}"));
    }
    if let Some(file) = ca_file {
        for variable in ["REQUESTS_CA_BUNDLE", "GDAL_CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
            plan = plan.env(variable, file);
        }
    }
    let mut process = plan.start()?;
    let status = process.ended_within(LIMIT).await?;
    if !status.success() {
        return Err(process.error(format!("ended with {status}")));
    }
    let text = fs::read(&output).map_err(Error::io(format!("reading {}", output.display())))?;
    serde_json::from_slice(&text).map_err(|error| Error::unexpected(NAME, error))
}
