//! `geowarden migrate`: turns fastgeoapi's `.env` and policy into a configuration of geowarden.

use std::{fmt::Write as _, fs, path::PathBuf, process::ExitCode};

use clap::Args;
use geowarden_rego::migrate::{self, Finding, Kind};
use serde_json::json;

use super::{
    CommandError,
    format::{Format, FormatArguments},
    paint, print, print_json,
};
use crate::config::{
    Environment, Problems,
    fastgeoapi::{Native, Settings},
};

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// fastgeoapi's .env
    #[arg(long, value_name = "FILE", default_value = ".env")]
    env_file: PathBuf,
    /// The policy that OPA had loaded
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
}

impl Migrate {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let settings = Settings::load(&self.env_file, &Environment::of_process())
            .map_err(CommandError::Config)?;
        let mut segments = settings.context().split('/');
        let context = segments.find(|segment| !segment.is_empty());
        let findings = self.findings(context)?;
        let explanation = |found: &Finding| explanation(found.kind, context.unwrap_or_default());
        let is = |kind| findings.iter().any(|finding| finding.kind == kind);
        let native = Native {
            keys_file: Some("api-keys.yaml"),
            policy: self.policy.as_deref(),
            is_old_rego: self.policy.is_none() || is(Kind::OldRego),
            strips_prefix: is(Kind::MissingContext),
            is_shown: true,
        };
        let yaml = settings.yaml(&native);
        if self.format.is(Format::Json) {
            print_json(&json!({
                "geowarden.yaml": yaml,
                "api-keys.yaml": settings.keys,
                "notes": settings.notes,
                "findings": findings
                    .iter()
                    .map(|found| json!({"file": self.policy, "line": found.line, "message": explanation(found)}))
                    .collect::<Vec<_>>(),
            }))?;
        } else {
            print(&self.text(&settings, &yaml, &findings, explanation)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn findings(&self, context: Option<&str>) -> Result<Vec<Finding>, CommandError> {
        let Some(path) = &self.policy else {
            return Ok(Vec::new());
        };
        let text = fs::read_to_string(path).map_err(|e| {
            let name = path.display().to_string();
            CommandError::Config(Problems::file(name, None, format!("cannot be read: {e}")))
        })?;
        let name = path.display().to_string();
        migrate::findings(&name, &text, context)
            .map_err(|error| CommandError::Config(Problems::file(name, None, error.to_string())))
    }

    /// The files, each below a comment with its name, then the findings. All of it is valid YAML.
    fn text(
        &self,
        settings: &Settings,
        yaml: &str,
        findings: &[Finding],
        explanation: impl Fn(&Finding) -> String,
    ) -> Result<String, CommandError> {
        let mut text = format!("# geowarden.yaml\n{yaml}");
        if !settings.keys.is_empty() {
            let _ = writeln!(text, "\n# api-keys.yaml");
            for key in &settings.keys {
                let entry = serde_json::to_string(key).map_err(std::io::Error::from)?;
                let _ = writeln!(text, "#- {entry}");
            }
        }
        for note in &settings.notes {
            let _ = writeln!(
                text,
                "\n# {}: {}",
                paint::warning("note"),
                paint::plain(note)
            );
        }
        for finding in findings {
            let file = self.policy.as_deref().unwrap_or(&self.env_file).display();
            let _ = writeln!(
                text,
                "\n# {file}:{}: {}",
                finding.line,
                explanation(finding)
            );
        }
        Ok(text)
    }
}

/// What a finding means and what to do. `context` is the first segment of every path.
fn explanation(kind: Kind, context: &str) -> String {
    match kind {
        Kind::OldRego => "Rego v0: it runs with `policy.rego: v0`; in v1 a rule's body stands after `if`, a set's member after `contains`, and `input` needs no import".to_owned(),
        Kind::MissingContext => format!("never true: `request_path` begins with \"{context}\"; set `policy.path_prefix: strip`, or compare with \"{context}\" first"),
        Kind::AllowByDefault => "everybody is let in unless a rule says otherwise: write `default allow := false`".to_owned(),
    }
}
