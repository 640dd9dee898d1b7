//! Evaluates policies with regorus: programs with its register VM, texts with its interpreter.
//!
//! Each thread keeps the VM or engine that it used last. An engine is a copy of a prototype. After an error or a panic the engine
//! is dropped, because its state is unknown.

pub(crate) mod builtins;
pub(crate) mod compile;
pub(crate) mod engine;
pub(crate) mod slices;
pub(crate) mod term;
mod vm;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use regorus::{Engine, Value as RegoValue};
use serde_json::Value;
use thiserror::Error;

use self::{
    engine::panic_text,
    slices::{Prepared, Slice, Slices},
    vm::Machine,
};
use crate::engine_error;

thread_local! {
    static PREPARED: RefCell<Option<(u64, Evaluator)>> = const { RefCell::new(None) };
}

/// What evaluates a policy on this thread.
enum Evaluator {
    Vm(Machine),
    Interpreter(Engine),
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
        let slice = slices.get(&input).map_err(|e| fault(&e.to_string()))?;
        let mut evaluator = take_evaluator(&slice)?;
        builtins::begin(slices.policy());
        let input = term::of_json(input);
        let value = match &mut evaluator {
            Evaluator::Vm(machine) => machine.evaluate(input)?,
            Evaluator::Interpreter(engine) => {
                engine.set_input(input);
                let value = engine.eval_rule(rule.to_owned());
                value.map_err(|e| fault(&e.to_string()))?
            }
        };
        let value = to_json(&value).map_err(|e| fault(&e))?;
        Ok((value, slice.id, evaluator))
    }));
    match outcome {
        Ok(Ok((value, slice, evaluator))) => {
            PREPARED.set(Some((slice, evaluator)));
            Ok(value)
        }
        Ok(Err(fault)) => Err(fault),
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

/// The VM or engine of this thread for a slice: the one it used last, or a new one.
fn take_evaluator(slice: &Slice) -> Result<Evaluator, Fault> {
    let last = PREPARED.with_borrow_mut(Option::take);
    match (last, &slice.prepared) {
        (Some((id, evaluator)), _) if id == slice.id => Ok(evaluator),
        (_, Prepared::Vm(program)) => Machine::new(Arc::clone(program)).map(Evaluator::Vm),
        (_, Prepared::Interpreter(prototype)) => Ok(Evaluator::Interpreter((**prototype).clone())),
    }
}

fn fault(text: &str) -> Fault {
    if text.contains("execution exceeded time limit") {
        Fault::Timeout
    } else {
        Fault::Evaluation(engine_error::for_author(text))
    }
}
