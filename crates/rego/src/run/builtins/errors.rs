//! What an error of a built-in does: it refuses the request, or it leaves the call undefined.
//!
//! If OPA would give a value, the function must mark its error with [`refuse`]. Reasons are a limit that OPA does not
//! have, or input that is not supported here. Such an error always refuses the request, because the negation of an
//! undefined call holds.

use std::cell::Cell;

use regorus::Value;

use crate::BuiltinErrors;

thread_local! {
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Removes the mark for a new evaluation on this thread.
pub(super) fn begin() {
    REFUSED.set(false);
}

/// Marks an error that always refuses the request. The mark stays until the next evaluation, so that no caller can lose
/// it.
pub(super) fn refuse(message: impl Into<String>) -> String {
    REFUSED.set(true);
    message.into()
}

/// Whether an error of this evaluation always refuses the request.
pub(super) fn is_refused() -> bool {
    REFUSED.get()
}

impl BuiltinErrors {
    /// The result of a call. An error becomes undefined if the settings allow that.
    pub(super) fn value(self, outcome: Result<Value, String>) -> Result<Value, String> {
        match outcome {
            Err(_) if self == Self::Undefined && !is_refused() => Ok(Value::Undefined),
            outcome => outcome,
        }
    }
}
