//! Compiles parts of bodies that are rules of their own: comprehensions, `every`, and negations. Their arguments are the
//! variables that they use.

use std::collections::BTreeSet;

use regorus::rvm::{Instruction, instructions::GuardMode, program::RuleType};

use super::{Body, Closure, Compiler, Ending, RESULT, What, Work, assembler::Finished};
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

/// A body of a closure.
enum Part {
    /// What the closure evaluates.
    Whole,
    /// An empty collection, if a condition outside of loops was false.
    Empty(Collection),
    /// What a look-up finds by this name; without a name, in the data.
    Found(Option<String>),
}

impl<'a> Compiler<'a> {
    pub(super) fn closure(&mut self, number: u16, closure: &Closure<'a>) -> Result<(), NoProgram> {
        let Closure {
            module,
            span,
            captured,
            what,
        } = closure;
        let (parts, more) = match what {
            What::Step(_) | What::Query(_) => (vec![Part::Whole], 0),
            What::Collection { collection, .. } => (vec![Part::Whole, Part::Empty(*collection)], 0),
            What::Counterexample { .. } => (vec![Part::Whole], 1),
            What::Lookup { path, .. } => {
                let names = self.names_below(path).into_iter();
                // The data can have more.
                let names = names.map(Some).chain([None]);
                (names.map(Part::Found).collect(), 1)
            }
        };
        let count = captured.len() + more;
        let (mut starts, mut registers) = (Vec::new(), 1);
        for part in parts {
            self.stand_at(module, *span);
            starts.push(self.assembler.here());
            let mut body = Body::begin(self, module, number)?;
            let given = body.parameters(count)?;
            let known = captured.iter().copied().zip(given.iter().copied());
            body.locals.extend(known);
            // The argument behind the variables.
            let last = given.last().copied().unwrap_or(RESULT);
            match part {
                Part::Whole => body.whole(what, last)?,
                Part::Empty(collection) => body.empty(collection),
                Part::Found(name) => body.found(what, name, last)?,
            }
            registers = registers.max(body.end());
        }
        let rule = Finished {
            kind: RuleType::Complete,
            definitions: vec![starts],
            arguments: Some(count),
            default: None,
            registers,
        };
        self.assembler.rule(number, rule);
        Ok(())
    }
}

impl<'a> Body<'_, 'a> {
    /// What a closure evaluates. `last` is the argument behind the variables.
    fn whole(&mut self, what: &What<'a>, last: u8) -> Result<(), NoProgram> {
        match *what {
            What::Step(step) => self.only(step),
            What::Query(statements) => self.query(statements, &Ending::Holds),
            What::Collection {
                collection,
                first,
                second,
                statements,
            } => self.query(statements, &Ending::Element(collection, first, second)),
            What::Counterexample { key, value, body } => {
                let open = self.each_of(key, value, last, true)?;
                let holds = self.closure(What::Query(body), &[])?;
                self.guard(holds, GuardMode::Not);
                self.push(Instruction::LoadTrue { dest: RESULT });
                self.compiler.assembler.end_loop(&open);
                Ok(())
            }
            // Each of its bodies is a part.
            What::Lookup { .. } => Ok(()),
        }
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
            Self::Lookup { rest, .. } => of_terms(rest, found),
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

fn of_terms(terms: &[Term], found: &mut BTreeSet<Local>) {
    for term in terms {
        of_term(term, found);
    }
}
