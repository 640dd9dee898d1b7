//! `geowarden eval`: decides one request, or many of them line by line, without a server.

mod batch;
mod caller;

use std::{fs, net::IpAddr, path::PathBuf, process::ExitCode, sync::Arc, time::SystemTime};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::Map;

use self::caller::Caller;
use super::{
    CommandError, TenantArguments,
    explanation::Explained,
    format::{Format, FormatArguments},
    paint, print, print_json, running,
};
use crate::{
    authn::{Clock, SystemClock},
    files::Fresh,
    pipeline::{self, Rules},
    policy::Question,
    record::{DecisionRecord, Denial},
    reload::build,
    request::{CheckInput, Headers, envoy::SampleRequest},
};

#[derive(Debug, Args)]
pub(super) struct Eval {
    #[command(flatten)]
    config: TenantArguments,
    /// Evaluate these policies instead of the configured ones
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// The request's method
    #[arg(long, short = 'X', default_value = "GET")]
    method: String,
    /// Path and query, as a client would send them
    #[arg(
        value_name = "TARGET",
        required_unless_present = "batch",
        default_value = ""
    )]
    target: String,
    /// Evaluate the JSON lines on standard input and print one answer a line:
    /// {"modules": {"a.rego": ".."}, "data": {}, "entrypoint": "p/allow", "input": {}}
    #[arg(long, conflicts_with_all = ["target", "policy", "key_id", "attributes", "claims", "headers"])]
    batch: bool,
    /// A header, `name: value`
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    headers: Vec<String>,
    /// The request's body
    #[arg(long, default_value = "")]
    body: String,
    /// The host of the request
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,
    /// http or https, as the client reached Envoy
    #[arg(long, default_value = "http", value_parser = ["http", "https"])]
    scheme: String,
    /// The client's IP address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    source_address: IpAddr,
    /// Send the token in this file, as `authorization: Bearer` would
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_id", "claims", "attributes"])]
    token: Option<PathBuf>,
    /// The time for checks of expiry and for policies that read the time (RFC 3339); the default is now
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// Decide as for the holder of this entry of the key file
    #[arg(long, value_name = "ID", conflicts_with_all = ["claims", "attributes"])]
    key_id: Option<String>,
    /// Decide as for the holder of an API key with these attributes, NAME=VALUE
    #[arg(
        long = "attribute",
        value_name = "NAME=VALUE",
        conflicts_with = "claims"
    )]
    attributes: Vec<String>,
    /// Decide as for the bearer of a token with these claims, JSON
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// Print the `input` of the policy instead of deciding
    #[arg(long)]
    input: bool,
    /// Say which rule allowed the request, or by which condition each rule missed, with the values that it saw
    #[arg(long, conflicts_with_all = ["input", "batch"])]
    explain: bool,
    #[command(flatten)]
    format: FormatArguments,
}

/// A clock that does not move.
struct Standing(SystemTime);

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        self.0
    }
}

impl Eval {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut config = self.config.load()?;
        if self.batch {
            return batch::run(&config);
        }
        if let Some(path) = &self.policy {
            config.policy.path = Some(path.clone());
        }
        // For the author, on whose desk this runs.
        config.policy.print = true;
        let clock = self.clock();
        let files = build::files(&config, Fresh::Read).map_err(CommandError::Config)?;
        let policy = Arc::new(build::policy(&config, &files).map_err(CommandError::Config)?);
        let now = clock.now();
        if self.explain {
            // The decision and its explanation are of one moment.
            geowarden_rego::fix_now(
                DateTime::<Utc>::from(now)
                    .timestamp_nanos_opt()
                    .unwrap_or_default(),
            );
        }
        let mut check = self.check(now)?;
        let caller = self.caller(&config, &files, &*clock)?;
        let authn = caller::chain(&config, &files, &check.headers, clock);
        let runtime = running::runtime()?;
        let rules = Rules {
            reader: build::reader(&config).map_err(CommandError::Config)?,
            authn: Arc::new(runtime.block_on(authn)?),
            policy: Arc::clone(&policy) as Arc<dyn crate::policy::Policy>,
            fastgeoapi: None,
        };
        check.withhold(rules.authn.query_parameters());
        let mut record = DecisionRecord::of(&check);
        match caller {
            Caller::ByCredential => {
                runtime.block_on(pipeline::decide(&rules, &check, &mut record));
            }
            Caller::Known(principal) => {
                pipeline::decide_as(&rules, &check, *principal, &mut record);
            }
            Caller::Expired => {
                let (code, detail) = (Caller::EXPIRED.as_str(), Caller::EXPIRED.detail());
                record.deny(Denial::new(Caller::EXPIRED.status(), code, detail));
            }
        }
        if self.input
            && let (Some(resource), Some(principal)) = (&record.resource, &record.principal)
        {
            print_json(&rules.policy.shown(&Question {
                check: &check,
                resource,
                principal,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let explained = self
            .explain
            .then(|| Explained::of(&record, &policy, &config, &files))
            .transpose()?;
        self.print_decision(&record, explained.as_ref())
    }

    /// The clock by which credentials and the policy are judged.
    fn clock(&self) -> Arc<dyn Clock> {
        let Some(at) = self.at else {
            return Arc::new(SystemClock);
        };
        if let Some(nanoseconds) = at.timestamp_nanos_opt() {
            geowarden_rego::fix_now(nanoseconds);
        }
        Arc::new(Standing(at.into()))
    }

    /// The check that Envoy would send.
    fn check(&self, time: SystemTime) -> Result<CheckInput, CommandError> {
        let mut headers = self.headers()?;
        if let Some(file) = &self.token {
            let name = file.display();
            let token = fs::read_to_string(file)
                .map_err(|e| CommandError::Usage(format!("--token: {name}: {e}")))?;
            headers.push(
                "authorization",
                format!("Bearer {}", token.trim()).as_bytes(),
            );
        }
        let asked = SampleRequest {
            method: self.method.clone(),
            target: self.target.clone(),
            headers,
            body: self.body.clone().into_bytes(),
            host: self.host.clone(),
            scheme: self.scheme.clone(),
            source_address: self.source_address.to_string(),
            time,
        };
        CheckInput::as_envoy_asks(&asked).map_err(|e| CommandError::Failed(e.to_string()))
    }

    fn print_decision(
        &self,
        record: &DecisionRecord<'_>,
        explained: Option<&Explained>,
    ) -> Result<ExitCode, CommandError> {
        let (outcome, status, code) = (record.outcome(), record.status(), record.code());
        let cause = record.denial().and_then(|denial| denial.cause.as_deref());
        let detail = match cause.or_else(|| record.detail()) {
            Some(detail) => detail,
            None if record.reason() == code => "The policy allows it",
            None => record.reason(),
        };
        if self.format.is(Format::Json) {
            let mut decision = Map::new();
            decision.insert("outcome".to_owned(), outcome.into());
            decision.insert("status".to_owned(), status.into());
            decision.insert("reason".to_owned(), code.into());
            decision.insert("detail".to_owned(), detail.into());
            if let Some(printed) = &record.printed {
                decision.insert("print".to_owned(), printed.as_str().into());
            }
            if let Some(explained) = explained {
                decision.insert("explanation".to_owned(), explained.json()?);
            }
            print_json(&decision)?;
        } else {
            let outcome = if record.is_allowed() {
                paint::good(outcome)
            } else {
                paint::bad(outcome)
            };
            let lines: Vec<_> = detail.lines().map(paint::plain).collect();
            let detail = lines.join("\n");
            print(&format!("{outcome} ({status}, {code}): {detail}\n"))?;
            for line in record.printed.iter().flat_map(|printed| printed.lines()) {
                print(&format!("print: {}\n", paint::plain(line)))?;
            }
            if let Some(explained) = explained {
                print(&explained.text())?;
            }
        }
        Ok(if record.is_allowed() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }

    fn headers(&self) -> Result<Headers, CommandError> {
        self.headers
            .iter()
            .map(|header| {
                header
                    .split_once(':')
                    .map(|(name, value)| (name.trim(), value.trim()))
                    .ok_or_else(|| {
                        // Do not print the text: it may be a credential.
                        CommandError::Usage(
                            "--header: expected `name: value`, found a text without `:`".to_owned(),
                        )
                    })
            })
            .collect()
    }
}
