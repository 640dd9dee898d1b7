//! `geowarden test`: runs the tests of policies.

mod failure;
mod junit;
mod logged_request;
mod recording;
mod results;
mod tables;

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use geowarden_rego::{
    BuiltinErrors,
    source::Version,
    test::{self, Coverage, TestOutcome},
};
use regex::Regex;
use serde_json::json;

use self::{
    recording::Recording,
    results::{Ran, Reason, covered},
};
use super::{
    CommandError, TenantArguments,
    format::{FormatArguments, Formats},
    paint, print, print_error, print_json, table, watching,
};
use crate::{
    config::{Config, Problems},
    files::Root,
    policy::source,
    reload::build,
};

/// The help text: the two kinds of tests.
const EXPLANATION: &str = "\
Two kinds of tests are run. Rules `test_*` in files `*_test.rego` run as `opa test` runs them. The rows of files \
`*_table.yaml` need no Rego. Each is decided as `serve` decides, by the policy in the folder of the table:

  # policies/lakes/authz_table.yaml
  - name: rangers read lakes
    who: {attributes: {roles: [ranger]}}   # or {claims: {..}}, or anonymous
    request: {target: /collections/lakes/items}
    decision: allow                        # or deny

  geowarden test policies/lakes
  geowarden test --run 'rangers' --watch policies/lakes
  geowarden test --record policies/lakes/authz_table.yaml -- \\
    --attribute 'roles=[guest]' /collections/lakes/items
  geowarden test --record policies/lakes/authz_table.yaml \\
    --log decisions.jsonl --decision ID --config geowarden.yaml";

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct Test {
    #[command(flatten)]
    config: TenantArguments,
    /// Folders or files with policies, data and tests. Files are loaded together, and each folder separately; in a folder with
    /// several policies, each is
    /// [default: `policy.path` of --config; without --config, policies]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only tests whose name, `data.package.test_name` or `x_table.yaml: name of the row`, matches this regular expression
    #[arg(long, short, value_name = "REGEX")]
    run: Option<Regex>,
    /// Print which lines the tests that ran evaluate
    #[arg(long)]
    coverage: bool,
    /// Print which lines were evaluated, and fail if they are a smaller share, in percent
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    threshold: Option<f64>,
    /// Read files without `import rego.v1` as Rego v0
    #[arg(long)]
    v0_compatible: bool,
    /// The effect of an error of a built-in function, instead of the configured `policy.builtin_errors`
    #[arg(long, value_enum, value_name = "WHAT")]
    builtin_errors: Option<OnError>,
    /// Print every test, not only those that failed
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    format: FormatArguments<Format>,
    /// Run the tests again whenever a file changes, until interrupted
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    recording: Recording,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For CI systems: the XML of JUnit
    Junit,
}

impl Formats for Format {
    const JSON: Self = Self::Json;
}

fn threshold(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok();
    percent
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

/// The effect of an error of a built-in function.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnError {
    /// The test fails with the error
    Refuse,
    /// The call is undefined, as in OPA
    Undefined,
}

impl From<OnError> for BuiltinErrors {
    fn from(errors: OnError) -> Self {
        match errors {
            OnError::Refuse => Self::Refuse,
            OnError::Undefined => Self::Undefined,
        }
    }
}

/// The paths that are not below another one, each once, so that no test runs twice.
fn outermost(paths: &[PathBuf]) -> Vec<&PathBuf> {
    // A path that does not exist is reported when it is loaded.
    let real = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let all: Vec<PathBuf> = paths.iter().map(real).collect();
    let is_outermost = |(index, path): (usize, &PathBuf)| {
        !all.iter()
            .enumerate()
            .any(|(at, other)| path.starts_with(other) && (path != other || at < index))
    };
    let kept = all.iter().enumerate().map(is_outermost);
    paths
        .iter()
        .zip(kept)
        .filter_map(|(path, is_kept)| is_kept.then_some(path))
        .collect()
}

/// The topmost folders below `path` that directly contain Rego files, sorted by name.
fn folders_with_policies(path: &Path) -> Vec<PathBuf> {
    // A folder that cannot be read is reported when it is loaded.
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let is_rego = |file: &PathBuf| file.extension().is_some_and(|e| e == "rego");
    if paths.iter().any(is_rego) {
        return vec![path.to_path_buf()];
    }
    paths.sort_unstable();
    let is_hidden = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b".")
    };
    let folders = paths
        .iter()
        .filter(|path| path.is_dir() && !is_hidden(path));
    folders
        .flat_map(|folder| folders_with_policies(folder))
        .collect()
}

impl Test {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        if let Some(code) = self.recording.run(self)? {
            return Ok(code);
        }
        if self.watch {
            return watching::repeat(|| self.roots(), || self.once());
        }
        self.once()
    }

    /// All files and folders that are read.
    fn roots(&self) -> Vec<Root> {
        let config = &self.config.config;
        let named = [&config.config, &config.env_file].into_iter().flatten();
        // A configuration that cannot be read is told by the tests.
        let config = self.config_of(&self.config).unwrap_or_default();
        let paths = self.paths(&config).unwrap_or_default();
        let below = paths.iter();
        named
            .map(Root::file)
            .chain(below.flat_map(|path| [source::root(path), table::root(path)]))
            .collect()
    }

    /// What is tested: the given paths, or the configured policies.
    fn paths<'a>(&'a self, config: &'a Config) -> Result<Cow<'a, [PathBuf]>, CommandError> {
        if !self.paths.is_empty() {
            return Ok(Cow::Borrowed(&self.paths));
        }
        let path = match &config.policy.path {
            _ if !self.config.names_a_configuration() => "policies".into(),
            Some(path) => path.clone(),
            None => {
                return Err(CommandError::Usage(
                    "the configuration has no `policy.path`: name the folders to test".to_owned(),
                ));
            }
        };
        Ok(Cow::Owned(vec![path]))
    }

    /// Runs the tests once.
    fn once(&self) -> Result<ExitCode, CommandError> {
        let config = self.config_of(&self.config)?;
        let mut results = Vec::new();
        let mut coverage = Coverage::new();
        let paths = self.paths(&config)?;
        let paths = outermost(&paths);
        for path in &paths {
            for warning in tables::misnamed(path) {
                print_error(&format!("{}: {warning}\n", paint::warning("warning")));
            }
        }
        let is_of_policy = |path: &&Path| path.is_file() && !table::is_table(path);
        let (files, others): (Vec<&Path>, Vec<&Path>) = paths
            .into_iter()
            .map(PathBuf::as_path)
            .partition(is_of_policy);
        if !files.is_empty() {
            let (some, lines) = self.run_rules(&files, &config)?;
            results.extend(some);
            coverage.extend(lines);
        }
        for path in others {
            let (some, lines) = self.run_all(path, &config)?;
            results.extend(some);
            coverage.extend(lines);
        }
        if results.is_empty() {
            return Err(CommandError::Failed(
                match &self.run {
                    Some(_) => {
                        "no test was found whose name `--run` finds: leave it out to see all"
                    }
                    None => "no test was found: tests are rules whose names begin with `test_`, and rows of `*_table.yaml`",
                }
                .to_owned(),
            ));
        }
        match self.format.chosen() {
            Format::Json => print_json(&json!({"tests": results, "coverage": coverage}))?,
            Format::Text => print(&results::text(&results, &coverage, self.verbose))?,
            Format::Junit => print(&junit::xml(&results))?,
        }
        if let Some(threshold) = self.threshold {
            if results.iter().all(|ran| ran.suite.is_some()) {
                return Err(CommandError::Failed(
                    "--threshold: expected rules `test_*`, whose lines are counted, found only rows of tables: add such rules, or leave the flag out"
                        .to_owned(),
                ));
            }
            let covered = covered(&coverage);
            if covered < threshold {
                return Err(CommandError::Failed(format!(
                    "the tests evaluate {covered:.1}% of the lines, and --threshold asks for {threshold}%"
                )));
            }
        }
        let all_passed = results
            .iter()
            .all(|ran| matches!(ran.result.outcome, TestOutcome::Pass | TestOutcome::Skip));
        Ok(if all_passed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Runs the tests of a policy, or of each policy in a folder with several. Those may define the same rule, so they
    /// cannot be loaded together.
    fn run_all(&self, path: &Path, config: &Config) -> Result<(Vec<Ran>, Coverage), CommandError> {
        let as_one = self.run_one(path, config);
        let inner = folders_with_policies(path);
        if as_one.is_ok() || inner.len() < 2 {
            return as_one;
        }
        let is_inside = |file: &String| {
            inner
                .iter()
                .any(|folder| Path::new(file).starts_with(folder))
        };
        if let Some(file) = tables::files(path)?
            .into_iter()
            .find(|file| !is_inside(file))
        {
            let told = "expected a table in the folder of a policy, found it above several: move it into that of its policy";
            return Err(CommandError::Config(Problems::file(file, None, told)));
        }
        let mut results = Vec::new();
        let mut coverage = Coverage::new();
        for folder in inner {
            let (some, lines) = self.run_one(&folder, config)?;
            results.extend(some.into_iter().map(|mut ran| {
                // The name of a row has its folder already.
                if ran.suite.is_none() {
                    ran.result.name = format!("{}: {}", folder.display(), ran.result.name);
                }
                ran
            }));
            coverage.extend(lines);
        }
        Ok((results, coverage))
    }

    /// The configuration that arguments name, with what the flags replace in it.
    fn config_of(&self, arguments: &TenantArguments) -> Result<Config, CommandError> {
        let mut config = arguments.load()?;
        if self.v0_compatible {
            config.policy.rego = Version::V0;
        }
        if let Some(errors) = self.builtin_errors {
            config.policy.builtin_errors = errors.into();
        }
        Ok(config)
    }

    fn run_one(&self, path: &Path, config: &Config) -> Result<(Vec<Ran>, Coverage), CommandError> {
        let mut config = config.clone();
        let (mut all, coverage) = if table::is_table(path) {
            config.policy.path = Some(table::folder_of(path).to_path_buf());
            (Vec::new(), Coverage::new())
        } else {
            config.policy.path = Some(path.to_path_buf());
            self.run_rules(&[path], &config)?
        };
        all.extend(tables::run(path, &config, self.run.as_ref())?);
        Ok((all, coverage))
    }

    /// Runs the rules `test_*` of the policy in these files and folders.
    fn run_rules(
        &self,
        paths: &[&Path],
        config: &Config,
    ) -> Result<(Vec<Ran>, Coverage), CommandError> {
        let (version, errors) = (config.policy.rego, config.policy.builtin_errors);
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let fault = |e: String| CommandError::Config(Problems::file(names.join(", "), None, e));
        let sources = source::load(paths)
            .map_err(|error| CommandError::Config(build::source_problems(error)))?;
        let with_coverage = self.coverage || self.threshold.is_some();
        let run = self.run.clone();
        let is_chosen = move |name: &str| run.as_ref().is_none_or(|run| run.is_match(name));
        let ran = test::run(sources.clone(), version, errors, with_coverage, is_chosen);
        let (results, coverage) = ran.map_err(|e| fault(e.to_string()))?;
        let mut all = Vec::new();
        for result in results {
            let why = match result.outcome {
                TestOutcome::Fail | TestOutcome::Error(_) => {
                    // Without an explanation the failure is told all the same.
                    test::why(sources.clone(), version, errors, &result).ok()
                }
                TestOutcome::Pass | TestOutcome::Skip => None,
            };
            all.push(Ran {
                result,
                suite: None,
                reason: why.map(|why| Reason::OfRule(Box::new(why))),
            });
        }
        Ok((all, coverage))
    }
}
