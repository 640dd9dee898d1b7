//! Lowers `=`: sets variables, takes patterns apart, and compares known values.

use super::{Looks, Lower, Ready, Unready};
use crate::{
    core::{Step, Term},
    resolve::tree::{Local, Scalar, Value},
};

impl Lower<'_> {
    /// Makes two values equal.
    pub(super) fn unify(&mut self, left: &Value, right: &Value) -> Ready<()> {
        let mut pairs = Vec::new();
        if !pair_up(left, right, &mut pairs) {
            self.push(Step::Test(Term::Scalar(Scalar::Bool(false))));
            return Ok(());
        }
        let mut first = None;
        while !pairs.is_empty() {
            let before = pairs.len();
            let mut later = Vec::new();
            first = None;
            for (left, right) in pairs {
                match self.attempt(|tried| tried.one_pair(left, right)) {
                    Ok(()) => {}
                    Err(Unready::Never(why)) => return Err(Unready::Never(why)),
                    Err(why) => {
                        first.get_or_insert(why);
                        later.push((left, right));
                    }
                }
            }
            if later.len() == before {
                break;
            }
            pairs = later;
        }
        first.map_or(Ok(()), Err)
    }

    fn one_pair(&mut self, left: &Value, right: &Value) -> Ready<()> {
        match (left, right) {
            (Value::Local(local), other) | (other, Value::Local(local)) if self.is_open(*local) => {
                // A variable that equals itself gets no value.
                if matches!(other, Value::Local(same) if same == local) {
                    return Err(Unready::Unsafe(Some(*local)));
                }
                let term = self.result(other)?;
                if self.is_known(*local) {
                    // A reference in the other value has given the variable its value.
                    let own = self.local(*local)?;
                    self.push(Step::Same(own, term));
                } else {
                    self.bind(*local, term);
                }
                Ok(())
            }
            (Value::Wildcard, other) | (other, Value::Wildcard) if self.looks == Looks::ToBind => {
                let term = self.result(other)?;
                self.atom(term);
                Ok(())
            }
            (pattern, other) | (other, pattern)
                if !self.is_ground(pattern) && self.is_ground(other) =>
            {
                let term = self.result(other)?;
                let local = self.variable(term);
                self.matched(pattern, local)
            }
            _ => {
                let (left, right) = self.both(left, right)?;
                self.push(Step::Same(left, right));
                Ok(())
            }
        }
    }

    /// The value on the right side of an assignment, where a call may be alone.
    fn result(&mut self, value: &Value) -> Ready<Term> {
        if super::value::is_call(value) {
            self.called(value)
        } else {
            self.operand(value)
        }
    }

    /// Matches a value with a pattern.
    pub(super) fn matched(&mut self, pattern: &Value, value: Local) -> Ready<()> {
        match pattern {
            Value::Wildcard => Ok(()),
            Value::Local(local) if self.is_open(*local) => {
                self.bind(*local, Term::Local(value));
                Ok(())
            }
            Value::Array(items) if !self.is_ground(pattern) => {
                let count = Term::Scalar(Scalar::Number(items.len().to_string()));
                let whole = Term::Local(value);
                self.push(Step::Test(Term::call(
                    "internal.array_of",
                    vec![whole, count],
                )));
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (Term::Scalar(Scalar::Number(index.to_string())), item));
                self.parts(value, items.collect())
            }
            Value::Object(pairs) if !self.is_ground(pattern) => {
                let keys: Vec<&Value> = pairs.iter().map(|(key, _)| key).collect();
                let keys = self.operands(keys)?;
                let whole = Term::Local(value);
                self.push(Step::Test(Term::call(
                    "internal.object_of",
                    vec![whole, Term::Array(keys.clone())],
                )));
                let values = pairs.iter().map(|(_, value)| value);
                self.parts(value, keys.into_iter().zip(values).collect())
            }
            ground => {
                let term = self.operand(ground)?;
                self.push(Step::Same(term, Term::Local(value)));
                Ok(())
            }
        }
    }

    fn parts(&mut self, whole: Local, parts: Vec<(Term, &Value)>) -> Ready<()> {
        for (key, pattern) in parts {
            let part = Term::Inside(whole, vec![key]);
            match pattern {
                Value::Wildcard => {}
                Value::Local(local) if self.is_open(*local) => self.bind(*local, part),
                pattern if self.is_ground(pattern) => {
                    let term = self.operand(pattern)?;
                    self.push(Step::Same(term, part));
                }
                pattern => {
                    let inner = self.variable(part);
                    self.matched(pattern, inner)?;
                }
            }
        }
        Ok(())
    }
}

/// The parts of two values that must be equal; false if they never are.
fn pair_up<'v>(left: &'v Value, right: &'v Value, pairs: &mut Vec<(&'v Value, &'v Value)>) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| pair_up(left, right, pairs))
        }
        (Value::Object(left), Value::Object(right))
            if has_constant_keys(left) && has_constant_keys(right) =>
        {
            left.len() == right.len()
                && left.iter().all(|(key, value)| {
                    let same = right.iter().find(|(other, _)| other == key);
                    same.is_some_and(|(_, other)| pair_up(value, other, pairs))
                })
        }
        _ => {
            pairs.push((left, right));
            true
        }
    }
}

fn has_constant_keys(pairs: &[(Value, Value)]) -> bool {
    pairs
        .iter()
        .all(|(key, _)| matches!(key, Value::Scalar(Scalar::String(_))))
}
