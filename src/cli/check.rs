//! `geowarden check`: everything that would stop `serve`, at once.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{CommandError, ConfigArguments, paint, print, print_json};
use crate::{
    authn::{KeySet, KeySource},
    config::Problems,
    reload::{build, guarded},
};

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        match self.find() {
            Ok((revision, warnings)) => {
                if self.json {
                    print_json(
                        &json!({"valid": true, "policy_revision": revision, "problems": [], "warnings": warnings}),
                    )?;
                } else {
                    for warning in warnings {
                        print(&format!("{}: {warning}\n", paint::warning("warning")))?;
                    }
                    print(&format!(
                        "{}: configuration, keys and policies (revision {revision})\n",
                        paint::good("ok")
                    ))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(CommandError::Config(problems)) if self.json => {
                let problems: Vec<_> = problems
                    .0
                    .iter()
                    .map(|p| {
                        json!({"origin": p.origin.to_string(), "path": p.path, "message": p.message})
                    })
                    .collect();
                print_json(&json!({"valid": false, "problems": problems}))?;
                Ok(ExitCode::from(64))
            }
            Err(error) => Err(error),
        }
    }

    fn find(&self) -> Result<(String, Vec<String>), CommandError> {
        let config = self.config.load()?;
        let mut problems = Problems::default();
        let mut sources = Vec::new();
        for (index, issuer) in config.authn.jwt.iter().enumerate() {
            let keys = if issuer.jwks_file.is_some() {
                build::keys_of_file(index, issuer)
            } else {
                // Key servers are not asked: a check says whether the files are good, not whether the network is.
                build::key_fetch_settings(index, issuer).and_then(|_| {
                    KeySet::parse(b"{\"keys\": []}")
                        .map_err(|e| build::issuer_problem(index, "issuer", e.to_string()))
                })
            };
            match keys {
                Ok(keys) => sources.push(KeySource::fixed(&issuer.issuer, keys)),
                Err(found) => problems.0.extend(found.0),
            }
        }
        match build::rules(&config, &sources) {
            Ok(rules) if problems.0.is_empty() => Ok((
                rules.policy.revision().to_owned(),
                [
                    config.notes.clone(),
                    guarded::inspect(&config).warnings,
                    rules.policy.warnings().to_vec(),
                ]
                .concat(),
            )),
            Ok(_) => Err(CommandError::Config(problems)),
            Err(found) => {
                problems.0.extend(found.0);
                Err(CommandError::Config(problems))
            }
        }
    }
}
