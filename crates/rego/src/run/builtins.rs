//! Built-in functions of our own: those that regorus lacks, and those of its that mean something else than OPA's or can
//! take any amount of time or memory.

mod arithmetic;
mod base64;
mod budget;
mod collections;
mod core_forms;
mod format;
mod glob;
mod json;
mod membership;
mod net;
mod numbers;
mod object_by_ways;
mod order;
mod regex;
mod semver;
mod strings;
mod time;
mod urlquery;

use std::collections::BTreeSet;

use regorus::{
    Engine, Value,
    unstable::{BUILTINS, Expr, Ref, Source, Span},
};
use thiserror::Error;

use crate::LoadError;

/// Begins an evaluation of a policy on this thread: what was evaluated before counts against nothing, and patterns are kept
/// for that policy alone.
pub(crate) fn begin(policy: u64) {
    budget::refill();
    regex::begin(policy);
}

/// A built-in that could not be evaluated: in OPA such a call is undefined, here it refuses the request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name}: {cause}")]
struct BuiltinError {
    name: &'static str,
    cause: String,
}

/// A built-in of ours.
struct Builtin {
    name: &'static str,
    arity: u8,
    call: fn(&[Value]) -> Result<Value, String>,
}

const ALL: [&[Builtin]; 16] = [
    &arithmetic::ALL,
    &base64::ALL,
    &collections::ALL,
    &core_forms::ALL,
    &format::ALL,
    &glob::ALL,
    &json::ALL,
    &membership::ALL,
    &net::ALL,
    &numbers::ALL,
    &order::ALL,
    &regex::ALL,
    &semver::ALL,
    &strings::ALL,
    &time::ALL,
    &urlquery::ALL,
];

/// Built-ins of regorus that take any amount of time on small arguments.
const UNBOUNDED: [&str; 1] = ["graph.reachable_paths"];

fn all() -> impl Iterator<Item = &'static Builtin> {
    ALL.into_iter().flatten()
}

/// Adds them to an engine, where they go before regorus's own of the same name.
pub(super) fn register(engine: &mut Engine) -> Result<(), LoadError> {
    for builtin in all() {
        let (name, call) = (builtin.name, builtin.call);
        let extension = move |arguments: Vec<Value>| {
            let outcome = call(&arguments);
            Ok(outcome.map_err(|cause| BuiltinError { name, cause })?)
        };
        engine
            .add_extension(name.to_owned(), builtin.arity, Box::new(extension))
            .map_err(|e| LoadError(format!("{name}: {e}")))?;
    }
    Ok(())
}

/// The number of arguments of a built-in of ours.
pub(super) fn arity(name: &str) -> Option<usize> {
    all()
        .find(|builtin| builtin.name == name)
        .map(|builtin| usize::from(builtin.arity))
}

/// The number of arguments of a built-in, ours or regorus's.
pub(crate) fn arguments(name: &str) -> Option<usize> {
    if UNBOUNDED.contains(&name) {
        return None;
    }
    arity(name).or_else(|| BUILTINS.get(name).map(|(_, count)| usize::from(*count)))
}

/// The names of all built-ins that a policy can call, in order.
pub fn names() -> BTreeSet<&'static str> {
    BUILTINS
        .keys()
        .copied()
        .chain(all().map(|builtin| builtin.name))
        .chain(["print"])
        .filter(|name| is_known(name))
        .collect()
}

/// Whether a policy can call a built-in of this name.
pub(super) fn is_known(name: &str) -> bool {
    arguments(name).is_some() || name == "print"
}

/// The result of regorus's own built-in, once its arguments are known to be harmless.
fn by_regorus(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    let (call, _) = BUILTINS.get(name).ok_or("not available")?;
    let source =
        Source::from_contents(name.to_owned(), String::new()).map_err(|e| e.to_string())?;
    let span = Span {
        source,
        line: 1,
        col: 1,
        start: 0,
        end: 0,
    };
    // It names its arguments in errors only.
    let parameters: Vec<Ref<Expr>> = arguments
        .iter()
        .map(|_| {
            Ref::new(Expr::Null {
                span: span.clone(),
                value: Value::Null,
                eidx: 0,
            })
        })
        .collect();
    call(&span, &parameters, arguments, true).map_err(|e| {
        let text = e.to_string();
        let last = text.rsplit("error: ").next().unwrap_or_default();
        last.trim().to_owned()
    })
}

fn text(arguments: &[Value], index: usize) -> Result<&str, String> {
    match arguments.get(index) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("operand {} must be a string", index + 1)),
    }
}

fn whole(arguments: &[Value], index: usize) -> Result<i64, String> {
    match arguments.get(index) {
        Some(Value::Number(number)) => number.as_i64(),
        _ => None,
    }
    .ok_or_else(|| format!("operand {} must be an integer", index + 1))
}

fn string(text: &str) -> Value {
    Value::String(text.into())
}

#[cfg(test)]
mod tests;
