//! Finds data of another shape than a condition asks for, and parts of it behind variables that no data file has.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{
    Findings,
    documents::{below_data, missing, no_data},
    effects::Effects,
    schema::Schema,
    shape::{Locals, Rules, Shape},
};
use crate::{
    diagnostic::Code,
    resolve::{
        File,
        tree::{Condition, Literal, LiteralKind, Local, Rule, Scalar, Value},
        uses,
    },
};

pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    data: &Map<String, Json>,
    effects: &Effects,
    findings: &mut Findings<'_>,
) {
    for rule in &file.rules {
        let own = OfRule {
            locals: Locals::of(rule, rules, schema),
            paths: paths(rule, rules),
            rules,
            schema,
            data,
        };
        uses::literals(rule, &mut |literal| {
            if literal.with.is_empty() {
                own.literal(literal, effects, findings);
            }
        });
    }
}

/// The paths below `data` that variables stand for.
fn paths(rule: &Rule, rules: &Rules<'_>) -> BTreeMap<Local, Vec<String>> {
    let mut found = BTreeMap::new();
    // Two rounds, because authors may use a variable above the line that assigns it.
    for _ in 0..2 {
        uses::literals(rule, &mut |literal| {
            let LiteralKind::Condition(Condition::Unify(left, right)) = &literal.kind else {
                return;
            };
            for (one, other) in [(left, right), (right, left)] {
                if let Value::Local(local) = one
                    && literal.with.is_empty()
                    && let Some(path) = path(other, &found, rules)
                {
                    found.entry(*local).or_insert(path);
                }
            }
        });
    }
    found
}

/// The path below `data` of a value that no rule makes.
fn path(
    value: &Value,
    known: &BTreeMap<Local, Vec<String>>,
    rules: &Rules<'_>,
) -> Option<Vec<String>> {
    let (mut names, way) = match value {
        Value::Document { path, way } => {
            let (first, names) = path.split_first()?;
            if first != "data" || names.is_empty() || rules.is_touched_by(path) {
                return None;
            }
            (names.to_vec(), way.as_slice())
        }
        Value::Local(local) => (known.get(local)?.clone(), [].as_slice()),
        Value::Inside(head, way) => (path(head, known, rules)?, way.as_slice()),
        _ => return None,
    };
    for key in way {
        let Value::Scalar(Scalar::String(name)) = key else {
            return None;
        };
        names.push(name.clone());
    }
    (!rules.is_touched_by(&below_data(&names))).then_some(names)
}

struct OfRule<'r, 'a> {
    locals: Locals<'a>,
    paths: BTreeMap<Local, Vec<String>>,
    rules: &'r Rules<'a>,
    schema: Schema<'a>,
    data: &'r Map<String, Json>,
}

impl OfRule<'_, '_> {
    fn literal(&self, literal: &Literal, effects: &Effects, findings: &mut Findings<'_>) {
        // The data is there, so nothing is undefined.
        let effect = effects.at_false(literal.span);
        if let LiteralKind::SomeIn { collection, .. }
        | LiteralKind::Every {
            domain: collection, ..
        } = &literal.kind
        {
            self.elements(None, collection, effect, literal, findings);
        }
        uses::values_of_literal(literal, &mut |value| match value {
            Value::In {
                key: None,
                operands,
            } => {
                self.elements(Some(&operands.0), &operands.1, effect, literal, findings);
            }
            Value::Document { path, way } if path.len() > 1 => {
                if let Some((key, _)) = way.split_first() {
                    let head = Value::Document {
                        path: path.clone(),
                        way: Vec::new(),
                    };
                    self.key(&head, key, effects.at(literal.span), literal, findings);
                }
            }
            Value::Inside(head, way) => {
                self.missing(value, effects.at(literal.span), literal, findings);
                if let Some((key, _)) = way.split_first() {
                    self.key(head, key, effects.at(literal.span), literal, findings);
                }
            }
            _ => {}
        });
    }

    /// What the data has at the path of a value.
    fn found(&self, value: &Value) -> Option<(String, &Json)> {
        let names = path(value, &self.paths, self.rules)?;
        let (first, rest) = names.split_first()?;
        let root = self.data.get(first)?;
        let found = rest.iter().try_fold(root, |value, name| value.get(name))?;
        Some((format!("data.{}", names.join(".")), found))
    }

    /// The types of a value, by their names in JSON Schema. Empty if they are not known.
    fn kinds(&self, value: &Value) -> Vec<&str> {
        match self.locals.shape(value, self.rules, self.schema) {
            Some(Shape::Part(part)) => part.schema.kinds(),
            _ => Vec::new(),
        }
    }

    /// A search among the elements of data.
    fn elements(
        &self,
        sought: Option<&Value>,
        collection: &Value,
        effect: &str,
        literal: &Literal,
        findings: &mut Findings<'_>,
    ) {
        let Some((path, found)) = self.found(collection) else {
            return;
        };
        let kinds = sought.map_or_else(Vec::new, |sought| self.kinds(sought));
        let can_be = |element: &Json| {
            kinds.is_empty()
                || kinds.contains(&kind(element))
                || element.is_number() && kinds.contains(&"integer")
        };
        let is_switch = |element: &Json| element.is_boolean() || element.is_null();
        let (what, cure) = match found {
            Json::Array(items) if items.is_empty() || items.iter().any(can_be) => return,
            Json::Array(_) => (
                format!(
                    "none of the elements of `{path}` is of the type {}",
                    kinds.join(" or ")
                ),
                "correct the list in the data".to_owned(),
            ),
            Json::Object(members) => {
                let is_by_key = !members.is_empty()
                    && sought.is_some()
                    && (members.values().all(is_switch) || !members.values().any(can_be));
                if !is_by_key {
                    return;
                }
                (
                    format!(
                        "`{path}` is an object, of which `in` compares the values and not the keys"
                    ),
                    format!("write `{path}[..]` to look for a key, or make it a list"),
                )
            }
            other => (
                format!(
                    "`{path}` is of the type {}, which has no elements",
                    kind(other)
                ),
                "make it a list".to_owned(),
            ),
        };
        findings.report(Code::Data, literal.span, format!("{what}, {effect}"), &cure);
    }

    /// A key of data.
    fn key(
        &self,
        head: &Value,
        key: &Value,
        effect: &str,
        literal: &Literal,
        findings: &mut Findings<'_>,
    ) {
        let Some((path, Json::Array(_))) = self.found(head) else {
            return;
        };
        let is_text =
            matches!(key, Value::Scalar(Scalar::String(_))) || self.kinds(key) == ["string"];
        if is_text {
            findings.report(
                Code::Data,
                literal.span,
                format!("`{path}` is a list, whose keys are numbers and no texts, {effect}"),
                &format!("write `.. in {path}` to look for an element"),
            );
        }
    }

    /// A part behind a variable that the data does not have.
    fn missing(&self, value: &Value, effect: &str, literal: &Literal, findings: &mut Findings<'_>) {
        let Some(names) = path(value, &self.paths, self.rules) else {
            return;
        };
        // A head that is missing has a finding of its own.
        let Value::Inside(head, _) = value else {
            return;
        };
        if self.found(head).is_none_or(|(_, head)| !head.is_object()) {
            return;
        }
        if let Some(at) = missing(&names, self.rules, self.data) {
            findings.add(no_data(
                &names,
                at,
                literal.span,
                (self.rules, self.data),
                effect,
            ));
        }
    }
}

/// The type of a value, by its name in JSON Schema.
fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}
