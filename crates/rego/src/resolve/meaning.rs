//! What a name means where it is used.

use super::{frame::Frame, scope::Scope, tree::Local};
use crate::{diagnostic::Code, parse::tree::Name, source::Span};

/// What a name means.
pub(super) enum Meaning {
    Local(Local),
    Document(Vec<String>),
}

impl Scope<'_> {
    /// The path of the document that a name stands for, where no variable has it.
    pub(super) fn document(&self, name: &str) -> Option<Vec<String>> {
        let is_hidden = self.hidden.iter().any(|hidden| hidden == name);
        self.file.document(name).filter(|_| !is_hidden)
    }

    pub(super) fn is_local(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.knows(name))
    }

    /// What a name means at the place where it is used.
    pub(super) fn meaning(&mut self, name: &str, span: Span) -> Meaning {
        let mut is_early = false;
        let mut is_passed_on = false;
        let mut found = None;
        // OPA reads a query in the head without the names of the body and of the arguments.
        let is_early_here = |frame: &Frame| frame.later.contains(name);
        let around_head = self.around_head.unwrap_or_default();
        for (at, frame) in self.frames.iter().enumerate().rev() {
            if at < around_head && self.frames.last().is_some_and(is_early_here) {
                break;
            }
            if frame.passed_on.contains_key(name) {
                is_passed_on = true;
                break;
            }
            if let Some(local) = frame.declared.get(name) {
                found = Some(*local);
                break;
            }
            if frame.later.contains(name) {
                // Above its declaration, a name means the declaration of an outer query.
                is_early = true;
                if frame.is_negated {
                    break;
                }
            } else if !is_early && let Some(local) = frame.plain.get(name) {
                found = Some(*local);
                break;
            }
        }
        if let Some(local) = found {
            if let Some(variable) = self.variables.get_mut(local) {
                variable.is_used = true;
                if variable.span == Span::default() {
                    variable.span = span;
                }
            }
            return Meaning::Local(local);
        }
        if is_early {
            let message = format!("`{name}` is used before it is declared");
            self.fault(Code::Variable, span, message, "declare it above");
        } else if !is_passed_on && let Some(path) = self.document(name) {
            return Meaning::Document(path);
        } else if self.hidden.iter().any(|hidden| hidden == name) {
            self.collection_uses(name, span);
        }
        let at = Name {
            text: name.to_owned(),
            span,
        };
        let local = self.variable(&at, false, self.frames.len().saturating_sub(1));
        if let Some(frame) = self.frames.last_mut() {
            frame.plain.insert(name.to_owned(), local);
        }
        Meaning::Local(local)
    }

    /// The variable of this name that the innermost query declares.
    pub(super) fn meaning_of_declared(&self, name: &str) -> Option<Local> {
        self.frames.last()?.declared.get(name).copied()
    }

    /// Whether a variable of this name has a declaration above, or belongs to a query around.
    pub(super) fn is_known_above(&self, name: &str) -> bool {
        self.frames.iter().rev().enumerate().any(|(depth, frame)| {
            frame.has_declared(name) || (depth > 0 && frame.plain.contains_key(name))
        })
    }

    /// Whether a name means a variable here. This does not count as a use.
    pub(super) fn is_variable(&self, name: &str) -> bool {
        self.is_local(name)
    }
}
