//! What an error of a built-in does: it refuses the request, or it leaves the call undefined.
//!
//! If OPA would give a value, the function must mark its error with [`refuse`]. Reasons are a limit that OPA does not
//! have, or input that is not supported here. Such an error always refuses the request, because the negation of an
//! undefined call holds.

use std::cell::{Cell, RefCell};

use regorus::Value;

use crate::BuiltinErrors;

thread_local! {
    static REFUSED: Cell<bool> = const { Cell::new(false) };
    /// The text of the error that ended a program of the register VM.
    static FAULT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the text of an error. The register VM passes only limits on.
pub(super) fn set_fault(text: String) {
    FAULT.set(Some(text));
}

/// The text of the error that ended the program on this thread.
pub(crate) fn take_fault() -> Option<String> {
    FAULT.take()
}

/// Removes the mark for a new evaluation on this thread.
pub(super) fn begin() {
    REFUSED.set(false);
    FAULT.set(None);
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
