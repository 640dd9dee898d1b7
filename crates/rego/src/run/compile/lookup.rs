//! Compiles paths that several rules are below.
//!
//! A look-up by a key that is not constant, such as `data.collections[input.ogc.collection].allow`, becomes a function with a
//! body for each name below the path. The first whose name is the key gives the value, and the data if there is none. All rules below a path as one value become an object.

use std::collections::BTreeSet;

use regorus::rvm::{Instruction, instructions::GuardMode, program::RuleType};

use super::{
    Body, Compiler, Lookup, MAX_ARGUMENTS, RESULT, Work, assembler::Finished, closure::of_terms,
};
use crate::{
    core::{Module, Term},
    plan::rules::NoProgram,
};

impl<'a> Body<'_, 'a> {
    /// A register with what is found below `path`: first by the key in a register, then by `rest`.
    pub(super) fn lookup(
        &mut self,
        path: &[String],
        key: u8,
        rest: &'a [Term],
    ) -> Result<u8, NoProgram> {
        let mut mentioned = BTreeSet::new();
        of_terms(rest, &mut mentioned);
        let known = self.locals.iter();
        let (captured, mut registers): (Vec<usize>, Vec<u8>) = known
            .filter(|(local, _)| mentioned.contains(local))
            .map(|(local, register)| (*local, *register))
            .unzip();
        registers.push(key);
        let number = self.compiler.later(Work::Lookup(Lookup {
            module: self.module,
            span: self.compiler.span,
            captured,
            path: path.to_vec(),
            rest,
        }));
        let registers = self.passing(registers)?;
        let dest = self.register()?;
        self.call_rule(dest, number, &registers);
        Ok(dest)
    }
}

impl<'a> Compiler<'a> {
    /// The names of the documents below a path, without functions.
    fn names_below(&self, path: &[String]) -> BTreeSet<String> {
        let documents = self.documents.iter();
        let values = documents.filter(|(_, document)| !document.is_function());
        let names = values.filter_map(|(other, _)| other.strip_prefix(path)?.first().cloned());
        names.collect()
    }

    /// The number of the object of all documents below a path.
    pub(super) fn group_number(&mut self, module: &'a Module, path: &[String]) -> u16 {
        if let Some(number) = self.groups.get(path) {
            return *number;
        }
        let number = self.later(Work::Group(module, path.to_vec()));
        self.groups.insert(path.to_vec(), number);
        number
    }

    /// The object of all documents below a path: of rules, and of the data.
    pub(super) fn group(
        &mut self,
        number: u16,
        module: &'a Module,
        path: &[String],
    ) -> Result<(), NoProgram> {
        let (mut starts, mut used) = (Vec::new(), 1);
        for has_data in [true, false] {
            starts.push(self.assembler.here());
            let names = self.names_below(path);
            let mut body = Body::begin(self, module, number)?;
            let data = body.register()?;
            if has_data {
                body.push(Instruction::LoadData { dest: data });
                let names = path.get(1..).unwrap_or_default();
                body.part(data, data, names, &[])?;
                body.guard(data, GuardMode::NotUndefined);
            }
            let set = body.register()?;
            body.push(Instruction::SetNew { dest: set });
            for name in names {
                body.member(set, path, name)?;
            }
            if has_data {
                let rules = body.register()?;
                body.builtin(rules, "internal.object_of_pairs", &[set])?;
                body.builtin(RESULT, "object.union", &[data, rules])?;
            } else {
                body.builtin(RESULT, "internal.object_of_pairs", &[set])?;
            }
            used = used.max(body.end());
        }
        self.assembler.rule(
            number,
            Finished {
                kind: RuleType::Complete,
                definitions: vec![starts],
                arguments: None,
                default: None,
                registers: used,
            },
        );
        Ok(())
    }

    pub(super) fn lookup(&mut self, number: u16, lookup: &Lookup<'a>) -> Result<(), NoProgram> {
        let names = self.names_below(&lookup.path).into_iter();
        let mut names: Vec<Option<String>> = names.map(Some).collect();
        // The data can have more.
        names.push(None);
        let count = lookup.captured.len() + 1;
        let (mut starts, mut used) = (Vec::new(), 1);
        for name in names {
            self.stand_at(lookup.module, lookup.span);
            starts.push(self.assembler.here());
            let mut body = Body::begin(self, lookup.module, number)?;
            let registers = body.parameters(count)?;
            let captured = lookup.captured.iter().copied();
            body.locals.extend(captured.zip(registers.iter().copied()));
            let key = registers.last().copied().unwrap_or(RESULT);
            body.found(lookup, name, key)?;
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

impl<'a> Body<'_, 'a> {
    /// Adds the name and the value of a document to a set, if it has a value.
    fn member(&mut self, set: u8, path: &[String], name: String) -> Result<(), NoProgram> {
        let (key, value, pair) = (self.register()?, self.register()?, self.register()?);
        let literal_idx = self.compiler.assembler.name(&name);
        self.push(Instruction::Load {
            dest: key,
            literal_idx,
        });
        self.document(&[path, &[name]].concat(), &[], value)?;
        self.compiler.assembler.array(pair, vec![key, value]);
        self.push(Instruction::SetAdd { set, value: pair });
        self.release(3);
        Ok(())
    }

    /// What is found by one name, if it is the key; without a name, in the data.
    fn found(
        &mut self,
        lookup: &Lookup<'a>,
        name: Option<String>,
        key: u8,
    ) -> Result<(), NoProgram> {
        let dest = RESULT;
        if let Some(name) = name {
            let literal_idx = self.compiler.assembler.name(&name);
            let right = self.register()?;
            self.push(Instruction::Load {
                dest: right,
                literal_idx,
            });
            self.push(Instruction::AssertEq { left: key, right });
            let path = [lookup.path.as_slice(), &[name]].concat();
            self.document(&path, lookup.rest, dest)?;
        } else {
            self.push(Instruction::LoadData { dest });
            let names = lookup.path.get(1..).unwrap_or_default();
            self.part(dest, dest, names, &[])?;
            self.push(Instruction::Index {
                dest,
                container: dest,
                key,
            });
            self.part(dest, dest, &[], lookup.rest)?;
        }
        self.guard(dest, GuardMode::NotUndefined);
        Ok(())
    }
}
