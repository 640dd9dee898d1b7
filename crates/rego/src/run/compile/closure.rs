//! Compiles parts of bodies that are rules of their own: comprehensions, `every`, and negations. Their arguments are the
//! variables that they use.

use std::collections::BTreeSet;

use regorus::rvm::{Instruction, instructions::GuardMode, program::RuleType};

use super::{
    Body, Closure, Compiler, Ending, MAX_ARGUMENTS, RESULT, What, Work, assembler::Finished,
};
use crate::{
    core::{Statement, Step, Term},
    plan::rules::NoProgram,
    resolve::tree::{Collection, Local},
};

impl<'a> Body<'_, 'a> {
    /// A register with what a closure evaluates to.
    pub(super) fn closure(&mut self, what: What<'a>, more: &[u8]) -> Result<u8, NoProgram> {
        let mut mentioned = BTreeSet::new();
        what.locals(&mut mentioned);
        let known = self.locals.iter();
        let (captured, mut registers): (Vec<Local>, Vec<u8>) = known
            .filter(|(local, _)| mentioned.contains(local))
            .map(|(local, register)| (*local, *register))
            .unzip();
        registers.extend(more);
        let closure = Closure {
            module: self.module,
            span: self.compiler.span,
            captured,
            what,
        };
        let number = self.compiler.later(Work::Closure(closure));
        let registers = self.passing(registers)?;
        let dest = self.register()?;
        self.call_rule(dest, number, &registers);
        Ok(dest)
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn closure(&mut self, number: u16, closure: &Closure<'a>) -> Result<(), NoProgram> {
        let Closure {
            module,
            span,
            captured,
            what,
        } = closure;
        self.stand_at(module, *span);
        let more = usize::from(matches!(what, What::Counterexample { .. }));
        let count = captured.len() + more;
        let mut starts = vec![self.assembler.here()];
        let mut body = Body::begin(self, module, number)?;
        let registers = body.parameters(count)?;
        body.locals
            .extend(captured.iter().copied().zip(registers.iter().copied()));
        match *what {
            What::Step(step) => body.only(step)?,
            What::Query(statements) => body.query(statements, &Ending::Holds)?,
            What::Collection {
                collection,
                first,
                second,
                statements,
            } => body.query(statements, &Ending::Element(collection, first, second))?,
            What::Counterexample {
                key,
                value,
                body: statements,
            } => {
                let domain = registers.last().copied().unwrap_or(RESULT);
                let open = body.each_of(key, value, domain, true)?;
                let holds = body.closure(What::Query(statements), &[])?;
                body.guard(holds, GuardMode::Not);
                body.push(Instruction::LoadTrue { dest: RESULT });
                body.compiler.assembler.end_loop(&open);
            }
        }
        let mut used = body.end();
        if let What::Collection { collection, .. } = *what {
            // A condition outside of loops was false.
            starts.push(self.assembler.here());
            let mut body = Body::begin(self, module, number)?;
            body.passed(count)?;
            body.empty(collection);
            used = used.max(body.end());
        }
        self.assembler.rule(
            number,
            Finished {
                kind: RuleType::Complete,
                definitions: vec![starts],
                arguments: Some(if count > MAX_ARGUMENTS { 1 } else { count }),
                default: None,
                registers: used,
            },
        );
        Ok(())
    }
}

impl Body<'_, '_> {
    /// The result is an empty collection.
    fn empty(&mut self, collection: Collection) {
        match collection {
            Collection::Array => self.push(Instruction::ArrayNew { dest: RESULT }),
            Collection::Set => self.push(Instruction::SetNew { dest: RESULT }),
            Collection::Object => self.compiler.assembler.object(RESULT, Vec::new()),
        }
    }
}

impl What<'_> {
    /// The variables that it mentions.
    fn locals(&self, found: &mut BTreeSet<Local>) {
        match *self {
            Self::Step(step) => of_step(step, found),
            Self::Query(statements) => of_statements(statements, found),
            Self::Collection {
                first,
                second,
                statements,
                ..
            } => {
                of_term(first, found);
                if let Some(second) = second {
                    of_term(second, found);
                }
                of_statements(statements, found);
            }
            Self::Counterexample { body, .. } => of_statements(body, found),
        }
    }
}

fn of_statements(statements: &[Statement], found: &mut BTreeSet<Local>) {
    for statement in statements {
        of_step(&statement.step, found);
    }
}

fn of_step(step: &Step, found: &mut BTreeSet<Local>) {
    match step {
        Step::Bind(_, value) | Step::Test(value) | Step::Each(_, _, value) => {
            of_term(value, found);
        }
        Step::Same(left, right) | Step::Member(left, right) => {
            of_term(left, found);
            of_term(right, found);
        }
        Step::Not(step) => of_step(step, found),
        Step::Every(_, _, domain, body) => {
            of_term(domain, found);
            of_statements(body, found);
        }
    }
}

fn of_term(term: &Term, found: &mut BTreeSet<Local>) {
    match term {
        Term::Scalar(_) => {}
        Term::Local(local) => {
            found.insert(*local);
        }
        Term::Document(_, terms) | Term::Array(terms) | Term::Set(terms) => of_terms(terms, found),
        Term::Inside(local, way) => {
            found.insert(*local);
            of_terms(way, found);
        }
        Term::Call(function, arguments) => {
            of_term(function, found);
            of_terms(arguments, found);
        }
        Term::Infix(_, operands) => {
            of_term(&operands.0, found);
            of_term(&operands.1, found);
        }
        Term::Object(pairs) => {
            for (key, value) in pairs {
                of_term(key, found);
                of_term(value, found);
            }
        }
        Term::Comprehension(_, first, second, statements) => {
            of_term(first, found);
            if let Some(second) = second {
                of_term(second, found);
            }
            of_statements(statements, found);
        }
    }
}

pub(super) fn of_terms(terms: &[Term], found: &mut BTreeSet<Local>) {
    for term in terms {
        of_term(term, found);
    }
}
