//! `geowarden check --envoy`: what in Envoy's configuration would undo the guard.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _},
    path::Path,
};

use geowarden_envoy_check::{Expectations, ListensOn, check};
use url::Url;

use super::{super::CommandError, finding::Finding};
use crate::config::{Config, ListenAddress, Problems};

/// What was found in one file.
pub(super) enum Findings {
    Of {
        file: String,
        findings: Vec<Finding>,
    },
    /// It cannot be read, or is no configuration of Envoy.
    Unreadable(Problems),
}

/// Checks `file`; `-` is standard input. Without a configuration geowarden's defaults count.
pub(super) fn findings(file: &Path, config: Option<&Config>) -> Result<Findings, CommandError> {
    let (name, text) = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        ("(standard input)".to_owned(), text)
    } else {
        let name = file.display().to_string();
        match fs::read_to_string(file) {
            Ok(text) => (name, text),
            Err(error) => {
                let problem = Problems::file(name, None, format!("cannot be read: {error}"));
                return Ok(Findings::Unreadable(problem));
            }
        }
    };
    let expected = config.map_or_else(Expectations::default, expectations);
    Ok(match check(&text, &expected) {
        Ok(report) => {
            let found = report.findings.into_iter();
            let mut findings: Vec<Finding> =
                found.map(|one| Finding::of_envoy(&name, one)).collect();
            findings.extend(
                report
                    .unseen
                    .iter()
                    .map(|one| Finding::of_unseen(&name, one)),
            );
            Findings::Of {
                file: name,
                findings,
            }
        }
        Err(error) => {
            let line = error.line();
            Findings::Unreadable(Problems::file(name, line, error.to_string()))
        }
    })
}

fn expectations(config: &Config) -> Expectations {
    let parts = config.parts();
    let keys = parts
        .iter()
        .filter_map(|part| part.config.authn.api_keys.as_ref());
    let headers: BTreeSet<String> = keys.map(|keys| keys.header.to_ascii_lowercase()).collect();
    let urls: BTreeSet<String> = parts
        .iter()
        .filter_map(|part| part.config.pygeoapi.url.clone())
        .collect();
    let urls = urls.into_iter();
    Expectations {
        deadline: config.server.deadline.0,
        max_request_bytes: u64::try_from(config.server.max_request_bytes).unwrap_or(u64::MAX),
        grpc: Some(match &config.server.grpc {
            ListenAddress::Tcp(address) => ListensOn::Tcp(*address),
            ListenAddress::Unix(path) => ListensOn::Unix(path.clone()),
        }),
        pygeoapi: urls
            .filter_map(|url| {
                let url = Url::parse(&url).ok()?;
                Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
            })
            .collect(),
        credential_headers: headers.into_iter().collect(),
    }
}
