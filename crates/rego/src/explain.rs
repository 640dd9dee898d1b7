//! Explains why a document has its value: which rule gave it, or which condition of each rule did not hold. The
//! explanation includes the values that the conditions saw.
//!
//! The same engine that decides evaluates the policy, with notes between its statements (`instrument`). So the
//! explanation says what the engine did. If this evaluation gives another value than the decision, that is an error.
//! Policies have no notes unless they are explained.

mod builder;
mod calls;
mod explanation;
mod frames;
mod instrument;
mod looked_at;
mod notes;
mod recorder;
pub mod text;
mod words;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use regorus::{Engine, Value as RegoValue};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

pub use self::explanation::{
    Condition, Definition, Explanation, Location, Missing, Outcome, Seen, Tried, Wanted,
    WantedValue,
};
use self::{
    builder::ExplanationBuilder, frames::Frames, instrument::instrument, notes::Notes,
    recorder::Recorder,
};
use crate::{
    BuiltinErrors, LoadError, Settings,
    arrange::Places,
    core, engine_error,
    lint::slow_loops,
    resolve::File,
    run::{
        Fault, builtins,
        engine::{LOAD_LIMIT, engine, on_large_stack, panic_text, timer},
        term,
    },
    source::{Sources, Version},
    translate::{Written, to_core},
};

/// Why an explanation failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExplainError {
    /// The explained evaluation gave another value than the decision.
    #[error(
        "the explained evaluation gave {explained}, and the decision {decided}: the explanation is of no use; ask at one moment (`--at`) if the policy looks at the time"
    )]
    Differs {
        /// What was decided.
        decided: String,
        /// What the explained evaluation gave.
        explained: String,
    },
    /// The input cannot be given to the policy.
    #[error("input: {0}")]
    Input(String),
    /// The notes of the evaluation contradict each other.
    #[error("the steps of the evaluation do not fit together, so it cannot be explained")]
    Broken,
}

/// What to explain about an evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    /// Which rule gave the value, or why there is none.
    Value,
    /// Why the value lacks a part, such as a case of a test.
    Missing,
}

/// A rule to explain, whose path can be another one than its author wrote.
pub(crate) struct Changed {
    /// Its path, `data` first.
    pub(crate) path: Vec<String>,
    /// Its name in the explanation.
    pub(crate) name: String,
}

/// A policy, prepared to explain the value of one of its documents.
pub struct Explainer {
    engine: Engine,
    recorder: Recorder,
    notes: Notes,
    places: Places,
    texts: BTreeMap<String, String>,
    data: RegoValue,
    entry: Vec<String>,
    entrypoint: String,
    /// What it was loaded from, to name its loops if an evaluation takes too long.
    loaded: Option<(Sources, Settings)>,
}

impl Explainer {
    /// Prepares a policy to explain its entrypoint.
    ///
    /// ```
    /// use std::{collections::BTreeMap, time::Duration};
    ///
    /// use geowarden_rego::{BuiltinErrors, EngineChoice, Settings, Sources, explain::Explainer, source::Version};
    /// use serde_json::json;
    ///
    /// let text = "package example\n\nallow if {\n\tinput.action == \"read\"\n\tinput.user == \"ada\"\n}\n";
    /// let sources = Sources {
    ///     modules: BTreeMap::from([("example.rego".to_owned(), text.to_owned())]),
    ///     ..Sources::default()
    /// };
    /// let settings = Settings {
    ///     entrypoint: "example/allow".to_owned(),
    ///     version: Version::V1,
    ///     timeout: Duration::from_millis(100),
    ///     builtin_errors: BuiltinErrors::Refuse,
    ///     engine: EngineChoice::Auto,
    /// };
    /// let explainer = Explainer::load(sources, &settings).unwrap();
    /// let why = explainer.explain(&json!({"action": "read", "user": "bob"}), &Ok(None)).unwrap();
    /// let condition = &why.definitions[0].conditions[0];
    /// assert_eq!(condition.place.line, 5);
    /// assert_eq!(condition.place.source, "input.user == \"ada\"");
    /// assert_eq!(condition.values[0].name, "input.user");
    /// assert_eq!(condition.values[0].value, Some(json!("bob")));
    /// ```
    pub fn load(sources: Sources, settings: &Settings) -> Result<Self, LoadError> {
        let names = settings.entrypoint.split('/').map(str::to_owned).collect();
        let (version, errors) = (settings.version, settings.builtin_errors);
        let sources = sources.without_tests();
        let loaded = Some((sources.clone(), settings.clone()));
        let of = move || Self::of(sources, version, errors, names, |_, _| None);
        on_large_stack(move || of().map(|own| Self { loaded, ..own }))
    }

    /// Prepares a policy to explain a document. `entry` is its path, without `data`. `change` can change the rules, and return
    /// the rule to explain in place of `entry`.
    pub(crate) fn of(
        sources: Sources,
        version: Version,
        errors: BuiltinErrors,
        entry: Vec<String>,
        change: impl FnOnce(&mut [File], &str) -> Option<Changed>,
    ) -> Result<Self, LoadError> {
        let written = Written {
            texts: &sources.modules,
            version,
            data: &sources.data,
            entry: &entry,
        };
        let translated = to_core(written, &builtins::Available, change);
        let (translated, changed) = translated.map_err(LoadError::Diagnostics)?;
        let (modules, notes) = instrument(&translated.modules);
        let texts = modules.iter().map(|module| {
            (
                module.name.as_str(),
                core::print(module, &translated.prefix),
            )
        });
        let data = RegoValue::from(Value::Object(sources.data.clone()));
        let mut engine = engine(std::iter::empty(), data.clone(), errors)?;
        let recorder = Recorder::default();
        recorder.register(&mut engine)?;
        for (name, text) in texts {
            engine
                .add_policy(name.to_owned(), text)
                .map_err(|e| LoadError::Unusable(engine_error::for_author(&e.to_string())))?;
        }
        engine.set_execution_timer_config(timer(LOAD_LIMIT));
        let (entry, entrypoint) = if let Some(changed) = changed {
            (translated.places.moved(changed.path), changed.name)
        } else {
            let entry: Vec<String> = std::iter::once("data".to_owned()).chain(entry).collect();
            let name = core::path(&entry);
            (translated.entry.unwrap_or(entry), name)
        };
        Ok(Self {
            engine,
            recorder,
            notes,
            places: translated.places,
            texts: sources.modules,
            data,
            entry,
            entrypoint,
            loaded: None,
        })
    }

    /// Explains the value of the entrypoint for `input`. `decided` is the decision that was made.
    pub fn explain(
        &self,
        input: &impl Serialize,
        decided: &Result<Option<Value>, Fault>,
    ) -> Result<Explanation, ExplainError> {
        let input = serde_json::to_value(input).map_err(|e| ExplainError::Input(e.to_string()))?;
        let input = RegoValue::from(input);
        self.recorder.take();
        let explained = self.evaluate(&input);
        let fault = match (decided, &explained) {
            (Ok(decided), Ok(explained)) if decided == explained => None,
            (Err(decided @ Fault::Timeout), _) => {
                let loaded = self.loaded.as_ref();
                let loops = loaded.map(|(sources, settings)| slow_loops(sources, settings));
                Some(format!("{decided}{}", loops.unwrap_or_default()))
            }
            (Err(decided), Err(_)) => Some(decided.to_string()),
            (decided, explained) => {
                return Err(ExplainError::Differs {
                    decided: outcome(decided),
                    explained: outcome(explained),
                });
            }
        };
        self.explanation(&input, explained.unwrap_or_default(), fault, Asked::Value)
    }

    /// Explains the value of the entrypoint without an input.
    pub(crate) fn explain_alone(&self, asked: Asked) -> Result<Explanation, ExplainError> {
        self.recorder.take();
        let input = RegoValue::Undefined;
        let (value, fault) = match self.evaluate(&input) {
            Ok(value) => (value, None),
            Err(fault) => (None, Some(fault.to_string())),
        };
        self.explanation(&input, value, fault, asked)
    }

    /// Explains what the last evaluation did.
    fn explanation(
        &self,
        input: &RegoValue,
        value: Option<Value>,
        fault: Option<String>,
        asked: Asked,
    ) -> Result<Explanation, ExplainError> {
        let notes = self.recorder.take();
        let frames = Frames::of(notes, &self.notes).ok_or(ExplainError::Broken)?;
        let values = (input, &self.data);
        let mut builder =
            ExplanationBuilder::new(&self.notes, &self.places, &self.texts, &frames, values);
        let mut definitions = match asked {
            Asked::Value => builder.entry(&self.entry),
            Asked::Missing => builder.entry_missing(&self.entry),
        };
        if self.entry.iter().any(|name| self.places.is_made(name)) {
            let made = self.entry.join(".");
            for one in definitions.iter_mut().filter(|one| one.rule == made) {
                one.rule.clone_from(&self.entrypoint);
                if let Some(value) = &mut one.value {
                    value.name.clone_from(&self.entrypoint);
                }
            }
        }
        let is_given = definitions.iter().any(|one| one.outcome == Outcome::Held);
        let default = (!is_given && value.is_some())
            .then(|| builder.default_of(&self.entry))
            .flatten();
        Ok(Explanation {
            entrypoint: self.entrypoint.clone(),
            value,
            fault,
            definitions,
            default,
        })
    }

    fn evaluate(&self, input: &RegoValue) -> Result<Option<Value>, Fault> {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut engine = self.engine.clone();
            builtins::begin(0);
            engine.set_input(input.clone());
            engine
                .eval_rule(core::path(&self.entry))
                .map_err(|e| e.to_string())
        }));
        match outcome {
            Ok(Ok(RegoValue::Undefined)) => Ok(None),
            Ok(Ok(value)) => term::to_json(&value).map(Some).map_err(Fault::Evaluation),
            Ok(Err(text)) => Err(Fault::Evaluation(engine_error::for_author(&text))),
            Err(panic) => Err(Fault::Panic(panic_text(&*panic))),
        }
    }
}

fn outcome(outcome: &Result<Option<Value>, Fault>) -> String {
    match outcome {
        Ok(Some(value)) => value.to_string(),
        Ok(None) => "undefined".to_owned(),
        Err(fault) => format!("no value ({fault})"),
    }
}
