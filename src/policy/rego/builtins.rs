//! Built-in functions of our own: those that regorus lacks, and those of its that mean something else than OPA's.

mod membership;

use regorus::{Engine, Value, unstable::BUILTINS};
use thiserror::Error;

use super::super::LoadError;

/// A built-in that could not be evaluated; in OPA such a call is undefined, here it refuses the request.
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

const ALL: [&[Builtin]; 1] = [&membership::ALL];

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
pub(super) fn arguments(name: &str) -> Option<usize> {
    arity(name).or_else(|| BUILTINS.get(name).map(|(_, count)| usize::from(*count)))
}

/// What is said of a call to something that is no function.
pub(super) fn unknown(name: &str) -> String {
    format!("`{name}` is neither a function of the policy nor a built-in function here")
}

/// Whether a policy can call a built-in of this name.
pub(super) fn is_known(name: &str) -> bool {
    arity(name).is_some() || BUILTINS.contains_key(name) || name == "print"
}
