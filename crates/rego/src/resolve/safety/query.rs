//! Takes statements apart as OPA's compiler does.

use super::{
    expand::{Expander, Origin},
    expression::{Expression, ExpressionKind, Operand},
};
use crate::resolve::tree::{
    Collection, Condition, Function, Literal, LiteralKind, Query, Replacement, Value,
};

impl Expander {
    pub(super) fn query(&mut self, query: &Query) -> Vec<Expression> {
        let mut body = Vec::new();
        for literal in &query.literals {
            self.literal(literal, &mut body);
        }
        body
    }

    fn literal(&mut self, literal: &Literal, body: &mut Vec<Expression>) {
        let mut statement = Origin {
            span: literal.span,
            with: Vec::new(),
        };
        let mut with = Vec::new();
        for one in &literal.with {
            if let Replacement::Value(value) = &one.value {
                // What has to be evaluated is evaluated before the statement, so it can give variables a value.
                let term = self.term(value, &statement, body);
                with.push(if term.is_evaluated() {
                    Operand::Variable(self.named(term, &statement, body))
                } else {
                    term
                });
            }
        }
        statement.with = with;
        let (kind, is_negated) = match &literal.kind {
            LiteralKind::Condition(Condition::Unify(left, right)) if literal.is_assignment => {
                let left = self.term(left, &statement, body);
                let right = self.term(right, &statement, body);
                (ExpressionKind::Assigned { left, right }, false)
            }
            LiteralKind::Condition(condition) => {
                (self.condition(condition, &statement, body), false)
            }
            LiteralKind::Not(condition) if self.negates_undefined => {
                let mut inputs = Vec::new();
                match condition {
                    Condition::Value(value) => self.needed(value, &mut inputs),
                    Condition::Unify(left, right) => {
                        self.needed(left, &mut inputs);
                        self.needed(right, &mut inputs);
                    }
                }
                let outputs = Vec::new();
                (ExpressionKind::Call { inputs, outputs }, true)
            }
            LiteralKind::Not(condition) => (self.condition(condition, &statement, body), true),
            LiteralKind::NotQuery(query) => {
                let query = self.query(query);
                let inputs = vec![Operand::Comprehension(Collection::Array, query)];
                let outputs = Vec::new();
                (ExpressionKind::Call { inputs, outputs }, true)
            }
            LiteralKind::SomeIn {
                key,
                value,
                collection,
            } => {
                let value = self.term(value, &statement, body);
                let collection = self.term(collection, &statement, body);
                let key = match key {
                    Some(key) => self.term(key, &statement, body),
                    None => Operand::Variable(self.fresh()),
                };
                let element = self.inside(collection, vec![key], &statement, body);
                (ExpressionKind::Equal(value, element), false)
            }
            LiteralKind::Every {
                key,
                value,
                domain,
                body: inner,
            } => {
                let domain = self.term(domain, &statement, body);
                let domain = self.named(domain, &statement, body);
                let declared = key.iter().chain(value).copied().collect();
                let inner = self.query(inner);
                let kind = ExpressionKind::Every {
                    domain,
                    declared,
                    body: inner,
                };
                (kind, false)
            }
        };
        body.push(Expression {
            is_negated,
            ..statement.expression(kind)
        });
    }

    fn condition(
        &mut self,
        condition: &Condition,
        statement: &Origin,
        body: &mut Vec<Expression>,
    ) -> ExpressionKind {
        let value = match condition {
            Condition::Unify(left, right) => {
                let left = self.term(left, statement, body);
                return ExpressionKind::Equal(left, self.term(right, statement, body));
            }
            Condition::Value(value) => value,
        };
        match value {
            Value::Call(Function::Builtin { name, .. }, arguments) if name == "print" => {
                let mut inputs = Vec::new();
                self.all_needed(arguments, &mut inputs);
                ExpressionKind::Call {
                    inputs,
                    outputs: Vec::new(),
                }
            }
            Value::Call(function, arguments) => {
                let (Function::Rule { arity, .. } | Function::Builtin { arity, .. }) = function;
                let mut inputs = self.terms(arguments, statement, body);
                let outputs = inputs.split_off(inputs.len().min(*arity));
                ExpressionKind::Call { inputs, outputs }
            }
            Value::Infix(..) | Value::In { .. } => ExpressionKind::Call {
                inputs: self.operands(value, statement, body),
                outputs: Vec::new(),
            },
            other => ExpressionKind::Term(self.term(other, statement, body)),
        }
    }
}
