//! From text to a tree.
//!
//! All faults of a file are told at once: behind one, the reading goes on with the next rule. What can be read in two ways is
//! read as OPA reads it. How deep values may be nested, and how often a word may be looked at again, is bounded.

// Faults are rare and large: what is returned everywhere stays small.
#![allow(clippy::unnecessary_box_returns)]

mod cursor;
mod expression;
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

/// Reads one file, which is reported under `name`.
///
/// Values may be nested some hundreds deep, for which up to 16 MiB of stack are needed without optimisation.
pub fn parse(name: &str, text: &str, version: Version) -> Result<Module, Vec<Diagnostic>> {
    let (tokens, mut faults) = lexer::words(text);
    let cursor = Cursor::new(tokens, BTreeSet::new());
    let (module, more) = module::read(cursor, version);
    // Words that are none are the cause of what cannot be read around them.
    if faults.is_empty() {
        faults = more;
    }
    if faults.is_empty() {
        return Ok(module);
    }
    faults.sort_by_key(|fault| fault.span);
    let told = faults.into_iter().map(|fault| Diagnostic {
        code: fault.code,
        file: name.to_owned(),
        span: fault.span,
        message: fault.message,
        cure: fault.cure,
        ..Diagnostic::default()
    });
    Err(told.collect())
}
