//! Built-in functions of geowarden. They replace functions that regorus lacks, that differ from OPA's, or that could
//! take unlimited time or memory.

mod arithmetic;
mod base64;
mod budget;
mod casts;
mod collections;
mod compiled;
mod core_forms;
mod crypto;
mod duration;
mod errors;
mod format;
mod glob;
mod graph;
mod json;
mod jwt;
mod left_out;
mod membership;
mod net;
mod numbers;
mod object_by_paths;
mod once;
mod order;
mod percent;
pub(crate) mod print;
mod regex;
mod regorus_builtins;
mod semver;
mod strings;
mod test_cases;
mod time;
mod units;
mod uri;
mod urlquery;
mod uuids;
mod yaml;

use std::{collections::BTreeSet, sync::LazyLock};

use regorus::{Engine, Value, unstable::BUILTINS};
use thiserror::Error;

use self::regorus_builtins::by_regorus;
pub(crate) use self::{errors::take_fault, test_cases::noted as test_cases};
pub use self::{left_out::LEFT_OUT, once::fix_now};
use crate::{BuiltinErrors, LoadError, resolve::Builtins};

/// Begins an evaluation on this thread. Earlier evaluations do not count against its budget, and it only uses the
/// compiled patterns of its own policy.
pub(crate) fn begin(policy: u64) {
    budget::refill();
    errors::begin();
    once::begin();
    test_cases::begin();
    compiled::begin(policy);
}

/// The error of a built-in. It refuses the request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name}: {cause}")]
struct BuiltinError {
    name: &'static str,
    cause: String,
}

/// A built-in function of geowarden.
struct Builtin {
    name: &'static str,
    arity: u8,
    call: fn(&[Value]) -> Result<Value, String>,
}

const ALL: [&[Builtin]; 27] = [
    &arithmetic::ALL,
    &base64::ALL,
    &casts::ALL,
    &collections::ALL,
    &core_forms::ALL,
    &crypto::ALL,
    &format::ALL,
    &glob::ALL,
    &graph::ALL,
    &json::ALL,
    &jwt::ALL,
    &membership::ALL,
    &net::ALL,
    &numbers::ALL,
    &once::ALL,
    &order::ALL,
    &print::ALL,
    &regex::ALL,
    &semver::ALL,
    &strings::ALL,
    &test_cases::ALL,
    &time::ALL,
    &units::ALL,
    &uri::ALL,
    &urlquery::ALL,
    &uuids::ALL,
    &yaml::ALL,
];

fn all() -> impl Iterator<Item = &'static Builtin> {
    ALL.into_iter().flatten()
}

/// Adds geowarden's built-ins to an engine. They take precedence over regorus's built-ins with the same names.
///
/// The engine is always strict, because otherwise it would ignore time limits and conflicts between functions. So if
/// errors must leave calls undefined, regorus's own functions are added too. Each is wrapped so that its errors become
/// undefined.
pub(super) fn register(engine: &mut Engine, errors: BuiltinErrors) -> Result<(), LoadError> {
    for builtin in all() {
        let call = builtin.call;
        add(engine, builtin.name, builtin.arity, move |arguments| {
            errors.value(call(arguments))
        })?;
    }
    if errors == BuiltinErrors::Undefined {
        for (&name, &(_, arity)) in BUILTINS.iter() {
            if self::arity(name).is_none() {
                add(engine, name, arity, move |arguments| {
                    errors.value(regorus_builtins::call(name, arguments))
                })?;
            }
        }
    }
    Ok(())
}

fn add(
    engine: &mut Engine,
    name: &'static str,
    arity: u8,
    call: impl Fn(&[Value]) -> Result<Value, String> + Clone + Send + Sync + 'static,
) -> Result<(), LoadError> {
    let extension = move |arguments: Vec<Value>| {
        Ok(call(&arguments).map_err(|cause| BuiltinError { name, cause })?)
    };
    engine
        .add_extension(name.to_owned(), arity, Box::new(extension))
        .map_err(|e| LoadError::Unusable(format!("{name}: {e}")))
}

/// The number of arguments of a built-in of geowarden.
pub(super) fn arity(name: &str) -> Option<usize> {
    all()
        .find(|builtin| builtin.name == name)
        .map(|builtin| usize::from(builtin.arity))
}

/// The number of arguments of a built-in, geowarden's or regorus's.
pub(crate) fn arguments(name: &str) -> Option<usize> {
    arity(name).or_else(|| BUILTINS.get(name).map(|(_, count)| usize::from(*count)))
}

/// Calls a built-in outside of an engine, within the budget that [`begin`] gives. `None` if there is no built-in of this name.
pub(crate) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    if let Some(builtin) = all().find(|builtin| builtin.name == name) {
        return Some((builtin.call)(arguments));
    }
    let (name, _) = BUILTINS.get_key_value(name)?;
    Some(regorus_builtins::call(name, arguments))
}

/// All built-ins, each at its number. A program of the register VM calls them by number.
static NUMBERED: LazyLock<Vec<Numbered>> = LazyLock::new(|| {
    let own = all().map(Numbered::Own);
    let others = BUILTINS.keys().filter(|name| arity(name).is_none());
    own.chain(others.map(|name| Numbered::Other(name)))
        .collect()
});

/// A built-in of geowarden, or the name of one of regorus.
enum Numbered {
    Own(&'static Builtin),
    Other(&'static str),
}

/// The number of a built-in.
pub(crate) fn number(name: &str) -> Option<usize> {
    NUMBERED.iter().position(|one| match one {
        Numbered::Own(builtin) => builtin.name == name,
        Numbered::Other(other) => *other == name,
    })
}

/// Calls the built-in whose number is the first argument, with the other arguments. `None` if its error refuses the
/// request: [`take_fault`] has the text.
pub(crate) fn numbered(arguments: &[Value], errors: BuiltinErrors) -> Option<Value> {
    let (number, arguments) = arguments.split_first()?;
    let number = usize::try_from(number.as_u64().ok()?).ok()?;
    let (name, outcome) = match NUMBERED.get(number)? {
        Numbered::Own(builtin) => (builtin.name, (builtin.call)(arguments)),
        Numbered::Other(name) => (*name, regorus_builtins::call(name, arguments)),
    };
    match errors.value(outcome) {
        Ok(value) => Some(value),
        Err(cause) => {
            errors::set_fault(BuiltinError { name, cause }.to_string());
            None
        }
    }
}

/// The built-ins of an engine: those of geowarden and of regorus.
pub(crate) struct Available;

impl Builtins for Available {
    fn arity(&self, name: &str) -> Option<usize> {
        arguments(name).filter(|_| is_for_authors(name))
    }

    fn names(&self) -> Vec<&str> {
        names().into_iter().collect()
    }

    fn left_out(&self, name: &str) -> Option<&str> {
        let mut all = LEFT_OUT.iter();
        all.find(|(other, _)| *other == name).map(|(_, why)| *why)
    }

    /// In regorus, `with` can replace only regorus's own functions, not functions that were added.
    fn is_replaceable(&self, name: &str) -> bool {
        BUILTINS.contains_key(name)
    }
}

/// The built-ins of an engine, with those that only printed policies call.
pub(crate) struct Internal;

impl Builtins for Internal {
    fn arity(&self, name: &str) -> Option<usize> {
        arguments(name)
    }

    fn is_replaceable(&self, name: &str) -> bool {
        Available.is_replaceable(name)
    }
}

/// The names of all built-ins that a policy can call, in order.
pub fn names() -> BTreeSet<&'static str> {
    BUILTINS
        .keys()
        .copied()
        .chain(all().map(|builtin| builtin.name))
        .chain(["print"])
        .filter(|name| is_for_authors(name))
        .collect()
}

/// The number of arguments of a built-in that a policy can call; `print` takes any number.
pub fn argument_count(name: &str) -> Option<usize> {
    arguments(name)
}

/// The internal functions that OPA has too, and takes from authors.
const INTERNAL: [&str; 4] = [
    "internal.member_2",
    "internal.member_3",
    "internal.template_string",
    "internal.test_case",
];

/// Whether a policy may name a built-in. Most internal functions are only for translated policies.
fn is_for_authors(name: &str) -> bool {
    !name.starts_with("internal.") || INTERNAL.contains(&name)
}

fn text(arguments: &[Value], index: usize) -> Result<&str, String> {
    match arguments.get(index) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("operand {} must be a string", index + 1)),
    }
}

fn whole(arguments: &[Value], index: usize) -> Result<i64, String> {
    let fault = || format!("operand {} must be an integer", index + 1);
    match arguments.get(index) {
        // OPA's integers can have any number of digits, so refuse those that are too large here.
        Some(Value::Number(number)) if number.is_integer() => number
            .as_i64()
            .ok_or_else(|| errors::refuse(format!("{} of at most 64 bits", fault()))),
        _ => Err(fault()),
    }
}

fn string(text: &str) -> Value {
    Value::String(text.into())
}

#[cfg(test)]
mod tests;
