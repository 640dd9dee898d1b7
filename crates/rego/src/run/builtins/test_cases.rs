//! Records the cases that a test begins: `internal.test_case([name])`, which OPA has too. If a case was begun but is
//! missing in the test's value, it has failed.

use std::cell::RefCell;

use regorus::Value;

use super::{Builtin, budget};

pub(super) const ALL: [Builtin; 1] = [Builtin {
    name: "internal.test_case",
    arity: 1,
    call: note,
}];

thread_local! {
    static NOTED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Forgets all cases for a new evaluation on this thread.
pub(super) fn begin() {
    NOTED.with_borrow_mut(Vec::clear);
}

/// The cases that the evaluation on this thread has begun, in order. Each is an array with the keys of the case.
pub(crate) fn noted() -> Vec<Value> {
    NOTED.take()
}

fn note(arguments: &[Value]) -> Result<Value, String> {
    let [name @ Value::Array(_)] = arguments else {
        return Err("operand 1 must be an array".to_owned());
    };
    budget::elements(1)?;
    NOTED.with_borrow_mut(|noted| noted.push(name.clone()));
    Ok(Value::Bool(true))
}
