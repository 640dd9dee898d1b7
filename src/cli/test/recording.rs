//! `geowarden test --record`: has `eval` record a request, or records a decision of the log.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

use clap::{ArgGroup, Args, Parser};
use serde_json::{Value, json};

use super::{
    super::{
        CommandError,
        deciding::{Decider, SetClock},
        decision_log::{Log, LoggedDecision},
        eval::Eval,
        other_policy, paint, print, print_json,
        table::{
            self, Row,
            recorded::{self, Erased},
        },
        usage_error,
    },
    Format, Test, logged_request,
};
use crate::{
    policy::{Policy as _, Question},
    record::{DecisionRecord, InputScope},
    reload::build,
    request::{CheckInput, Headers},
};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("recorded").args(["log", "eval"])))]
pub(super) struct Recording {
    /// Append a row to this table instead of running tests: the request that the flags of `geowarden eval` behind `--` describe, as
    /// `geowarden eval --record` does, or the decision of a log
    #[arg(
        long,
        value_name = "X_table.yaml",
        requires = "recorded",
        conflicts_with_all = ["paths", "run", "coverage", "threshold", "verbose", "watch"]
    )]
    record: Option<PathBuf>,
    /// With --record: the decision log (JSON lines, with `decision_log.input`) that has the decision; `-` is standard input
    #[arg(long, value_name = "FILE", requires_all = ["record", "decision"])]
    log: Option<PathBuf>,
    /// With --record: the decision's id, `decision_id` in the log, `instance` in the client's problem document
    #[arg(long, value_name = "ID", requires = "log")]
    decision: Option<String>,
    /// With --log: the name of the row; the default says who asks for what
    #[arg(long, value_name = "TEXT", requires = "log")]
    name: Option<String>,
    /// The flags of `geowarden eval`, with --record
    #[arg(
        last = true,
        value_name = "EVAL-FLAGS",
        requires = "record",
        conflicts_with_all = ["config", "env_file", "tenant"]
    )]
    eval: Vec<OsString>,
}

/// The flags of `eval` behind `--`.
#[derive(Debug, Parser)]
#[command(name = "geowarden test --record FILE --", no_binary_name = true)]
struct EvalFlags {
    #[command(flatten)]
    eval: Eval,
}

impl Recording {
    /// Records, if that is asked for.
    pub(super) fn run(&self, test: &Test) -> Result<Option<ExitCode>, CommandError> {
        let (Some(file), Some(log), Some(id)) = (&self.record, &self.log, &self.decision) else {
            return self.by_eval();
        };
        if test.format.is(Format::Junit) {
            return Err(CommandError::Usage(
                "--format: expected text or json with --record, found junit: no test runs"
                    .to_owned(),
            ));
        }
        let decision = Log::of(log).find(id)?;
        self.append(file, &decision, test)?;
        Ok(Some(ExitCode::SUCCESS))
    }

    /// Has `eval` record.
    fn by_eval(&self) -> Result<Option<ExitCode>, CommandError> {
        let Some(file) = &self.record else {
            // With a PATH, clap does not ask for --record, which excludes it.
            return if self.eval.is_empty() {
                Ok(None)
            } else {
                Err(CommandError::Usage(
                    "expected `--record FILE` with the flags of `eval` behind `--`, found none"
                        .to_owned(),
                ))
            };
        };
        let flags = [OsString::from("--record"), file.into()];
        let flags = flags.iter().chain(&self.eval);
        Ok(Some(match EvalFlags::try_parse_from(flags) {
            Ok(flags) => flags.eval.run()?,
            Err(error) => usage_error(&error),
        }))
    }

    /// Appends the row of a decision of the log.
    fn append(
        &self,
        file: &Path,
        decision: &LoggedDecision,
        test: &Test,
    ) -> Result<(), CommandError> {
        if decision.is_before_the_policy() {
            return Err(CommandError::Failed(
                "--decision: expected a decision of the policy, found a request that was refused before it, of which no log has enough: give the request by the flags of `eval` behind `--`"
                    .to_owned(),
            ));
        }
        let input = decision.input()?;
        let mut arguments = test.config.clone();
        if arguments.names_a_configuration() && arguments.tenant.is_none() {
            arguments.tenant.clone_from(&decision.tenant);
        }
        let mut config = test.config_of(&arguments)?;
        if config.policy.path.is_none() && !arguments.names_a_configuration() {
            config.policy.path = Some(table::folder_of(file).to_path_buf());
        }
        let shape = build::rego_settings(&config).input;
        let who = logged_request::who(decision, input, shape)?;
        let mut request = logged_request::request(decision, input)?;
        let now = decision.timestamp.map_or_else(SystemTime::now, Into::into);
        let clock = SetClock::new(now);
        clock.set(now);
        // A row has no credentials, so none is verified.
        let decider = Decider::new(config, &Headers::default(), clock)?;
        let erased = Erased::of(&decider.check(&request.sample(now))?, decider.rules());
        request.headers.retain(|name, _| erased.has_header(name));
        request.target = String::from_utf8_lossy(&erased.target).into_owned();
        let check = decider.check(&request.sample(now))?;
        let record = decider.decide(&check, &who.caller());
        let policy = decider.policy();
        reads_the_same(&decider, decision, input, &check, &record)?;
        // A policy that can read the time needs the time of the decision.
        let at = decision.timestamp.filter(|_| !policy.is_pure());
        let row = recorded::row(self.name.clone(), who, request, at, &record);
        let notes = notes(&decider, decision, &row)?;
        let name = table::append(file, row, self.name.is_none())?;
        if test.format.is(Format::Json) {
            return print_json(&json!({"file": file, "name": name, "notes": notes}));
        }
        for note in &notes {
            print(&format!("{}\n", paint::plain(note)))?;
        }
        print(&format!(
            "recorded in {}: {}\n",
            paint::plain(&file.display().to_string()),
            paint::plain(&name)
        ))
    }
}

/// Refuses a row of whose request the policy does not read what it read of the logged one.
fn reads_the_same(
    decider: &Decider,
    decision: &LoggedDecision,
    input: &Value,
    check: &CheckInput,
    record: &DecisionRecord<'_>,
) -> Result<(), CommandError> {
    let (Some(resource), Some(principal)) = (&record.resource, &record.principal) else {
        let why = record.detail().unwrap_or_default();
        return Err(unfit(&format!(
            "what the log has of the request is refused before the policy is asked: {why}"
        )));
    };
    let question = Question {
        check,
        resource,
        principal,
    };
    let policy = decider.policy();
    let now = policy.read_input(&question);
    // A log of what the earlier policy read cannot have what another one reads.
    let is_part = decision.input_scope == Some(InputScope::Reads)
        && decision.policy_revision.as_deref() != Some(policy.revision());
    let is_compared = |path: &[&str], then: Option<&Value>| {
        policy.reads(path.iter().copied()) && (then.is_some() || !is_part)
    };
    let mut path = Vec::new();
    match first_difference(Some(input), Some(&now), &mut path, &is_compared) {
        None => Ok(()),
        Some(path) => Err(unfit(&format!(
            "`input.{path}` would be another in the row than in the log"
        ))),
    }
}

fn unfit(why: &str) -> CommandError {
    CommandError::Failed(format!(
        "--record: {why}: set `decision_log.input: full` for the decisions to come, or give the request by the flags of `eval` behind `--`"
    ))
}

/// The path of the first part that differs. Its values may be credentials, so nobody is shown them.
fn first_difference<'v>(
    then: Option<&'v Value>,
    now: Option<&'v Value>,
    path: &mut Vec<&'v str>,
    is_compared: &impl Fn(&[&str], Option<&Value>) -> bool,
) -> Option<String> {
    if then == now || !is_compared(path, then) {
        return None;
    }
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (then, now) {
        let added = after.keys().filter(|name| !before.contains_key(*name));
        for name in before.keys().chain(added) {
            path.push(name);
            let found = first_difference(before.get(name), after.get(name), path, is_compared);
            path.pop();
            if found.is_some() {
                return found;
            }
        }
        return None;
    }
    Some(path.join("."))
}

/// What to know of a row whose decision need not be that of the log.
fn notes(
    decider: &Decider,
    decision: &LoggedDecision,
    row: &Row,
) -> Result<Vec<String>, CommandError> {
    let policy = decider.policy();
    let missing = other_policy::missing(policy, &decision.erased);
    let mut notes: Vec<String> = other_policy::note_of_missing(&missing)
        .into_iter()
        .collect();
    let (then, here) = (decision.outcome.as_str(), row.decision.as_str());
    let is_same = then == here && decision.reason == row.reason;
    let is_same_policy = decision.policy_revision.as_deref() == Some(policy.revision());
    if is_same_policy && !is_same {
        let told = format!(
            "the log has {then} ({}) and the same policy decides {here} ({}) here",
            decision.reason.as_deref().unwrap_or_default(),
            row.reason.as_deref().unwrap_or_default(),
        );
        notes.insert(0, told);
        return Err(unfit(&notes.join("; ")));
    }
    if !is_same_policy {
        let revision = decision.policy_revision.as_deref().unwrap_or("unknown");
        notes.push(other_policy::note(revision, policy.revision()));
    }
    if !is_same {
        notes.push(format!(
            "the log has {then}, and the row has what the policy here decides: {here}"
        ));
    }
    Ok(notes)
}
