//! Names the loops of a policy whose evaluation takes too long: the engine only knows that the time is over.

use super::{Findings, loops, schema::Schema, shape::Rules};
use crate::{
    LoadError,
    diagnostic::{Code, Diagnostic},
    run::{builtins::Available, engine::LOAD_LIMIT},
    settings::Settings,
    source::Sources,
    translate::{Names, Written},
};

/// The largest number of loops that are named.
const MAX_LOOPS: usize = 3;

/// The text that the engine has for an evaluation that takes too long.
const TOO_LONG: &str = "execution exceeded time limit";

/// The loops that go through the most elements for one request, each in a line of its own.
pub(crate) fn slow_loops(sources: &Sources, settings: &Settings) -> String {
    let entry: Vec<String> = settings.entrypoint.split('/').map(str::to_owned).collect();
    let written = Written {
        texts: &sources.modules,
        version: settings.version,
        data: &sources.data,
        entry: &entry,
    };
    let names = Names::of(written, &Available);
    // No finding about loops needs the schema.
    let nothing = serde_json::Value::Null;
    let rules = Rules::of(&names.files, Schema(&nothing));
    let entry: Vec<String> = std::iter::once("data".to_owned()).chain(entry).collect();
    let reached = rules.reached_from(&entry);
    let mut costs = loops::Costs::new();
    let mut all: Vec<Diagnostic> = Vec::new();
    for file in &names.files {
        let mut findings = Findings {
            file,
            all: &mut all,
        };
        loops::check(
            file,
            &rules,
            &reached,
            &sources.data,
            &mut costs,
            &mut findings,
        );
    }
    all.retain(|found| found.code == Code::Cost);
    let shown = all.iter().take(MAX_LOOPS);
    shown.fold(String::new(), |text, found| format!("{text}\n{found}"))
}

/// The error of a policy that does not load, with its loops if its evaluation takes too long.
pub(crate) fn with_loops(error: LoadError, sources: &Sources, settings: &Settings) -> LoadError {
    match &error {
        LoadError::Unusable(text) if text.contains(TOO_LONG) => LoadError::Unusable(format!(
            "expected an evaluation of less than {} s, found a longer one: look for loops within loops{}",
            LOAD_LIMIT.as_secs(),
            slow_loops(sources, settings)
        )),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use serde_json::json;

    use super::*;
    use crate::{BuiltinErrors, EngineChoice, source::Version};

    fn loaded(rules: &str) -> (Sources, Settings) {
        let data = json!({"xs": vec![1; 3000]});
        let sources = Sources {
            modules: BTreeMap::from([("p.rego".to_owned(), format!("package p\n\n{rules}"))]),
            data: data.as_object().cloned().unwrap_or_default(),
        };
        let settings = Settings {
            entrypoint: "p/allow".to_owned(),
            version: Version::V1,
            timeout: Duration::from_millis(100),
            builtin_errors: BuiltinErrors::Refuse,
            engine: EngineChoice::Auto,
        };
        (sources, settings)
    }

    #[test]
    fn an_evaluation_that_takes_too_long_names_its_loops() {
        let (sources, settings) = loaded(
            "allow if {\n\tsome x in data.xs\n\tfar(x)\n}\n\nfar(x) if {\n\tsome y in data.xs\n\tx + y == 9\n}\n",
        );
        let error = LoadError::Unusable(format!("{TOO_LONG} (elapsed=5000002168ns)"));
        let told = with_loops(error, &sources, &settings).to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines.first(),
            Some(
                &"expected an evaluation of less than 5 s, found a longer one: look for loops within loops"
            )
        );
        assert!(
            told.contains(
                "p.rego:5:2: for one request, this goes through 9000000 elements with `far`"
            ),
            "{told}"
        );
        let other = LoadError::Unusable("another error".to_owned());
        assert_eq!(with_loops(other.clone(), &sources, &settings), other);
    }

    #[test]
    fn a_policy_without_long_loops_names_none() {
        let (sources, settings) = loaded("allow if some x in data.xs\n");
        assert_eq!(slow_loops(&sources, &settings), "");
    }
}
