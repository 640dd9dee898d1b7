//! The variables of a rule. Each gets a number where it is declared. A variable without a declaration belongs to the
//! outermost query that names it.

use super::{
    Mention, direct,
    frame::Frame,
    names::OfFile,
    tree::{Local, Variable},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    parse::tree::{Expr, Name, Query},
    source::Span,
};

/// A variable, while its rule is being resolved.
pub(super) struct ScopeVariable {
    name: String,
    pub(super) span: Span,
    /// Declared by `some` or `every`, so it must be used.
    by_some: bool,
    pub(super) is_used: bool,
    /// How many functions and queries surround the query of this variable.
    depth: usize,
}

/// Where a variable belongs.
enum Owner {
    /// To a query around.
    Around,
    /// To the query that uses it.
    User,
}

/// The state while one rule is resolved.
pub(super) struct Scope<'a> {
    pub(super) file: &'a OfFile<'a>,
    name: &'a str,
    pub(super) variables: Vec<ScopeVariable>,
    pub(super) frames: Vec<Frame>,
    /// How many frames are around the queries in the head of the rule, while the head is resolved.
    pub(super) around_head: Option<usize>,
    /// Names of documents that stand for none, while the collection of an `every` is resolved.
    pub(super) hidden: Vec<String>,
    /// The documents that `with` replaces.
    pub(super) replaced: Vec<Vec<String>>,
    /// The variables of each `some .. in` whose collection is being resolved, with the number of queries around it.
    searched: Vec<(Vec<Name>, usize)>,
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
    mentions: &'a mut Vec<Mention>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        file: &'a OfFile<'a>,
        name: &'a str,
        diagnostics: &'a mut Vec<Diagnostic>,
        mentions: &'a mut Vec<Mention>,
    ) -> Self {
        Self {
            file,
            name,
            variables: Vec::new(),
            frames: Vec::new(),
            around_head: None,
            hidden: Vec::new(),
            replaced: Vec::new(),
            searched: Vec::new(),
            diagnostics,
            mentions,
        }
    }

    /// Records that the rule names a part of a document.
    pub(super) fn mention(&mut self, path: &[String], places: Vec<Span>, span: Span) {
        self.mentions.push(Mention {
            path: path.to_vec(),
            places,
            span,
        });
    }

    pub(super) fn fault(&mut self, code: Code, span: Span, message: String, cure: &str) {
        self.report(Diagnostic {
            code,
            span,
            message,
            cure: (!cure.is_empty()).then(|| cure.to_owned()),
            ..Diagnostic::default()
        });
    }

    pub(super) fn report(&mut self, mut diagnostic: Diagnostic) {
        self.name.clone_into(&mut diagnostic.file);
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// The variables of the rule. Reports those that are declared with `some` but never used.
    pub(super) fn into_locals(self) -> Vec<Variable> {
        for variable in &self.variables {
            if variable.by_some && !variable.is_used {
                let diagnostic = Diagnostic {
                    code: Code::Unused,
                    file: self.name.to_owned(),
                    span: variable.span,
                    message: format!(
                        "the variable `{}` is declared and nothing uses it",
                        variable.name
                    ),
                    cure: Some("remove it, or write `_`".to_owned()),
                    ..Diagnostic::default()
                };
                if !self.diagnostics.contains(&diagnostic) {
                    self.diagnostics.push(diagnostic);
                }
            }
        }
        let owned = self.variables.into_iter();
        owned
            .map(|variable| Variable {
                name: variable.name,
                depth: variable.depth,
            })
            .collect()
    }

    pub(super) fn variable(&mut self, name: &Name, by_some: bool, depth: usize) -> Local {
        self.variables.push(ScopeVariable {
            depth,
            name: name.text.clone(),
            span: name.span,
            by_some,
            is_used: false,
        });
        self.variables.len() - 1
    }

    /// Enters a function. Its arguments are known in all its bodies.
    pub(super) fn enter_arguments(&mut self, arguments: &[Expr]) {
        let mut frame = Frame {
            is_of_query_inside: true,
            ..Frame::default()
        };
        let mut names = Vec::new();
        for argument in arguments {
            direct::of_pattern(argument, &mut |name| names.push(name));
        }
        for name in names {
            self.check_name(&name);
            // A name that occurs twice stands for two values that must be equal.
            let depth = self.frames.len();
            let at = name.clone();
            let local = frame.declared.entry(name.text);
            local.or_insert_with(|| self.variable(&at, false, depth));
        }
        self.frames.push(frame);
    }

    /// Enters a query, together with the values that are evaluated if the query holds.
    pub(super) fn enter(&mut self, query: Option<&Query>, values: &[&Expr]) {
        let (mut frame, names) = Frame::of_query(query, values);
        let faults: Vec<Name> = names
            .iter()
            .filter_map(|name| self.name_of_search(name, &frame))
            .collect();
        for name in faults {
            self.collection_uses(&name.text, name.span);
        }
        for name in names {
            // If an outer query declares the name further below, the name has no value here yet.
            let is_known = frame.later.contains(&name)
                || match self.owner(&name) {
                    Some(Owner::Around) => true,
                    Some(Owner::User) => false,
                    None => self.document(&name).is_some(),
                };
            if !is_known {
                let at = Name {
                    text: name.clone(),
                    span: Span::default(),
                };
                let local = self.variable(&at, false, self.frames.len());
                frame.plain.insert(name, local);
            }
        }
        self.frames.push(frame);
    }

    /// Reports that a collection names the variable for its elements, which has no value there.
    pub(super) fn collection_uses(&mut self, name: &str, span: Span) {
        let message = format!("the collection uses `{name}`, the variable for its elements");
        self.fault(Code::Unsafe, span, message, "give one of them another name");
    }

    /// Begins to resolve the collection of a `some .. in`, which declares these.
    pub(super) fn begin_search(&mut self, names: &[Name]) {
        self.searched.push((names.to_vec(), self.frames.len()));
    }

    pub(super) fn end_search(&mut self) {
        self.searched.pop();
    }

    /// The variable of a `some .. in` for which a query inside of its collection has a name.
    ///
    /// OPA does not declare such a variable: the name is then that of a rule, of a query around, or one without a value.
    fn name_of_search(&self, name: &str, entered: &Frame) -> Option<Name> {
        let (found, around) = self.searched.iter().rev().find_map(|(names, around)| {
            let found = names.iter().find(|found| found.text == name)?;
            Some((found, *around))
        })?;
        let has = |frame: &Frame| frame.declared.contains_key(name) || frame.later.contains(name);
        let inside = self.frames.iter().skip(around);
        let is_of_collection = inside.chain([entered]).any(has);
        let outer = self.frames.iter().take(around);
        let has_meaning = || {
            self.document(name).is_some()
                || outer.clone().any(|frame| {
                    frame.declared.contains_key(name) || frame.plain.contains_key(name)
                })
        };
        (!is_of_collection || has_meaning()).then(|| found.clone())
    }

    /// Enters the query of a `not { .. }`.
    pub(super) fn enter_negated(&mut self, query: &Query) {
        self.enter(Some(query), &[]);
        if let Some(frame) = self.frames.last_mut() {
            frame.is_negated = true;
        }
    }

    /// Enters the body of an `every`, which declares the key and the value.
    pub(super) fn enter_every(
        &mut self,
        query: &Query,
        own: [Option<&Name>; 2],
    ) -> [Option<Local>; 2] {
        let mut frame = Frame {
            is_of_query_inside: true,
            ..Frame::default()
        };
        let locals = own.map(|name| {
            name.map(|name| {
                self.check_name(name);
                let local = self.variable(name, true, self.frames.len());
                frame.declared.insert(name.text.clone(), local);
                local
            })
        });
        self.frames.push(frame);
        self.enter(Some(query), &[]);
        locals
    }

    pub(super) fn leave(&mut self) {
        self.frames.pop();
    }

    /// Begins to resolve the values in the head of a rule, whose body was entered.
    pub(super) fn enter_head(&mut self) {
        self.around_head = Some(self.frames.len());
    }

    pub(super) fn leave_head(&mut self) {
        self.around_head = None;
    }

    /// Where a variable of this name belongs that is used in the query that is entered. Takes note of the use.
    fn owner(&mut self, name: &str) -> Option<Owner> {
        for frame in self.frames.iter().rev() {
            if frame.declared.contains_key(name) || frame.plain.contains_key(name) {
                return Some(Owner::Around);
            }
            if frame.is_negated && frame.later.contains(name) {
                return Some(Owner::Around);
            }
            if let Some(local) = frame.passed_on.get(name) {
                if let Some(variable) = self.variables.get_mut(*local) {
                    variable.is_used = true;
                }
                return Some(Owner::User);
            }
        }
        None
    }

    /// Declares a name in the innermost query.
    pub(super) fn declare(&mut self, name: &Name, by_some: bool) -> Local {
        self.check_name(name);
        let outer = self
            .frames
            .len()
            .checked_sub(2)
            .and_then(|at| self.frames.get(at));
        let is_argument = outer.is_some_and(|frame| {
            frame.is_of_query_inside && frame.declared.contains_key(&name.text)
        });
        let is_declared = self
            .frames
            .last()
            .is_some_and(|frame| frame.has_declared(&name.text));
        if is_argument || is_declared {
            let message = format!("`{}` is declared above already", name.text);
            self.fault(
                Code::Variable,
                name.span,
                message,
                "give one of them another name",
            );
        }
        let local = self.variable(name, by_some, self.frames.len().saturating_sub(1));
        if let Some(frame) = self.frames.last_mut() {
            frame.declare(name, local, by_some);
        }
        local
    }

    fn check_name(&mut self, name: &Name) {
        if name.text == "input" || name.text == "data" {
            let message = format!(
                "a variable is called `{0}`, which hides the document `{0}`",
                name.text
            );
            self.fault(Code::Variable, name.span, message, "give it another name");
        }
    }
}
