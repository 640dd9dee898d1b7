//! Finds out what would make a condition hold.

use regorus::Value;

use super::{
    ExplanationBuilder, MAX_MEMBERS,
    terms::{constant, is_fixed, is_policy_function, is_value, path_of_input},
};
use crate::{
    core::{Step, Term},
    explain::{
        explanation::{Wanted, WantedValue},
        frames::Visit,
        notes::{BlockOf, RuleNote, StepNote},
        words::{KnownValues, is_shape_test, shown},
    },
    run::term::to_json,
};

impl ExplanationBuilder<'_> {
    /// What would make a condition hold.
    pub(super) fn wanted(
        &self,
        visit: &Visit,
        step: &StepNote,
        rule: &RuleNote,
        known: &KnownValues,
    ) -> Option<Wanted> {
        let outcome = visit.outcome.as_ref()?;
        let value = |term: &Term| -> Option<Value> {
            match term {
                Term::Document(..) | Term::Inside(..) => {
                    let at = step.operands.iter().position(|other| other == term)?;
                    outcome.operands.get(at)?.clone()
                }
                other => constant(other, known),
            }
        };
        let words = self.words(rule, known);
        let is_replaced = self
            .frames
            .context(self.number(visit), self.notes)
            .is_some();
        // What is fixed cannot have another value, and what is no Rego says nothing to the author.
        let can_be_other = |term: &Term| !is_fixed(term, rule) && words.is_rego(term);
        let wants = |term: &Term, to: WantedValue, text: Vec<String>| {
            can_be_other(term).then(|| Wanted {
                name: words.text(term),
                path: path_of_input(term, rule, known).filter(|_| !is_replaced),
                to,
                text,
            })
        };
        let is_of_input = |term: &Term| path_of_input(term, rule, known).is_some();
        match &step.step {
            Step::Same(left, right) => {
                let is_left_fixed_by_right = is_value(right) || !can_be_other(right);
                let (what, other) =
                    if is_of_input(left) || !is_of_input(right) && is_left_fixed_by_right {
                        (left, right)
                    } else {
                        (right, left)
                    };
                let other = value(other)?;
                let text = vec![shown(&other)];
                wants(what, WantedValue::OneOf(vec![to_json(&other).ok()?]), text)
            }
            Step::Member(element, collection) => {
                if value(collection).is_some_and(|value| !is_collection(&value)) {
                    return None;
                }
                let is_by_collection = is_of_input(collection) && !is_of_input(element);
                if is_by_collection || !can_be_other(element) {
                    let element = value(element)?;
                    let text = vec![shown(&element)];
                    let to = WantedValue::Containing(to_json(&element).ok()?);
                    return wants(collection, to, text);
                }
                let collection = value(collection)?;
                let all: Vec<&Value> = match &collection {
                    Value::Array(items) => items.iter().collect(),
                    Value::Set(items) => items.iter().collect(),
                    Value::Object(fields) => fields.values().collect(),
                    _ => return None,
                };
                let text = all.iter().map(|value| shown(value)).collect();
                let all: Result<Vec<_>, _> = all.into_iter().map(to_json).collect();
                let all = all.ok().filter(|all| !all.is_empty())?;
                wants(element, WantedValue::OneOf(all), text)
            }
            Step::Test(term @ (Term::Document(..) | Term::Inside(..) | Term::Local(_))) => {
                wants(term, WantedValue::Truth, Vec::new())
            }
            Step::Test(term) if ordered(term).is_some() => {
                let (order, left, right) = ordered(term)?;
                let is_right = !can_be_other(left) || is_of_input(right) && !is_of_input(left);
                let (what, other, order) = if is_right {
                    (right, left, order.turned())
                } else {
                    (left, right, order)
                };
                let other = value(other)?;
                let text = vec![shown(&other)];
                wants(what, order.to(to_json(&other).ok()?), text)
            }
            Step::Bind(_, term @ (Term::Document(..) | Term::Inside(..))) => {
                wants(term, WantedValue::Defined, Vec::new())
            }
            Step::Not(inner) => match inner.as_ref() {
                Step::Test(term @ (Term::Document(..) | Term::Inside(..) | Term::Local(_))) => {
                    wants(term, WantedValue::NoTruth, Vec::new())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What the comprehensions in a condition gathered, which has no name of its own.
    pub(super) fn gathered_values(&self, visits: &[usize]) -> Option<String> {
        let visits = visits
            .iter()
            .filter_map(|visit| self.frames.visits.get(*visit));
        let frames = visits.flat_map(|visit| &visit.inner);
        let frames = frames.filter_map(|frame| self.frames.frames.get(*frame));
        let mut all: Vec<String> = Vec::new();
        for frame in frames {
            let block = self.notes.blocks.get(frame.block);
            if block.is_none_or(|block| block.of != BlockOf::Comprehension) {
                continue;
            }
            for (values, _) in &frame.leaves {
                let parts: Vec<String> = values.iter().map(shown).collect();
                let one = parts.join(": ");
                if !all.contains(&one) && all.len() <= MAX_MEMBERS {
                    all.push(one);
                }
            }
        }
        let more = if all.len() > MAX_MEMBERS { ", .." } else { "" };
        all.truncate(MAX_MEMBERS);
        (!all.is_empty()).then(|| format!("gathered: {}{more}", all.join(", ")))
    }

    /// Adds further remarks on a condition that does not hold.
    pub(super) fn remarks_of_visit(
        &self,
        visit: &Visit,
        step: &StepNote,
        rule: &RuleNote,
        known: &KnownValues,
        remarks: &mut Vec<String>,
    ) {
        let words = self.words(rule, known);
        let value = visit
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.value.as_ref());
        match &step.step {
            Step::Each(_, _, over) if value.is_some() => {
                let text = words.text(over);
                let before = visit
                    .outcome
                    .as_ref()
                    .and_then(|outcome| outcome.operands.last());
                let is_other = before
                    .and_then(Option::as_ref)
                    .is_some_and(|value| !is_collection(value));
                remarks.push(if is_other {
                    format!("`{text}` is no collection, so it has no elements")
                } else {
                    format!("`{text}` has no elements")
                });
            }
            Step::Member(element, collection) => {
                let operands = visit.outcome.iter().flat_map(|outcome| &outcome.operands);
                let mut operands = step.operands.iter().zip(operands);
                let found = operands.find(|(other, _)| *other == collection);
                let found =
                    found.map_or_else(|| constant(collection, known), |(_, value)| value.clone());
                let text = words.text(collection);
                match found {
                    Some(Value::String(_)) => remarks.push(format!(
                        "`{text}` is a string, which has no elements: `contains({text}, {})` asks for a part of it",
                        words.text(element)
                    )),
                    Some(value) if !is_collection(&value) => {
                        remarks.push(format!("`{text}` is {}, which has no elements", kind(&value)));
                    }
                    _ => {}
                }
            }
            Step::Test(Term::Call(function, _)) if is_shape_test(function) => {
                if let Step::Test(term) = &step.step {
                    remarks.push(format!("expected that {}", words.text(term)));
                }
            }
            Step::Test(term) if ordered(term).is_some() => {
                let operands = visit.outcome.iter().flat_map(|outcome| &outcome.operands);
                let operands = step.operands.iter().zip(operands);
                let given = |term: &Term| {
                    let mut operands = operands.clone();
                    let found = operands.find(|(other, _)| *other == term);
                    found.map_or_else(|| constant(term, known), |(_, value)| value.clone())
                };
                if let Some((_, left, right)) = ordered(term)
                    && let (Some(one), Some(other)) = (given(left), given(right))
                    && kind(&one) != kind(&other)
                {
                    remarks.push(format!(
                        "`{}` is {} and `{}` is {}: values of different types are ordered by their types",
                        words.text(left),
                        kind(&one),
                        words.text(right),
                        kind(&other),
                    ));
                }
            }
            Step::Test(Term::Call(function, _)) | Step::Bind(_, Term::Call(function, _))
                if is_policy_function(function)
                    && value.is_none()
                    && visit.inner.is_empty()
                    // A call is not made where one of its arguments is undefined.
                    && visit.outcome.iter().flat_map(|outcome| &outcome.operands).all(Option::is_some) =>
            {
                if let Term::Document(path, _) = function.as_ref() {
                    remarks.push(format!(
                        "no definition of `{}` takes these arguments",
                        words.path(path)
                    ));
                }
            }
            _ => {}
        }
    }
}

/// How a comparison orders its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "<" | "internal.lt" => Self::Less,
            "<=" | "internal.lte" => Self::LessOrEqual,
            ">" | "internal.gt" => Self::Greater,
            ">=" | "internal.gte" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// The same comparison, seen from its right operand.
    fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    fn to(self, value: serde_json::Value) -> WantedValue {
        match self {
            Self::Less => WantedValue::Less(value),
            Self::LessOrEqual => WantedValue::LessOrEqual(value),
            Self::Greater => WantedValue::Greater(value),
            Self::GreaterOrEqual => WantedValue::GreaterOrEqual(value),
        }
    }
}

/// The order and the operands of a comparison.
fn ordered(term: &Term) -> Option<(Order, &Term, &Term)> {
    match term {
        Term::Infix(operator, operands) => {
            Some((Order::of(operator.sign())?, &operands.0, &operands.1))
        }
        Term::Call(function, arguments) => match (function.as_ref(), arguments.as_slice()) {
            (Term::Document(path, _), [left, right]) => {
                Some((Order::of(&path.join("."))?, left, right))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The type of a value, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}

fn is_collection(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_))
}

/// Whether a condition wants less than there is, such as an empty collection.
pub(super) fn is_fewer(wanted: &Wanted) -> bool {
    let is_nothing = |value: &serde_json::Value| match value {
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::Object(members) => members.is_empty(),
        other => *other == serde_json::json!(0),
    };
    match &wanted.to {
        WantedValue::OneOf(values) => values.iter().all(is_nothing),
        WantedValue::Less(_) | WantedValue::LessOrEqual(_) | WantedValue::NoTruth => true,
        _ => false,
    }
}
