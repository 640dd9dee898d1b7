//! `geowarden eval`: what the policy says of one request, without a server.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::{CommandError, ConfigArguments, key::attributes, print, print_json};
use crate::{
    config::key_file,
    identity::{Method, Principal},
    policy::{Policy, Question},
    reload::build,
    request::{CheckInput, Headers, ogc::RawRequest},
};

#[derive(Debug, Args)]
pub(super) struct Eval {
    #[command(flatten)]
    config: ConfigArguments,
    /// Policies to ask instead of the configured ones
    #[arg(long, value_name = "PATH")]
    policy: Option<std::path::PathBuf>,
    /// The request's method
    #[arg(long, short = 'X', default_value = "GET")]
    method: String,
    /// Path and query, as a client would send them
    #[arg(value_name = "TARGET")]
    target: String,
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

impl Eval {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut config = self.config.load()?;
        if let Some(path) = &self.policy {
            config.policy.path = Some(path.clone());
        }
        let policy = build::policy(&config).map_err(CommandError::Config)?;
        let headers = self.headers()?;
        let reader = build::reader(&config).map_err(CommandError::Config)?;
        let check = CheckInput {
            method: self.method.clone(),
            target: self.target.clone().into_bytes(),
            headers,
            body: self.body.clone().into_bytes(),
            ..CheckInput::default()
        };
        let read = reader.read(&RawRequest {
            method: &check.method,
            target: &check.target,
            headers: &check.headers,
            body: &check.body,
        });
        let resource = match read {
            Ok(resource) => resource,
            Err(refusal) => {
                return self.tell(false, 400, refusal.rule().as_str(), refusal.detail());
            }
        };
        let principal = self.principal(&config)?;
        let question = Question {
            check: &check,
            resource: &resource,
            principal: &principal,
        };
        if self.input {
            print_json(&policy.shown(&question))?;
            return Ok(ExitCode::SUCCESS);
        }
        match policy.decide(&question) {
            Ok(verdict) if verdict.allowed => {
                let reason = verdict.reason.as_deref().unwrap_or("the policy allows it");
                self.tell(true, 200, "policy-allowed", reason)
            }
            Ok(verdict) => {
                let (status, reason) = if principal.is_authenticated() {
                    (403, "policy-denied")
                } else {
                    (401, "credential-required")
                };
                let status = verdict.http_status.unwrap_or(status);
                let detail = verdict
                    .reason
                    .as_deref()
                    .unwrap_or("the policy does not allow it");
                self.tell(false, status, reason, detail)
            }
            Err(fault) => self.tell(false, 503, fault.as_str(), &fault.to_string()),
        }
    }

    fn tell(
        &self,
        is_allowed: bool,
        status: u16,
        reason: &str,
        detail: &str,
    ) -> Result<ExitCode, CommandError> {
        let outcome = if is_allowed { "allow" } else { "deny" };
        if self.json {
            print_json(
                &json!({"outcome": outcome, "status": status, "reason": reason, "detail": detail}),
            )?;
        } else {
            print(&format!("{outcome} ({status}, {reason}): {detail}\n"))?;
        }
        Ok(if is_allowed {
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
                        CommandError::Usage(format!(
                            "--header: expected `name: value`, found `{header}`"
                        ))
                    })
            })
            .collect()
    }

    fn principal(&self, config: &crate::config::Config) -> Result<Principal, CommandError> {
        let mut principal = Principal::anonymous();
        if let Some(claims) = &self.claims {
            let claims: Map<String, Value> = serde_json::from_str(claims).map_err(|e| {
                CommandError::Usage(format!("--claims: expected a JSON object: {e}"))
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
            let found = key_file::load(keys)
                .map_err(CommandError::Config)?
                .into_iter()
                .find(|key| key.entry.id == *id)
                .ok_or_else(|| {
                    CommandError::Usage(format!("--key-id: no key with the id `{id}`"))
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
