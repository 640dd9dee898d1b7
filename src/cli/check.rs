//! `geowarden check`: reports every problem that would stop `serve`, all at once.

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{CommandError, ConfigArguments, paint, print, print_json, running};
use crate::{reload::tenants, running_pygeoapi};

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigArguments,
    /// Ask the running pygeoapi for its version as well (`pygeoapi.url`)
    #[arg(long)]
    online: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        match self.find() {
            Ok(found) => {
                if self.json {
                    print_json(&found.json())?;
                } else {
                    print(&found.text())?;
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

    fn find(&self) -> Result<Found, CommandError> {
        let mut config = self.config.load()?;
        let unusable = std::mem::take(&mut config.unusable);
        // Key servers are not asked: `check` tests the files, not the network.
        let (tenants, mut problems) = tenants::key_sources_of_files(&config);
        let versions = if self.online {
            running::runtime()?.block_on(running_pygeoapi::VersionFindings::of_servers(&config))
        } else {
            running_pygeoapi::VersionFindings::of_configuration(&config)
        };
        problems.0.extend(unusable.0);
        problems.0.extend(versions.problems.0);
        match tenants::all(&tenants) {
            Ok(built) if problems.0.is_empty() => Ok(Found {
                warnings: [
                    config.notes.clone(),
                    versions.warnings,
                    built.risks,
                    built.warnings,
                ]
                .concat(),
                revisions: built.revisions,
            }),
            Ok(_) => Err(CommandError::Config(problems)),
            Err(found) => {
                problems.0.extend(found.0);
                Err(CommandError::Config(problems))
            }
        }
    }
}

/// The report about valid files.
struct Found {
    /// Each tenant's name with the revision of its policy and data.
    revisions: Vec<(Option<Arc<str>>, String)>,
    warnings: Vec<String>,
}

impl Found {
    fn text(&self) -> String {
        let mut text = String::new();
        for warning in &self.warnings {
            let _ = writeln!(
                text,
                "{}: {}",
                paint::warning("warning"),
                paint::lines(warning)
            );
        }
        for (tenant, revision) in &self.revisions {
            let of = tenant
                .as_deref()
                .map_or_else(String::new, |name| format!(" of tenant {name}"));
            let _ = writeln!(
                text,
                "{}: configuration, keys and policies{of} (revision {revision})",
                paint::good("ok")
            );
        }
        text
    }

    fn json(&self) -> Value {
        let mut all = Map::new();
        let mut tenants = Map::new();
        for (tenant, revision) in &self.revisions {
            match tenant {
                Some(name) => {
                    let one = json!({"policy_revision": revision});
                    tenants.insert(name.to_string(), one);
                }
                None => {
                    all.insert("policy_revision".to_owned(), json!(revision));
                }
            }
        }
        if !tenants.is_empty() {
            all.insert("tenants".to_owned(), Value::Object(tenants));
        }
        all.insert("valid".to_owned(), json!(true));
        all.insert("problems".to_owned(), json!([]));
        all.insert("warnings".to_owned(), json!(self.warnings));
        Value::Object(all)
    }
}
