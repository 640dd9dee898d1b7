//! Parses values with operators: `in` binds loosest, then comparisons, `|`, `&`, sums and products.

use super::{
    cursor::{Cursor, ParseResult},
    tree::{Expr, ExprKind, Operator},
};

/// The operators, loosest first. Those of one level are read from left to right.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
    ],
    &[("|", Operator::Or)],
    &[("&", Operator::And)],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[
        ("*", Operator::Times),
        ("/", Operator::Divide),
        ("%", Operator::Remainder),
    ],
];

impl Cursor {
    /// A value. Here `key, value in collection` is also one.
    pub(super) fn value(&mut self) -> ParseResult<Expr> {
        self.enter()?;
        let value = self.value_from(None, true);
        self.leave();
        value
    }

    /// A value in a list, which a comma ends.
    pub(super) fn item(&mut self) -> ParseResult<Expr> {
        self.item_from(None)
    }

    /// Continues a value whose first term has been read.
    pub(super) fn item_from(&mut self, first: Option<Expr>) -> ParseResult<Expr> {
        self.enter()?;
        let value = self.value_from(first, false);
        self.leave();
        value
    }

    fn value_from(&mut self, first: Option<Expr>, with_key: bool) -> ParseResult<Expr> {
        let mut left = self.infix(0, first)?;
        if with_key && self.is_sign(",") {
            let place = self.place();
            self.advance();
            match self.infix(0, None) {
                Ok(middle) if self.is_keyword("in") => {
                    self.advance();
                    let right = self.infix(0, None)?;
                    left = membership(Some(left), middle, right);
                }
                _ => self.go_back(place),
            }
        }
        while self.take_keyword("in") {
            let right = self.infix(0, None)?;
            left = membership(None, left, right);
        }
        Ok(left)
    }

    fn infix(&mut self, level: usize, first: Option<Expr>) -> ParseResult<Expr> {
        let Some(operators) = LEVELS.get(level) else {
            return match first {
                Some(term) => Ok(term),
                None => self.term(),
            };
        };
        let mut left = self.infix(level + 1, first)?;
        while let Some(operator) = self.operator(operators) {
            self.advance();
            let right = self.infix(level + 1, None)?;
            left = Expr {
                span: left.span.to(right.span),
                kind: ExprKind::Infix(operator, Box::new((left, right))),
            };
        }
        Ok(left)
    }

    fn operator(&self, among: &[(&str, Operator)]) -> Option<Operator> {
        among
            .iter()
            .find(|(sign, _)| self.is_sign(sign))
            .map(|(_, operator)| *operator)
    }
}

fn membership(key: Option<Expr>, value: Expr, collection: Expr) -> Expr {
    let first = key.as_ref().map_or(value.span, |key| key.span);
    Expr {
        span: first.to(collection.span),
        kind: ExprKind::In {
            key: key.map(Box::new),
            operands: Box::new((value, collection)),
        },
    }
}
