//! Negation as in OPA.
//!
//! OPA's compiler moves nested calls and references out of a negated expression and evaluates them before it. So
//! `not startswith(input.user, "evil")` does not hold without an `input.user`. The rest may be undefined.

use super::{
    Looks, Lower, Ready,
    condition::with_output,
    value::{is_call, is_relation},
};
use crate::{
    core::{Step, Term},
    parse::tree::Operator,
    resolve::tree::{Collection, Condition, Function, Scalar, Value},
};

impl Lower<'_> {
    pub(super) fn negation(&mut self, condition: &Condition) -> Ready<()> {
        if self.file.negates_undefined {
            return self.nothing_holds(condition, Looks::Only);
        }
        let value = match condition {
            Condition::Unify(left, right) => return self.not_same(left, right),
            Condition::Value(value) => value,
        };
        let step = match value {
            Value::Call(function, arguments) if is_relation(function) => {
                // A collection that is searched is evaluated before, like the argument of any call.
                let mut known = Vec::new();
                for term in self.lifted(arguments)? {
                    known.push(Value::Local(self.variable(term)));
                }
                let condition = Condition::Value(Value::Call(function.clone(), known));
                return self.nothing_holds(&condition, Looks::ToBind);
            }
            Value::Call(function, arguments) => {
                if let Some((call, output)) = with_output(function, arguments) {
                    if matches!(function, Function::Builtin { .. }) {
                        return self.not_same(output, &call);
                    }
                    // A function of the policy is called inside the negation, where it may be undefined.
                    let mut known = Vec::new();
                    for term in self.lifted(arguments)? {
                        known.push(Value::Local(self.variable(term)));
                    }
                    let output = known.pop().unwrap_or(Value::Wildcard);
                    let call = Value::Call(function.clone(), known);
                    return self.nothing_holds(&Condition::Unify(output, call), Looks::ToBind);
                }
                let terms = self.lifted(arguments)?;
                Step::Test(Term::Call(Box::new(self.function_term(function)), terms))
            }
            Value::Infix(Operator::Equal, operands) => {
                return self.not_same(&operands.0, &operands.1);
            }
            Value::Infix(operator, operands) => {
                let looks = std::mem::replace(&mut self.looks, Looks::BesideCalls);
                let terms = self.both(&operands.0, &operands.1);
                self.looks = looks;
                let (left, right) = terms?;
                let (left, right) = (self.atom(left), self.atom(right));
                Step::Test(super::builtins::infix(*operator, left, right))
            }
            Value::In { key, operands } => {
                let mut values: Vec<&Value> = key.iter().map(AsRef::as_ref).collect();
                values.extend([&operands.0, &operands.1]);
                let terms = self.lifted(values)?;
                let name = if key.is_some() {
                    "internal.member_3"
                } else {
                    "internal.member_2"
                };
                Step::Test(Term::call(name, terms))
            }
            other => Step::Test(self.side(other)?),
        };
        self.push(Step::Not(Box::new(step)));
        Ok(())
    }

    fn not_same(&mut self, left: &Value, right: &Value) -> Ready<()> {
        // Calls come before references, as OPA evaluates them.
        let called =
            |lower: &mut Self, value: &Value| is_call(value).then(|| lower.side(value)).transpose();
        let (first, second) = (called(self, left)?, called(self, right)?);
        let left = match first {
            Some(term) => term,
            None => self.side(left)?,
        };
        let right = match second {
            Some(term) => term,
            None => self.side(right)?,
        };
        self.push(Step::Not(Box::new(Step::Same(left, right))));
        Ok(())
    }

    /// Arguments of a negated call: those that can be undefined are evaluated before.
    fn lifted<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) -> Ready<Vec<Term>> {
        let looks = std::mem::replace(&mut self.looks, Looks::BesideCalls);
        let terms = self.operands(values);
        self.looks = looks;
        Ok(terms?.into_iter().map(|term| self.atom(term)).collect())
    }

    fn lifted_one(&mut self, value: &Value) -> Ready<Term> {
        let looks = std::mem::replace(&mut self.looks, Looks::BesideCalls);
        let term = self.operand(value);
        self.looks = looks;
        Ok(self.atom(term?))
    }

    /// A side of a comparison. A reference may be undefined, but its keys and calls are evaluated before.
    fn side(&mut self, value: &Value) -> Ready<Term> {
        match value {
            Value::Document { path, way } => {
                let way = self.lifted(way)?;
                let mut path = path.clone();
                let mut rest = Vec::new();
                for key in way {
                    match key {
                        Term::Scalar(Scalar::String(name)) if rest.is_empty() => path.push(name),
                        key => rest.push(key),
                    }
                }
                Ok(self.plain(Term::Document(path, rest)))
            }
            Value::Inside(head, way) => {
                let head = self.lifted_one(head)?;
                let head = self.variable(head);
                Ok(Term::Inside(head, self.lifted(way)?))
            }
            Value::Array(items) => {
                let term = Term::Array(self.elements(items)?);
                self.flat(term)
            }
            Value::Set(items) => {
                let term = Term::Set(self.elements(items)?);
                self.flat(term)
            }
            Value::Object(pairs) => {
                let mut all = Vec::new();
                for (key, value) in pairs {
                    let key = self.element(key)?;
                    all.push((key, self.element(value)?));
                }
                self.flat(Term::Object(all))
            }
            other => self.lifted_one(other),
        }
    }

    fn elements<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) -> Ready<Vec<Term>> {
        values
            .into_iter()
            .map(|value| self.element(value))
            .collect()
    }

    fn element(&mut self, value: &Value) -> Ready<Term> {
        match value {
            Value::Array(_) | Value::Set(_) | Value::Object(_) => self.side(value),
            other => self.lifted_one(other),
        }
    }

    fn nothing_holds(&mut self, condition: &Condition, looks: Looks) -> Ready<()> {
        // One deeper, the condition gives no variable of the rule a value. A condition that gives none a value has to stay at its
        // depth, so that queries within it know their own variables.
        let deeper = usize::from(looks == Looks::ToBind);
        self.nothing_solves(deeper, |inner| {
            inner.looks = looks;
            inner.condition(condition)
        })
    }

    /// Tests that there is no solution of a query.
    pub(super) fn nothing_solves(
        &mut self,
        deeper: usize,
        query: impl FnOnce(&mut Self) -> Ready<()>,
    ) -> Ready<()> {
        let ((), statements) = self.inside(deeper, query)?;
        let found = self.fresh();
        let truth = Term::Scalar(Scalar::Bool(true));
        self.push(Step::Bind(
            found,
            Term::Comprehension(Collection::Array, Box::new(truth), None, statements),
        ));
        self.push(Step::Same(Term::Local(found), Term::Array(Vec::new())));
        Ok(())
    }
}
