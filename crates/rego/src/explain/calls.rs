//! The function calls that notes consist of.

use crate::{core::Term, resolve::tree::Scalar};

/// The functions that the notes call.
pub(super) const BEGIN: &str = "internal.explain_begin";
pub(super) const END: &str = "internal.explain_end";
pub(super) const GOT: &str = "internal.explain_got";
pub(super) const ENTER: &str = "internal.explain_enter";
pub(super) const LEAVE: &str = "internal.explain_leave";

/// Which value the call of [`END`] returns to the statements after it.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// The value of the statement, if it is defined.
    Value,
    /// A value only if the statement's value is neither undefined nor false.
    Truth,
    /// A value only if the statement's value is undefined or false.
    NoTruth,
}

impl Takes {
    /// Encodes it as an argument.
    pub(super) fn term(self) -> Term {
        number(match self {
            Self::Value => 0,
            Self::Truth => 1,
            Self::NoTruth => 2,
        })
    }

    /// Decodes it from its argument.
    pub(super) fn of(number: usize) -> Self {
        match number {
            0 => Self::Value,
            1 => Self::Truth,
            _ => Self::NoTruth,
        }
    }
}

/// A number as an argument.
pub(super) fn number(number: usize) -> Term {
    Term::Scalar(Scalar::Number(number.to_string()))
}
