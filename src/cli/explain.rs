//! `geowarden explain`: evaluates a decision of the log anew, and says why the policy decides so.

mod reevaluation;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;

use self::reevaluation::Reevaluation;
use super::{
    CommandError, TenantArguments,
    decision_log::{Log, LoggedDecision},
    explanation::extent,
    format::{Format, FormatArguments},
    paint, print, print_json,
};

/// The help text: what the log needs to have.
const EXPLANATION: &str = "\
The log has to be JSON lines (`telemetry.format: json`) whose decisions have the policy's input:

  decision_log: {input: reads}   what the policy reads of it
  decision_log: {input: full}    all of it, also for a changed policy

Lines before the JSON of a line and lines that are no JSON are skipped, so the output of journalctl and kubectl can be \
used as it is. The policy is evaluated as at the time of the decision. Credentials are never in the log, so what a policy \
reads of them is undefined here. Exit code 0: the policy allows it now; 2: it denies it, or the request was refused before \
the policy; 1: there is no such decision, or it has no input; 64: bad usage.

  geowarden explain 7d1c6f0e-5b0a-4c39-9f58-0d2f5d3a9c11 \\
    --log decisions.jsonl --config geowarden.yaml
  kubectl logs deploy/geodata -c geowarden |
    geowarden explain ID --log - --policy policies";

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct Explain {
    /// The decision's id: `decision_id` in the log, `instance` in the client's problem document
    #[arg(value_name = "ID")]
    id: String,
    /// The decision log; `-` is standard input
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    #[command(flatten)]
    config: TenantArguments,
    /// Evaluate these policies instead of the configured ones
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// Explain every rule in full, also those that are farther from allowing the request
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    format: FormatArguments,
}

impl Explain {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let decision = Log::of(&self.log).find(&self.id)?;
        if decision.is_before_the_policy() {
            self.print_refusal(&decision)?;
            return Ok(ExitCode::from(2));
        }
        let input = decision.input()?;
        let tenant = TenantArguments {
            tenant: self.config.tenant.clone().or(decision.tenant.clone()),
            ..self.config.clone()
        };
        let mut config = tenant.load()?;
        if let Some(path) = &self.policy {
            config.policy.path = Some(path.clone());
        }
        let now = Reevaluation::of(&decision, input, &config)?;
        if self.format.is(Format::Json) {
            print_json(&json!({
                "then": decision.json(),
                "now": now.json()?,
            }))?;
        } else {
            print(&format!(
                "{}{}",
                decision.text(),
                now.text(extent(self.all))
            ))?;
        }
        Ok(if now.is_allowed {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }

    fn print_refusal(&self, decision: &LoggedDecision) -> Result<(), CommandError> {
        if self.format.is(Format::Json) {
            return print_json(&json!({ "then": decision.json(), "now": null }));
        }
        let detail = decision.detail.as_deref().unwrap_or("no detail");
        print(&format!(
            "{}the policy was not asked: the request was refused before it: {}\n",
            decision.text(),
            paint::plain(detail)
        ))
    }
}
