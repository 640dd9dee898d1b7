//! An error with its causes: the outermost alone says only that something failed.

use std::error::Error;

/// The text of `error` and of everything that led to it, outermost first.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
