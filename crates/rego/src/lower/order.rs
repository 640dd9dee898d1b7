//! Orders statements so that each variable has its value before it is used.

use super::{Lower, Ready, Unready};
use crate::{
    core::Term,
    resolve::tree::{Literal, Query, Value},
};

impl Lower<'_> {
    /// Adds the statements of a query. The next statement is the first, as written, whose variables have their values.
    ///
    /// `results` are the values that the query is for: of a head, or of a comprehension. Their terms are returned. As in OPA,
    /// each is one more statement at the end, which can give variables their values.
    pub(super) fn query(&mut self, query: Option<&Query>, results: &[&Value]) -> Ready<Vec<Term>> {
        let around = self.span;
        let mut terms: Vec<Option<Term>> = vec![None; results.len()];
        let mut rest: Vec<&Literal> = query.iter().flat_map(|query| &query.literals).collect();
        while !rest.is_empty() {
            let mut later = Vec::new();
            let before = rest.len();
            let mut first = None;
            for literal in rest {
                match self.attempt(|tried| tried.literal(literal)) {
                    Ok(()) => {}
                    Err(Unready::Never(why)) => return Err(Unready::Never(why)),
                    Err(why) => {
                        first.get_or_insert((why, literal.span));
                        later.push(literal);
                    }
                }
            }
            self.span = around;
            let mut is_stuck = later.len() == before;
            if !later.is_empty() {
                is_stuck &= !self.some_results(results, &mut terms);
            }
            if is_stuck {
                let Some((why, span)) = first else {
                    return Err(Unready::Unsafe(None));
                };
                return Err(match why {
                    // A variable of an outer query can still get its value there.
                    Unready::Unsafe(Some(local)) if !self.is_own(local) => why,
                    Unready::Unsafe(local) => {
                        Unready::Never(Box::new(self.nothing_gives(local, span)))
                    }
                    Unready::Never(why) => Unready::Never(why),
                });
            }
            rest = later;
        }
        let waiting = results
            .iter()
            .zip(&terms)
            .filter(|(_, term)| term.is_none());
        let waiting: Vec<&Value> = waiting.map(|(value, _)| *value).collect();
        let mut last = self.operands(waiting)?.into_iter();
        Ok(terms
            .into_iter()
            .filter_map(|term| term.or_else(|| last.next()))
            .collect())
    }

    /// Adds what the results need whose variables have their values. Returns whether there was one.
    fn some_results(&mut self, results: &[&Value], terms: &mut [Option<Term>]) -> bool {
        let mut is_one_found = false;
        for (value, term) in results.iter().zip(terms).filter(|(_, term)| term.is_none()) {
            let found = self.attempt(|tried| {
                let found = tried.operand(value)?;
                Ok(tried.atom(found))
            });
            if let Ok(found) = found {
                *term = Some(found);
                is_one_found = true;
            }
        }
        is_one_found
    }
}
