//! `geowarden eval`: decides one request, or many of them line by line, without a server.

mod batch;
mod caller;
mod recording;

use std::{fs, net::IpAddr, path::PathBuf, process::ExitCode, time::SystemTime};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::Map;

use super::{
    CommandError, TenantArguments,
    deciding::{Decider, SetClock},
    explanation::{Colours, Explained, ExplanationArguments, extent},
    format::{Format, FormatArguments},
    paint, print, print_json,
};
use crate::{
    policy::Question,
    record::DecisionRecord,
    request::{Headers, envoy::SampleRequest},
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
    /// The host of the request; the default is that of a `Host` header, or localhost
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
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
    #[command(flatten)]
    explanation: ExplanationArguments,
    /// Append the request and its decision as a row to this table, which `geowarden test` runs. Without --policy and --config, the
    /// policy is that of the table's folder
    #[arg(long, value_name = "X_table.yaml", conflicts_with_all = ["input", "batch"])]
    record: Option<PathBuf>,
    /// The name of the row; the default says who asks for what
    #[arg(long, value_name = "TEXT", requires = "record")]
    name: Option<String>,
    #[command(flatten)]
    format: FormatArguments,
}

impl Eval {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut config = self.config.load_for(&self.host()?)?;
        if self.batch {
            return batch::run(&config);
        }
        if let Some(path) = &self.policy {
            config.policy.path = Some(path.clone());
        } else if config.policy.path.is_none() && !self.config.names_a_configuration() {
            config.policy.path = self.record.as_deref().map(recording::folder);
        }
        let now = self.at.map_or_else(SystemTime::now, SystemTime::from);
        let clock = SetClock::new(now);
        if self.at.is_some() || self.explanation.explain || self.record.is_some() {
            // The decision and its explanation are of one moment.
            clock.set(now);
        }
        let asked = self.asked(now)?;
        let decider = Decider::new(config, &asked.headers, clock.clone())?;
        let check = decider.check(&asked)?;
        let caller = self.caller(decider.config(), decider.files(), &*clock)?;
        if caller.is_described() && decider.has_credential(&check) {
            return Err(CommandError::Usage(
                "expected a request without a credential beside --key-id, --attribute or --claims, found one: leave one of both out"
                    .to_owned(),
            ));
        }
        let record = decider.decide(&check, &caller);
        if self.input
            && let (Some(resource), Some(principal)) = (&record.resource, &record.principal)
        {
            print_json(&decider.rules().policy.shown(&Question {
                check: &check,
                resource,
                principal,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let explained = self
            .explanation
            .explain
            .then(|| decider.explain(&record))
            .transpose()?;
        let code = self.print_decision(&record, explained.as_ref())?;
        let Some(file) = &self.record else {
            return Ok(code);
        };
        self.append(file, &decider, &caller, &record)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The request, as it reaches Envoy.
    fn asked(&self, time: SystemTime) -> Result<SampleRequest, CommandError> {
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
        Ok(SampleRequest {
            method: self.method.clone(),
            target: self.target.clone(),
            headers,
            body: self.body.clone().into_bytes(),
            host: self.host()?,
            scheme: self.scheme.clone(),
            source_address: self.source_address.to_string(),
            time,
        })
    }

    fn host(&self) -> Result<String, CommandError> {
        let headers = self.headers()?;
        let mut all = headers.all("host");
        let host = match (&self.host, all.next(), all.next()) {
            (None, None, _) => "localhost".to_owned(),
            (Some(host), None, _) => host.clone(),
            (None, Some(host), None) => String::from_utf8_lossy(host).into_owned(),
            (None, Some(_), Some(_)) => {
                return Err(CommandError::Usage(
                    "--header: expected one `Host`, found several: leave one".to_owned(),
                ));
            }
            (Some(_), Some(_), _) => {
                return Err(CommandError::Usage(
                    "--host: expected one host, found another in a `Host` header: leave one out"
                        .to_owned(),
                ));
            }
        };
        Ok(host)
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
        // The detail is what the client reads, which need not be what the policy says to the operator.
        let verdict = record.followed_verdict();
        let policy_reason = verdict.and_then(|verdict| verdict.reason.as_deref());
        if self.format.is(Format::Json) {
            let mut decision = Map::new();
            decision.insert("outcome".to_owned(), outcome.into());
            decision.insert("status".to_owned(), status.into());
            decision.insert("reason".to_owned(), code.into());
            decision.insert("detail".to_owned(), detail.into());
            if let Some(reason) = policy_reason {
                decision.insert("policy_reason".to_owned(), reason.into());
            }
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
            if let Some(reason) = policy_reason.filter(|reason| *reason != detail) {
                print(&format!("reason: {}\n", paint::plain(reason)))?;
            }
            for line in record.printed.iter().flat_map(|printed| printed.lines()) {
                print(&format!("print: {}\n", paint::plain(line)))?;
            }
            if let Some(explained) = explained {
                print(&explained.text(&Colours, extent(self.explanation.all)))?;
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
