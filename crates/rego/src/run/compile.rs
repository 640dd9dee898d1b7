//! Compiles the core to a program for regorus's register VM, without text in between.
//!
//! The VM has other faults than the interpreter, so this stage only uses instructions in forms that are exact:
//!
//! | the VM | so |
//! |---|---|
//! | goes on with undefined values | a guard follows each value that a later statement uses |
//! | drops the rule if an instruction has an error | operators that can fail are calls of built-ins, whose errors refuse the request |
//! | ends the outer iteration if a condition of a comprehension is false | comprehensions, `every` and most negations are functions of their own |
//! | does not try an `else` if a loop before it finds nothing | a guard follows the loops |
//! | makes a rule undefined if it has two values | the values are collected in a set, and a built-in refuses more than one |
//!
//! Whatever has no such form has no program. The interpreter evaluates that policy.

mod assembler;
mod body;
mod closure;
mod constant;
mod documents;
mod lookup;
mod query;
mod term;

use std::collections::{BTreeMap, VecDeque};

use regorus::rvm::Program;

use self::{
    assembler::Assembler,
    documents::{Document, documents},
};
use crate::{
    BuiltinErrors,
    core::{Module, Rule, Statement, Step, Term},
    plan::rules::{NoProgram, NoProgramKind},
    resolve::tree::{Collection, Local},
    source::Span,
};

/// The largest number of arguments of one call in the VM. More are passed as an array.
const MAX_ARGUMENTS: usize = 8;

/// A program, and the place of each instruction in the author's files.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) places: Vec<Place>,
}

/// Where the instructions from `start` on come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Compiled {
    /// `file:line` of an instruction.
    pub(crate) fn place(&self, instruction: usize) -> Option<String> {
        let before = self
            .places
            .partition_point(|place| place.start <= instruction);
        let place = self.places.get(before.checked_sub(1)?)?;
        Some(format!("{}:{}", place.file, place.line))
    }
}

/// Compiles rules, each with the file that it is in. `entry` is the path of the document to evaluate, `data` first.
pub(crate) fn compile<'a>(
    rules: impl Iterator<Item = (&'a Module, &'a Rule)>,
    entry: &[String],
    errors: BuiltinErrors,
) -> Result<Compiled, NoProgram> {
    let mut compiler = Compiler {
        documents: documents(rules),
        numbers: BTreeMap::new(),
        groups: BTreeMap::new(),
        work: VecDeque::new(),
        assembler: Assembler::new(errors),
        file: "",
        span: Span::default(),
    };
    compiler.entry(entry)?;
    while let Some((number, work)) = compiler.work.pop_front() {
        match work {
            Work::Document(path) => compiler.document(number, &path)?,
            Work::Definition(module, rule) => compiler.definition(number, module, rule)?,
            Work::Pairs(path) => compiler.pairs(number, &path)?,
            Work::Closure(closure) => compiler.closure(number, &closure)?,
            Work::Group(module, path) => compiler.group(number, module, &path)?,
        }
    }
    compiler.assembler.finish()
}

/// A rule of the program that still has to be compiled.
enum Work<'a> {
    /// The value of all rules with a path.
    Document(Vec<String>),
    /// The value of one definition.
    Definition(&'a Module, &'a Rule),
    /// The pairs of keys and values of an object.
    Pairs(Vec<String>),
    /// A part of a body.
    Closure(Closure<'a>),
    /// All documents below a path, as one object.
    Group(&'a Module, Vec<String>),
}

struct Compiler<'a> {
    documents: BTreeMap<Vec<String>, Document<'a>>,
    /// The numbers of the documents that the program has.
    numbers: BTreeMap<Vec<String>, u16>,
    /// The numbers of groups of documents, by the path above them.
    groups: BTreeMap<Vec<String>, u16>,
    work: VecDeque<(u16, Work<'a>)>,
    assembler: Assembler,
    file: &'a str,
    span: Span,
}

/// The register of a rule's result.
const RESULT: u8 = 0;

/// A body, while it is compiled. A later register never holds what an earlier statement needs.
struct Body<'c, 'a> {
    compiler: &'c mut Compiler<'a>,
    module: &'a Module,
    locals: BTreeMap<Local, u8>,
    /// Whether it is the body of a function of the policy.
    is_function: bool,
    next: u8,
    used: u8,
}

/// What a body does with each solution of its statements.
enum Ending<'a> {
    /// The value of the rule.
    Value(&'a Term),
    /// A member of the rule's set.
    Member(&'a Term),
    /// A key and a value of the rule's object.
    Pair(&'a Term, &'a Term),
    /// The rule is true.
    Holds,
    /// An element of a comprehension.
    Element(Collection, &'a Term, Option<&'a Term>),
}

/// A part of a body.
struct Closure<'a> {
    module: &'a Module,
    span: Span,
    captured: Vec<Local>,
    what: What<'a>,
}

/// What a closure evaluates.
enum What<'a> {
    /// True if the statement holds.
    Step(&'a Step),
    /// True if the statements hold.
    Query(&'a [Statement]),
    /// The value of a comprehension.
    Collection {
        collection: Collection,
        first: &'a Term,
        second: Option<&'a Term>,
        statements: &'a [Statement],
    },
    /// True if the statements do not hold for an element of the last argument.
    Counterexample {
        key: Option<Local>,
        value: Option<Local>,
        body: &'a [Statement],
    },
    /// What is below a path, first by the last argument and then by other keys.
    Lookup { path: Vec<String>, rest: &'a [Term] },
}

impl<'a> Compiler<'a> {
    /// The number that a rule of the program will have.
    fn later(&mut self, work: Work<'a>) -> u16 {
        let number = self.assembler.reserve();
        self.work.push_back((number, work));
        number
    }

    /// The number of a document.
    fn number(&mut self, path: &[String]) -> u16 {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = self.later(Work::Document(path.to_vec()));
        self.numbers.insert(path.to_vec(), number);
        number
    }

    fn none(&self, what: impl Into<String>) -> NoProgram {
        NoProgram {
            file: self.file.to_owned(),
            span: self.span,
            what: what.into(),
            kind: NoProgramKind::Form,
        }
    }
}
