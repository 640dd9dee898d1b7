//! Heads of rules, whose values are conditions of their bodies.

use regorus::unstable::{Expr, Ref, RuleBody, RuleHead};

use super::{super::negation, Printer, expression::Level};

impl Printer<'_> {
    /// OPA evaluates the values of a head in its bodies, where one that is undefined goes on to the next; regorus loses
    /// those that it has.
    pub(super) fn rule_with_bodies(&mut self, head: &RuleHead, bodies: &[RuleBody]) {
        let is_partial = match head {
            RuleHead::Set { key, .. } => key.is_some(),
            RuleHead::Compr { refr, .. } => matches!(refr.as_ref(), Expr::RefBrack { .. }),
            RuleHead::Func { .. } => false,
        };
        let mut values = Vec::new();
        if is_partial || !bodies.is_empty() {
            for value in head_values(head) {
                if negation::is_dynamic(value, self.scope) {
                    values.push((value, self.name()));
                }
            }
        }
        for (value, name) in &values {
            self.lifted.insert(value.eidx(), name.clone());
        }
        self.head(head);
        let arguments: &[Ref<Expr>] = match head {
            RuleHead::Func { args, .. } => args,
            RuleHead::Set { .. } | RuleHead::Compr { .. } => &[],
        };
        self.with_arguments(arguments, |printer| {
            printer.bodies(head, bodies, &values);
        });
    }

    fn bodies(&mut self, head: &RuleHead, bodies: &[RuleBody], values: &[(&Expr, String)]) {
        for body in bodies {
            self.body(body, bodies, values, matches!(head, RuleHead::Func { .. }));
        }
        if bodies.is_empty() && !values.is_empty() {
            self.push(if self.has_keywords { " if { " } else { " { " });
            self.conditions(values);
            self.push(" }");
        }
    }

    /// The values of a head as statements of its body.
    pub(super) fn conditions(&mut self, values: &[(&Expr, String)]) {
        for (index, (value, name)) in values.iter().enumerate() {
            if index > 0 {
                self.push("; ");
            }
            self.push(&format!("{name} := "));
            self.lifted.remove(&value.eidx());
            self.expression(value, Level::Membership);
            self.lifted.insert(value.eidx(), name.clone());
        }
    }

    fn head(&mut self, head: &RuleHead) {
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.expression(refr, Level::Term);
                self.assign(assign.as_ref());
            }
            RuleHead::Set { refr, key, .. } => {
                self.expression(refr, Level::Term);
                match key {
                    Some(key) if self.has_keywords => {
                        self.push(" contains ");
                        self.expression(key, Level::Membership);
                    }
                    Some(key) => {
                        self.push("[");
                        self.expression(key, Level::Membership);
                        self.push("]");
                    }
                    None => {}
                }
            }
            RuleHead::Func {
                refr, args, assign, ..
            } => {
                self.expression(refr, Level::Term);
                self.list("(", args.iter().map(AsRef::as_ref), ")");
                self.assign(assign.as_ref());
            }
        }
    }
}

/// What a head evaluates: its last key, and its value.
fn head_values(head: &RuleHead) -> Vec<&Expr> {
    match head {
        RuleHead::Set { key, .. } => key.iter().map(AsRef::as_ref).collect(),
        RuleHead::Compr { refr, assign, .. } => {
            let key = match refr.as_ref() {
                Expr::RefBrack { index, .. } => Some(index.as_ref()),
                _ => None,
            };
            let value = assign.iter().map(|assign| assign.value.as_ref());
            key.into_iter().chain(value).collect()
        }
        RuleHead::Func { assign, .. } => {
            assign.iter().map(|assign| assign.value.as_ref()).collect()
        }
    }
}
