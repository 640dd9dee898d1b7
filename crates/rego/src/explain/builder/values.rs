//! The values that statements saw, under the names that the author wrote.

use regorus::Value;

use super::{
    ExplanationBuilder, add, seen,
    terms::{
        constant, elements, is_constant, is_fixed, is_nothing_found, is_policy_function, is_value,
        path_of_input,
    },
};
use crate::{
    core::{self, Step, Term},
    diagnostic::nearest,
    explain::{
        explanation::{Missing, Seen},
        frames::{Position, Visit},
        notes::{BlockOf, RuleNote, StepNote},
        words::{KnownValues, Words, is_shape_test, is_transparent, shown},
    },
};

impl ExplanationBuilder<'_> {
    /// The variables of a query that have a value at a statement.
    pub(super) fn values_at(&self, visit: Option<usize>, frame: usize) -> KnownValues {
        let mut known = KnownValues::default();
        let values = &mut known.locals;
        if let Some(frame) = self.frames.frames.get(frame)
            && let Some(block) = self.notes.blocks.get(frame.block)
        {
            values.extend(
                block
                    .arguments
                    .iter()
                    .copied()
                    .zip(frame.arguments.iter().cloned()),
            );
            if block.of != BlockOf::Body
                && let Some(parent) = frame.parent
                && let Some(outer) = self.frames.visits.get(parent)
            {
                values.extend(self.values_at(Some(parent), outer.frame).locals);
            }
        }
        let Some(visit) = visit else {
            return known;
        };
        for at in self.frames.path(Position {
            visit,
            element: None,
        }) {
            let Some(visit) = self.frames.visits.get(at.visit) else {
                continue;
            };
            let Some(step) = self.notes.steps.get(visit.step) else {
                continue;
            };
            values.extend(
                step.locals
                    .iter()
                    .copied()
                    .zip(visit.locals.iter().cloned()),
            );
            if let (Step::Bind(local, _), Some(outcome)) = (&step.step, &visit.outcome)
                && let Some(value) = &outcome.value
            {
                values.insert(*local, value.clone());
            }
            if let Some(element) = at.element.and_then(|element| visit.elements.get(element)) {
                values.extend(
                    elements(&step.step)
                        .into_iter()
                        .zip(element.iter().cloned()),
                );
            }
        }
        if let Some(last) = self.frames.visits.get(visit)
            && let Some(outcome) = &last.outcome
            && let Some(step) = self.notes.steps.get(last.step)
        {
            let terms = step.operands.iter().zip(&outcome.operands);
            let defined = terms.filter_map(|(term, value)| Some((term.clone(), value.clone()?)));
            known.terms = defined.collect();
        }
        known
    }

    pub(super) fn words<'w>(&'w self, rule: &'w RuleNote, known: &'w KnownValues) -> Words<'w> {
        Words {
            notes: self.notes,
            places: self.places,
            rule,
            known,
        }
    }

    /// The values that a step saw.
    pub(super) fn values(
        &self,
        visit: &Visit,
        step: &StepNote,
        rule: &RuleNote,
        known: &KnownValues,
        values: &mut Vec<Seen>,
    ) {
        let words = self.words(rule, known);
        let is_replaced = self
            .frames
            .context(self.number(visit), self.notes)
            .is_some();
        for local in &step.locals {
            let text = words.text(&Term::Local(*local));
            if !is_constant(rule, *local) && !is_nothing_found(step, rule) {
                let (term, value) = (Term::Local(*local), known.locals.get(local));
                let mut one = seen(text, value);
                if is_replaced {
                    one.is_replaced = self.is_other(&term, value, rule, known);
                } else {
                    one.path = path_of_input(&term, rule, known);
                }
                add(values, one);
            }
        }
        let Some(outcome) = &visit.outcome else {
            // The evaluation failed here, but the values from the request are known.
            for term in &step.operands {
                if let Some(value) = self.given(term, rule, known).filter(|_| !is_replaced) {
                    add(
                        values,
                        self.reference(term, Some(&value), rule, known, false),
                    );
                }
            }
            return;
        };
        let mut is_looked_at = true;
        for (term, value) in step.operands.iter().zip(&outcome.operands) {
            if is_looked_at && !self.is_about_made(term) {
                add(
                    values,
                    self.reference(term, value.as_ref(), rule, known, is_replaced),
                );
            }
            is_looked_at &= value.is_some();
        }
        match &step.step {
            Step::Bind(_, Term::Comprehension(..)) => {}
            Step::Bind(_, Term::Call(function, _)) if is_transparent(function) => {}
            Step::Bind(_, term) if is_value(term) && is_fixed(term, rule) => {}
            Step::Bind(local, term) if !self.is_about_made(term) => {
                let value = outcome.value.as_ref();
                if words.name(*local).is_some() && value.is_some() {
                    add(values, seen(words.text(&Term::Local(*local)), value));
                } else {
                    add(
                        values,
                        self.reference(term, value, rule, known, is_replaced),
                    );
                }
            }
            _ => {}
        }
        let tested = match &step.step {
            Step::Not(inner) => inner,
            step => step,
        };
        if let Step::Test(term) = tested {
            let value = outcome.value.as_ref();
            self.tested(term, value, rule, known, is_replaced, values);
        }
    }

    /// The value of the condition itself, if it says more than the values in it.
    pub(super) fn tested(
        &self,
        term: &Term,
        value: Option<&Value>,
        rule: &RuleNote,
        known: &KnownValues,
        is_replaced: bool,
        values: &mut Vec<Seen>,
    ) {
        match term {
            Term::Document(..) | Term::Inside(..) if !self.is_about_made(term) => {
                add(
                    values,
                    self.reference(term, value, rule, known, is_replaced),
                );
            }
            Term::Call(function, _) if is_shape_test(function) => {}
            Term::Call(function, _) if is_policy_function(function) || value.is_none() => {
                add(values, seen(self.words(rule, known).text(term), value));
            }
            _ => {}
        }
    }

    /// The value of a part of `input`.
    pub(super) fn given(&self, term: &Term, rule: &RuleNote, known: &KnownValues) -> Option<Value> {
        let mut value = self.input;
        for key in path_of_input(term, rule, known)? {
            value = &value[&Value::from(key)];
        }
        (*value != Value::Undefined).then(|| value.clone())
    }

    pub(super) fn number(&self, visit: &Visit) -> usize {
        let frame = self.frames.frames.get(visit.frame);
        let visits = frame
            .map(|frame| frame.visits.as_slice())
            .unwrap_or_default();
        let same = |number: &&usize| {
            self.frames
                .visits
                .get(**number)
                .is_some_and(|other| std::ptr::eq(other, visit))
        };
        visits.iter().find(same).copied().unwrap_or_default()
    }

    pub(super) fn is_about_made(&self, term: &Term) -> bool {
        matches!(term, Term::Document(path, _)
            if self.places.written(path).iter().any(|name| self.places.is_made(name)))
    }

    /// A reference with its value, or with the part that is missing.
    pub(super) fn reference(
        &self,
        term: &Term,
        value: Option<&Value>,
        rule: &RuleNote,
        known: &KnownValues,
        is_replaced: bool,
    ) -> Seen {
        let mut one = seen(self.words(rule, known).text(term), value);
        if is_replaced {
            one.is_replaced = self.is_other(term, value, rule, known);
            return one;
        }
        one.path = path_of_input(term, rule, known);
        if value.is_none() {
            one.missing = self.missing(term, known);
        }
        one
    }

    /// Whether a part of the request or of the data has another value there than at this place.
    fn is_other(
        &self,
        term: &Term,
        value: Option<&Value>,
        rule: &RuleNote,
        known: &KnownValues,
    ) -> bool {
        let there = if path_of_input(term, rule, known).is_some() {
            // A test has no request of its own.
            if *self.input == Value::Undefined {
                return false;
            }
            self.given(term, rule, known)
        } else if let Some((_, root, keys)) = self.way_into(term, known) {
            let mut there = root;
            for key in &keys {
                there = &there[key];
            }
            (*there != Value::Undefined).then(|| there.clone())
        } else {
            return false;
        };
        there.as_ref() != value
    }

    /// Where a reference begins, in the request or in the data, and the keys from there. `None` if it leads to a rule.
    fn way_into<'t>(
        &self,
        term: &'t Term,
        known: &KnownValues,
    ) -> Option<(&'t String, &Value, Vec<Value>)> {
        let Term::Document(path, way) = term else {
            return None;
        };
        let (first, names) = path.split_first()?;
        let root =
            match first.as_str() {
                "input" => self.input,
                "data"
                    if !self.notes.rules.iter().any(|rule| {
                        path.starts_with(&rule.place) || rule.place.starts_with(path)
                    }) =>
                {
                    self.data
                }
                _ => return None,
            };
        let names = names.iter().map(|name| Some(Value::from(name.as_str())));
        let keys = way.iter().map(|key| constant(key, known));
        Some((first, root, names.chain(keys).collect::<Option<_>>()?))
    }

    /// The part that is missing in an undefined reference. `None` if the reference leads to a rule.
    pub(super) fn missing(&self, term: &Term, known: &KnownValues) -> Option<Missing> {
        let (first, mut value, keys) = self.way_into(term, known)?;
        let mut at = first.clone();
        for key in keys {
            let next = &value[&key];
            if *next == Value::Undefined {
                let name = match &key {
                    Value::String(name) => name.to_string(),
                    other => shown(other),
                };
                let suggestion = match value {
                    Value::Object(fields) => {
                        let names: Vec<String> = fields
                            .keys()
                            .filter_map(|key| match key {
                                Value::String(name) => Some(name.to_string()),
                                _ => None,
                            })
                            .collect();
                        nearest(&name, names.iter().map(String::as_str))
                    }
                    _ => None,
                };
                return Some(Missing {
                    at,
                    key: name,
                    suggestion,
                });
            }
            match &key {
                Value::String(name) => {
                    at = core::path(&[at, name.to_string()]);
                }
                other => at = format!("{at}[{}]", shown(other)),
            }
            value = next;
        }
        None
    }
}
