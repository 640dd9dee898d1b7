//! Limits the size of what built-ins make in one evaluation. The time limit is only checked between two steps, and a
//! single call can double a text again and again. So the size of each result is counted.

use std::cell::Cell;

use super::errors;

/// The budget of one evaluation, in bytes of text. An element of a collection counts as `ELEMENT` bytes.
const BYTES: usize = 16 << 20;
/// The smallest size of an element of an array, set or object, in bytes.
const ELEMENT: usize = 32;

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(BYTES) };
}

/// Fills the budget for a new evaluation on this thread.
pub(in super::super) fn refill() {
    LEFT.set(BYTES);
}

/// Counts a text before it is made.
pub(super) fn text(bytes: usize) -> Result<(), String> {
    match LEFT.get().checked_sub(bytes) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => Err(errors::refuse(format!(
            "the evaluation makes built-in functions produce more than {BYTES} bytes"
        ))),
    }
}

/// Counts the elements of a collection before it is made.
pub(super) fn elements(count: usize) -> Result<(), String> {
    text(count.saturating_mul(ELEMENT))
}
