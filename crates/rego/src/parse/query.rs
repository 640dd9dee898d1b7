//! Parses statements and queries.

use super::{
    cursor::{Cursor, ParseResult},
    foreign,
    lexer::SyntaxError,
    token::Kind,
    tree::{Condition, Expr, ExprKind, Literal, LiteralKind, Name, Query, With},
};
use crate::source::Span;

impl Cursor {
    /// Statements up to a sign, which is not consumed.
    pub(super) fn query(&mut self, end: &str) -> ParseResult<Query> {
        self.enter()?;
        let query = self.statements(end);
        self.leave();
        query
    }

    /// Statements in the braces of a rule, up to the closing one, which is not consumed. A statement that cannot be read is told of
    /// by itself, and the next one is read.
    pub(super) fn query_of_rule(&mut self) -> ParseResult<Query> {
        let start = self.span();
        let mut literals = Vec::new();
        if self.is_sign("}") {
            return self.query("}");
        }
        loop {
            let (place, depth) = (self.place(), self.depth);
            let outcome = self.literal().and_then(|literal| {
                literals.push(literal);
                let is_end = self.is_sign(";") || self.is_sign("}");
                let is_on_line = !self.token().is_some_and(|token| token.after_line_break);
                if !is_end && (is_on_line || self.is_at_end()) {
                    return Err(self.no_statement(literals.last(), "}"));
                }
                Ok(())
            });
            if let Err(fault) = outcome {
                self.go_on_behind(place, fault)?;
                self.depth = depth;
            }
            if self.take_sign(";") {
                continue;
            }
            if self.is_sign("}") {
                return Ok(Query {
                    literals,
                    span: start.to(self.last_span()),
                });
            }
        }
    }

    fn statements(&mut self, end: &str) -> ParseResult<Query> {
        let start = self.span();
        let mut literals = Vec::new();
        if self.is_sign(end) {
            return Err(self.fault("a body must have a condition".to_owned()));
        }
        loop {
            literals.push(self.literal()?);
            if self.take_sign(";") {
                continue;
            }
            if self.is_sign(end) {
                return Ok(Query {
                    literals,
                    span: start.to(self.last_span()),
                });
            }
            if !self.token().is_some_and(|token| token.after_line_break) || self.is_at_end() {
                return Err(self.no_statement(literals.last(), end));
            }
        }
    }

    /// What to say where a condition is followed by something else.
    fn no_statement(&self, last: Option<&Literal>, end: &str) -> Box<SyntaxError> {
        // `let x := 1` is the condition `let`, and more.
        if let Some(Literal {
            kind: LiteralKind::Condition(Condition::Value(value)),
            ..
        }) = last
            && let ExprKind::Var(name) = &value.kind
            && let Some(cure) = foreign::word(name)
        {
            let message = format!("expected a condition, found `{name}`");
            let mut fault = self.at(value.span, &message);
            let cure = self.unexpected("").cure.unwrap_or_else(|| cure.to_owned());
            fault.cure = Some(cure);
            return fault;
        }
        if let Some(fault) = self.misspelt_keyword() {
            return fault;
        }
        let expected = format!("a line break, `;` or `{end}` behind a condition");
        let mut fault = self.unexpected_behind_condition(&expected);
        if fault.cure.is_none()
            && last.is_some_and(|literal| matches!(literal.kind, LiteralKind::Some(_)))
        {
            fault.cure = Some("write `some x in xs` to look through a collection".to_owned());
        }
        fault
    }

    /// One statement.
    pub(super) fn literal(&mut self) -> ParseResult<Literal> {
        let start = self.span();
        let kind = if self.take_keyword("not") {
            if self.is_keyword("some") || self.is_keyword("every") {
                return Err(self.unexpected("a condition behind `not`"));
            }
            if self.negates_undefined && self.is_sign("{") {
                LiteralKind::NotQuery(self.negated_query()?)
            } else {
                LiteralKind::Not(self.condition()?)
            }
        } else if self.is_keyword("some") {
            self.some()?
        } else if self.is_keyword("every") {
            self.every()?
        } else {
            LiteralKind::Condition(self.condition()?)
        };
        let mut with = Vec::new();
        if !matches!(kind, LiteralKind::Some(_)) {
            while self.take_keyword("with") {
                with.push(self.with()?);
            }
        }
        Ok(Literal {
            kind,
            with,
            span: start.to(self.last_span()),
        })
    }

    fn negated_query(&mut self) -> ParseResult<Query> {
        self.advance();
        let query = self.query("}").map_err(|mut fault| {
            if self.is_sign(",") || self.is_sign(":") {
                let cure = "`not {` begins a query here, since `not` is imported: write `not ({..})` to negate a set or an object";
                fault.cure = Some(cure.to_owned());
            }
            fault
        })?;
        self.advance();
        Ok(query)
    }

    fn condition(&mut self) -> ParseResult<Condition> {
        let left = self.value()?;
        Ok(if self.take_sign(":=") {
            Condition::Assign(left, self.value()?)
        } else if self.take_sign("=") {
            Condition::Unify(left, self.value()?)
        } else {
            Condition::Value(left)
        })
    }

    fn with(&mut self) -> ParseResult<With> {
        if self.name().is_none() {
            return Err(self.unexpected("what is to be replaced behind `with`"));
        }
        let target = self.term()?;
        if !matches!(target.kind, ExprKind::Var(_) | ExprKind::Ref(..)) {
            return Err(self.fault(
                "`with` replaces input, data, or a function, and what is below them".to_owned(),
            ));
        }
        if !self.take_word("as") {
            return Err(self.unexpected("`as` behind what `with` replaces"));
        }
        let value = self.value()?;
        Ok(With { target, value })
    }

    fn some(&mut self) -> ParseResult<LiteralKind> {
        let place = self.place();
        self.advance();
        if let Ok(value) = self.value() {
            match value.kind {
                ExprKind::In { key, operands } => {
                    let (value, collection) = *operands;
                    return Ok(LiteralKind::SomeIn {
                        key: key.map(|key| *key),
                        value,
                        collection,
                    });
                }
                ExprKind::Call(..) | ExprKind::Infix(..) => {
                    return Err(self.unexpected("`in` and a collection behind `some`"));
                }
                _ => {}
            }
        }
        self.go_back(place);
        let mut names = Vec::new();
        loop {
            self.advance();
            names.push(self.declared()?);
            if !self.is_sign(",") {
                break;
            }
        }
        if matches!(self.kind(), Kind::Word(word) if word == "in") && !self.later.contains("in") {
            let mut fault = self.unexpected("a line break");
            fault.cure = Some("`in` is no keyword here: `import future.keywords.in`".to_owned());
            return Err(fault);
        }
        Ok(LiteralKind::Some(names))
    }

    fn declared(&mut self) -> ParseResult<Name> {
        let span = self.span();
        match self.kind().clone() {
            Kind::Word(word) if !self.is_reserved(&word) => {
                self.advance();
                Ok(Name { text: word, span })
            }
            _ => Err(self.unexpected("a variable behind `some`")),
        }
    }

    fn every(&mut self) -> ParseResult<LiteralKind> {
        self.advance();
        let ExprKind::In { key, operands } = self.value()?.kind else {
            let mut fault = self.unexpected("`in` and a collection behind the variable of `every`");
            fault.cure = Some("write `every x in xs {..}`".to_owned());
            return Err(fault);
        };
        let (value, domain) = *operands;
        let key = match key {
            Some(key) => self.every_variable(&key)?,
            None => None,
        };
        let value = self.every_variable(&value)?;
        self.expect_sign("{", "and conditions behind the collection of `every`")?;
        let body = self.query("}")?;
        self.advance();
        Ok(LiteralKind::Every {
            key,
            value,
            domain,
            body,
        })
    }

    fn every_variable(&self, value: &Expr) -> ParseResult<Option<Name>> {
        match &value.kind {
            ExprKind::Var(name) => Ok(Some(Name {
                text: name.clone(),
                span: value.span,
            })),
            ExprKind::Wildcard => Ok(None),
            _ => Err(self.at(
                value.span,
                "`every` has one variable for each value, and one before it for the key",
            )),
        }
    }

    /// A fault at another place than the next word.
    pub(super) fn at(&self, span: Span, message: &str) -> Box<SyntaxError> {
        let mut fault = self.fault(message.to_owned());
        fault.span = span;
        fault
    }
}
