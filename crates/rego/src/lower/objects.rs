//! Objects, whose keys can be equal once they are evaluated.

use super::{Lower, Ready};
use crate::{
    core::{Step, Term},
    diagnostic::Code,
    resolve::tree::{Collection, Scalar, Value},
};

impl Lower<'_> {
    /// An object. Of a constant key and an equal one that is evaluated, OPA takes the latter, but not where it looks into an object as it
    /// is written (`is_searched`). Which of two evaluated ones it takes depends on its names for them. Such a pair is an error here,
    /// unless the values are equal too.
    pub(super) fn object(&mut self, pairs: &[(Value, Value)], is_searched: bool) -> Ready<Term> {
        let keys: Vec<Term> = self.operands(pairs.iter().map(|(key, _)| key))?;
        let values = self.operands(pairs.iter().map(|(_, value)| value))?;
        let terms = keys.into_iter().zip(values).zip(pairs);
        let (constants, evaluated): (Vec<_>, Vec<_>) =
            terms.partition(|(_, (key, _))| matches!(key, Value::Scalar(_)));
        let can_conflict = evaluated.len() > 1 || (is_searched && evaluated.len() == 1);
        let constants = last_of_each(constants.into_iter().map(|(terms, _)| terms).collect());
        let evaluated = evaluated.into_iter().map(|(terms, _)| terms);
        let all: Vec<(Term, Term)> = constants.into_iter().chain(evaluated).collect();
        if !can_conflict || all.len() < 2 {
            return Ok(Term::Object(all));
        }
        let all = all
            .into_iter()
            .map(|(key, value)| Term::Array(vec![key, value]));
        let all = self.variable(Term::Array(all.collect()));
        let (pair, statements) = self.inside(1, |inner| {
            let pair = inner.fresh();
            inner.each(None, Some(pair), Term::Local(all));
            Ok(pair)
        })?;
        let part = |at: &str| {
            let key = Term::Scalar(Scalar::Number(at.to_owned()));
            Box::new(Term::Inside(pair, vec![key]))
        };
        Ok(Term::Comprehension(
            Collection::Object,
            part("0"),
            Some(part("1")),
            statements,
        ))
    }
}

/// How many collections stand within each other in a term that the engine is given. It reads the innermost 2 to the power of this
/// number of times.
const MAX_NESTED: usize = 6;
/// The same in a default, which has no statement for a variable.
const MAX_NESTED_IN_DEFAULT: usize = 12;

impl Lower<'_> {
    /// A collection, by a variable if it is nested too deep.
    pub(super) fn flat(&mut self, term: Term) -> Ready<Term> {
        let nested = nested(&term);
        if self.is_default && nested > MAX_NESTED_IN_DEFAULT {
            return Err(self.never(
                Code::TooDeep,
                format!(
                    "expected at most {MAX_NESTED_IN_DEFAULT} collections within each other in a default, found {nested}"
                ),
                "give the rule the value under a condition, by `else`",
            ));
        }
        Ok(if nested >= MAX_NESTED && !self.is_default {
            self.atom(term)
        } else {
            term
        })
    }
}

/// How many collections stand within each other in a term.
fn nested(term: &Term) -> usize {
    let most = |terms: &[Term]| terms.iter().map(nested).max().unwrap_or_default();
    match term {
        Term::Scalar(_) | Term::Local(_) => 0,
        Term::Document(_, way) | Term::Inside(_, way) => most(way),
        Term::Call(function, arguments) => nested(function).max(most(arguments)),
        Term::Infix(_, operands) => nested(&operands.0).max(nested(&operands.1)),
        Term::Array(items) | Term::Set(items) => 1 + most(items),
        Term::Object(pairs) => {
            let parts = pairs.iter().flat_map(|(key, value)| [key, value]);
            1 + parts.map(nested).max().unwrap_or_default()
        }
        Term::Comprehension(_, first, second, statements) => {
            let values = std::iter::once(first).chain(second);
            let values = values.map(|value| nested(value));
            let statements = statements
                .iter()
                .map(|statement| nested_in(&statement.step));
            1 + values.chain(statements).max().unwrap_or_default()
        }
    }
}

fn nested_in(step: &Step) -> usize {
    match step {
        Step::Bind(_, term) | Step::Test(term) | Step::Each(_, _, term) => nested(term),
        Step::Same(one, other) | Step::Member(one, other) => nested(one).max(nested(other)),
        Step::Not(step) => nested_in(step),
        Step::Every(_, _, domain, statements) => {
            let statements = statements
                .iter()
                .map(|statement| nested_in(&statement.step));
            statements.fold(nested(domain), usize::max)
        }
    }
}

/// The pairs with constant keys, without those whose key is repeated later: the last pair counts.
fn last_of_each(mut pairs: Vec<(Term, Term)>) -> Vec<(Term, Term)> {
    let mut seen = Vec::new();
    pairs.reverse();
    pairs.retain(|(key, _)| {
        let is_new = !seen.contains(key);
        seen.push(key.clone());
        is_new
    });
    pairs.reverse();
    pairs
}
