//! What `with` replaces in the rules of the core.

use std::collections::BTreeSet;

use crate::core::{Statement, Step, Term};

/// Adds the paths and functions that statements, and the queries inside of them, replace.
pub(super) fn of_statements(statements: &[Statement], all: &mut BTreeSet<Vec<String>>) {
    for statement in statements {
        for (target, value) in &statement.with {
            if let Term::Document(path, _) = target {
                all.insert(path.clone());
            }
            of_term(value, all);
        }
        of_step(&statement.step, all);
    }
}

fn of_step(step: &Step, all: &mut BTreeSet<Vec<String>>) {
    match step {
        Step::Bind(_, term) | Step::Test(term) | Step::Each(_, _, term) => of_term(term, all),
        Step::Same(left, right) | Step::Member(left, right) => {
            of_term(left, all);
            of_term(right, all);
        }
        Step::Not(inner) => of_step(inner, all),
        Step::Every(_, _, domain, body) => {
            of_term(domain, all);
            of_statements(body, all);
        }
    }
}

fn of_term(term: &Term, all: &mut BTreeSet<Vec<String>>) {
    match term {
        Term::Scalar(_) | Term::Local(_) => {}
        Term::Document(_, terms)
        | Term::Inside(_, terms)
        | Term::Call(_, terms)
        | Term::Array(terms)
        | Term::Set(terms) => {
            for term in terms {
                of_term(term, all);
            }
        }
        Term::Infix(_, operands) => {
            of_term(&operands.0, all);
            of_term(&operands.1, all);
        }
        Term::Object(pairs) => {
            for (key, value) in pairs {
                of_term(key, all);
                of_term(value, all);
            }
        }
        Term::Comprehension(_, first, second, statements) => {
            of_term(first, all);
            if let Some(second) = second {
                of_term(second, all);
            }
            of_statements(statements, all);
        }
    }
}
