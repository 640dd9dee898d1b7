//! Rego by regorus's interpreter: the only user of the engine.
//!
//! Each thread keeps an engine of its own for the snapshot it last served, cloned from one prototype; after an error or a
//! panic it is dropped, since nothing is known of its state then.

mod builtins;
mod graph;
mod names;
mod negation;
mod patterns;
mod prepare;
mod print;
mod refusal;
mod safety;
mod syntax;
mod term;

use std::{
    any::Any,
    cell::RefCell,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use regorus::{Engine, Value as RegoValue, utils::limits::ExecutionTimerConfig};
use serde::Serialize;
use serde_json::Value;

use super::{Dialect, Fault, LoadError, Policy, Question, Sources, Verdict, input};

/// Policies are parsed on a thread with this much stack: nesting costs stack, and an overflow would end the process.
const LOAD_STACK_BYTES: usize = 64 << 20;
/// Work units between two looks at the clock.
const TIMER_INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(63);
/// How long loading and one test may take.
const LOAD_LIMIT: Duration = Duration::from_secs(10);

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static PREPARED: RefCell<Option<(u64, Engine)>> = const { RefCell::new(None) };
}

/// How a policy is loaded and evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl RegoPolicy {
    /// Parses and checks everything that is in `sources`, and that the entrypoint is one of its rules.
    pub fn load(sources: Sources, settings: &RegoSettings) -> Result<Self, LoadError> {
        let settings = settings.clone();
        on_large_stack(move || Self::load_here(&sources.without_tests(), &settings))
    }

    fn load_here(sources: &Sources, settings: &RegoSettings) -> Result<Self, LoadError> {
        let rule = format!("data.{}", settings.entrypoint.replace('/', "."));
        let mut engine = engine(sources, settings.dialect)?;
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
        let parts = sources
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
            revision: sources.revision(),
        })
    }

    fn take_engine(&self) -> Engine {
        PREPARED
            .with_borrow_mut(Option::take)
            .filter(|(id, _)| *id == self.id)
            .map_or_else(|| self.prototype.clone(), |(_, engine)| engine)
    }

    /// The value of the entrypoint for `input`; `None` where it is undefined.
    pub fn evaluate(&self, input: Value) -> Result<Option<Value>, Fault> {
        let mut engine = self.take_engine();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            builtins::refill();
            engine.set_input(RegoValue::from(input));
            let value = engine.eval_rule(self.rule.clone())?;
            Ok::<_, Box<dyn std::error::Error>>((to_json(&value)?, engine))
        }));
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

    fn shown(&self, question: &Question<'_>) -> Value {
        self.input.build(question, input::Parts::ALL)
    }

    fn revision(&self) -> &str {
        &self.revision
    }
}

fn engine(sources: &Sources, dialect: Dialect) -> Result<Engine, LoadError> {
    let mut engine = Engine::new();
    engine.set_rego_v0(dialect == Dialect::V0);
    engine.set_strict_builtin_errors(true);
    engine.set_execution_timer_config(timer(LOAD_LIMIT));
    engine.set_policy_length_config(syntax::lengths());
    builtins::register(&mut engine)?;
    for (name, text) in prepare::faithful(&sources.modules, &sources.data, dialect)? {
        engine
            .add_policy(name, text)
            .map_err(|e| LoadError(e.to_string().trim().to_owned()))?;
    }
    engine
        .add_data(RegoValue::from(Value::Object(sources.data.clone())))
        .map_err(|e| LoadError(format!("data: {e}")))?;
    Ok(engine)
}

fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit,
        check_interval: TIMER_INTERVAL,
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

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown cause".to_owned())
}

fn on_large_stack<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let thread = thread::Builder::new()
        .name("policy-load".to_owned())
        .stack_size(LOAD_STACK_BYTES)
        .spawn(work)
        .map_err(|e| LoadError(format!("no thread to load policies: {e}")))?;
    thread.join().unwrap_or_else(|panic| {
        Err(LoadError(format!(
            "the policies made the evaluator panic: {}",
            panic_text(&*panic)
        )))
    })
}

/// What became of one `test_*` rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// True.
    Pass,
    /// False, undefined or another value.
    Fail,
    /// Not run: its name begins with `todo_`.
    Skip,
    /// The evaluation failed.
    Error(String),
}

/// One `test_*` rule.
#[derive(Debug, Clone, Serialize)]
pub struct TestResult {
    /// The rule, `data.package.test_name`.
    pub name: String,
    /// What became of it.
    pub outcome: TestOutcome,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub duration: Duration,
}

/// Which lines of a file were evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct FileCoverage {
    /// The file.
    pub file: String,
    /// Lines evaluated, from 1.
    pub covered: Vec<u32>,
    /// Lines with something to evaluate that was not.
    pub not_covered: Vec<u32>,
}

/// Which lines of all files were evaluated.
pub type Coverage = Vec<FileCoverage>;

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Sources {
    /// Runs every rule named `test_*`, as `opa test` does.
    pub fn run_tests(
        self,
        dialect: Dialect,
        coverage: bool,
    ) -> Result<(Vec<TestResult>, Coverage), LoadError> {
        on_large_stack(move || {
            let mut engine = engine(&self, dialect)?;
            engine.set_enable_coverage(coverage);
            let results = test_rules(&self, dialect)?
                .into_iter()
                .map(|name| run_test(&mut engine, name))
                .collect();
            let report = if coverage {
                engine
                    .get_coverage_report()
                    .map_err(|e| LoadError(e.to_string()))?
                    .files
                    .into_iter()
                    .map(|file| FileCoverage {
                        file: file.path,
                        covered: file.covered.into_iter().collect(),
                        not_covered: file.not_covered.into_iter().collect(),
                    })
                    .collect()
            } else {
                Coverage::new()
            };
            Ok((results, report))
        })
    }
}

fn run_test(engine: &mut Engine, name: String) -> TestResult {
    let start = Instant::now();
    let is_todo = name
        .rsplit('.')
        .next()
        .is_some_and(|n| n.starts_with("todo_"));
    let outcome = if is_todo {
        TestOutcome::Skip
    } else {
        match catch_unwind(AssertUnwindSafe(|| engine.eval_rule(name.clone()))) {
            Ok(Ok(value)) if value == RegoValue::from(true) => TestOutcome::Pass,
            Ok(Ok(_)) => TestOutcome::Fail,
            Ok(Err(error)) => TestOutcome::Error(error.to_string().trim().to_owned()),
            Err(panic) => TestOutcome::Error(format!("panic: {}", panic_text(&*panic))),
        }
    };
    TestResult {
        name,
        outcome,
        duration: start.elapsed(),
    }
}

/// The `test_*` and `todo_test_*` rules of all modules, each once, in order.
fn test_rules(sources: &Sources, dialect: Dialect) -> Result<Vec<String>, LoadError> {
    let mut names = Vec::new();
    for (file, text) in &sources.modules {
        let mut one = Engine::new();
        one.set_rego_v0(dialect == Dialect::V0);
        let package = one
            .add_policy(file.clone(), text.clone())
            .map_err(|e| LoadError(e.to_string().trim().to_owned()))?;
        for line in text.lines() {
            let name: String = line
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            if name.starts_with("test_") || name.starts_with("todo_test_") {
                let name = format!("{package}.{name}");
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
