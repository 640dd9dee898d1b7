//! Translates a resolved policy to the few forms of [`crate::core`], with the meaning that OPA's compiler and
//! evaluation give it. It orders statements so that each variable has its value. It moves calls and references in front
//! of a negation. It takes patterns apart, and iterates over collections only.

mod attempt;
mod builtins;
mod condition;
mod keys;
pub(crate) mod made;
mod negation;
mod objects;
mod order;
mod rule;
mod search;
mod unify;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    arrange::Places,
    core::{Module, Statement, Step, Term},
    diagnostic::Diagnostic,
    resolve::{
        File,
        tree::{Local, Variable},
    },
    source::Span,
};

/// The files of a policy in the forms of the core.
pub(crate) struct Lowered {
    /// The author's files, and one with generated rules.
    pub modules: Vec<Module>,
    /// The place of the requested document in the engine.
    pub entry: Option<Vec<String>>,
}

/// The document that is asked for.
pub(crate) struct Entry {
    /// Its path, `data` first.
    pub path: Vec<String>,
    /// Whether the data has such a document.
    pub is_of_data: bool,
}

/// Lowers all files of a policy, and a rule for the document `entry`.
pub(crate) fn lower(
    files: &[File],
    places: &Places,
    entry: Option<Entry>,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut modules = Vec::new();
    let collections = keys::collections(files);
    let agreeing = keys::agreeing(files, places);
    for file in files {
        let mut rules = Vec::new();
        for rule in &file.rules {
            let agrees = agreeing.contains(&places.author_of(&file.path(rule)));
            match rule::lower(rule, file, places, &collections, agrees) {
                Ok(lowered) => rules.push(lowered),
                Err(fault) => diagnostics.push(Diagnostic {
                    file: file.name.clone(),
                    ..*fault
                }),
            }
        }
        modules.push(Module {
            name: file.name.clone(),
            package: file.package.clone(),
            rules,
        });
    }
    let mut made = made::MadeRules::new(places, &collections);
    let entry = entry.map(|entry| made.entry(entry, files)).transpose();
    let entry = entry.and_then(|entry| {
        modules.extend(made.file(files)?);
        Ok(entry)
    });
    match entry {
        Ok(entry) if diagnostics.is_empty() => Ok(Lowered { modules, entry }),
        Ok(_) => Err(diagnostics),
        Err(fault) => {
            diagnostics.push(*fault);
            Err(diagnostics)
        }
    }
}

/// Why an expression cannot be lowered here.
enum Unready {
    /// A variable has no value yet; `None` is `_`.
    Unsafe(Option<Local>),
    /// It cannot be lowered at all.
    Never(Box<Diagnostic>),
}

type Ready<T> = Result<T, Unready>;

/// Whether variables may get values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// They may.
    ToBind,
    /// Only in calls, which OPA moves out of a negation.
    BesideCalls,
    /// They may not.
    Only,
}

/// The statements of one query, while they are made.
#[derive(Clone)]
struct Lower<'a> {
    variables: &'a [Variable],
    /// The names of all variables, including generated ones.
    names: Vec<String>,
    /// The variables that have a value.
    known: Vec<bool>,
    /// The variables that were given a value, in this order.
    given: Vec<Local>,
    /// Variables that equal another one, or a constant.
    aliases: BTreeMap<Local, Term>,
    statements: Vec<Statement>,
    with: Vec<(Term, Term)>,
    span: Span,
    /// How many functions and queries surround this one. A query only gives values to its own variables.
    depth: usize,
    /// How many queries surround this one in the core.
    queries: usize,
    looks: Looks,
    /// Whether a default is lowered, which has a constant value and no statements.
    is_default: bool,
    file: &'a File,
    places: &'a Places,
    /// The full paths of rules that are collections.
    collections: &'a BTreeSet<Vec<String>>,
}

/// Whether a term could be read as a pattern: an array or object that contains a variable.
fn is_like_a_pattern(term: &Term) -> bool {
    let has_variable = |term: &Term| matches!(term, Term::Local(_)) || is_like_a_pattern(term);
    match term {
        Term::Array(items) => items.iter().any(has_variable),
        Term::Object(pairs) => pairs
            .iter()
            .any(|(key, value)| has_variable(key) || has_variable(value)),
        _ => false,
    }
}

impl Lower<'_> {
    fn push(&mut self, step: Step) {
        let step = match step {
            // The engine would read the array or object as a pattern that sets its variables, and choose another order.
            Step::Bind(local, term) if is_like_a_pattern(&term) => {
                Step::Bind(local, Term::call("internal.same", vec![term]))
            }
            other => other,
        };
        self.statements.push(Statement {
            step,
            with: self.with.clone(),
            span: self.span,
        });
    }

    /// A generated variable.
    fn fresh(&mut self) -> Local {
        self.names.push(String::new());
        self.known.push(true);
        self.names.len() - 1
    }

    /// A term as a variable or a constant, so that it is evaluated once, here.
    fn atom(&mut self, term: Term) -> Term {
        match term {
            Term::Local(_) | Term::Scalar(_) => term,
            other => {
                let local = self.fresh();
                self.push(Step::Bind(local, other));
                Term::Local(local)
            }
        }
    }

    /// A term as a variable, so that its parts can be used.
    fn variable(&mut self, term: Term) -> Local {
        if let Term::Local(local) = term {
            return local;
        }
        let local = self.fresh();
        self.push(Step::Bind(local, term));
        local
    }

    fn is_known(&self, local: Local) -> bool {
        self.known.get(local).copied().unwrap_or_default()
    }

    /// Whether a variable has no value, and can get one here.
    fn is_open(&self, local: Local) -> bool {
        let is_own = self
            .variables
            .get(local)
            .is_some_and(|variable| variable.depth == self.depth);
        !self.is_known(local) && is_own && self.looks == Looks::ToBind
    }

    fn is_given(&mut self, local: Local) {
        if let Some(known) = self.known.get_mut(local).filter(|known| !**known) {
            *known = true;
            self.given.push(local);
        }
    }

    /// Gives a variable its value.
    fn bind(&mut self, local: Local, term: Term) {
        match term {
            Term::Local(_) | Term::Scalar(_) => {
                self.aliases.insert(local, term);
            }
            other => self.push(Step::Bind(local, other)),
        }
        self.is_given(local);
    }

    /// A variable that has its value.
    fn local(&self, local: Local) -> Ready<Term> {
        if !self.is_known(local) {
            return Err(Unready::Unsafe(Some(local)));
        }
        Ok(self
            .aliases
            .get(&local)
            .cloned()
            .unwrap_or(Term::Local(local)))
    }
}
