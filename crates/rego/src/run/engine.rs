//! regorus's interpreter, prepared with a policy.

use std::{any::Any, collections::BTreeSet, num::NonZeroU32, thread, time::Duration};

use regorus::{Engine, Value as RegoValue, utils::limits::ExecutionTimerConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{builtins, engine_error};
use crate::{
    LoadError, check,
    plan::{index::Index, names::Names, reach::Reach, syntax},
    source::{Sources, Version},
};

/// Policies are parsed and evaluated on threads with this much stack: nesting costs stack, and an overflow would end the
/// process. It is address space, which costs nothing until it is used.
pub const STACK_BYTES: usize = 64 << 20;
/// Work units between two looks at the clock.
const TIMER_INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(15);
/// How long analysing a policy, one trial of it and one of its tests may take.
pub(crate) const LOAD_LIMIT: Duration = Duration::from_secs(5);

/// A policy in the texts that regorus is given, which mean to it what the author's mean to OPA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Faithful {
    /// Those texts, with the data.
    pub(crate) sources: Sources,
    /// What can differ from OPA all the same, each with file and line.
    pub(crate) warnings: Vec<String>,
    /// What they depend on.
    pub(crate) reach: Reach,
    /// Which of their rules matter for which requests.
    pub(crate) index: Option<Index>,
    /// The full paths of the policy's functions.
    pub(crate) functions: BTreeSet<String>,
}

impl Faithful {
    pub(crate) fn of(sources: &Sources, version: Version) -> Result<Self, LoadError> {
        let (modules, warnings) = check::faithful(&sources.modules, &sources.data, version)?;
        // Of what is evaluated, not of what the author wrote.
        let parsed = modules
            .iter()
            .map(|(name, text)| syntax::parse(name, text, Version::V1))
            .collect::<Result<Vec<_>, _>>()?;
        let reach = Reach::of(&parsed);
        let names = Names::of(&parsed);
        let index = Index::of(&parsed, &names);
        Ok(Self {
            sources: Sources {
                modules,
                data: sources.data.clone(),
            },
            warnings,
            reach,
            index,
            functions: names.functions().map(str::to_owned).collect(),
        })
    }

    /// The modules by the names of their files.
    pub(crate) fn modules(&self) -> impl Iterator<Item = (&str, String)> {
        let modules = self.sources.modules.iter();
        modules.map(|(name, text)| (name.as_str(), text.clone()))
    }

    /// The data.
    pub(crate) fn data(&self) -> RegoValue {
        RegoValue::from(Value::Object(self.sources.data.clone()))
    }
}

/// An engine with these modules, by the names of their files, and the data.
pub(crate) fn engine<'a>(
    modules: impl IntoIterator<Item = (&'a str, String)>,
    data: RegoValue,
) -> Result<Engine, LoadError> {
    let mut engine = Engine::new();
    // Whatever the author writes, what the engine is given is Rego v1.
    engine.set_rego_v0(false);
    engine.set_strict_builtin_errors(true);
    engine.set_execution_timer_config(timer(LOAD_LIMIT));
    engine.set_policy_length_config(syntax::lengths());
    builtins::register(&mut engine)?;
    for (name, text) in modules {
        engine
            .add_policy(name.to_owned(), text)
            .map_err(|e| LoadError(engine_error::told(&e.to_string())))?;
    }
    engine
        .add_data(data)
        .map_err(|e| LoadError(format!("data: {e}")))?;
    Ok(engine)
}

pub(crate) fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit,
        check_interval: TIMER_INTERVAL,
    }
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown cause".to_owned())
}

pub(crate) fn on_large_stack<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let thread = thread::Builder::new()
        .name("policy-load".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|e| LoadError(format!("no thread to load policies: {e}")))?;
    thread.join().unwrap_or_else(|panic| {
        Err(LoadError(format!(
            "the policies made the evaluator panic: {}",
            panic_text(&*panic)
        )))
    })
}
