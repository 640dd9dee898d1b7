//! Compiles documents: all rules with one path.

use std::collections::BTreeMap;

use regorus::{
    Value,
    rvm::{Instruction, program::RuleType},
};

use super::{
    Body, Compiler, Ending, RESULT, Work,
    assembler::{Finished, passed},
    constant::constant,
};
use crate::{
    core::{self, Module, Rule, Term},
    plan::rules::NoProgram,
    resolve::tree::Kind,
    source::Span,
};

/// The rules with one path.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) rules: Vec<(&'a Module, &'a Rule)>,
    pub(super) default: Option<(&'a Module, &'a Rule)>,
}

impl Document<'_> {
    /// Whether it is a function, which is no value.
    pub(super) fn is_function(&self) -> bool {
        let mut rules = self.rules.iter().chain(&self.default);
        rules.any(|(_, rule)| rule.arguments.is_some())
    }
}

/// The documents of a policy, by their paths.
pub(super) fn documents<'a>(
    rules: impl Iterator<Item = (&'a Module, &'a Rule)>,
) -> BTreeMap<Vec<String>, Document<'a>> {
    let mut documents: BTreeMap<Vec<String>, Document<'a>> = BTreeMap::new();
    for (module, rule) in rules {
        let names = module.package.iter().chain(&rule.path).cloned();
        let path = std::iter::once("data".to_owned()).chain(names).collect();
        let document = documents.entry(path).or_default();
        if rule.is_default {
            document.default = Some((module, rule));
        } else {
            document.rules.push((module, rule));
        }
    }
    documents
}

/// What the rules of a document make.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Value,
    Set,
    Object,
}

impl<'a> Compiler<'a> {
    /// The first instructions: they ask for the document and return its value.
    pub(super) fn entry(&mut self, path: &[String]) -> Result<(), NoProgram> {
        if !self.documents.contains_key(path) {
            return Err(self.none(format!("`{}` is not a rule", path.join("."))));
        }
        let rule_index = self.number(path);
        self.assembler.push(Instruction::CallRule {
            dest: 0,
            rule_index,
        });
        self.assembler.push(Instruction::Return { value: 0 });
        Ok(())
    }

    /// All definitions of a document.
    pub(super) fn document(&mut self, number: u16, path: &[String]) -> Result<(), NoProgram> {
        let Some(document) = self.documents.get(path) else {
            return Err(self.none(format!("`{}` is not a rule", path.join("."))));
        };
        let rules = document.rules.clone();
        let arguments = rules
            .first()
            .or(document.default.as_ref())
            .and_then(|(_, rule)| rule.arguments.as_ref().map(Vec::len));
        let default = match document.default {
            None => None,
            Some((module, rule)) => {
                self.stand_at(module, rule.span);
                let value = rule.bodies.first().and_then(|body| constant(&body.value));
                let Some(value) = value else {
                    return Err(self.none("the value of a default is not constant"));
                };
                Some(value)
            }
        };
        let mut shapes = rules.iter().map(|(_, rule)| shape(rule));
        let shape = shapes.next().unwrap_or(Shape::Value);
        if shapes.any(|other| other != shape) {
            return Err(self.none("the rules of a document make different kinds of values"));
        }
        match shape {
            Shape::Set => self.natively(number, &rules, RuleType::PartialSet, None, None),
            Shape::Object => self.object(number, path),
            Shape::Value if rules.len() < 2 || agree(&rules) => {
                self.natively(number, &rules, RuleType::Complete, arguments, default)
            }
            Shape::Value => self.merged(number, &rules, arguments, default),
        }
    }

    /// The VM evaluates the definitions itself.
    fn natively(
        &mut self,
        number: u16,
        rules: &[(&'a Module, &'a Rule)],
        kind: RuleType,
        arguments: Option<usize>,
        default: Option<Value>,
    ) -> Result<(), NoProgram> {
        let mut definitions = Vec::new();
        let mut registers = 1;
        for (module, rule) in rules {
            let (starts, used) = self.bodies(number, module, rule)?;
            registers = registers.max(used);
            definitions.push(starts);
        }
        let default = default.map(|value| self.assembler.literal(value));
        // The VM keeps the arguments of a function that has no body too.
        let registers =
            registers.max(u8::try_from(passed(arguments.unwrap_or(0)) + 1).unwrap_or(u8::MAX));
        self.assembler.rule(
            number,
            Finished {
                kind,
                definitions,
                arguments,
                default,
                registers,
            },
        );
        Ok(())
    }

    /// One definition, as a rule of its own.
    pub(super) fn definition(
        &mut self,
        number: u16,
        module: &'a Module,
        rule: &'a Rule,
    ) -> Result<(), NoProgram> {
        let arguments = rule.arguments.as_ref().map(Vec::len);
        self.natively(
            number,
            &[(module, rule)],
            RuleType::Complete,
            arguments,
            None,
        )
    }

    /// The bodies of one definition: the first instruction of each, and the number of registers.
    fn bodies(
        &mut self,
        number: u16,
        module: &'a Module,
        rule: &'a Rule,
    ) -> Result<(Vec<u32>, u8), NoProgram> {
        let mut starts = Vec::new();
        let mut registers = 1;
        for body in &rule.bodies {
            starts.push(self.assembler.here());
            self.stand_at(module, body.span);
            let mut made = Body::begin(self, module, number)?;
            if let Some(arguments) = &rule.arguments {
                made.arguments(arguments)?;
            }
            let ending = match (rule.kind, &rule.key) {
                (Kind::Member, None) => Ending::Member(&body.value),
                (Kind::Value, None) => Ending::Value(&body.value),
                (Kind::Value, Some(key)) => Ending::Pair(key, &body.value),
                (Kind::Member, Some(_)) => {
                    return Err(self.none("a set below a key that is not constant"));
                }
            };
            made.query(&body.statements, &ending)?;
            registers = registers.max(made.end());
        }
        Ok((starts, registers))
    }

    /// Each definition is a rule of its own. Their values must be equal.
    fn merged(
        &mut self,
        number: u16,
        rules: &[(&'a Module, &'a Rule)],
        arguments: Option<usize>,
        default: Option<Value>,
    ) -> Result<(), NoProgram> {
        let start = self.assembler.here();
        let Some((module, first)) = rules.first() else {
            return Ok(());
        };
        self.stand_at(module, first.span);
        let mut parts = Vec::new();
        for (module, rule) in rules {
            parts.push(self.later(Work::Definition(module, rule)));
        }
        let mut body = Body::begin(self, module, number)?;
        body.is_function = arguments.is_some();
        let given: Option<Vec<u8>> = arguments.map(|count| body.passed(count)).transpose()?;
        let values = body.register()?;
        body.push(Instruction::SetNew { dest: values });
        let value = body.register()?;
        for part in parts {
            match &given {
                None => body.push(Instruction::CallRule {
                    dest: value,
                    rule_index: part,
                }),
                Some(given) => body.call_rule(value, part, given),
            }
            body.push(Instruction::SetAdd { set: values, value });
        }
        body.only_output(values)?;
        let registers = body.end();
        let default = default.map(|value| self.assembler.literal(value));
        self.assembler.rule(
            number,
            Finished {
                kind: RuleType::Complete,
                definitions: vec![vec![start]],
                arguments,
                default,
                registers,
            },
        );
        Ok(())
    }

    /// An object of the pairs that its rules give.
    fn object(&mut self, number: u16, path: &[String]) -> Result<(), NoProgram> {
        let pairs = self.later(Work::Pairs(path.to_vec()));
        let Some((module, rule)) = self
            .documents
            .get(path)
            .and_then(|all| all.rules.first().copied())
        else {
            return Ok(());
        };
        self.stand_at(module, rule.span);
        let start = self.assembler.here();
        let mut body = Body::begin(self, module, number)?;
        let values = body.register()?;
        body.push(Instruction::CallRule {
            dest: values,
            rule_index: pairs,
        });
        body.builtin(RESULT, "internal.object_of_pairs", &[values])?;
        let registers = body.end();
        self.assembler.rule(
            number,
            Finished {
                kind: RuleType::Complete,
                definitions: vec![vec![start]],
                arguments: None,
                default: None,
                registers,
            },
        );
        Ok(())
    }

    /// The pairs of keys and values that the rules of an object give.
    pub(super) fn pairs(&mut self, number: u16, path: &[String]) -> Result<(), NoProgram> {
        let rules = self.documents.get(path);
        let rules = rules.map(|all| all.rules.clone()).unwrap_or_default();
        self.natively(number, &rules, RuleType::PartialSet, None, None)
    }

    pub(super) fn stand_at(&mut self, module: &'a Module, span: Span) {
        self.file = &module.name;
        self.span = span;
        self.assembler.at(&module.name, span.line);
    }
}

fn shape(rule: &Rule) -> Shape {
    match (rule.kind, &rule.key) {
        (Kind::Member, _) => Shape::Set,
        (Kind::Value, Some(_)) => Shape::Object,
        (Kind::Value, None) => Shape::Value,
    }
}

/// Whether all bodies have the same constant value, so that no two can conflict.
fn agree(rules: &[(&Module, &Rule)]) -> bool {
    let mut values = rules
        .iter()
        .flat_map(|(_, rule)| &rule.bodies)
        .map(|body: &core::Body| &body.value);
    let Some(first @ Term::Scalar(_)) = values.next() else {
        return false;
    };
    values.all(|value| value == first)
}
