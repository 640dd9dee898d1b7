//! Compiles values.

use regorus::rvm::{Instruction, instructions::LiteralOrRegister};

use super::{Body, What, constant::constant};
use crate::{core::Term, plan::rules::NoProgram, resolve::tree::Scalar, run::builtins};

/// The largest number of arguments of a built-in. Its number is one more argument.
const MAX_BUILTIN_ARGUMENTS: usize = super::MAX_ARGUMENTS - 1;

impl<'a> Body<'_, 'a> {
    /// The register with a value: `dest`, or any.
    pub(super) fn term(&mut self, term: &'a Term, dest: Option<u8>) -> Result<u8, NoProgram> {
        if let (Term::Local(local), None) = (term, dest) {
            return self.local(*local);
        }
        let dest = match dest {
            Some(dest) => dest,
            None => self.register()?,
        };
        match term {
            Term::Scalar(scalar) => {
                let literal_idx = self.compiler.assembler.scalar(scalar);
                self.push(Instruction::Load { dest, literal_idx });
            }
            Term::Local(local) => {
                let src = self.local(*local)?;
                self.push(Instruction::Move { dest, src });
            }
            Term::Document(path, way) => self.document(path, way, dest)?,
            Term::Inside(local, way) => {
                let root = self.local(*local)?;
                self.part(dest, root, &[], way)?;
            }
            Term::Call(function, arguments) => self.call(function, arguments, dest)?,
            Term::Infix(operator, operands) => {
                let left = self.term(&operands.0, None)?;
                let right = self.term(&operands.1, None)?;
                self.compare(*operator, dest, left, right)?;
            }
            Term::Array(_) | Term::Set(_) | Term::Object(_) => self.collection(term, dest)?,
            Term::Comprehension(collection, first, second, statements) => {
                let what = What::Collection {
                    collection: *collection,
                    first,
                    second: second.as_deref(),
                    statements,
                };
                let src = self.closure(what, &[])?;
                self.push(Instruction::Move { dest, src });
            }
        }
        Ok(dest)
    }

    fn local(&self, local: usize) -> Result<u8, NoProgram> {
        let register = self.locals.get(&local).copied();
        register.ok_or_else(|| self.compiler.none("a variable has no value yet"))
    }

    /// A document, or a part of one.
    pub(super) fn document(
        &mut self,
        path: &[String],
        way: &'a [Term],
        dest: u8,
    ) -> Result<(), NoProgram> {
        let Some((root, below)) = path.split_first() else {
            return Err(self.compiler.none("a document without a name"));
        };
        if root == "input" {
            self.push(Instruction::LoadInput { dest });
            return self.part(dest, dest, below, way);
        }
        // No document is below another one: those are arranged as objects.
        let rule = (1..=path.len())
            .rev()
            .filter_map(|length| path.get(..length))
            .find(|names| self.compiler.documents.contains_key(*names));
        if let Some(names) = rule {
            let rule_index = self.compiler.number(names);
            self.push(Instruction::CallRule { dest, rule_index });
            let below = path.get(names.len()..).unwrap_or_default();
            return self.part(dest, dest, below, way);
        }
        let is_above = |other: &Vec<String>| other.starts_with(path);
        let mut after = self.compiler.documents.range(path.to_vec()..);
        if after.next().is_some_and(|(other, _)| is_above(other)) {
            let Some((key, rest)) = way.split_first() else {
                let rule_index = self.compiler.group_number(self.module, path);
                self.push(Instruction::CallRule { dest, rule_index });
                return Ok(());
            };
            let key = self.term(key, None)?;
            let what = What::Lookup {
                path: path.to_vec(),
                rest,
            };
            let src = self.closure(what, &[key])?;
            self.push(Instruction::Move { dest, src });
            return Ok(());
        }
        if root != "data" {
            let what = format!("`{}`, which is no document", path.join("."));
            return Err(self.compiler.none(what));
        }
        self.push(Instruction::LoadData { dest });
        self.part(dest, dest, below, way)
    }

    /// A part of the value in `root`, by constant names and then by other keys.
    pub(super) fn part(
        &mut self,
        dest: u8,
        root: u8,
        names: &[String],
        way: &'a [Term],
    ) -> Result<(), NoProgram> {
        let mut parts = Vec::new();
        for name in names {
            parts.push(LiteralOrRegister::Literal(
                self.compiler.assembler.name(name),
            ));
        }
        for key in way {
            parts.push(match key {
                Term::Scalar(scalar) => {
                    LiteralOrRegister::Literal(self.compiler.assembler.scalar(scalar))
                }
                key => LiteralOrRegister::Register(self.term(key, None)?),
            });
        }
        match parts.as_slice() {
            [] if dest == root => {}
            [] => self.push(Instruction::Move { dest, src: root }),
            [LiteralOrRegister::Literal(literal_idx)] => self.push(Instruction::IndexLiteral {
                dest,
                container: root,
                literal_idx: *literal_idx,
            }),
            [LiteralOrRegister::Register(key)] => self.push(Instruction::Index {
                dest,
                container: root,
                key: *key,
            }),
            _ => self.compiler.assembler.index(dest, root, parts),
        }
        Ok(())
    }

    fn call(
        &mut self,
        function: &'a Term,
        arguments: &'a [Term],
        dest: u8,
    ) -> Result<(), NoProgram> {
        let Term::Document(path, way) = function else {
            return Err(self.compiler.none("a call of a value"));
        };
        if !way.is_empty() {
            return Err(self.compiler.none("a call of a part of a document"));
        }
        let registers = arguments
            .iter()
            .map(|argument| self.term(argument, None))
            .collect::<Result<Vec<u8>, NoProgram>>()?;
        if path.first().is_none_or(|root| root != "data") {
            return self.builtin(dest, &path.join("."), &registers);
        }
        // The VM would call the function with an undefined argument.
        for (argument, register) in arguments.iter().zip(&registers) {
            self.defined(argument, *register);
        }
        if !self.compiler.documents.contains_key(path) {
            let what = format!("`{}` is no function of the policy", path.join("."));
            return Err(self.compiler.none(what));
        }
        let rule = self.compiler.number(path);
        let registers = self.passing(registers)?;
        self.call_rule(dest, rule, &registers);
        Ok(())
    }

    /// Calls a built-in. It is undefined if an argument is.
    pub(super) fn builtin(
        &mut self,
        dest: u8,
        name: &str,
        arguments: &[u8],
    ) -> Result<(), NoProgram> {
        let number = builtins::number(name).filter(|_| arguments.len() <= MAX_BUILTIN_ARGUMENTS);
        let Some(number) = number else {
            return Err(self.compiler.none(format!("the function `{name}`")));
        };
        let first = self.register()?;
        let number = Scalar::Number(number.to_string());
        let literal_idx = self.compiler.assembler.scalar(&number);
        self.push(Instruction::Load {
            dest: first,
            literal_idx,
        });
        let all: Vec<u8> = std::iter::once(first)
            .chain(arguments.iter().copied())
            .collect();
        self.compiler.assembler.call_builtin(dest, &all);
        Ok(())
    }

    fn collection(&mut self, term: &'a Term, dest: u8) -> Result<(), NoProgram> {
        if let Some(value) = constant(term) {
            let literal_idx = self.compiler.assembler.literal(value);
            self.push(Instruction::Load { dest, literal_idx });
            return Ok(());
        }
        match term {
            Term::Object(pairs) => {
                let mut fields = Vec::new();
                for (key, value) in pairs {
                    fields.push((self.term(key, None)?, self.term(value, None)?));
                }
                self.compiler.assembler.object(dest, fields);
            }
            Term::Array(items) | Term::Set(items) => {
                let elements = items
                    .iter()
                    .map(|item| self.term(item, None))
                    .collect::<Result<Vec<u8>, NoProgram>>()?;
                if matches!(term, Term::Array(_)) {
                    self.compiler.assembler.array(dest, elements);
                } else {
                    self.compiler.assembler.set(dest, elements);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
