//! A value that is evaluated after others.

use regorus::Value;

use super::Builtin;

pub(super) const ALL: [Builtin; 1] = [Builtin {
    name: "internal.after",
    arity: 2,
    call: after,
}];

/// The first argument: what the second one is made of has been evaluated then.
fn after(arguments: &[Value]) -> Result<Value, String> {
    match arguments {
        [value, _] => Ok(value.clone()),
        _ => Err("expected 2 arguments".to_owned()),
    }
}
