//! Objects, whose keys can be equal once they are evaluated.

use super::{Lower, Ready};
use crate::{
    core::Term,
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
