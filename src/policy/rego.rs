//! Rego by regorus's interpreter: the only user of the engine.
//!
//! Each thread keeps an engine of its own for the snapshot it last served, cloned from one prototype; after an error or a
//! panic it is dropped, since nothing is known of its state then.

mod builtins;
#[cfg(test)]
mod defects;
mod engine;
mod graph;
mod lint;
pub mod migration;
mod names;
mod negation;
mod patterns;
mod prepare;
mod print;
mod refusal;
mod rule_tests;
mod safety;
mod syntax;
mod term;
mod trial;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use regorus::{Engine, Value as RegoValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

use self::engine::{engine, on_large_stack, panic_text, timer};
pub use self::{
    builtins::names as builtin_names,
    engine::{Faithful, STACK_BYTES},
    rule_tests::{Coverage, FileCoverage, TestOutcome, TestResult},
    trial::prove,
};
use super::{Dialect, Fault, LoadError, Policy, Proof, Question, Sources, Verdict, input};

/// An evaluation that takes longer is one that others should not wait for.
const SLOW: Duration = Duration::from_millis(50);
/// After so many quick evaluations a policy that was slow counts as quick again: perhaps only the machine was busy.
const CAUTIOUS: u32 = 256;
/// Evaluations of a slow policy that may go on at once, each on a thread: the system shares the processors among them, so
/// that a quick one does not wait for the others to end.
const SLOW_AT_ONCE: usize = 64;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static PREPARED: RefCell<Option<(u64, Engine)>> = const { RefCell::new(None) };
}

/// How a policy is loaded and evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegoSettings {
    /// The rule that decides: `geowarden/authz/allow`.
    pub entrypoint: String,
    /// The dialect of files that do not name theirs.
    pub dialect: Dialect,
    /// How long one evaluation may take.
    pub timeout: Duration,
    /// What the policy is given.
    pub input: input::Shape,
}

/// A loaded policy, ready to decide.
pub struct RegoPolicy {
    id: u64,
    prototype: Engine,
    rule: String,
    input: input::Shape,
    parts: input::Parts,
    revision: String,
    warnings: Vec<String>,
    /// How many evaluations still take care, since one was slow.
    cautious: AtomicU32,
    slow: Semaphore,
}

impl RegoPolicy {
    /// Parses and checks everything that is in `sources`, and that the entrypoint is one of its rules.
    ///
    /// A policy that would end this process ends it: [`Self::load_proven`] takes one that has been tried in another.
    pub fn load(sources: Sources, settings: &RegoSettings) -> Result<Self, LoadError> {
        let settings = settings.clone();
        on_large_stack(move || {
            let sources = sources.without_tests();
            let revision = sources.revision();
            let faithful = Faithful::of(&sources, settings.dialect)?;
            Self::compile(&faithful, revision, &settings)
        })
    }

    /// The policy that has been proven, by the very texts that were tried.
    pub fn load_proven(proof: Proof, settings: &RegoSettings) -> Result<Self, LoadError> {
        let settings = settings.clone();
        on_large_stack(move || Self::compile(&proof.faithful, proof.revision, &settings))
    }

    fn compile(
        faithful: &Faithful,
        revision: String,
        settings: &RegoSettings,
    ) -> Result<Self, LoadError> {
        let rule = format!("data.{}", settings.entrypoint.replace('/', "."));
        let mut engine = engine(faithful, settings.dialect)?;
        // The first evaluation analyses all modules; a fault of theirs shows here, not at the first request.
        engine.set_input(RegoValue::new_object());
        if let Err(error) = engine.eval_rule(rule.clone()) {
            let text = error.to_string();
            return Err(LoadError(if text.contains("not a valid rule path") {
                format!(
                    "no rule `{rule}`: it is the entrypoint `{}`",
                    settings.entrypoint
                )
            } else {
                text
            }));
        }
        engine.set_execution_timer_config(timer(settings.timeout));
        let parts = faithful
            .sources
            .modules
            .values()
            .map(|text| input::Parts::read_by(text))
            .fold(input::Parts::NONE, input::Parts::union);
        Ok(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            prototype: engine,
            rule,
            input: settings.input,
            parts,
            revision,
            warnings: faithful.warnings.clone(),
            cautious: AtomicU32::new(0),
            slow: Semaphore::new(SLOW_AT_ONCE),
        })
    }

    fn noted(&self, duration: Duration) {
        let left = self.cautious.load(Ordering::Relaxed);
        if duration > SLOW {
            self.cautious.store(CAUTIOUS, Ordering::Relaxed);
        } else if left > 0 {
            // Another thread may count the same one: it is no exact number.
            self.cautious.store(left - 1, Ordering::Relaxed);
        }
    }

    fn take_engine(&self) -> Engine {
        PREPARED
            .with_borrow_mut(Option::take)
            .filter(|(id, _)| *id == self.id)
            .map_or_else(|| self.prototype.clone(), |(_, engine)| engine)
    }

    /// The value of the entrypoint for `input`; `None` where it is undefined.
    pub fn evaluate(&self, input: Value) -> Result<Option<Value>, Fault> {
        let start = Instant::now();
        let mut engine = self.take_engine();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            builtins::refill();
            engine.set_input(RegoValue::from(input));
            let value = engine.eval_rule(self.rule.clone())?;
            Ok::<_, Box<dyn std::error::Error>>((to_json(&value)?, engine))
        }));
        self.noted(start.elapsed());
        match outcome {
            Ok(Ok((value, engine))) => {
                PREPARED.set(Some((self.id, engine)));
                Ok(value)
            }
            Ok(Err(error)) => Err(fault(&error.to_string())),
            Err(panic) => Err(Fault::Panic(panic_text(&*panic))),
        }
    }
}

impl Policy for RegoPolicy {
    fn decide(&self, question: &Question<'_>) -> Result<Verdict, Fault> {
        let value = self.evaluate(self.input.build(question, self.parts))?;
        Ok(Verdict::from_value(value)?)
    }

    fn lane(&self) -> Option<&Semaphore> {
        (self.cautious.load(Ordering::Relaxed) > 0).then_some(&self.slow)
    }

    fn shown(&self, question: &Question<'_>) -> Value {
        self.input.build(question, input::Parts::ALL)
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn revision(&self) -> &str {
        &self.revision
    }
}

/// `None` for undefined.
fn to_json(value: &RegoValue) -> Result<Option<Value>, String> {
    match value {
        RegoValue::Undefined => Ok(None),
        defined => term::to_json(defined).map(Some),
    }
}

fn fault(text: &str) -> Fault {
    if text.contains("execution exceeded time limit") {
        Fault::Timeout
    } else {
        Fault::Evaluation(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests;
