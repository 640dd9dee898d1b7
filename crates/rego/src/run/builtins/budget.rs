//! How much one evaluation may make built-ins produce. A time limit is looked at between two steps only, and a single
//! call can double a text again and again, so what calls produce is counted.

use std::cell::Cell;

use super::errors;

/// Bytes of text, or elements times their least size, that the built-ins of one evaluation may produce.
const BYTES: usize = 16 << 20;
/// The least that an element of an array, set or object costs, in bytes.
const ELEMENT: usize = 32;

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(BYTES) };
}

/// Begins an evaluation on this thread.
pub(in super::super) fn refill() {
    LEFT.set(BYTES);
}

/// Counts a text that is about to be made.
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

/// Counts the elements of a collection that is about to be made.
pub(super) fn elements(count: usize) -> Result<(), String> {
    text(count.saturating_mul(ELEMENT))
}
