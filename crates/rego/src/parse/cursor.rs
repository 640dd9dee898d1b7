//! A position among the words of a text, and the keywords that are known there.

mod habits;
mod recovery;

use std::collections::BTreeSet;

pub(super) use self::recovery::{Unread, closing};
use super::{
    lexer::SyntaxError,
    token::{Kind, Token},
};
use crate::{
    diagnostic::{Code, nearest},
    source::Span,
};

/// How deep values and queries may be nested.
const MAX_DEPTH: usize = 500;

/// The keywords of every version of Rego.
const KEYWORDS: [&str; 11] = [
    "as", "default", "else", "false", "import", "not", "null", "package", "some", "true", "with",
];
/// The additional keywords of Rego v1, which older texts import.
pub(super) const LATER: [&str; 4] = ["contains", "every", "if", "in"];

/// Returned if a text cannot be read further.
pub(super) type ParseResult<T> = Result<T, Box<SyntaxError>>;

/// A position among words.
pub(super) struct Cursor {
    tokens: Vec<Token>,
    at: usize,
    /// The members of [`LATER`] that are keywords here.
    pub(super) later: BTreeSet<&'static str>,
    /// Whether `not` is the keyword of `future.keywords`: what is undefined can be negated, and a query in braces.
    pub(super) negates_undefined: bool,
    pub(super) depth: usize,
    /// How many more words may be read. Ambiguous texts are read several times.
    steps: usize,
    /// The statements that could not be read, while reading went on behind them.
    pub(super) unread: Vec<Unread>,
}

impl Cursor {
    pub(super) fn new(tokens: Vec<Token>, later: BTreeSet<&'static str>) -> Self {
        Self {
            steps: tokens.len().saturating_mul(64).saturating_add(4096),
            tokens,
            at: 0,
            later,
            negates_undefined: false,
            depth: 0,
            unread: Vec::new(),
        }
    }

    /// The next word. The last one is the end of the text.
    pub(super) fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at).or_else(|| self.tokens.last())
    }

    pub(super) fn kind(&self) -> &Kind {
        self.token().map_or(&Kind::End, |token| &token.kind)
    }

    /// The word after the next one.
    pub(super) fn second(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1)
    }

    pub(super) fn span(&self) -> Span {
        self.token().map_or_else(Span::default, |token| token.span)
    }

    /// The word before the next one.
    pub(super) fn last_span(&self) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or_else(Span::default, |token| token.span)
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn go_back(&mut self, place: usize) {
        self.at = place;
    }

    /// The word at a place.
    pub(super) fn token_at(&self, place: usize) -> Option<(&Kind, Span)> {
        self.tokens
            .get(place)
            .map(|token| (&token.kind, token.span))
    }

    /// Where the word at a place stands.
    pub(super) fn span_at(&self, place: usize) -> Span {
        self.tokens
            .get(place)
            .map_or_else(Span::default, |t| t.span)
    }

    pub(super) fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        self.steps = self.steps.saturating_sub(1);
    }

    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.kind(), Kind::End)
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.kind(), Kind::Sign(found) if *found == sign)
    }

    /// Whether a sign follows without a space before it.
    pub(super) fn is_attached(&self, sign: &str) -> bool {
        self.is_sign(sign) && self.token().is_some_and(|token| !token.after_space)
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_sign(&mut self, sign: &str, why: &str) -> ParseResult<()> {
        if self.take_sign(sign) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{sign}` {why}")))
        }
    }

    /// Whether a word is a keyword here. At the beginning of a reference it is not.
    pub(super) fn is_keyword(&self, word: &str) -> bool {
        matches!(self.kind(), Kind::Word(found) if found == word)
            && self.is_reserved(word)
            && !self.begins_reference()
    }

    pub(super) fn is_reserved(&self, word: &str) -> bool {
        KEYWORDS.contains(&word) || self.later.contains(word)
    }

    /// Whether the word after the next one makes it a reference.
    fn begins_reference(&self) -> bool {
        self.second().is_some_and(|second| {
            !second.after_space && matches!(second.kind, Kind::Sign("." | "["))
        })
    }

    pub(super) fn take_keyword(&mut self, word: &str) -> bool {
        let found = self.is_keyword(word);
        if found {
            self.advance();
        }
        found
    }

    /// Takes a keyword where no reference can begin, so that `[` may follow at once.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.kind(), Kind::Word(found) if found == word) && self.is_reserved(word);
        if found {
            self.advance();
        }
        found
    }

    /// The next word as a name. A keyword is only a name at the beginning of a reference.
    pub(super) fn name(&self) -> Option<&str> {
        match self.kind() {
            Kind::Word(word) if !self.is_reserved(word) || self.begins_reference() => Some(word),
            _ => None,
        }
    }

    /// An error at the next word.
    pub(super) fn unexpected(&self, expected: &str) -> Box<SyntaxError> {
        let found = match self.kind() {
            Kind::Word(word) if self.is_reserved(word) => format!("the keyword `{word}`"),
            other => other.shown(),
        };
        let mut fault = self.fault(format!("expected {expected}, found {found}"));
        fault.cure = self.habit().map(str::to_owned);
        fault
    }

    /// The same where a condition ends.
    pub(super) fn unexpected_behind_condition(&self, expected: &str) -> Box<SyntaxError> {
        let mut fault = self.unexpected(expected);
        if fault.cure.is_some() {
            return fault;
        }
        let cure = match self.kind() {
            Kind::Sign(",") => "write each condition on a line of its own",
            Kind::Sign("{") => {
                "a condition has no block: write what it asks for on the lines below"
            }
            Kind::Sign(":") => "a condition ends with its line, without `:`",
            _ => return fault,
        };
        fault.cure = Some(cure.to_owned());
        fault
    }

    /// The same where one of some keywords is expected, of which the author may have meant one.
    pub(super) fn unexpected_for(&self, expected: &str, keywords: &[&str]) -> Box<SyntaxError> {
        let mut fault = self.unexpected(expected);
        if let Kind::Word(word) = self.kind() {
            fault.suggestion = nearest(word, keywords.iter().copied());
        }
        fault
    }

    /// A keyword with a letter wrong: the word before the next one, or the next one itself.
    pub(super) fn misspelt_keyword(&self) -> Option<Box<SyntaxError>> {
        let Kind::Word(word) = self.kind() else {
            return None;
        };
        let before = self.at.checked_sub(1).and_then(|at| self.token_at(at));
        if let Some((Kind::Word(before), span)) = before
            && let Some(keyword) = nearest(before, ["not", "some", "every"])
        {
            let mut fault = self.fault(format!("expected a condition, found `{before}`"));
            fault.span = span;
            fault.suggestion = Some(keyword);
            return Some(fault);
        }
        let keyword = nearest(word, ["with", "some", "every"])?;
        let mut fault = self.unexpected("a keyword or the end of the condition");
        fault.suggestion = Some(keyword);
        Some(fault)
    }

    pub(super) fn fault(&self, message: String) -> Box<SyntaxError> {
        Box::new(SyntaxError {
            code: Code::Syntax,
            span: self.span(),
            message,
            cure: None,
            suggestion: None,
        })
    }

    /// Enters a value that may contain itself.
    pub(super) fn enter(&mut self) -> ParseResult<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH || self.steps == 0 {
            let message = if self.steps == 0 {
                "this can be read in too many ways".to_owned()
            } else {
                format!("this is nested more than {MAX_DEPTH} deep")
            };
            let mut fault = self.fault(message);
            fault.code = Code::TooDeep;
            fault.cure = Some("give parts of it names of their own".to_owned());
            return Err(fault);
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}
