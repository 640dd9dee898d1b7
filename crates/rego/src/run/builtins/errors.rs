//! What an error of a built-in function does: it refuses the request, or leaves the call undefined.
//!
//! A function marks an error with [`refuse`] where OPA has a value: a limit that OPA does not have, a form that is not
//! supported. Such an error always refuses, since a negation of an undefined call holds.

use std::cell::Cell;

use regorus::Value;

use crate::BuiltinErrors;

thread_local! {
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Begins an evaluation on this thread.
pub(super) fn begin() {
    REFUSED.set(false);
}

/// Marks an error that refuses the request in any case. The mark stays until the next evaluation, so that no function can
/// lose it.
pub(super) fn refuse(message: impl Into<String>) -> String {
    REFUSED.set(true);
    message.into()
}

/// Whether an error of this evaluation refuses the request in any case.
pub(super) fn is_refused() -> bool {
    REFUSED.get()
}

impl BuiltinErrors {
    /// The value of a call: an error is undefined where it may be.
    pub(super) fn value(self, outcome: Result<Value, String>) -> Result<Value, String> {
        match outcome {
            Err(_) if self == Self::Undefined && !is_refused() => Ok(Value::Undefined),
            outcome => outcome,
        }
    }
}
