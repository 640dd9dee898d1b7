//! Parses text to a tree.
//!
//! All errors of a file are reported at once: after an error, reading continues with the next statement of the body, or with
//! the next rule. Ambiguous text is read as OPA reads it. The depth of values, and how often a word may be read again, are limited.

// Errors are rare and large, so they are boxed: the common results stay small.
#![allow(clippy::unnecessary_box_returns)]

mod cursor;
mod default;
mod expression;
pub(crate) mod foreign;
mod lexer;
mod module;
mod query;
mod rule;
mod term;
mod token;
pub mod tree;

use std::collections::BTreeSet;

use self::{cursor::Cursor, tree::Module};
use crate::{diagnostic::Diagnostic, source::Version};

/// Parses a file, which is reported under `name`.
///
/// Values may be nested some hundreds of levels deep. That needs up to 16 MiB of stack without optimisation.
pub fn parse(name: &str, text: &str, version: Version) -> Result<Module, Vec<Diagnostic>> {
    let (module, faults) = parse_partly(name, text, version);
    if faults.is_empty() {
        Ok(module)
    } else {
        Err(faults)
    }
}

/// Parses a file as far as it can be read.
pub(crate) fn parse_partly(name: &str, text: &str, version: Version) -> (Module, Vec<Diagnostic>) {
    let (tokens, mut faults) = lexer::words(text);
    let cursor = Cursor::new(tokens, BTreeSet::new());
    let (module, found) = module::read(cursor, version);
    // Words that are none are the cause of what cannot be read in the same statement or rule.
    let of_words: Vec<usize> = faults.iter().map(|fault| fault.span.start).collect();
    let others = found
        .into_iter()
        .filter(|unread| !of_words.iter().any(|at| unread.within.contains(at)));
    faults.extend(others.map(|unread| unread.fault));
    faults.sort_by_key(|fault| fault.span);
    let told = faults.into_iter().map(|fault| Diagnostic {
        code: fault.code,
        file: name.to_owned(),
        span: fault.span,
        message: fault.message,
        cure: fault.cure,
        suggestion: fault.suggestion,
        ..Diagnostic::default()
    });
    (module, told.collect())
}
