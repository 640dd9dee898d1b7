//! `geowarden check`: reports all errors that would stop `serve`, likely mistakes, and settings of Envoy that let requests pass
//! geowarden.

mod addresses;
mod envoy;
mod finding;
mod github;
mod issuers;
mod listeners;
mod roles;
mod sarif;
mod watch;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use geowarden_rego::LoadError;
use geowarden_yaml::Document;
use serde_json::{Map, Value, json};

use self::finding::{Finding, Level};
use super::{
    CommandError, ConfigArguments,
    format::{FormatArguments, Formats},
    paint, print, print_error, print_json, running,
};
use crate::{
    config::{Config, Problem, Problems},
    policy::{lint, source},
    reload::{
        build, guarded,
        tenants::{self, LoadedTenant},
    },
    running_pygeoapi,
};

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigArguments,
    /// Policies to check instead of the configured ones
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,
    /// pygeoapi's own configuration, instead of `pygeoapi.config`: collections, processes and properties are looked up in it
    #[arg(long, value_name = "FILE")]
    pygeoapi_config: Option<PathBuf>,
    /// Check Envoy's configuration: a bootstrap (YAML or JSON), or an answer of its /config_dump; `-` is standard input.
    /// Without --config, only this file is checked. Fields that Envoy does not know are not found:
    /// `envoy --mode validate -c FILE` finds them
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    /// Ask the running pygeoapi for its version as well (`pygeoapi.url`), and issuers for their keys
    #[arg(long)]
    online: bool,
    /// Fail for warnings too
    #[arg(long)]
    strict: bool,
    /// Check again whenever a file changes
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    format: FormatArguments<Format>,
}

/// How the findings are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, as code hosts and editors read it
    Sarif,
    /// Commands of GitHub Actions, which annotate the lines of a change
    Github,
}

impl Formats for Format {
    const JSON: Self = Self::Json;
}

impl Check {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        if self.watch {
            if self.envoy.as_deref() == Some(Path::new("-")) {
                let told = "--watch: expected files, found `--envoy -`: name the file";
                return Err(CommandError::Usage(told.to_owned()));
            }
            return watch::run(self);
        }
        self.once()
    }

    /// Checks and prints once.
    fn once(&self) -> Result<ExitCode, CommandError> {
        let found = self.find()?;
        match self.format.chosen() {
            Format::Text => found.print_text()?,
            Format::Json => print_json(&found.json())?,
            Format::Sarif => print_json(&sarif::log(&found.findings))?,
            Format::Github => print(&github::commands(&found.findings))?,
        }
        let fails =
            |one: &Finding| one.level == Level::Error || self.strict && one.level == Level::Warning;
        Ok(if found.findings.iter().any(fails) {
            ExitCode::from(64)
        } else {
            ExitCode::SUCCESS
        })
    }

    /// The configuration with what the command line puts in place of it.
    fn load(&self) -> Result<Config, Problems> {
        let mut config = match self.config.load() {
            Ok(config) => config,
            Err(CommandError::Config(problems)) => return Err(problems),
            Err(other) => return Err(Problems::file("configuration", None, other.to_string())),
        };
        if let Some(path) = &self.policy {
            config.policy.path = Some(path.clone());
        }
        if let Some(path) = &self.pygeoapi_config {
            config.pygeoapi.config = Some(path.clone());
        }
        Ok(config)
    }

    fn find(&self) -> Result<Found, CommandError> {
        let config = (!self.is_envoy_alone()).then(|| self.load());
        let envoy = self.envoy.as_deref().map(|file| {
            let config = config.as_ref().and_then(|config| config.as_ref().ok());
            envoy::findings(file, config)
        });
        let mut found = match config {
            Some(Ok(config)) => self.find_in(config)?,
            Some(Err(problems)) => Found::of_problems(problems),
            None => Found::default(),
        };
        match envoy.transpose()? {
            Some(envoy::Findings::Of { file, findings }) => {
                let is_good = findings.iter().all(|one| one.level == Level::Note);
                found.good_envoy = is_good.then_some(file);
                found.findings.extend(findings);
            }
            Some(envoy::Findings::Unreadable(problem)) => {
                let more = problem.0.iter().map(Finding::of_problem);
                found.findings.extend(more);
                found.problems.0.extend(problem.0.clone());
            }
            None => {}
        }
        Ok(found)
    }

    /// Whether only Envoy's configuration is meant.
    fn is_envoy_alone(&self) -> bool {
        let names_geowarden_files =
            self.config.names_a_file() || self.policy.is_some() || self.pygeoapi_config.is_some();
        self.envoy.is_some() && !names_geowarden_files
    }

    /// What is found in geowarden's own configuration, and all that it names.
    fn find_in(&self, mut config: Config) -> Result<Found, CommandError> {
        let mut problems = std::mem::take(&mut config.unusable);
        // A check says whether the files are good. Only `--online` asks the network.
        let (loaded, of_keys) = tenants::key_sources_of_files(&config);
        let (versions, issuers) = if self.online {
            let runtime = running::runtime()?;
            let versions = runtime.block_on(running_pygeoapi::VersionFindings::of_servers(&config));
            (versions, runtime.block_on(issuers::inspect(&config)))
        } else {
            let versions = running_pygeoapi::VersionFindings::of_configuration(&config);
            (versions, issuers::IssuerFindings::default())
        };
        let mut found = Found::default();
        let mut in_policies = Vec::new();
        for tenant in &loaded {
            let (findings, told) = policy_findings(tenant);
            found.findings.extend(findings);
            found.findings.extend(roles::futile(tenant));
            in_policies.extend(told);
        }
        let mut warnings = [config.notes.clone(), versions.warnings, issuers.warnings].concat();
        problems.0.extend(issuers.problems.0);
        problems.0.extend(of_keys.0);
        let file = self
            .config
            .config
            .as_deref()
            .or(self.config.env_file.as_deref());
        let taken = addresses::taken(&config, file);
        problems.0.extend(taken.problems.0);
        warnings.extend(taken.warnings);
        problems.0.extend(versions.problems.0);
        match tenants::all(&loaded) {
            Ok(built) => {
                warnings.extend(built.risks);
                let others = built.warnings.into_iter();
                warnings.extend(
                    others
                        .filter(|warning| !in_policies.iter().any(|told| warning.ends_with(told))),
                );
                found.revisions = built.revisions;
            }
            Err(more) => problems.0.extend(more.0),
        }
        // Skip problems that were already reported with their own line.
        let is_told = |problem: &Problem| {
            in_policies
                .iter()
                .any(|told| problem.message.ends_with(told))
        };
        let others = problems.0.iter().filter(|problem| !is_told(problem));
        let mut first: Vec<Finding> = others.map(Finding::of_problem).collect();
        first.extend(warnings.iter().map(|warning| Finding::of_warning(warning)));
        first.append(&mut found.findings);
        found.findings = first;
        found.problems = problems;
        Ok(found)
    }
}

/// The findings in a tenant's policies and data, and the messages that loading them gives.
fn policy_findings(tenant: &LoadedTenant) -> (Vec<Finding>, Vec<String>) {
    let (config, files) = (&tenant.part.config, &tenant.files);
    let name = tenant.part.tenant.as_ref();
    let Ok(with_tests) = build::policy_sources(config, files) else {
        return (Vec::new(), Vec::new());
    };
    let sources = with_tests.clone().without_tests();
    let ids = guarded::ids(config, files);
    let prover = build::prover(config);
    let settings = build::rego_settings(config);
    let found = lint::findings(&sources, &settings, prover.as_ref(), &ids);
    let mut told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let is_error = |one: &&geowarden_rego::diagnostic::Diagnostic| {
        one.severity == geowarden_rego::diagnostic::Severity::Error
    };
    let errors: Vec<_> = found.iter().filter(is_error).cloned().collect();
    let in_tests = lint::findings_in_tests(&with_tests, &settings);
    if !errors.is_empty() {
        told.push(LoadError::Diagnostics(errors).to_string());
    }
    let mut all: Vec<Finding> = found
        .iter()
        .chain(&in_tests)
        .map(|one| Finding::of_diagnostic(one, with_tests.modules.get(&one.file), name))
        .collect();
    let data = config
        .policy
        .path
        .as_deref()
        .map(|path| source::data_files(path, files));
    for file in data.into_iter().flatten() {
        let text = files.text(&file).unwrap_or_default();
        let Ok(document) = Document::parse(text) else {
            continue;
        };
        let unknown = lint::unknown_ids(&file, text, &document, &ids, &sources);
        let text = text.to_owned();
        all.extend(
            unknown
                .iter()
                .map(|one| Finding::of_diagnostic(one, Some(&text), name)),
        );
    }
    (all, told)
}

/// All there is to say.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    problems: Problems,
    /// Each tenant's name, and the revision of its policy and data.
    revisions: Vec<(Option<Arc<str>>, String)>,
    /// The file of Envoy in which nothing was found.
    good_envoy: Option<String>,
}

impl Found {
    fn of_problems(problems: Problems) -> Self {
        Self {
            findings: problems.0.iter().map(Finding::of_problem).collect(),
            problems,
            ..Self::default()
        }
    }

    fn is_valid(&self) -> bool {
        !self.findings.iter().any(|one| one.level == Level::Error)
    }

    /// Warnings and what is good go to standard output, errors to standard error.
    fn print_text(&self) -> Result<(), CommandError> {
        let mut text = String::new();
        for finding in self.findings.iter().filter(|one| one.level != Level::Error) {
            text.push_str(&finding.text());
        }
        if let Some(file) = &self.good_envoy {
            let file = paint::lines(file);
            let _ = writeln!(
                text,
                "{}: {file}: nothing in it undoes the guard",
                paint::good("ok")
            );
        }
        if self.is_valid() {
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
        }
        print(&text)?;
        for finding in self.findings.iter().filter(|one| one.level == Level::Error) {
            print_error(&finding.text());
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let mut all = Map::new();
        let mut tenants = BTreeMap::new();
        for (tenant, revision) in self.revisions.iter().filter(|_| self.is_valid()) {
            match tenant {
                Some(name) => {
                    tenants.insert(name.to_string(), json!({"policy_revision": revision}));
                }
                None => {
                    all.insert("policy_revision".to_owned(), json!(revision));
                }
            }
        }
        if !tenants.is_empty() {
            all.insert("tenants".to_owned(), json!(tenants));
        }
        let problems: Vec<_> = self
            .problems
            .0
            .iter()
            .map(|p| json!({"origin": p.origin.to_string(), "path": p.path, "message": p.message}))
            .collect();
        let warnings = self
            .findings
            .iter()
            .filter(|one| one.level == Level::Warning);
        let warnings: Vec<_> = warnings.map(Finding::line_of_text).collect();
        all.insert("valid".to_owned(), json!(self.is_valid()));
        all.insert("problems".to_owned(), json!(problems));
        all.insert("warnings".to_owned(), json!(warnings));
        all.insert("findings".to_owned(), json!(self.findings));
        Value::Object(all)
    }
}
