//! The member of a set, or the key of an object, that a condition asks for. The other members say nothing about the condition.

use std::collections::BTreeSet;

use regorus::Value;

use super::{
    ExplanationBuilder,
    terms::{constant, elements},
};
use crate::{
    core::{Step, Term},
    explain::{
        frames::{Leaf, Position},
        words::KnownValues,
    },
};

impl ExplanationBuilder<'_> {
    /// The member or key of the rules of these frames that a statement asks for. `None` if no body gave it or failed to give it: then
    /// what the bodies gave says more.
    pub(super) fn sought(&self, visit: usize, frames: &[usize]) -> Option<Value> {
        let at = self.frames.visits.get(visit)?;
        let step = self.notes.steps.get(at.step)?;
        let rule = self.rule_of(*frames.first()?)?;
        if rule.is_function {
            return None;
        }
        let known = self.values_at(Some(visit), at.frame);
        let inner = match &step.step {
            Step::Not(inner) => inner,
            step => step,
        };
        let sought = match inner {
            Step::Member(member, Term::Document(path, way))
                if rule.is_set && *path == rule.place && way.is_empty() =>
            {
                constant(member, &known)?
            }
            inner => {
                let whole = match inner {
                    Step::Bind(_, term) | Step::Test(term) | Step::Each(_, _, term) => Some(term),
                    _ => None,
                };
                let mut terms = whole.into_iter().chain(&step.operands);
                terms.find_map(|term| key_below(term, &rule.place, &known))?
            }
        };
        self.is_known(frames, &sought).then_some(sought)
    }

    /// Whether a body gave this member or key, or failed to give it.
    pub(super) fn is_known(&self, frames: &[usize], sought: &Value) -> bool {
        frames.iter().any(|frame| {
            self.leaf_of(*frame, sought).is_some() || self.misses_member(*frame, sought)
        })
    }

    /// The member or key where a body can say something of it. What other bodies gave is told as it is.
    pub(super) fn sought_of<'v>(
        &self,
        frame: usize,
        sought: Option<&'v Value>,
    ) -> Option<&'v Value> {
        sought.filter(|sought| self.is_made_frame(frame) || self.is_known(&[frame], sought))
    }

    /// Whether a body gave a value, and this member or key if there is one.
    pub(super) fn holds_for(&self, frame: usize, sought: Option<&Value>) -> bool {
        match sought {
            Some(sought) if !self.is_made_frame(frame) => self.leaf_of(frame, sought).is_some(),
            _ => self.holds(frame),
        }
    }

    fn is_made_frame(&self, frame: usize) -> bool {
        let frame = self.frames.frames.get(frame);
        frame.is_some_and(|frame| {
            let block = self.notes.blocks.get(frame.block);
            let rule = block.and_then(|block| self.notes.rules.get(block.rule));
            rule.is_some_and(|rule| self.is_made(frame.block, rule))
        })
    }

    /// What a body gave under this member or key.
    pub(super) fn leaf_of(&self, frame: usize, sought: &Value) -> Option<&Leaf> {
        let leaves = &self.frames.frames.get(frame)?.leaves;
        leaves.iter().find(|(values, _)| {
            // An object has a key before its value.
            values.first() == Some(sought)
        })
    }

    fn misses_member(&self, frame: usize, sought: &Value) -> bool {
        let visits = self.frames.frames.get(frame).map(|frame| &frame.visits);
        let mut visits = visits.into_iter().flatten();
        visits.any(|visit| self.is_about(*visit, sought))
    }

    /// Whether a statement was evaluated for the member or key `sought` of its rule.
    pub(super) fn is_about(&self, visit: usize, sought: &Value) -> bool {
        let Some(at) = self.frames.visits.get(visit) else {
            return false;
        };
        let frame = self.frames.frames.get(at.frame);
        let block = frame.and_then(|frame| self.notes.blocks.get(frame.block));
        let Some(head) = block.and_then(|block| block.gives.first()) else {
            return false;
        };
        let known = self.values_at(Some(visit), at.frame);
        constant(head, &known).as_ref() == Some(sought)
    }

    /// How many texts of the elements that led to a statement are also in the request: the caller's own element has most.
    pub(super) fn shared(&self, visit: usize) -> usize {
        let path = self.frames.path(Position {
            visit,
            element: None,
        });
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for at in path {
            let Some(visit) = self.frames.visits.get(at.visit) else {
                continue;
            };
            let is_loop = self
                .notes
                .steps
                .get(visit.step)
                .is_some_and(|step| !elements(&step.step).is_empty());
            let element = at.element.filter(|_| is_loop);
            let element = element.and_then(|element| visit.elements.get(element));
            for value in element.into_iter().flatten() {
                each_text(value, 2, &mut |text| {
                    found.extend(self.texts_of_input.get(text).copied());
                });
            }
        }
        found.len()
    }
}

/// The key with which a reference goes into the rules at a place.
fn key_below(term: &Term, place: &[String], known: &KnownValues) -> Option<Value> {
    let Term::Document(path, way) = term else {
        return None;
    };
    let rest = path.strip_prefix(place)?;
    match rest.first() {
        Some(name) => Some(Value::from(name.as_str())),
        None => constant(way.first()?, known),
    }
}

/// The texts in a value, down to this depth.
pub(super) fn each_text<'v>(value: &'v Value, depth: usize, found: &mut dyn FnMut(&'v str)) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Value::String(text) if !text.is_empty() => found(text),
        Value::Array(items) => items.iter().for_each(|one| each_text(one, depth, found)),
        Value::Set(items) => items.iter().for_each(|one| each_text(one, depth, found)),
        Value::Object(fields) => fields.values().for_each(|one| each_text(one, depth, found)),
        _ => {}
    }
}
