//! Goes on behind what cannot be read, so that all faults of a file are told at once.

use std::ops::Range;

use super::{
    super::{
        lexer::SyntaxError,
        token::{Kind, Token},
    },
    Cursor, ParseResult,
};
use crate::{diagnostic::Code, source::Span};

/// Statements that cannot be read, of which each is told by itself. Behind them, one fault of a rule is enough.
const MAX_UNREAD: usize = 100;

/// What could not be read.
pub(in crate::parse) struct Unread {
    pub(in crate::parse) fault: SyntaxError,
    /// The bytes of the statement, rule or import that it is in, up to the next one.
    pub(in crate::parse) within: Range<usize>,
}

impl Cursor {
    /// Goes to the next rule or import from a place on, which can be its own.
    pub(in crate::parse) fn go_to_rule_from(&mut self, place: usize) {
        self.depth = 0;
        self.at = place;
        self.skip_to_rule();
    }

    /// The innermost bracket that is open where the next rule begins, or at the end: looked for from the word at `start` up to
    /// the one at the place of a fault. With it, the place of that rule. Where a line begins with the fault, it is the bracket
    /// that is open there, if the brackets up to the next rule do not fit together.
    pub(in crate::parse) fn unclosed(&self, start: usize, fault: Span) -> Option<(&Token, usize)> {
        let mut open: Vec<&Token> = Vec::new();
        let words = self.tokens.get(start..)?.iter();
        let before = words.take_while(|token| token.span.start <= fault.start);
        let last = start + before.count().saturating_sub(1);
        for at in start..=last {
            let token = self.tokens.get(at)?;
            match token.kind {
                Kind::Sign("{" | "[" | "(") => open.push(token),
                Kind::Sign(sign @ ("}" | "]" | ")")) => {
                    if at == last && open.last().is_some_and(|last| !closes(last, sign)) {
                        return open.pop().map(|token| (token, at));
                    }
                    if let Some(own) = open.iter().rposition(|one| closes(one, sign)) {
                        open.truncate(own);
                    }
                }
                Kind::End => return open.pop().map(|token| (token, at)),
                _ if at > start && !open.is_empty() && self.looks_like_a_rule(at) => {
                    return open.pop().map(|token| (token, at));
                }
                _ => {}
            }
        }
        let begins_line = self.tokens.get(last)?.after_line_break;
        let own = open.pop().filter(|_| begins_line && !self.fits(start))?;
        (own.span.line < fault.line).then_some((own, last))
    }

    /// Whether the brackets from a place up to the next rule fit together.
    fn fits(&self, start: usize) -> bool {
        let mut open: Vec<&Token> = Vec::new();
        for (at, token) in self.tokens.iter().enumerate().skip(start) {
            match token.kind {
                Kind::Sign("{" | "[" | "(") => open.push(token),
                Kind::Sign(sign @ ("}" | "]" | ")")) => match open.pop() {
                    Some(own) if closes(own, sign) => {}
                    _ => return false,
                },
                Kind::End => break,
                _ if at > start && self.looks_like_a_rule(at) => break,
                _ => {}
            }
        }
        open.is_empty()
    }

    /// Whether a line begins at a word as a rule or an import does, with the word at its very beginning.
    fn looks_like_a_rule(&self, at: usize) -> bool {
        let is_first = |token: &&Token| token.span.column == 1;
        let Some(Kind::Word(first)) = self.tokens.get(at).filter(is_first).map(|t| &t.kind) else {
            return false;
        };
        if matches!(first.as_str(), "default" | "import" | "package") {
            return true;
        }
        let behind = self.tokens.iter().skip(at + 1);
        behind
            .take_while(|token| !token.after_line_break)
            .any(|token| match &token.kind {
                Kind::Word(word) => matches!(word.as_str(), "if" | "contains"),
                Kind::Sign(sign) => *sign == ":=",
                _ => false,
            })
    }

    /// Goes to the end of the statement at `place`, which has a fault: to a line break, a `;` or the brace that ends the body. Where
    /// its brackets are not closed, the fault is that of the rule.
    pub(in crate::parse) fn go_on_behind(
        &mut self,
        place: usize,
        fault: Box<SyntaxError>,
    ) -> ParseResult<()> {
        let mut open: Vec<&Token> = Vec::new();
        let mut end = None;
        for at in place.. {
            let Some(token) = self.tokens.get(at) else {
                break;
            };
            let is_next = at > place && token.after_line_break;
            match token.kind {
                Kind::End => break,
                _ if is_next && self.looks_like_a_rule(at) => break,
                Kind::Sign(sign @ ("}" | "]" | ")")) => match open.pop() {
                    Some(own) if closes(own, sign) => {}
                    None if sign == "}" => {
                        end = Some(at);
                        break;
                    }
                    _ => break,
                },
                // A statement can go on in the next line only with what belongs to the one before.
                _ if open.is_empty() && is_next && at > self.at => {
                    end = Some(at);
                    break;
                }
                Kind::Sign(";") if open.is_empty() && at >= self.at => {
                    end = Some(at);
                    break;
                }
                Kind::Sign("{" | "[" | "(") => open.push(token),
                _ => {}
            }
        }
        let is_last = fault.code == Code::TooDeep || self.unread.len() >= MAX_UNREAD;
        let Some(end) = end.filter(|_| !is_last) else {
            return Err(fault);
        };
        let within = self.span_at(place).start..self.span_at(end).start;
        self.unread.push(Unread {
            fault: *fault,
            within,
        });
        self.at = end;
        Ok(())
    }

    /// Goes to where the next rule or import can begin: a word at the start of a line, behind `start`.
    pub(in crate::parse) fn go_to_next_rule(&mut self, start: usize) {
        self.depth = 0;
        if self.at <= start {
            self.at = start;
            self.advance();
        }
        self.skip_to_rule();
    }

    fn skip_to_rule(&mut self) {
        loop {
            let is_first = self.token().is_some_and(|token| token.span.column == 1);
            let is_word = matches!(self.kind(), Kind::Word(_));
            if self.is_at_end() || (is_first && is_word) {
                return;
            }
            self.advance();
        }
    }
}

/// The sign that closes a bracket.
pub(in crate::parse) fn closing(open: &Token) -> &'static str {
    match open.kind {
        Kind::Sign("[") => "]",
        Kind::Sign("(") => ")",
        _ => "}",
    }
}

fn closes(open: &Token, sign: &str) -> bool {
    closing(open) == sign
}
