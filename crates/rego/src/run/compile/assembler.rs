//! Assembles a program: instructions with their tables, constants and rules.

use std::{collections::HashMap, sync::Arc};

use regorus::{
    LimitError, Value,
    rvm::{
        Instruction, Program,
        instructions::{
            ArrayCreateParams, BuiltinCallParams, ChainedIndexParams, FunctionCallParams,
            LiteralOrRegister, LoopMode, LoopStartParams, ObjectCreateParams, SetCreateParams,
        },
        program::{BuiltinInfo, FunctionInfo, RuleInfo, RuleType},
    },
};

use super::{Compiled, MAX_ARGUMENTS, Place};
use crate::{
    BuiltinErrors, plan::rules::NoProgram, resolve::tree::Scalar, run::builtins,
    run::term::constant,
};

/// Instructions, constants and rules are numbered with 16 bits in the VM. Small programs are the aim: larger policies
/// have an index.
const MAX_INSTRUCTIONS: usize = 65_000;

/// A program, while it is made.
pub(super) struct Assembler {
    program: Program,
    scalars: HashMap<Scalar, u16>,
    rules: Vec<Option<RuleInfo>>,
    places: Vec<Place>,
    /// Set if a table of the program is full.
    is_full: bool,
}

/// A loop that has no end yet.
pub(super) struct Loop {
    params: u16,
    start: u16,
}

/// What a loop iterates over, and where it puts what it finds.
pub(super) struct Iteration {
    pub(super) collection: u8,
    pub(super) key: u8,
    pub(super) value: u8,
    pub(super) result: u8,
    /// Whether the first success ends the loop.
    pub(super) is_any: bool,
}

/// What the VM has to know of a rule.
pub(super) struct Finished {
    pub(super) kind: RuleType,
    /// The first instruction of each body, by definition.
    pub(super) definitions: Vec<Vec<u32>>,
    /// The number of arguments, if it is a function.
    pub(super) arguments: Option<usize>,
    pub(super) default: Option<u16>,
    pub(super) registers: u8,
}

impl Assembler {
    pub(super) fn new(errors: BuiltinErrors) -> Self {
        let mut program = Program::new();
        // One function of the VM calls all built-ins. Its first argument is the number of the built-in.
        for arguments in 1..=MAX_ARGUMENTS {
            program.add_builtin_info(BuiltinInfo {
                name: "geowarden".to_owned(),
                num_args: u16::try_from(arguments).unwrap_or(u16::MAX),
            });
            let arity = u8::try_from(arguments).unwrap_or(u8::MAX);
            program.resolved_builtins.push(match errors {
                BuiltinErrors::Refuse => (
                    |_, _, arguments, _| {
                        builtins::numbered(arguments, BuiltinErrors::Refuse)
                            .ok_or_else(|| refusal().into())
                    },
                    arity,
                ),
                BuiltinErrors::Undefined => (
                    |_, _, arguments, _| {
                        builtins::numbered(arguments, BuiltinErrors::Undefined)
                            .ok_or_else(|| refusal().into())
                    },
                    arity,
                ),
            });
        }
        Self {
            program,
            scalars: HashMap::new(),
            rules: Vec::new(),
            places: Vec::new(),
            is_full: false,
        }
    }

    /// The number of a rule that is not finished.
    pub(super) fn reserve(&mut self) -> u16 {
        let number = self.rules.len();
        self.rules.push(None);
        self.is_full |= number >= Program::MAX_RULES;
        self.table(number)
    }

    pub(super) fn rule(&mut self, number: u16, rule: Finished) {
        let definitions = Arc::new(rule.definitions);
        let mut info = RuleInfo::new(String::new(), rule.kind, definitions, 0, rule.registers);
        // The VM copies this at each call, so it holds no names, and no lists that say nothing.
        info.destructuring_blocks = Vec::new();
        info.else_bodies = Vec::new();
        info.function_info = rule.arguments.map(|count| FunctionInfo {
            param_names: Vec::new(),
            num_params: u32::try_from(passed(count)).unwrap_or(u32::MAX),
        });
        if let Some(literal) = rule.default {
            info.set_default_literal_index(literal);
        }
        if let Some(slot) = self.rules.get_mut(usize::from(number)) {
            *slot = Some(info);
        }
    }

    /// The next instruction's number.
    pub(super) fn here(&self) -> u32 {
        u32::try_from(self.program.instructions.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn push(&mut self, instruction: Instruction) {
        self.program.add_instruction(instruction, None);
    }

    /// Says which line the next instructions come from.
    pub(super) fn at(&mut self, file: &str, line: u32) {
        let is_same = |place: &Place| place.line == line && place.file == file;
        if !self.places.last().is_some_and(is_same) {
            self.places.push(Place {
                start: self.program.instructions.len(),
                file: file.to_owned(),
                line,
            });
        }
    }

    /// The number of a constant.
    pub(super) fn scalar(&mut self, scalar: &Scalar) -> u16 {
        if let Some(number) = self.scalars.get(scalar) {
            return *number;
        }
        let number = self.literal(constant(scalar));
        self.scalars.insert(scalar.clone(), number);
        number
    }

    pub(super) fn name(&mut self, name: &str) -> u16 {
        self.scalar(&Scalar::String(name.to_owned()))
    }

    /// The number of a constant that is not shared.
    pub(super) fn literal(&mut self, value: Value) -> u16 {
        let number = self.program.literals.len();
        self.program.literals.push(value);
        self.table(number)
    }

    /// A number of a table. The program is refused later if the table is full.
    fn table(&mut self, number: usize) -> u16 {
        u16::try_from(number).unwrap_or_else(|_| {
            self.is_full = true;
            u16::MAX
        })
    }

    pub(super) fn begin_loop(&mut self, iteration: &Iteration) -> Loop {
        let number = self.program.instruction_data.loop_params.len();
        let params = self.table(number);
        self.program.add_loop_params(LoopStartParams {
            mode: if iteration.is_any {
                LoopMode::Any
            } else {
                LoopMode::ForEach
            },
            collection: iteration.collection,
            key_reg: iteration.key,
            value_reg: iteration.value,
            result_reg: iteration.result,
            body_start: 0,
            loop_end: 0,
        });
        self.push(Instruction::LoopStart {
            params_index: params,
        });
        let start = self.table(self.program.instructions.len());
        Loop { params, start }
    }

    pub(super) fn end_loop(&mut self, open: &Loop) {
        let end = self.table(self.program.instructions.len() + 1);
        self.push(Instruction::LoopNext {
            body_start: open.start,
            loop_end: end,
        });
        self.program.update_loop_params(open.params, |params| {
            params.body_start = open.start;
            params.loop_end = end;
        });
    }

    /// A part of the value in `root`.
    pub(super) fn index(&mut self, dest: u8, root: u8, way: Vec<LiteralOrRegister>) {
        let data = &mut self.program.instruction_data;
        let number = data.chained_index_params.len();
        data.chained_index_params.push(ChainedIndexParams {
            dest,
            root,
            path_components: way,
        });
        let params_index = self.table(number);
        self.push(Instruction::ChainedIndex { params_index });
    }

    pub(super) fn array(&mut self, dest: u8, elements: Vec<u8>) {
        let data = &mut self.program.instruction_data;
        let number = data.array_create_params.len();
        data.array_create_params
            .push(ArrayCreateParams { dest, elements });
        let params_index = self.table(number);
        self.push(Instruction::ArrayCreate { params_index });
    }

    pub(super) fn set(&mut self, dest: u8, elements: Vec<u8>) {
        let data = &mut self.program.instruction_data;
        let number = data.set_create_params.len();
        data.set_create_params
            .push(SetCreateParams { dest, elements });
        let params_index = self.table(number);
        self.push(Instruction::SetCreate { params_index });
    }

    pub(super) fn object(&mut self, dest: u8, fields: Vec<(u8, u8)>) {
        let template_literal_idx = self.literal(Value::new_object());
        let data = &mut self.program.instruction_data;
        let number = data.object_create_params.len();
        data.object_create_params.push(ObjectCreateParams {
            dest,
            template_literal_idx,
            literal_key_fields: Vec::new(),
            fields,
        });
        let params_index = self.table(number);
        self.push(Instruction::ObjectCreate { params_index });
    }

    /// Calls a rule of the program that is a function.
    pub(super) fn call(&mut self, dest: u8, rule: u16, arguments: &[u8]) {
        let number = self.program.instruction_data.function_call_params.len();
        let params_index = self.table(number);
        self.program.add_function_call_params(FunctionCallParams {
            dest,
            func_rule_index: rule,
            num_args: u8::try_from(arguments.len()).unwrap_or(u8::MAX),
            args: eight(arguments),
        });
        self.push(Instruction::FunctionCall { params_index });
    }

    /// Calls a built-in. The first argument is its number.
    pub(super) fn call_builtin(&mut self, dest: u8, arguments: &[u8]) {
        let number = self.program.instruction_data.builtin_call_params.len();
        let params_index = self.table(number);
        let count = arguments.len();
        self.program.add_builtin_call_params(BuiltinCallParams {
            dest,
            builtin_index: u16::try_from(count.saturating_sub(1)).unwrap_or(u16::MAX),
            num_args: u8::try_from(count).unwrap_or(u8::MAX),
            args: eight(arguments),
        });
        self.push(Instruction::BuiltinCall { params_index });
    }

    pub(super) fn finish(mut self) -> Result<Compiled, NoProgram> {
        let rules: Option<Vec<RuleInfo>> = self.rules.into_iter().collect();
        let is_full = self.is_full || self.program.instructions.len() > MAX_INSTRUCTIONS;
        if is_full {
            return Err(NoProgram::too_large(
                "the policy is too large for a program",
            ));
        }
        let missing = || NoProgram::too_large("a rule of the program is missing");
        self.program.rule_infos = rules.ok_or_else(missing)?;
        self.program.dispatch_window_size = 2;
        self.program
            .validate_limits()
            .map_err(|e| NoProgram::too_large(&e))?;
        Ok(Compiled {
            program: self.program,
            places: self.places,
        })
    }
}

/// How many arguments the VM passes: one array, if there are too many for it.
pub(super) fn passed(count: usize) -> usize {
    if count > MAX_ARGUMENTS { 1 } else { count }
}

/// The VM takes an error of a built-in for undefined unless it is a limit. The text of the real error is kept beside.
fn refusal() -> LimitError {
    LimitError::MemoryLimitExceeded { usage: 0, limit: 0 }
}

fn eight(registers: &[u8]) -> [u8; MAX_ARGUMENTS] {
    let mut all = [0; MAX_ARGUMENTS];
    for (slot, register) in all.iter_mut().zip(registers) {
        *slot = *register;
    }
    all
}
