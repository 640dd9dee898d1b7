//! Lowers something that may have to wait for the values of variables, or that has statements of its own.

use super::{Looks, Lower, Ready, Span, Statement, Term, Unready};
use crate::diagnostic::{Code, Diagnostic};

/// The engine reads a printed comprehension that is deeper as another expression.
const MAX_QUERIES: usize = 24;

/// The state of a [`Lower`] to which an attempt can return. A copy of all statements for each attempt would take too long in a long
/// body.
struct Mark {
    statements: usize,
    names: usize,
    given: usize,
    with: Vec<(Term, Term)>,
    span: Span,
    depth: usize,
    looks: Looks,
}

impl Lower<'_> {
    fn mark(&self) -> Mark {
        Mark {
            statements: self.statements.len(),
            names: self.names.len(),
            given: self.given.len(),
            with: self.with.clone(),
            span: self.span,
            depth: self.depth,
            looks: self.looks,
        }
    }

    /// Takes the values away that variables were given since then.
    fn take_values(&mut self, given: usize) {
        for local in self.given.drain(given..) {
            if let Some(known) = self.known.get_mut(local) {
                *known = false;
            }
            self.aliases.remove(&local);
        }
    }

    /// Lowers something. If it cannot be lowered yet, nothing has changed.
    pub(super) fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Ready<T>) -> Ready<T> {
        let mark = self.mark();
        let outcome = work(self);
        if outcome.is_err() {
            self.take_values(mark.given);
            self.statements.truncate(mark.statements);
            self.names.truncate(mark.names);
            self.known.truncate(mark.names);
            self.with = mark.with;
            self.span = mark.span;
            self.depth = mark.depth;
            self.looks = mark.looks;
        }
        outcome
    }

    /// Lowers an inner query. Returns its statements.
    pub(super) fn inside<T>(
        &mut self,
        deeper: usize,
        work: impl FnOnce(&mut Self) -> Ready<T>,
    ) -> Ready<(T, Vec<Statement>)> {
        if self.queries >= MAX_QUERIES {
            return Err(Unready::Never(Box::new(Diagnostic {
                code: Code::TooDeep,
                span: self.span,
                message: format!(
                    "expected at most {MAX_QUERIES} queries within each other, found more"
                ),
                cure: Some("write a rule or a function for the inner ones".to_owned()),
                ..Diagnostic::default()
            })));
        }
        let mark = self.mark();
        self.queries += 1;
        let around = std::mem::take(&mut self.statements);
        // A replacement for a statement applies to everything inside it.
        self.with = Vec::new();
        self.depth += deeper;
        self.looks = Looks::ToBind;
        let made = work(self);
        let statements = std::mem::replace(&mut self.statements, around);
        self.queries -= 1;
        self.with = mark.with;
        self.depth = mark.depth;
        self.looks = mark.looks;
        self.span = mark.span;
        // Variables are numbered for the whole rule. Those from outside are unchanged.
        self.take_values(mark.given);
        Ok((made?, statements))
    }
}
