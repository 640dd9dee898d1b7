//! `geowarden eval --batch`: loads and evaluates policies from JSON lines, as the server does.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
    process::ExitCode,
};

use geowarden_rego::{BuiltinErrors, EngineChoice, Sources, prove::Prover, source::Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{CommandError, found_instead, print_json_line};
use crate::{config::Config, policy::RegoPolicy, reload::build};

/// One line: a policy, and its inputs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Rego texts by file name.
    modules: BTreeMap<String, String>,
    #[serde(default)]
    data: Map<String, Value>,
    /// `package/path/rule`.
    entrypoint: String,
    /// The dialect of modules that do not name one. The default is the configured dialect.
    rego: Option<Version>,
    /// The effect of an error of a built-in function. The default is the configured one.
    builtin_errors: Option<BuiltinErrors>,
    /// What evaluates the policy. The default is the configured engine.
    engine: Option<EngineChoice>,
    /// The `input`; `{}` if it is absent.
    input: Option<Value>,
    /// Several inputs for the same policy. Their answers are returned as `results`.
    inputs: Option<Vec<Value>>,
    /// Any member: for the programs that read the answers.
    #[serde(rename = "name")]
    _name: Option<Value>,
}

/// The answer for one input.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Result(Value),
    Undefined(bool),
    /// The policy does not load.
    Refused(String),
    /// The evaluation failed.
    Error(String),
    Results(Vec<Answer>),
}

/// Answers each line of standard input. An invalid line is an error and ends the command.
pub(super) fn run(config: &Config) -> Result<ExitCode, CommandError> {
    let prover = build::prover(config);
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let number = index + 1;
        let fault = |what: &str| CommandError::Usage(format!("standard input:{number}: {what}"));
        let line = line.map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => fault("expected UTF-8, found other bytes"),
            _ => fault(&format!("cannot be read: {e}")),
        })?;
        if line.trim().is_empty() {
            continue;
        }
        let line = serde_json::from_str(&line).map_err(|e| {
            let (found, column) = (found_instead(&e), e.column());
            fault(&format!("expected {{\"modules\", \"data\", \"entrypoint\", \"input\"}}, found {found} (column {column})"))
        })?;
        print_json_line(&answer(config, prover.as_ref(), line))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(config: &Config, prover: Option<&Prover>, line: Line) -> Answer {
    let mut settings = build::rego_settings(config);
    settings.policy.entrypoint = line.entrypoint;
    if let Some(rego) = line.rego {
        settings.policy.version = rego;
    }
    if let Some(errors) = line.builtin_errors {
        settings.policy.builtin_errors = errors;
    }
    if let Some(engine) = line.engine {
        settings.policy.engine = engine;
    }
    let sources = Sources {
        modules: line.modules,
        data: line.data,
    };
    let policy = match RegoPolicy::load(sources, &settings, prover) {
        Ok(policy) => policy,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    let ask = |input| match policy.evaluate(&input) {
        Ok(Some(value)) => Answer::Result(value),
        Ok(None) => Answer::Undefined(true),
        Err(fault) => Answer::Error(fault.to_string()),
    };
    match line.inputs {
        Some(inputs) => Answer::Results(inputs.into_iter().map(ask).collect()),
        None => ask(line.input.unwrap_or_else(|| Value::Object(Map::new()))),
    }
}
