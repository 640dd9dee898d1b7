//! Compiles paths that several rules are below.
//!
//! A look-up by a key that is not constant, such as `data.collections[input.ogc.collection].allow`, becomes a function with a
//! body for each name below the path. The body whose name is the key gives the value. If there is none, the data does. All rules
//! below a path as one value become an object.

use std::collections::BTreeSet;

use regorus::rvm::{Instruction, instructions::GuardMode, program::RuleType};

use super::{Body, Compiler, RESULT, What, Work, assembler::Finished};
use crate::{core::Module, plan::rules::NoProgram};

impl<'a> Compiler<'a> {
    /// The names of the documents below a path, without functions.
    pub(super) fn names_below(&self, path: &[String]) -> BTreeSet<String> {
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
    pub(super) fn found(
        &mut self,
        what: &What<'a>,
        name: Option<String>,
        key: u8,
    ) -> Result<(), NoProgram> {
        let What::Lookup { path, rest } = what else {
            return Ok(());
        };
        let dest = RESULT;
        if let Some(name) = name {
            let literal_idx = self.compiler.assembler.name(&name);
            let right = self.register()?;
            self.push(Instruction::Load {
                dest: right,
                literal_idx,
            });
            self.push(Instruction::AssertEq { left: key, right });
            let path = [path.as_slice(), &[name]].concat();
            self.document(&path, rest, dest)?;
        } else {
            self.push(Instruction::LoadData { dest });
            let names = path.get(1..).unwrap_or_default();
            self.part(dest, dest, names, &[])?;
            self.push(Instruction::Index {
                dest,
                container: dest,
                key,
            });
            self.part(dest, dest, &[], rest)?;
        }
        self.guard(dest, GuardMode::NotUndefined);
        Ok(())
    }
}
