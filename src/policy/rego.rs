//! Rego by regorus's interpreter: the only user of the engine.
//!
//! Each thread keeps the engine that it last used, a copy of a prototype; after an error or a panic it is dropped, since
//! nothing is known of its state then.

mod builtins;
#[cfg(test)]
mod defects;
mod engine;
mod engine_error;
mod graph;
mod index;
mod lint;
mod locals;
pub mod migration;
mod names;
mod prepare;
mod reach;
mod refusal;
mod rule_tests;
mod slices;
mod syntax;
mod term;
mod trial;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use regorus::{Engine, Value as RegoValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

pub use self::{
    builtins::names as builtin_names,
    engine::{Faithful, STACK_BYTES},
    rule_tests::{Coverage, FileCoverage, TestOutcome, TestResult},
    trial::prove,
};
use self::{
    engine::{on_large_stack, panic_text},
    slices::{Slice, Slices},
};
use super::{
    Dialect, Fault, LoadError, Policy, Proof, Question, Reads, Sources, Verdict, input, memo::Memo,
};

/// An evaluation that takes longer is one that others should not wait for.
const SLOW: Duration = Duration::from_millis(50);
/// After so many quick evaluations a policy that was slow counts as quick again: perhaps only the machine was busy.
const CAUTIOUS: u32 = 256;
/// Evaluations of a slow policy that may go on at once, each on a thread: the system shares the processors among them, so
/// that a quick one does not wait for the others to end.
const SLOW_AT_ONCE: usize = 64;

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
    /// How many verdicts are remembered.
    pub remembered: usize,
}

/// Which engines a policy is evaluated by.
#[derive(Clone, Copy)]
enum Rules {
    /// One with all rules.
    Whole,
    /// One with the rules that can hold for the request, where the policy has an index.
    ByIndex,
}

/// A loaded policy, ready to decide.
pub struct RegoPolicy {
    slices: Slices,
    rule: String,
    input: input::Shape,
    reads: Reads,
    /// Verdicts given before; none where the same input can have another verdict later.
    memo: Option<Memo>,
    allowed: Arc<Verdict>,
    denied: Arc<Verdict>,
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
            // All of it at once: nobody else has tried it.
            Self::compile(&faithful, String::new(), &settings, Rules::Whole)?;
            Self::compile(&faithful, revision, &settings, Rules::ByIndex)
        })
    }

    /// The policy that has been proven, by the very texts that were tried.
    pub fn load_proven(proof: Proof, settings: &RegoSettings) -> Result<Self, LoadError> {
        let settings = settings.clone();
        on_large_stack(move || {
            Self::compile(&proof.faithful, proof.revision, &settings, Rules::ByIndex)
        })
    }

    fn compile(
        faithful: &Faithful,
        revision: String,
        settings: &RegoSettings,
        rules: Rules,
    ) -> Result<Self, LoadError> {
        let rule = format!("data.{}", settings.entrypoint.replace('/', "."));
        if faithful.functions.contains(&rule) {
            // It would be undefined for every request.
            return Err(LoadError(format!(
                "`{rule}` is a function, which has no value by itself: the entrypoint must be a rule"
            )));
        }
        let make = match rules {
            Rules::Whole => Slices::whole,
            Rules::ByIndex => Slices::of,
        };
        Ok(Self {
            slices: make(faithful, &rule, settings.timeout)?,
            rule,
            input: settings.input,
            reads: faithful.reach.reads.clone(),
            memo: Memo::new(settings.remembered).filter(|_| faithful.reach.is_pure),
            allowed: Arc::new(Verdict::plain(true)),
            denied: Arc::new(Verdict::plain(false)),
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

    /// The verdict by an evaluation.
    fn judge(&self, input: &input::Input<'_>) -> Result<Arc<Verdict>, Fault> {
        Ok(match self.evaluate(input)? {
            Some(Value::Bool(true)) => Arc::clone(&self.allowed),
            Some(Value::Bool(false)) | None => Arc::clone(&self.denied),
            value => Arc::new(Verdict::from_value(value)?),
        })
    }

    /// The value of the entrypoint for `input`, of which it is given what it can read; `None` where it is undefined.
    pub fn evaluate(&self, input: &impl Serialize) -> Result<Option<Value>, Fault> {
        let input = self.reads.value(input).map_err(|e| unreadable(&e))?;
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let slice = self.slices.get(&input)?;
            let mut engine = take_engine(&slice);
            builtins::begin(self.slices.policy());
            engine.set_input(RegoValue::from(input));
            let value = engine.eval_rule(self.rule.clone())?;
            Ok::<_, Box<dyn std::error::Error>>((to_json(&value)?, slice.id, engine))
        }));
        self.noted(start.elapsed());
        match outcome {
            Ok(Ok((value, slice, engine))) => {
                PREPARED.set(Some((slice, engine)));
                Ok(value)
            }
            Ok(Err(error)) => Err(fault(&error.to_string())),
            Err(panic) => Err(Fault::Panic(panic_text(&*panic))),
        }
    }
}

impl Policy for RegoPolicy {
    fn decide(&self, question: &Question<'_>) -> Result<Arc<Verdict>, Fault> {
        let input = self.input.of(question);
        let Some(memo) = &self.memo else {
            return self.judge(&input);
        };
        let key = self.reads.text(&input).map_err(|e| unreadable(&e))?;
        if let Some(verdict) = memo.get(&key) {
            return Ok(verdict);
        }
        // A fault is not remembered: it may be over the next time.
        let verdict = self.judge(&input)?;
        memo.insert(key, &verdict);
        Ok(verdict)
    }

    fn lane(&self, question: &Question<'_>) -> Option<&Semaphore> {
        if self.cautious.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let is_known = self.memo.as_ref().is_some_and(|memo| {
            let key = self.reads.text(&self.input.of(question));
            key.is_ok_and(|key| memo.get(&key).is_some())
        });
        (!is_known).then_some(&self.slow)
    }

    fn shown(&self, question: &Question<'_>) -> Value {
        // Only attributes of Envoy's can fail, and whoever wants to see the input has none.
        serde_json::to_value(self.input.of(question)).unwrap_or_default()
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

/// This thread's engine of a slice: the one it used last, or a copy.
fn take_engine(slice: &Slice) -> Engine {
    PREPARED
        .with_borrow_mut(Option::take)
        .filter(|(id, _)| *id == slice.id)
        .map_or_else(|| slice.prototype.clone(), |(_, engine)| engine)
}

fn unreadable(error: &serde_json::Error) -> Fault {
    Fault::Evaluation(format!("input: {error}"))
}

fn fault(text: &str) -> Fault {
    if text.contains("execution exceeded time limit") {
        Fault::Timeout
    } else {
        Fault::Evaluation(engine_error::told(text))
    }
}

#[cfg(test)]
mod tests;
