//! Compiles bodies: their registers, their statements, and what they end with.

use std::collections::BTreeMap;

use regorus::rvm::{
    Instruction,
    instructions::{GuardMode, LiteralOrRegister},
};

use super::{
    Body, Compiler, MAX_ARGUMENTS, RESULT, What,
    assembler::{Iteration, Loop, passed},
    constant::{can_be_undefined, needs_guards},
};
use crate::{
    core::{Module, Step, Term},
    parse::tree::Operator,
    plan::rules::NoProgram,
    resolve::tree::{Local, Scalar},
};

impl<'c, 'a> Body<'c, 'a> {
    /// Begins a body of the rule with this number.
    pub(super) fn begin(
        compiler: &'c mut Compiler<'a>,
        module: &'a Module,
        rule_index: u16,
    ) -> Result<Self, NoProgram> {
        let mut body = Self {
            compiler,
            module,
            locals: BTreeMap::new(),
            is_function: false,
            next: 0,
            used: 0,
        };
        let result_reg = body.register()?;
        body.push(Instruction::RuleInit {
            result_reg,
            rule_index,
        });
        Ok(body)
    }

    /// Ends the body, and returns how many registers it uses.
    pub(super) fn end(mut self) -> u8 {
        self.push(Instruction::RuleReturn {});
        self.used
    }

    pub(super) fn push(&mut self, instruction: Instruction) {
        self.compiler.assembler.push(instruction);
    }

    /// A register that is not in use.
    pub(super) fn register(&mut self) -> Result<u8, NoProgram> {
        let register = self.next;
        let Some(next) = register.checked_add(1) else {
            return Err(self
                .compiler
                .none("a body with more values than the register VM has registers for (255)"));
        };
        self.next = next;
        self.used = self.used.max(next);
        Ok(register)
    }

    /// Gives the last registers back. Nothing needs their values any more.
    pub(super) fn release(&mut self, count: u8) {
        self.next = self.next.saturating_sub(count);
    }

    /// The registers in which the caller passes arguments.
    pub(super) fn passed(&mut self, count: usize) -> Result<Vec<u8>, NoProgram> {
        (0..passed(count)).map(|_| self.register()).collect()
    }

    /// The registers of the arguments. More than the VM passes are elements of an array.
    pub(super) fn parameters(&mut self, count: usize) -> Result<Vec<u8>, NoProgram> {
        let passed = self.passed(count)?;
        let (1, true, Some(&all)) = (passed.len(), count > MAX_ARGUMENTS, passed.first()) else {
            return Ok(passed);
        };
        let mut registers = Vec::new();
        for number in 0..count {
            let dest = self.register()?;
            let number = self
                .compiler
                .assembler
                .scalar(&Scalar::Number(number.to_string()));
            let way = vec![LiteralOrRegister::Literal(number)];
            self.compiler.assembler.index(dest, all, way);
            registers.push(dest);
        }
        Ok(registers)
    }

    /// The arguments of a function: variables, and constants that must be equal.
    pub(super) fn arguments(&mut self, arguments: &'a [Option<Term>]) -> Result<(), NoProgram> {
        self.is_function = true;
        let registers = self.parameters(arguments.len())?;
        for (argument, register) in arguments.iter().zip(registers) {
            match argument {
                None => {}
                Some(Term::Local(local)) => {
                    self.locals.insert(*local, register);
                }
                Some(constant) => {
                    let right = self.term(constant, None)?;
                    self.push(Instruction::AssertEq {
                        left: register,
                        right,
                    });
                }
            }
        }
        Ok(())
    }

    pub(super) fn guard(&mut self, register: u8, mode: GuardMode) {
        self.push(Instruction::Guard { register, mode });
    }

    /// Begins a loop, which ends with the query.
    pub(super) fn each(
        &mut self,
        key: Option<Local>,
        value: Option<Local>,
        collection: &'a Term,
        is_any: bool,
    ) -> Result<Loop, NoProgram> {
        let collection = self.term(collection, None)?;
        self.each_of(key, value, collection, is_any)
    }

    /// Begins a loop over the collection in a register.
    pub(super) fn each_of(
        &mut self,
        key: Option<Local>,
        value: Option<Local>,
        collection: u8,
        is_any: bool,
    ) -> Result<Loop, NoProgram> {
        let (keys, values, result) = (self.register()?, self.register()?, self.register()?);
        self.locals.extend(key.map(|key| (key, keys)));
        self.locals.extend(value.map(|value| (value, values)));
        Ok(self.compiler.assembler.begin_loop(&Iteration {
            collection,
            key: keys,
            value: values,
            result,
            is_any,
        }))
    }

    /// A statement that has at most one solution.
    pub(super) fn step(&mut self, step: &'a Step) -> Result<(), NoProgram> {
        let mut mark = self.next;
        match step {
            Step::Bind(local, value) => {
                let register = self.register()?;
                mark = self.next;
                self.term(value, Some(register))?;
                self.defined(value, register);
                self.locals.insert(*local, register);
            }
            Step::Test(value) => {
                let register = self.term(value, None)?;
                self.guard(register, GuardMode::Condition);
            }
            Step::Same(left, right) => {
                let left = self.term(left, None)?;
                let right = self.term(right, None)?;
                self.push(Instruction::AssertEq { left, right });
            }
            Step::Member(value, collection) => {
                let value = self.term(value, None)?;
                let collection = self.term(collection, None)?;
                let dest = self.register()?;
                self.push(Instruction::Contains {
                    dest,
                    collection,
                    value,
                });
                self.guard(dest, GuardMode::Condition);
            }
            Step::Not(inner) => {
                let register = self.truth(inner)?;
                self.guard(register, GuardMode::Not);
            }
            Step::Every(key, value, domain, statements) => {
                let register = self.term(domain, None)?;
                self.defined(domain, register);
                let what = What::Counterexample {
                    key: *key,
                    value: *value,
                    body: statements,
                };
                let found = self.closure(what, &[register])?;
                self.guard(found, GuardMode::Not);
            }
            Step::Each(..) => {
                return Err(self.compiler.none("a search inside of a condition"));
            }
        }
        self.next = mark;
        Ok(())
    }

    /// A register that is true if a statement holds. Unlike a statement, this never ends the body.
    fn truth(&mut self, step: &'a Step) -> Result<u8, NoProgram> {
        match step {
            Step::Test(value) if !needs_guards(value) => self.term(value, None),
            Step::Same(left, right) if !needs_guards(left) && !needs_guards(right) => {
                let left = self.term(left, None)?;
                let right = self.term(right, None)?;
                let dest = self.register()?;
                self.push(Instruction::Eq { dest, left, right });
                Ok(dest)
            }
            step => self.closure(What::Step(step), &[]),
        }
    }

    /// One statement of a closure.
    pub(super) fn only(&mut self, step: &'a Step) -> Result<(), NoProgram> {
        self.step(step)?;
        self.push(Instruction::LoadTrue { dest: RESULT });
        Ok(())
    }

    /// Ends the iteration or the body if a value is undefined.
    pub(super) fn defined(&mut self, term: &Term, register: u8) {
        if can_be_undefined(term) {
            self.guard(register, GuardMode::NotUndefined);
        }
    }

    /// Calls a rule of the program, with an array if there are too many arguments for the VM.
    pub(super) fn call_rule(&mut self, dest: u8, rule: u16, arguments: &[u8]) {
        self.compiler.assembler.call(dest, rule, arguments);
    }

    /// Arguments as the VM passes them.
    pub(super) fn passing(&mut self, arguments: Vec<u8>) -> Result<Vec<u8>, NoProgram> {
        if arguments.len() <= MAX_ARGUMENTS {
            return Ok(arguments);
        }
        let all = self.register()?;
        self.compiler.assembler.array(all, arguments);
        Ok(vec![all])
    }

    pub(super) fn compare(
        &mut self,
        operator: Operator,
        dest: u8,
        left: u8,
        right: u8,
    ) -> Result<(), NoProgram> {
        let instruction = match operator {
            Operator::Equal => Instruction::Eq { dest, left, right },
            Operator::NotEqual => Instruction::Ne { dest, left, right },
            Operator::Less => Instruction::Lt { dest, left, right },
            Operator::LessOrEqual => Instruction::Le { dest, left, right },
            Operator::Greater => Instruction::Gt { dest, left, right },
            Operator::GreaterOrEqual => Instruction::Ge { dest, left, right },
            other => {
                let what = format!("the operator `{}`", other.sign());
                return Err(self.compiler.none(what));
            }
        };
        self.push(instruction);
        Ok(())
    }
}
