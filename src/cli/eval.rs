//! `geowarden eval`: what the policy says of one request, without a server; or of many, line by line.

mod batch;

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{CommandError, TenantArguments, key::attributes, no_line, paint, print, print_json};
use crate::{
    authn::{ApiKeySettings, Chain, ChainSettings, KeyRing, KeyTable, SystemClock},
    config::key_file,
    files::{Files, Fresh},
    identity::{Method, Principal},
    pipeline::{self, Rules},
    policy::Question,
    record::{DecisionRecord, ErrorFormat},
    reload::build,
    request::{CheckInput, Headers},
};

#[derive(Debug, Args)]
pub(super) struct Eval {
    #[command(flatten)]
    config: TenantArguments,
    /// Policies to ask instead of the configured ones
    #[arg(long, value_name = "PATH")]
    policy: Option<std::path::PathBuf>,
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
    /// Evaluate JSON lines of standard input instead, one answer a line:
    /// {"modules": {"a.rego": ".."}, "data": {}, "entrypoint": "p/allow", "input": {}}
    #[arg(long, conflicts_with_all = ["target", "policy", "key_id", "attributes", "claims", "headers"])]
    batch: bool,
    /// A header, `name: value`
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    headers: Vec<String>,
    /// The request's body
    #[arg(long, default_value = "")]
    body: String,
    /// Ask as the holder of this entry of the key file
    #[arg(long, value_name = "ID", conflicts_with_all = ["claims", "attributes"])]
    key_id: Option<String>,
    /// Ask as the holder of an API key with these attributes, NAME=VALUE
    #[arg(
        long = "attribute",
        value_name = "NAME=VALUE",
        conflicts_with = "claims"
    )]
    attributes: Vec<String>,
    /// Ask as the bearer of a token with these claims, JSON
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// Print what the policy is given instead of deciding
    #[arg(long)]
    input: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Takes no credential, since flags say who calls; but like every service that is served it knows a way to show one, so that
/// a stranger is told 401.
fn authn() -> Result<Chain, String> {
    let table = KeyTable::new(Vec::new()).map_err(|e| e.to_string())?;
    let settings = ChainSettings {
        api_keys: Some(ApiKeySettings {
            header: "x-api-key".to_owned(),
            keys: Arc::new(KeyRing::new(table)),
        }),
        ..ChainSettings::default()
    };
    Chain::new(settings, Arc::new(SystemClock)).map_err(|e| e.to_string())
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
        let files = build::files(&config, Fresh::Read).map_err(CommandError::Config)?;
        let policy = build::policy(&config, &files).map_err(CommandError::Config)?;
        let authn = authn().map_err(CommandError::Failed)?;
        let rules = Rules {
            reader: build::reader(&config).map_err(CommandError::Config)?,
            authn: Arc::new(authn),
            policy: Arc::new(policy),
            error_format: ErrorFormat::default(),
        };
        let check = CheckInput {
            method: self.method.clone(),
            target: self.target.clone().into_bytes(),
            headers: self.headers()?,
            body: self.body.clone().into_bytes(),
            ..CheckInput::default()
        };
        let principal = self.principal(&config, &files)?;
        let mut record = DecisionRecord::of(&check);
        pipeline::decide_as(&rules, &check, principal, &mut record);
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
        self.print_decision(&record)
    }

    fn print_decision(&self, record: &DecisionRecord<'_>) -> Result<ExitCode, CommandError> {
        let (outcome, status, code) = (record.outcome(), record.status(), record.code());
        let cause = record.denial().and_then(|denial| denial.cause.as_deref());
        let detail = match cause.or_else(|| record.detail()) {
            Some(detail) => detail,
            None if record.reason() == code => "The policy allows it",
            None => record.reason(),
        };
        if self.json {
            print_json(
                &json!({"outcome": outcome, "status": status, "reason": code, "detail": detail}),
            )?;
        } else {
            let outcome = if record.is_allowed() {
                paint::good(outcome)
            } else {
                paint::bad(outcome)
            };
            let lines: Vec<_> = detail.lines().map(paint::plain).collect();
            let detail = lines.join("\n");
            print(&format!("{outcome} ({status}, {code}): {detail}\n"))?;
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
                        // Not the text, which may be a credential.
                        CommandError::Usage(
                            "--header: expected `name: value`, found a text without `:`".to_owned(),
                        )
                    })
            })
            .collect()
    }

    fn principal(
        &self,
        config: &crate::config::Config,
        files: &Files,
    ) -> Result<Principal, CommandError> {
        let mut principal = Principal::anonymous();
        if let Some(claims) = &self.claims {
            let claims: Map<String, Value> = serde_json::from_str(claims).map_err(|e| {
                let (line, column) = (e.line(), e.column());
                CommandError::Usage(format!(
                    "--claims: expected a JSON object such as `{{\"sub\": \"ada\"}}`, found {} (line {line}, column {column})",
                    no_line(&e)
                ))
            })?;
            let text = |name: &str| claims.get(name).and_then(Value::as_str);
            principal.method = Method::Jwt;
            principal.subject = text("sub").map(Into::into);
            principal.issuer = text("iss").map(Into::into);
            principal.scopes = text("scope")
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            principal.claims = claims.into();
        } else if let Some(id) = &self.key_id {
            let keys = config.authn.api_keys.as_ref().ok_or_else(|| {
                CommandError::Usage("--key-id: no API keys are configured".to_owned())
            })?;
            let found = key_file::load(keys, files)
                .map_err(CommandError::Config)?
                .into_iter()
                .find(|key| key.entry.id == *id)
                .ok_or_else(|| {
                    CommandError::Usage("--key-id: expected the `id` of an entry of the configured keys, found another text"
                            .to_owned())
                })?;
            key_holder(&mut principal, id, found.entry.attributes);
        } else if !self.attributes.is_empty() {
            key_holder(&mut principal, "eval", attributes(&self.attributes)?);
        }
        Ok(principal)
    }
}

fn key_holder(principal: &mut Principal, id: &str, attributes: Map<String, Value>) {
    principal.method = Method::ApiKey;
    principal.subject = Some(id.into());
    principal.key_id = Some(id.into());
    principal.attributes = attributes.into();
}
