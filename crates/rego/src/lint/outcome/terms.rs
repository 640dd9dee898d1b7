//! Evaluates terms as far as their parts are known.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use super::{
    Evaluator, Outcome, Reader,
    known::{Known, Scope, What},
};
use crate::{
    core::{Statement, Term},
    plan::reach::IMPURE,
    resolve::tree::Collection,
    run::{builtins, term::constant},
};

impl Evaluator<'_> {
    pub(super) fn term(&mut self, term: &Term, scope: &Scope) -> Known {
        let known = self.without_facts(term, scope);
        if matches!(known.what, What::Is(_) | What::Undefined) {
            return known;
        }
        match scope.fact(term) {
            Some((what, line)) => {
                self.because.insert(line);
                Known {
                    what: what.clone(),
                    ..known
                }
            }
            None => known,
        }
    }

    fn without_facts(&mut self, term: &Term, scope: &Scope) -> Known {
        match term {
            Term::Scalar(scalar) => Known::is(constant(scalar)),
            Term::Local(local) => scope.local(*local),
            Term::Document(path, way) => {
                let head = self.document(path);
                self.below(head, way, scope)
            }
            Term::Inside(local, way) => {
                let head = self.term(&Term::Local(*local), scope);
                self.below(head, way, scope)
            }
            Term::Call(function, arguments) => {
                let arguments: Vec<Known> = arguments
                    .iter()
                    .map(|argument| self.term(argument, scope))
                    .collect();
                match function.as_ref() {
                    Term::Document(path, _) if path.first().is_some_and(|one| one == "data") => {
                        self.call_of_rules(path, &arguments)
                    }
                    Term::Document(path, _) => self.call(&path.join("."), &arguments),
                    _ => Known::any(true),
                }
            }
            Term::Infix(operator, operands) => {
                let left = self.term(&operands.0, scope);
                let right = self.term(&operands.1, scope);
                self.infix(operator.sign(), &left, &right)
            }
            Term::Array(items) => self.made(items, scope, Value::from),
            Term::Set(items) => self.made(items, scope, |all| {
                Value::from(all.into_iter().collect::<BTreeSet<Value>>())
            }),
            Term::Object(pairs) => {
                let all: Vec<Term> = pairs
                    .iter()
                    .flat_map(|(key, value)| [key.clone(), value.clone()])
                    .collect();
                self.made(&all, scope, |all| {
                    let pairs = all.chunks_exact(2).filter_map(|pair| match pair {
                        [key, value] => Some((key.clone(), value.clone())),
                        _ => None,
                    });
                    Value::from(pairs.collect::<BTreeMap<Value, Value>>())
                })
            }
            Term::Comprehension(kind, first, second, statements) => {
                self.comprehension(*kind, first, second.as_deref(), statements, scope)
            }
        }
    }

    /// A part of a value, by its keys.
    fn below(&mut self, head: Known, way: &[Term], scope: &Scope) -> Known {
        let mut head = head;
        for key in way {
            let key = self.term(key, scope);
            let of_key = key.of_caller;
            head = match (&head.what, &key.what) {
                (What::Undefined, _) | (_, What::Undefined) => Known::undefined(),
                (What::Is(value), _) if elements(value).is_none_or(|all| all.is_empty()) => {
                    Known::undefined()
                }
                (What::Is(value), What::Is(key)) => {
                    Known::made(value[key].clone(), head.of_caller || of_key)
                }
                _ => Known::any(head.of_caller || of_key),
            };
        }
        head
    }

    /// A collection of these parts. It is defined if all of them are.
    fn made(
        &mut self,
        parts: &[Term],
        scope: &Scope,
        make: impl FnOnce(Vec<Value>) -> Value,
    ) -> Known {
        let parts: Vec<Known> = parts.iter().map(|part| self.term(part, scope)).collect();
        if parts.iter().any(|part| part.what == What::Undefined) {
            return Known::undefined();
        }
        let of_caller = parts.iter().any(|part| part.of_caller);
        let is_defined = parts
            .iter()
            .all(|part| matches!(part.what, What::Is(_) | What::Truthy));
        match values(&parts) {
            Some(values) => Known::made(make(values), of_caller),
            None => Known {
                what: if is_defined { What::Truthy } else { What::Any },
                of_caller,
            },
        }
    }

    /// The value of a built-in.
    fn call(&mut self, name: &str, arguments: &[Known]) -> Known {
        if name == "internal.print" {
            return Known::is(Value::Bool(true));
        }
        if arguments.iter().any(|one| one.what == What::Undefined) {
            return Known::undefined();
        }
        let of_caller = arguments.iter().any(|one| one.of_caller);
        let is_replaced = self.is_replaced(&[name.to_owned()]);
        if is_replaced || IMPURE.contains(&name) {
            return Known::any(of_caller);
        }
        let value = values(arguments).and_then(|values| builtins::call(name, &values));
        match value {
            Some(Ok(value)) => Known::made(value, of_caller),
            // What comes of an error depends on the settings.
            Some(Err(_)) | None => Known::any(of_caller),
        }
    }

    pub(super) fn infix(&mut self, operator: &str, left: &Known, right: &Known) -> Known {
        let of_caller = left.of_caller || right.of_caller;
        let what = match operator {
            "==" => left.equals(right),
            "!=" => match left.equals(right) {
                What::Is(Value::Bool(truth)) => What::Is(Value::Bool(!truth)),
                What::Undefined => What::Undefined,
                _ => What::Any,
            },
            "<" => return self.call("internal.lt", &[left.clone(), right.clone()]),
            "<=" => return self.call("internal.lte", &[left.clone(), right.clone()]),
            ">" => return self.call("internal.gt", &[left.clone(), right.clone()]),
            ">=" => return self.call("internal.gte", &[left.clone(), right.clone()]),
            _ => What::Any,
        };
        Known { what, of_caller }
    }

    fn comprehension(
        &mut self,
        kind: Collection,
        first: &Term,
        second: Option<&Term>,
        statements: &[Statement],
        scope: &Scope,
    ) -> Known {
        let mut all = Vec::new();
        let (mut is_known, mut of_caller) = (true, false);
        let terms: Vec<&Term> = std::iter::once(first).chain(second).collect();
        self.solve(
            statements,
            scope.clone(),
            Outcome::Holds,
            &mut |own, scope, outcome| {
                let parts: Vec<Known> = terms.iter().map(|term| own.term(term, scope)).collect();
                of_caller |= outcome.is_of_caller() || parts.iter().any(|part| part.of_caller);
                match values(&parts) {
                    Some(values) if outcome == Outcome::Holds => all.push(values),
                    _ => is_known = false,
                }
            },
        );
        // The finding is about the statement inside of it that never holds.
        if !is_known || all.is_empty() && self.reader == Reader::Check {
            return Known {
                what: What::Truthy,
                of_caller,
            };
        }
        let firsts = || all.iter().filter_map(|values| values.first().cloned());
        let value = match kind {
            Collection::Array => Value::from(firsts().collect::<Vec<Value>>()),
            Collection::Set => Value::from(firsts().collect::<BTreeSet<Value>>()),
            Collection::Object => {
                let pairs = all.iter().filter_map(|values| match values.as_slice() {
                    [key, value] => Some((key.clone(), value.clone())),
                    _ => None,
                });
                Value::from(pairs.collect::<BTreeMap<Value, Value>>())
            }
        };
        Known::made(value, of_caller)
    }
}

/// The values, if all are known.
fn values(all: &[Known]) -> Option<Vec<Value>> {
    let value = |known: &Known| match &known.what {
        What::Is(value) => Some(value.clone()),
        _ => None,
    };
    all.iter().map(value).collect()
}

/// The keys and elements of a collection.
pub(super) fn elements(value: &Value) -> Option<Vec<(Value, Value)>> {
    Some(match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(at, item)| (Value::from(at), item.clone()))
                .collect()
        }
        Value::Set(members) => {
            let members = members.iter();
            members.map(|one| (one.clone(), one.clone())).collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter_sorted();
            fields
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        }
        _ => return None,
    })
}
