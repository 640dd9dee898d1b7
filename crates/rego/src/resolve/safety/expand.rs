//! Takes values apart as OPA's compiler does: each call inside another value becomes an expression of its own, and its result
//! a generated variable.

use std::collections::BTreeSet;

use super::expression::{Expression, ExpressionKind, Operand, VariableId};
use crate::{resolve::tree::Value, source::Span};

/// The statement that a term belongs to.
#[derive(Clone)]
pub(super) struct Origin {
    pub span: Span,
    pub with: Vec<Operand>,
}

impl Origin {
    pub(super) fn expression(&self, kind: ExpressionKind) -> Expression {
        Expression {
            kind,
            is_negated: false,
            with: self.with.clone(),
            span: self.span,
        }
    }
}

/// Takes the queries and values of a rule apart.
pub(super) struct Expander {
    next: VariableId,
    /// The variables that stand for `_`.
    pub wildcards: BTreeSet<VariableId>,
    pub negates_undefined: bool,
}

impl Expander {
    /// `variables` is the number of the author's variables.
    pub(super) fn new(variables: usize, negates_undefined: bool) -> Self {
        Self {
            next: variables,
            wildcards: BTreeSet::new(),
            negates_undefined,
        }
    }

    pub(super) fn fresh(&mut self) -> VariableId {
        self.next += 1;
        self.next - 1
    }

    pub(super) fn wildcard(&mut self) -> Operand {
        let variable = self.fresh();
        self.wildcards.insert(variable);
        Operand::Variable(variable)
    }

    /// The operands of a call or an operator.
    pub(super) fn operands(
        &mut self,
        value: &Value,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) -> Vec<Operand> {
        match value {
            Value::Call(_, arguments) => self.terms(arguments, statement, body),
            Value::Infix(_, operands) => {
                let left = self.term(&operands.0, statement, body);
                vec![left, self.term(&operands.1, statement, body)]
            }
            Value::In { key, operands } => {
                let key = key.as_deref().into_iter();
                let values = key.chain([&operands.0, &operands.1]);
                self.terms(values, statement, body)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn terms<'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v Value>,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) -> Vec<Operand> {
        let values = values.into_iter();
        values
            .map(|value| self.term(value, statement, body))
            .collect()
    }

    /// A value as a term. Its calls become expressions of the body.
    pub(super) fn term(
        &mut self,
        value: &Value,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) -> Operand {
        match value {
            Value::Scalar(scalar) => Operand::Scalar(scalar.clone()),
            Value::Local(local) => Operand::Variable(*local),
            Value::Wildcard => self.wildcard(),
            Value::Document { way, .. } => {
                Operand::Reference(None, self.terms(way, statement, body))
            }
            Value::Inside(head, way) => {
                let head = self.term(head, statement, body);
                let way = self.terms(way, statement, body);
                self.inside(head, way, statement, body)
            }
            Value::Array(items) => Operand::Array(self.terms(items, statement, body)),
            Value::Set(items) => Operand::Set(self.terms(items, statement, body)),
            Value::Object(pairs) => {
                let mut terms = Vec::new();
                for (key, value) in pairs {
                    let key = self.term(key, statement, body);
                    terms.push((key, self.term(value, statement, body)));
                }
                Operand::Object(terms)
            }
            Value::Comprehension(collection, first, second, query) => {
                let values: Vec<&Value> = std::iter::once(first.as_ref())
                    .chain(second.as_deref())
                    .collect();
                let query = self.query(query);
                Operand::Comprehension(*collection, self.captured(&values, query, statement.span))
            }
            Value::Call(..) | Value::Infix(..) | Value::In { .. } => {
                let inputs = self.operands(value, statement, body);
                self.result(inputs, statement, body)
            }
            Value::Template(_) => {
                let mut needed = Vec::new();
                self.needed(value, &mut needed);
                Operand::Template(needed)
            }
        }
    }

    /// The variable for the result of a call.
    fn result(
        &mut self,
        inputs: Vec<Operand>,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) -> Operand {
        let result = Operand::Variable(self.fresh());
        let outputs = vec![result.clone()];
        body.push(statement.expression(ExpressionKind::Call { inputs, outputs }));
        result
    }

    /// A part of a term. If the term is not a variable or a document, a generated variable stands for it.
    pub(super) fn inside(
        &mut self,
        head: Operand,
        way: Vec<Operand>,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) -> Operand {
        match head {
            Operand::Reference(head, mut before) => {
                before.extend(way);
                Operand::Reference(head, before)
            }
            head => Operand::Reference(Some(self.named(head, statement, body)), way),
        }
    }

    /// A variable that equals the term.
    pub(super) fn named(
        &mut self,
        term: Operand,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) -> VariableId {
        if let Operand::Variable(variable) = term {
            return variable;
        }
        let variable = self.fresh();
        let kind = ExpressionKind::Equal(Operand::Variable(variable), term);
        body.push(statement.expression(kind));
        variable
    }

    /// The query of a comprehension that collects these values.
    pub(super) fn captured(
        &mut self,
        values: &[&Value],
        mut query: Vec<Expression>,
        span: Span,
    ) -> Vec<Expression> {
        let statement = Origin {
            span,
            with: Vec::new(),
        };
        for value in values {
            self.capture(value, &statement, &mut query);
        }
        query
    }

    /// Adds an expression that needs the whole value, such as that of a head.
    pub(super) fn capture(
        &mut self,
        value: &Value,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) {
        let term = self.term(value, statement, body);
        // OPA gives a variable to what has to be evaluated, and to nothing else.
        let kind = if term.is_evaluated() {
            ExpressionKind::Equal(Operand::Variable(self.fresh()), term)
        } else {
            ExpressionKind::Term(term)
        };
        body.push(statement.expression(kind));
    }
}
