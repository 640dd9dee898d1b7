//! The words of Rego.

use crate::source::Span;

/// A word of a text, and what precedes it. The parenthesis of a call and the bracket of a reference belong to the word
/// before them only without a space. A line break separates statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
    pub(super) after_space: bool,
    pub(super) after_line_break: bool,
}

/// The kind of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword. The place and the imports decide which one.
    Word(String),
    /// As it is written, without a sign.
    Number(String),
    String(String),
    /// Text of a template up to an expression.
    TemplateText(String),
    /// Text of a template up to its end.
    TemplateEnd(String),
    Sign(&'static str),
    End,
}

impl Kind {
    /// The name in errors.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Number(number) => format!("the number `{number}`"),
            Self::String(_) => "a string".to_owned(),
            Self::TemplateText(_) | Self::TemplateEnd(_) => "a template string".to_owned(),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end of the file".to_owned(),
        }
    }
}
