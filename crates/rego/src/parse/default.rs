//! Parses defaults.

use std::collections::BTreeSet;

use super::{
    cursor::{Cursor, ParseResult},
    foreign,
    tree::{Condition, Expr, ExprKind, Head, HeadKind, LiteralKind, Part, Rule},
};
use crate::source::Span;

impl Cursor {
    /// A default, behind its keyword.
    pub(super) fn default(&mut self, start: Span) -> ParseResult<Rule> {
        let started = self.head()?;
        let mut value = started.value.unwrap_or(Expr {
            kind: ExprKind::Bool(true),
            span: started.span,
        });
        fold_templates(&mut value);
        let mut names = BTreeSet::new();
        for argument in started.arguments.iter().flatten() {
            let is_new = match &argument.kind {
                ExprKind::Var(name) => names.insert(name.as_str()),
                kind => *kind == ExprKind::Wildcard,
            };
            if !is_new {
                return Err(self.at(
                    argument.span,
                    "the arguments of a default are variables, each once",
                ));
            }
        }
        if let Some(part) = evaluated(&value) {
            let mut fault = self.at(
                part.span,
                "the value of a default holds no variable, reference or call",
            );
            if let ExprKind::Var(name) = &part.kind {
                fault.cure = foreign::word(name).map(str::to_owned);
            }
            return Err(fault);
        }
        Ok(Rule {
            is_default: true,
            head: Head {
                name: started.name,
                path: started.path,
                arguments: started.arguments,
                kind: HeadKind::Value(Some(value)),
                span: started.span,
            },
            body: None,
            elses: Vec::new(),
            span: start.to(self.last_span()),
        })
    }
}

/// Makes texts of the template strings in which nothing has to be evaluated.
fn fold_templates(value: &mut Expr) {
    match &mut value.kind {
        ExprKind::Template(parts) => {
            if let Some(text) = parts.iter().map(constant_text).collect() {
                value.kind = ExprKind::String(text);
            }
        }
        ExprKind::Array(items) | ExprKind::Set(items) => {
            items.iter_mut().for_each(fold_templates);
        }
        ExprKind::Object(pairs) => {
            // OPA fails at a template string as a key.
            for (_, value) in pairs {
                fold_templates(value);
            }
        }
        _ => {}
    }
}

fn constant_text(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        Part::Value(literal) => match &literal.kind {
            LiteralKind::Condition(Condition::Value(Expr {
                kind: ExprKind::String(text),
                ..
            })) if literal.with.is_empty() => Some(text),
            _ => None,
        },
    }
}

/// The first part of a value that must be evaluated, outside of comprehensions.
fn evaluated(value: &Expr) -> Option<&Expr> {
    match &value.kind {
        ExprKind::Var(_)
        | ExprKind::Wildcard
        | ExprKind::Ref(..)
        | ExprKind::Call(..)
        | ExprKind::Infix(..)
        | ExprKind::In { .. }
        | ExprKind::Template(_) => Some(value),
        ExprKind::Array(items) | ExprKind::Set(items) => items.iter().find_map(evaluated),
        ExprKind::Object(pairs) => pairs
            .iter()
            .find_map(|(key, value)| evaluated(key).or_else(|| evaluated(value))),
        _ => None,
    }
}
