#![doc = include_str!("../README.md")]

mod checks;
mod finding;

mod guarded;
mod listens_on;
mod service;
mod settings;
mod view;

use std::time::Duration;

use geowarden_yaml::Document;

use self::{
    checks::{
        access_log, admin, authorization, authorizer, connection, filters, listeners, pygeoapi,
        routes,
    },
    finding::Findings,
    view::Bootstrap,
};
pub use self::{
    finding::{Finding, Report, Severity},
    listens_on::ListensOn,
    view::UnreadableEnvoy,
};

/// Settings of geowarden that some of Envoy's settings must match.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// The time limit of a Check (`server.deadline`).
    pub deadline: Duration,
    /// The largest CheckRequest, in bytes (`server.max_request_bytes`).
    pub max_request_bytes: u64,
    /// The address at which geowarden answers Envoy (`server.grpc`). `None` if it is unknown.
    pub grpc: Option<ListensOn>,
    /// The host and port of each pygeoapi that geowarden itself asks (`pygeoapi.url`).
    pub pygeoapi: Vec<(String, u16)>,
    /// Headers with credentials besides `authorization` and `cookie`, in lower case.
    pub credential_headers: Vec<String>,
}

impl Default for Expectations {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(500),
            max_request_bytes: 1 << 20,
            grpc: None,
            pygeoapi: Vec::new(),
            credential_headers: vec!["x-api-key".to_owned()],
        }
    }
}

/// Checks a bootstrap (YAML or JSON) or a response of Envoy's `/config_dump`.
pub fn check(text: &str, expected: &Expectations) -> Result<Report, UnreadableEnvoy> {
    let document = Document::parse(text)?;
    let bootstrap = Bootstrap::read(&document)?;
    let mut found = Findings::default();
    let geowarden = service::find(&bootstrap, expected.grpc.as_ref());
    let guarded = guarded::find(&bootstrap, &geowarden);
    listeners::check(&bootstrap, &guarded, &geowarden, &mut found);
    for manager in bootstrap.asking_managers() {
        let asking = geowarden.filters(manager);
        let Some(last) = asking.last() else {
            continue;
        };
        for filter in &asking {
            authorization::check(filter, expected, &mut found);
            authorizer::check(&bootstrap, filter, expected, &mut found);
        }
        filters::check(manager, last, &mut found);
        connection::check(manager, &mut found);
        access_log::check(manager, expected, &mut found);
        routes::check(manager, &asking, &guarded, expected, &mut found);
    }
    filters::of_clusters(&bootstrap, &guarded, &mut found);
    pygeoapi::check(&bootstrap, &guarded, expected, &mut found);
    admin::check(&bootstrap, &mut found);
    Ok(found.report(bootstrap.unseen))
}
