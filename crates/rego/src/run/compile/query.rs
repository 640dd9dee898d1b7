//! Compiles queries: statements, and what happens for each of their solutions.
//!
//! A loop goes on to the end of its query. So the instructions of a query end all of its loops.

use regorus::rvm::{Instruction, instructions::GuardMode};

use super::{Body, Ending, RESULT, constant::constant};
use crate::{
    core::{Statement, Step, Term},
    plan::rules::NoProgram,
    resolve::tree::Collection,
};

impl<'a> Body<'_, 'a> {
    /// Statements, and what happens for each of their solutions.
    pub(super) fn query(
        &mut self,
        statements: &'a [Statement],
        ending: &Ending<'a>,
    ) -> Result<(), NoProgram> {
        let searches = statements
            .iter()
            .any(|statement| matches!(statement.step, Step::Each(..)));
        let all = self.collected(searches, ending)?;
        // The first solution is enough if all have the same value. `lower` leaves a scalar here only if no other body of the document
        // has another value: OPA stops at the first solution then, and at no error behind it.
        let is_any = matches!(ending, Ending::Value(Term::Scalar(_)) | Ending::Holds);
        let mut loops = Vec::new();
        for statement in statements {
            if !statement.with.is_empty() {
                self.compiler.stand_at(self.module, statement.span);
                return Err(self
                    .compiler
                    .none("a `with`, which the register VM does not have"));
            }
            self.compiler.stand_at(self.module, statement.span);
            match &statement.step {
                Step::Each(key, value, collection) => {
                    let found = self.each(*key, *value, collection, is_any)?;
                    loops.push(found);
                }
                step => self.step(step)?,
            }
        }
        self.solution(all, ending)?;
        for open in loops.iter().rev() {
            self.compiler.assembler.end_loop(open);
            if is_any {
                // Without a solution the iteration around has failed, or the body.
                self.guard(RESULT, GuardMode::NotUndefined);
            }
        }
        match (all, ending) {
            (Some(all), Ending::Value(_)) => {
                self.only_output(all)?;
                self.guard(RESULT, GuardMode::NotUndefined);
            }
            (Some(all), Ending::Element(Collection::Object, ..)) => {
                self.builtin(RESULT, "internal.object_of_pairs", &[all])?;
            }
            (Some(all), _) => self.push(Instruction::Move {
                dest: RESULT,
                src: all,
            }),
            // An `else` follows if the loops found nothing.
            (None, Ending::Value(_)) if searches => self.guard(RESULT, GuardMode::NotUndefined),
            (None, _) => {}
        }
        Ok(())
    }

    /// A register for all solutions, if they are not put into the result at once.
    fn collected(&mut self, searches: bool, ending: &Ending<'a>) -> Result<Option<u8>, NoProgram> {
        let is_array = match ending {
            Ending::Value(value) if searches && constant(value).is_none() => false,
            Ending::Element(collection, ..) => *collection == Collection::Array,
            _ => return Ok(None),
        };
        let dest = self.register()?;
        self.push(if is_array {
            Instruction::ArrayNew { dest }
        } else {
            Instruction::SetNew { dest }
        });
        Ok(Some(dest))
    }

    /// What happens for one solution.
    fn solution(&mut self, all: Option<u8>, ending: &Ending<'a>) -> Result<(), NoProgram> {
        match ending {
            Ending::Holds => self.push(Instruction::LoadTrue { dest: RESULT }),
            Ending::Value(value) => match all {
                None => {
                    self.term(value, Some(RESULT))?;
                    self.defined(value, RESULT);
                }
                Some(set) => {
                    let value = self.term(value, None)?;
                    self.push(Instruction::SetAdd { set, value });
                }
            },
            Ending::Member(member) => {
                let value = self.term(member, None)?;
                self.push(Instruction::SetAdd { set: RESULT, value });
            }
            Ending::Pair(key, value) => self.pair(RESULT, key, value)?,
            Ending::Element(collection, first, second) => {
                let all = all.unwrap_or(RESULT);
                match (collection, second) {
                    (Collection::Array, _) => {
                        let value = self.term(first, None)?;
                        self.defined(first, value);
                        self.push(Instruction::ArrayPush { arr: all, value });
                    }
                    (Collection::Object, Some(second)) => self.pair(all, first, second)?,
                    _ => {
                        let value = self.term(first, None)?;
                        self.push(Instruction::SetAdd { set: all, value });
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds `[key, value]` to a set. The VM adds nothing that is undefined.
    fn pair(&mut self, set: u8, key: &'a Term, value: &'a Term) -> Result<(), NoProgram> {
        let key = self.term(key, None)?;
        let value = self.term(value, None)?;
        let pair = self.register()?;
        self.compiler.assembler.array(pair, vec![key, value]);
        self.push(Instruction::SetAdd { set, value: pair });
        Ok(())
    }

    /// The result is the only member of a set of values. Several are a conflict.
    pub(super) fn only_output(&mut self, values: u8) -> Result<(), NoProgram> {
        let name = if self.is_function {
            "internal.one_output_of_function"
        } else {
            "internal.one_output"
        };
        self.builtin(RESULT, name, &[values])
    }
}
