//! The register VM gives what the interpreter gives, and does what the compiler relies on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use geowarden_rego::{BuiltinErrors, EngineChoice, Policy, Settings, Sources, source::Version};
use regorus::{
    LimitError, Value as RegoValue,
    rvm::{
        Instruction, Program, RegoVM,
        instructions::{BuiltinCallParams, GuardMode},
        program::{BuiltinInfo, RuleInfo, RuleType},
    },
};
use serde_json::Value;

/// Every written case, in both engines.
#[test]
fn both_engines_give_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/rego.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let cases: Vec<&str> = lines.lines().filter(|line| !line.is_empty()).collect();
    let loaded: usize = std::thread::scope(|scope| {
        let parts = cases.chunks(cases.len().div_ceil(4));
        let parts: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().filter(|line| in_both(line)).count()))
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    assert!(loaded > 2000, "only {loaded} policies load");
}

/// Asserts that both engines give the same, and that the VM evaluates every policy without `with`. Returns whether the policy loads.
fn in_both(line: &str) -> bool {
    let case: Value = serde_json::from_str(line).unwrap();
    let texts = case["modules"].as_object().unwrap().iter();
    let texts = texts.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()));
    let sources = Sources {
        modules: texts.collect::<BTreeMap<_, _>>(),
        data: case["data"].as_object().cloned().unwrap_or_default(),
    };
    let load = |engine| {
        let settings = Settings {
            entrypoint: case["entrypoint"].as_str().unwrap().to_owned(),
            version: match case["rego"].as_str() {
                Some("v0") => Version::V0,
                _ => Version::V1,
            },
            timeout: Duration::from_secs(5),
            builtin_errors: match case["builtin_errors"].as_str() {
                Some("undefined") => BuiltinErrors::Undefined,
                _ => BuiltinErrors::Refuse,
            },
            engine,
        };
        Policy::load(sources.clone(), &settings).ok()
    };
    let (vm, interpreter) = (load(EngineChoice::Auto), load(EngineChoice::Interpreter));
    assert_eq!(vm.is_some(), interpreter.is_some(), "{case}");
    let Some((vm, interpreter)) = vm.zip(interpreter) else {
        return false;
    };
    let has_with = sources.modules.values().any(|text| text.contains("with"));
    if let Some(note) = vm.interpreted() {
        assert!(has_with, "{note}: {case}");
    }
    let (one, other) = (
        vm.evaluate(&case["input"]),
        interpreter.evaluate(&case["input"]),
    );
    if vm.is_pure() {
        match (one, other) {
            (Ok(one), Ok(other)) => assert_eq!(one, other, "{case}"),
            (Err(_), Err(_)) => {}
            // OPA stops at the first solution in the same places as the VM, and at fewer than the interpreter.
            (Ok(_), Err(_)) => assert!(case["expect"].get("error").is_none(), "{case}"),
            (Err(error), Ok(_)) => assert!(
                case["expect"].get("error").is_some() || case["builtin_errors"] != "undefined",
                "{error} {case}"
            ),
        }
    }
    true
}

/// A program with one rule, which has these bodies.
fn program(kind: RuleType, bodies: &[&[Instruction]]) -> Program {
    let mut program = Program::new();
    let call = Instruction::CallRule {
        dest: 0,
        rule_index: 0,
    };
    program.add_instruction(call, None);
    program.add_instruction(Instruction::Return { value: 0 }, None);
    let mut starts = Vec::new();
    for body in bodies {
        starts.push(vec![u32::try_from(program.instructions.len()).unwrap()]);
        let begin = Instruction::RuleInit {
            result_reg: 0,
            rule_index: 0,
        };
        let whole = std::iter::once(&begin).chain(*body);
        for instruction in whole.chain([&Instruction::RuleReturn {}]) {
            program.add_instruction(*instruction, None);
        }
    }
    let rule = RuleInfo::new("rule".to_owned(), kind, Arc::new(starts), 0, 4);
    program.rule_infos.push(rule);
    program.dispatch_window_size = 2;
    program
}

fn run(program: Program) -> Result<RegoValue, String> {
    let mut vm = RegoVM::new();
    vm.load_program(Arc::new(program));
    vm.set_strict_builtin_errors(false);
    vm.set_data(RegoValue::new_object()).unwrap();
    vm.set_input(RegoValue::new_object());
    vm.execute().map_err(|e| e.to_string())
}

const MISSING: Instruction = Instruction::LoadInput { dest: 1 };
const PART: Instruction = Instruction::Index {
    dest: 2,
    container: 1,
    key: 1,
};

#[test]
fn a_guard_ends_a_body_whose_value_is_undefined() {
    let guard = Instruction::Guard {
        register: 2,
        mode: GuardMode::NotUndefined,
    };
    let end = Instruction::LoadTrue { dest: 0 };
    let goes_on = program(RuleType::Complete, &[&[MISSING, PART, end]]);
    assert_eq!(run(goes_on), Ok(RegoValue::Bool(true)));
    let guarded = program(RuleType::Complete, &[&[MISSING, PART, guard, end]]);
    assert_eq!(run(guarded), Ok(RegoValue::Undefined));
}

#[test]
fn nothing_undefined_is_added_to_a_set() {
    let add = Instruction::SetAdd { set: 0, value: 2 };
    let set = program(RuleType::PartialSet, &[&[MISSING, PART, add]]);
    assert_eq!(run(set), Ok(RegoValue::new_set()));
}

#[test]
fn two_values_of_a_rule_are_no_error() {
    let truth = |value| [Instruction::LoadBool { dest: 0, value }];
    let two = program(RuleType::Complete, &[&truth(true), &truth(false)]);
    assert_eq!(run(two), Ok(RegoValue::Undefined));
}

#[test]
fn a_limit_ends_the_program_and_no_rule_takes_it_for_undefined() {
    let mut limited = program(
        RuleType::Complete,
        &[&[
            Instruction::BuiltinCall { params_index: 0 },
            Instruction::LoadTrue { dest: 0 },
        ]],
    );
    limited.add_builtin_info(BuiltinInfo {
        name: "limited".to_owned(),
        num_args: 0,
    });
    limited.add_builtin_call_params(BuiltinCallParams {
        dest: 1,
        builtin_index: 0,
        num_args: 0,
        args: [0; 8],
    });
    let mut absorbed = limited.clone();
    limited.resolved_builtins.push((
        |_, _, _, _| Err(LimitError::MemoryLimitExceeded { usage: 0, limit: 0 }.into()),
        0,
    ));
    assert!(run(limited).unwrap_err().contains("limit"));
    // Any other error is undefined.
    absorbed
        .resolved_builtins
        .push((|_, _, _, _| Err(std::io::Error::other("x").into()), 0));
    assert_eq!(run(absorbed), Ok(RegoValue::Bool(true)));
}
