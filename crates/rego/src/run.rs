//! Evaluates policies with regorus's interpreter.
//!
//! Each thread keeps the engine that it used last, which is a copy of a prototype. After an error or a panic the engine
//! is dropped, because its state is unknown.

pub(crate) mod builtins;
pub(crate) mod engine;
pub(crate) mod slices;
pub(crate) mod term;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use regorus::{Engine, Value as RegoValue};
use serde_json::Value;
use thiserror::Error;

use self::{
    engine::panic_text,
    slices::{Slice, Slices},
};
use crate::engine_error;

thread_local! {
    static PREPARED: RefCell<Option<(u64, Engine)>> = const { RefCell::new(None) };
}

/// Why an evaluation gave no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The evaluation failed: a built-in had an error, or rules gave conflicting values.
    #[error("the policy failed: {0}")]
    Evaluation(String),
    /// The evaluation took longer than its limit.
    #[error("the policy took longer than its limit")]
    Timeout,
    /// The evaluator itself panicked.
    #[error("the policy made the evaluator panic: {0}")]
    Panic(String),
}

/// The value of a rule for `input`, or `None` if it is undefined.
pub(crate) fn evaluate(slices: &Slices, rule: &str, input: Value) -> Result<Option<Value>, Fault> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let slice = slices.get(&input)?;
        let mut engine = take_engine(&slice);
        builtins::begin(slices.policy());
        engine.set_input(RegoValue::from(input));
        let value = engine.eval_rule(rule.to_owned())?;
        Ok::<_, Box<dyn std::error::Error>>((to_json(&value)?, slice.id, engine))
    }));
    match outcome {
        Ok(Ok((value, slice, engine))) => {
            PREPARED.set(Some((slice, engine)));
            Ok(value)
        }
        Ok(Err(error)) => Err(fault(&error.to_string())),
        Err(panic) => Err(Fault::Panic(panic_text(&*panic))),
    }
}

/// Like `evaluate`, and also returns what the policy prints, one text for each line.
pub(crate) fn evaluate_printing(
    slices: &Slices,
    rule: &str,
    input: Value,
) -> (Result<Option<Value>, Fault>, Vec<String>) {
    builtins::print::keep();
    let value = evaluate(slices, rule, input);
    (value, builtins::print::take())
}

/// Converts a value to JSON. Undefined becomes `None`.
fn to_json(value: &RegoValue) -> Result<Option<Value>, String> {
    match value {
        RegoValue::Undefined => Ok(None),
        defined => term::to_json(defined).map(Some),
    }
}

/// The engine of this thread for a slice: the one it used last, or a new copy.
fn take_engine(slice: &Slice) -> Engine {
    PREPARED
        .with_borrow_mut(Option::take)
        .filter(|(id, _)| *id == slice.id)
        .map_or_else(|| slice.prototype.clone(), |(_, engine)| engine)
}

fn fault(text: &str) -> Fault {
    if text.contains("execution exceeded time limit") {
        Fault::Timeout
    } else {
        Fault::Evaluation(engine_error::for_author(text))
    }
}
