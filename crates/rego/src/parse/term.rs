//! Parses single values: scalars, variables, references, calls and bracketed values.

use super::{
    cursor::{Cursor, ParseResult},
    token::{Kind, Token},
    tree::{Condition, Expr, ExprKind, LiteralKind, Operator, Part},
};
use crate::source::Span;

impl Cursor {
    /// A term: a value without operators outside of brackets.
    pub(super) fn term(&mut self) -> ParseResult<Expr> {
        self.enter()?;
        let term = self.whole_term();
        self.leave();
        term
    }

    fn whole_term(&mut self) -> ParseResult<Expr> {
        if self.is_sign("-") && self.second().is_some_and(is_of_reference) {
            return self.negative();
        }
        let head = self.bare_term()?;
        self.way(head, false)
    }

    /// `-x`, where `x` is a reference or a call. It is `0 - x`.
    fn negative(&mut self) -> ParseResult<Expr> {
        let start = self.span();
        self.advance();
        let zero = Expr {
            kind: ExprKind::Number("0".to_owned()),
            span: start,
        };
        let operand = self.whole_term()?;
        let operands = Box::new((zero, operand));
        Ok(self.made(ExprKind::Infix(Operator::Minus, operands), start))
    }

    fn bare_term(&mut self) -> ParseResult<Expr> {
        let span = self.span();
        let kind = match self.kind().clone() {
            Kind::Word(_) if self.take_keyword("null") => ExprKind::Null,
            Kind::Word(_) if self.take_keyword("true") => ExprKind::Bool(true),
            Kind::Word(_) if self.take_keyword("false") => ExprKind::Bool(false),
            Kind::Word(word) if self.name().is_some() || word == "contains" => {
                self.advance();
                variable(word)
            }
            Kind::Number(_) | Kind::Sign("-" | ".") => self.number()?,
            Kind::String(text) => {
                self.advance();
                ExprKind::String(text)
            }
            Kind::TemplateText(_) | Kind::TemplateEnd(_) => self.template()?,
            Kind::Sign("[") => return self.array(),
            Kind::Sign("{") => return self.set_or_object(),
            Kind::Sign("(") => {
                self.advance();
                let mut inner = self.value()?;
                self.expect_sign(")", "behind what was begun with `(`")?;
                inner.span = span.to(self.last_span());
                let is_followed = self.is_attached(".") || self.is_attached("[");
                if is_followed && is_reference(&inner) {
                    let mut fault = self.at(inner.span, "a reference goes on behind `)`");
                    fault.cure = Some("remove the parentheses".to_owned());
                    return Err(fault);
                }
                return Ok(inner);
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(self.made(kind, span))
    }

    fn made(&self, kind: ExprKind, start: Span) -> Expr {
        Expr {
            kind,
            span: start.to(self.last_span()),
        }
    }

    fn number(&mut self) -> ParseResult<ExprKind> {
        let mut text = String::new();
        if self.take_sign("-") {
            text.push('-');
        }
        let Kind::Number(digits) = self.kind() else {
            let mut fault = self.unexpected("a number");
            if self.is_sign(".") {
                fault.cure = Some("write a digit before the point: `0.5`".to_owned());
            }
            return Err(fault);
        };
        text.push_str(digits);
        self.advance();
        Ok(ExprKind::Number(text))
    }

    /// The parts that follow a term without a space: fields, keys, and the arguments of a function. In the head of a
    /// rule, one space is allowed before them.
    pub(super) fn way(&mut self, head: Expr, after_space: bool) -> ParseResult<Expr> {
        let start = head.span;
        let follows = |cursor: &Self, sign: &str| {
            if after_space {
                cursor.is_sign(sign) && cursor.token().is_some_and(|t| !t.after_line_break)
            } else {
                cursor.is_attached(sign)
            }
        };
        if !["(", ".", "["].iter().any(|sign| follows(self, sign)) {
            return Ok(head);
        }
        if !can_be_referred_into(&head.kind) {
            return Err(self.unexpected("an operator or the end of the statement: only variables, calls and collections have members"));
        }
        let mut way = Vec::new();
        loop {
            let is_first = way.is_empty();
            let here = |cursor: &Self, sign: &str| {
                cursor.is_attached(sign) || (is_first && follows(cursor, sign))
            };
            if here(self, ".") {
                self.advance();
                way.push(self.field()?);
            } else if here(self, "[") {
                self.advance();
                way.push(self.value()?);
                self.expect_sign("]", "behind a key").map_err(|mut fault| {
                    if self.is_sign(",") {
                        fault.cure =
                            Some("write one pair of brackets for each key: `[a][b]`".to_owned());
                    }
                    fault
                })?;
            } else if here(self, "(") {
                let function = referred(head, way, self.last_span());
                return self.call(function, start);
            } else {
                return Ok(referred(head, way, self.last_span()));
            }
        }
    }

    fn field(&mut self) -> ParseResult<Expr> {
        let span = self.span();
        match self.token() {
            Some(token) if !token.after_space => match &token.kind {
                Kind::Word(word) => {
                    let kind = ExprKind::String(word.clone());
                    self.advance();
                    Ok(Expr { kind, span })
                }
                _ => Err(self.unexpected("a name behind `.`")),
            },
            _ => Err(self.unexpected("a name right behind `.`")),
        }
    }

    fn call(&mut self, function: Expr, start: Span) -> ParseResult<Expr> {
        self.advance();
        let arguments = self.items(")")?;
        self.advance();
        let is_set = matches!(&function.kind, ExprKind::Var(name) if name == "set");
        let kind = if is_set && arguments.is_empty() {
            ExprKind::Set(arguments)
        } else if is_name(&function) {
            ExprKind::Call(Box::new(function), arguments)
        } else {
            return Err(self.fault("what is called here is no name of a function".to_owned()));
        };
        let call = self.made(kind, start);
        if self.is_attached(".") || self.is_attached("[") {
            return self.way(call, false);
        }
        Ok(call)
    }

    /// Values separated by commas, up to a sign, which is not consumed.
    fn items(&mut self, end: &str) -> ParseResult<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.is_sign(end) {
            items.push(self.item()?);
            if !self.take_sign(",") && !self.is_sign(end) {
                return Err(self.no_comma(self.unexpected(&format!("`,` or `{end}`"))));
            }
        }
        Ok(items)
    }

    /// The sign that ends a list.
    fn expect_end(&mut self, sign: &str, why: &str) -> ParseResult<()> {
        self.expect_sign(sign, why)
            .map_err(|fault| self.no_comma(fault))
    }

    /// The same fault, and what to do where only a comma is missing.
    fn no_comma(
        &self,
        mut fault: Box<super::lexer::SyntaxError>,
    ) -> Box<super::lexer::SyntaxError> {
        let begins_value = match self.kind() {
            Kind::String(_) | Kind::Number(_) | Kind::Sign("[" | "{") => true,
            Kind::Word(word) => {
                !self.is_reserved(word) || matches!(word.as_str(), "true" | "false" | "null")
            }
            _ => false,
        };
        if begins_value && fault.cure.is_none() {
            fault.cure = Some("write `,` before it".to_owned());
        }
        fault
    }

    fn array(&mut self) -> ParseResult<Expr> {
        let start = self.span();
        self.advance();
        let mut items = Vec::new();
        if !self.is_sign("]") {
            let is_list = self.take_sign(",");
            let head = self.term()?;
            if self.is_sign("|") && !is_list {
                match self.comprehension("]") {
                    Ok(query) => {
                        let kind = ExprKind::ArrayComprehension(Box::new(head), Box::new(query));
                        return Ok(self.made(kind, start));
                    }
                    Err((place, fault)) => {
                        self.go_back(place);
                        items.push(self.item_from(Some(head)).map_err(|_| fault)?);
                    }
                }
            } else {
                items.push(self.item_from(Some(head))?);
            }
            if self.take_sign(",") {
                items.extend(self.items("]")?);
            }
        }
        self.expect_end("]", "or `,` in an array")?;
        Ok(self.made(ExprKind::Array(items), start))
    }

    fn set_or_object(&mut self) -> ParseResult<Expr> {
        let start = self.span();
        self.advance();
        if self.take_sign("}") {
            return Ok(self.made(ExprKind::Object(Vec::new()), start));
        }
        let is_list = self.take_sign(",");
        let head = self.term()?;
        let head = if self.is_sign("|") && !is_list {
            match self.comprehension("}") {
                Ok(query) => {
                    let kind = ExprKind::SetComprehension(Box::new(head), Box::new(query));
                    return Ok(self.made(kind, start));
                }
                Err((place, fault)) => {
                    self.go_back(place);
                    self.item_from(Some(head)).map_err(|_| fault)?
                }
            }
        } else {
            self.item_from(Some(head))?
        };
        if self.take_sign(":") {
            return self.object(head, is_list, start);
        }
        let mut items = vec![head];
        if self.take_sign(",") {
            items.extend(self.items("}")?);
        }
        self.expect_end("}", "or `,` in a set")?;
        Ok(self.made(ExprKind::Set(items), start))
    }

    fn object(&mut self, key: Expr, is_list: bool, start: Span) -> ParseResult<Expr> {
        let value = self.term()?;
        let value = if self.is_sign("|") && !is_list {
            match self.comprehension("}") {
                Ok(query) => {
                    let pair = Box::new((key, value));
                    let kind = ExprKind::ObjectComprehension(pair, Box::new(query));
                    return Ok(self.made(kind, start));
                }
                Err((place, fault)) => {
                    self.go_back(place);
                    self.item_from(Some(value)).map_err(|_| fault)?
                }
            }
        } else {
            self.item_from(Some(value))?
        };
        let mut pairs = vec![(key, value)];
        while self.take_sign(",") && !self.is_sign("}") {
            let key = self.item()?;
            self.expect_sign(":", "between a key and its value")?;
            pairs.push((key, self.item()?));
        }
        self.expect_end("}", "or `,` in an object")?;
        Ok(self.made(ExprKind::Object(pairs), start))
    }

    /// The query of a comprehension and its closing sign. If that fails, returns the place, since `|` can be an
    /// operator.
    #[allow(clippy::type_complexity)]
    fn comprehension(
        &mut self,
        end: &str,
    ) -> Result<super::tree::Query, (usize, Box<super::lexer::SyntaxError>)> {
        let place = self.place();
        self.advance();
        let query = self.query(end).map_err(|fault| (place, fault))?;
        self.advance();
        Ok(query)
    }

    fn template(&mut self) -> ParseResult<ExprKind> {
        let mut parts = Vec::new();
        loop {
            let (text, is_end) = match self.kind().clone() {
                Kind::TemplateText(text) => (text, false),
                Kind::TemplateEnd(text) => (text, true),
                _ => return Err(self.unexpected("`}` behind an expression in a template string")),
            };
            self.advance();
            if !text.is_empty() {
                parts.push(Part::Text(text));
            }
            if is_end {
                return Ok(ExprKind::Template(parts));
            }
            let literal = self.literal()?;
            if !matches!(literal.kind, LiteralKind::Condition(Condition::Value(_))) {
                return Err(self.fault(
                    "an expression in a template string is a value, and no statement".to_owned(),
                ));
            }
            parts.push(Part::Value(Box::new(literal)));
        }
    }
}

/// A variable with this name.
pub(super) fn variable(name: String) -> ExprKind {
    if name == "_" {
        ExprKind::Wildcard
    } else {
        ExprKind::Var(name)
    }
}

fn referred(head: Expr, way: Vec<Expr>, last: Span) -> Expr {
    if way.is_empty() {
        return head;
    }
    Expr {
        span: head.span.to(last),
        kind: ExprKind::Ref(Box::new(head), way),
    }
}

fn can_be_referred_into(kind: &ExprKind) -> bool {
    !matches!(
        kind,
        ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::String(_)
            | ExprKind::Template(_)
            | ExprKind::Ref(..)
    )
}

fn is_name(function: &Expr) -> bool {
    match &function.kind {
        ExprKind::Var(_) => true,
        ExprKind::Ref(head, way) => {
            matches!(head.kind, ExprKind::Var(_))
                && way
                    .iter()
                    .all(|part| matches!(part.kind, ExprKind::String(_)))
        }
        _ => false,
    }
}

/// Whether a word begins a reference or a call, and not a constant.
fn is_of_reference(token: &Token) -> bool {
    matches!(&token.kind, Kind::Word(word) if !["null", "true", "false"].contains(&word.as_str()))
}

/// Whether OPA takes a value in parentheses for a reference.
fn is_reference(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Var(name) => name == "input" || name == "data",
        ExprKind::Ref(..) => true,
        _ => false,
    }
}
