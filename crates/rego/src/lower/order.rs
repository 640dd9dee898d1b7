//! Orders statements so that each variable has its value before it is used.

use super::{Lower, Ready, Unready};
use crate::resolve::tree::{Literal, Query};

impl Lower<'_> {
    /// Adds the statements of a query. The next statement is the first, as written, whose variables have their values.
    pub(super) fn query(&mut self, query: &Query) -> Ready<()> {
        let mut rest: Vec<&Literal> = query.literals.iter().collect();
        while !rest.is_empty() {
            let mut later = Vec::new();
            let before = rest.len();
            let mut first = None;
            for literal in rest {
                let mut tried = self.clone();
                match tried.literal(literal) {
                    Ok(()) => *self = tried,
                    Err(Unready::Never(why)) => return Err(Unready::Never(why)),
                    Err(why) => {
                        first.get_or_insert((why, literal.span));
                        later.push(literal);
                    }
                }
            }
            if later.len() == before {
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
        Ok(())
    }
}
