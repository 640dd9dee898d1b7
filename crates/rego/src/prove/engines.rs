//! Holds the two engines of regorus against each other, before one of them decides.
//!
//! The inputs are made of the constants of the policy: at each path that it reads, most often a value that it compares the
//! path with.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};

use crate::{
    LoadError, Policy, Reads, Settings,
    core::{Module, Statement, Step, Term},
    plan::{
        Plan,
        rules::{NoProgram, NoProgramKind},
    },
    policy::Rules,
    resolve::tree::{Local, Scalar},
    run::{builtins::fix_now, term},
};

/// The largest number of inputs.
const MAX_INPUTS: usize = 256;
/// How long the comparison may take. Each load of a policy pays for it.
const MAX_TIME: Duration = Duration::from_millis(50);
/// A time for `time.now_ns`, in nanoseconds since 1970: both engines must see the same.
const NOW: i64 = 1_767_225_600_000_000_000;

/// Compares the engines with `samples` and with inputs that are made of the policy's constants. Returns what differs.
pub(super) fn compare(
    plan: &Plan,
    settings: &Settings,
    samples: &[Value],
) -> Result<Option<NoProgram>, LoadError> {
    // A value by chance is never the same twice, but the time can be.
    if plan.reach.is_by_chance || plan.rules.is_err() {
        return Ok(None);
    }
    // An evaluation that never ends must not take the time of the whole trial.
    let settings = Settings {
        timeout: MAX_TIME,
        ..settings.clone()
    };
    let interpreter = Policy::of_interpreter(plan, &settings)?;
    let vm = Policy::compile(plan, String::new(), &settings, Rules::ByIndex)?;
    Ok(differ(&vm, &interpreter, plan, samples))
}

fn differ(vm: &Policy, interpreter: &Policy, plan: &Plan, samples: &[Value]) -> Option<NoProgram> {
    let modules = plan.rules.as_ref().ok()?.modules()?;
    let constants = Constants::of(&modules, &plan.sources.data);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let start = Instant::now();
    fix_now(Some(NOW));
    let made = (0..MAX_INPUTS).map(|_| constants.input(&plan.reach.reads, &mut random));
    let found = samples.iter().cloned().chain(made).find_map(|input| {
        if start.elapsed() > MAX_TIME {
            return None;
        }
        let (one, other) = (vm.evaluate(&input), interpreter.evaluate(&input));
        // An error refuses, and the engines stop at different solutions: one can miss an error that the other finds.
        let is_same = match (&one, &other) {
            (Ok(one), Ok(other)) => one == other,
            _ => true,
        };
        (!is_same).then_some(input)
    });
    fix_now(None);
    found.map(|input| {
        let difference = NoProgram {
            what: format!(
                "the two give different values for the input {input}, which is a fault of geowarden"
            ),
            kind: NoProgramKind::Difference,
            ..NoProgram::default()
        };
        difference.in_file(plan.sources.modules.keys().next())
    })
}

/// The constants of a policy.
#[derive(Default)]
struct Constants {
    /// By the path in `input` that they are compared with.
    compared: BTreeMap<Vec<String>, Vec<Value>>,
    /// All of them.
    all: Vec<Value>,
}

impl Constants {
    fn of(modules: &[Module], data: &Map<String, Value>) -> Self {
        let mut constants = Self::default();
        for rule in modules.iter().flat_map(|module| &module.rules) {
            for body in &rule.bodies {
                constants.statements(&body.statements, &mut BTreeMap::new());
            }
        }
        let mut names: Vec<Value> =
            vec![Value::Null, true.into(), false.into(), 0.into(), "".into()];
        for (name, value) in data {
            names.push(name.as_str().into());
            if let Value::Object(members) = value {
                let some = members.keys().take(64);
                names.extend(some.map(|name| Value::from(name.as_str())));
            }
        }
        constants.all.extend(names);
        constants
    }

    fn statements(&mut self, statements: &[Statement], paths: &mut BTreeMap<Local, Vec<String>>) {
        for statement in statements {
            self.step(&statement.step, paths);
        }
    }

    fn step(&mut self, step: &Step, paths: &mut BTreeMap<Local, Vec<String>>) {
        match step {
            Step::Bind(local, value) => {
                if let Some(path) = path_of(value, paths) {
                    paths.insert(*local, path);
                }
                self.term(value, paths);
            }
            Step::Test(value) | Step::Each(_, _, value) => self.term(value, paths),
            Step::Same(left, right) | Step::Member(left, right) => self.both(left, right, paths),
            Step::Not(step) => self.step(step, paths),
            Step::Every(_, _, domain, body) => {
                self.term(domain, paths);
                self.statements(body, paths);
            }
        }
    }

    fn both(&mut self, left: &Term, right: &Term, paths: &mut BTreeMap<Local, Vec<String>>) {
        for (one, other) in [(left, right), (right, left)] {
            if let Some(path) = path_of(one, paths) {
                self.compared
                    .entry(path)
                    .or_default()
                    .extend(scalars(other));
            }
            self.term(one, paths);
        }
    }

    fn term(&mut self, term: &Term, paths: &mut BTreeMap<Local, Vec<String>>) {
        match term {
            Term::Scalar(_) => self.all.extend(scalars(term)),
            Term::Local(_) => {}
            Term::Document(_, terms)
            | Term::Inside(_, terms)
            | Term::Array(terms)
            | Term::Set(terms) => {
                for term in terms {
                    self.term(term, paths);
                }
            }
            Term::Call(_, arguments) => match arguments.as_slice() {
                [left, right] => self.both(left, right, paths),
                arguments => {
                    for argument in arguments {
                        self.term(argument, paths);
                    }
                }
            },
            Term::Infix(_, operands) => self.both(&operands.0, &operands.1, paths),
            Term::Object(pairs) => {
                for (key, value) in pairs {
                    self.term(key, paths);
                    self.term(value, paths);
                }
            }
            Term::Comprehension(_, first, second, statements) => {
                self.term(first, paths);
                if let Some(second) = second {
                    self.term(second, paths);
                }
                self.statements(statements, paths);
            }
        }
    }

    /// An input with a value at most paths that are read.
    fn input(&self, reads: &Reads, random: &mut Random) -> Value {
        self.value(reads, &mut Vec::new(), random)
            .unwrap_or_else(|| Value::Object(Map::new()))
    }

    fn value(&self, reads: &Reads, path: &mut Vec<String>, random: &mut Random) -> Option<Value> {
        if random.below(8) == 0 && !path.is_empty() {
            return None;
        }
        let Reads::Members(members) = reads else {
            let compared = self.compared.get(path).filter(|_| random.below(4) > 0);
            return Some(match (compared, random.below(6)) {
                (Some(values), _) => random.one_of(values),
                (None, 0) => (0..random.below(3))
                    .map(|_| random.one_of(&self.all))
                    .collect(),
                (None, 1) => {
                    let name = match random.one_of(&self.all) {
                        Value::String(name) => name,
                        other => other.to_string(),
                    };
                    Value::Object(Map::from_iter([(name, random.one_of(&self.all))]))
                }
                (None, _) => random.one_of(&self.all),
            });
        };
        let mut object = Map::new();
        for (name, reads) in members {
            path.push(name.clone());
            if let Some(value) = self.value(reads, path, random) {
                object.insert(name.clone(), value);
            }
            path.pop();
        }
        Some(Value::Object(object))
    }
}

/// The path in `input` that a term stands for.
fn path_of(term: &Term, paths: &BTreeMap<Local, Vec<String>>) -> Option<Vec<String>> {
    let (mut path, way) = match term {
        Term::Local(local) => return paths.get(local).cloned(),
        Term::Inside(local, way) => (paths.get(local)?.clone(), way),
        Term::Document(path, way) if path.first().is_some_and(|root| root == "input") => {
            (path.iter().skip(1).cloned().collect(), way)
        }
        _ => return None,
    };
    for key in way {
        match key {
            Term::Scalar(Scalar::String(name)) => path.push(name.clone()),
            _ => return None,
        }
    }
    Some(path)
}

/// The scalars that a constant is or has.
fn scalars(term: &Term) -> Vec<Value> {
    match term {
        Term::Scalar(scalar) => term::to_json(&term::constant(scalar)).into_iter().collect(),
        Term::Array(items) | Term::Set(items) => items.iter().flat_map(scalars).collect(),
        _ => Vec::new(),
    }
}

/// Numbers that are the same at each load, so that a fault can be repeated (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit).unwrap_or(1).max(1);
        usize::try_from(self.0 % limit).unwrap_or(0)
    }

    fn one_of(&mut self, values: &[Value]) -> Value {
        values
            .get(self.below(values.len()))
            .cloned()
            .unwrap_or(Value::Null)
    }
}
