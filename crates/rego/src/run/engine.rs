//! Prepares regorus's interpreter with a policy.

use std::{any::Any, num::NonZeroU32, thread, time::Duration};

use regorus::{Engine, Value as RegoValue, utils::limits::ExecutionTimerConfig};

use super::builtins;
use crate::{BuiltinErrors, LoadError, engine_error, plan::syntax};

/// The stack of threads that parse and evaluate policies, in bytes. Nested policies need a lot of stack, and an
/// overflow would end the process. Unused stack takes address space but no memory.
pub const STACK_BYTES: usize = 64 << 20;
/// The number of work units between two checks of the clock.
const TIMER_INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(15);
/// The time limit for analysing a policy, for one trial of it, and for one of its tests.
pub(crate) const LOAD_LIMIT: Duration = Duration::from_secs(5);

/// An engine with the data and these modules, each with the name of its file. `errors` says what an error of a built-in
/// does.
pub(crate) fn engine<'a>(
    modules: impl IntoIterator<Item = (&'a str, String)>,
    data: RegoValue,
    errors: BuiltinErrors,
) -> Result<Engine, LoadError> {
    let mut engine = Engine::new();
    // The translated texts are always Rego v1, whatever the author wrote.
    engine.set_rego_v0(false);
    engine.set_strict_builtin_errors(true);
    engine.set_execution_timer_config(timer(LOAD_LIMIT));
    engine.set_policy_length_config(syntax::lengths());
    builtins::register(&mut engine, errors)?;
    for (name, text) in modules {
        engine
            .add_policy(name.to_owned(), text)
            .map_err(|e| LoadError::Unusable(engine_error::for_author(&e.to_string())))?;
    }
    engine
        .add_data(data)
        .map_err(|e| LoadError::Unusable(format!("data: {e}")))?;
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
        .map_err(|e| LoadError::Unusable(format!("no thread to load policies: {e}")))?;
    thread.join().unwrap_or_else(|panic| {
        Err(LoadError::Unusable(format!(
            "the policies made the evaluator panic: {}",
            panic_text(&*panic)
        )))
    })
}
