//! Finds what makes every request different, so that no decision is cached, and what takes long.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::{Findings, schema::Schema};
use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    plan::reach::IMPURE,
    resolve::{
        File,
        tree::{Condition, Function, Literal, LiteralKind, Local, Rule, Scalar, Value},
        uses,
    },
};

/// The largest number of elements that one body may go through for one request.
const MAX_STEPS: usize = 10_000;

pub(super) fn check(
    file: &File,
    schema: Schema<'_>,
    data: &Map<String, Json>,
    findings: &mut Findings<'_>,
) {
    for rule in &file.rules {
        uses::calls(rule, &mut |function, _, span| {
            if let Function::Builtin { name, .. } = function
                && IMPURE.contains(&name.as_str())
            {
                findings.add(Diagnostic {
                    code: Code::EveryRequest,
                    severity: Severity::Note,
                    span,
                    message: format!("`{name}` can have another value in each request: no verdict of this policy is remembered"),
                    cure: Some("leave it out where it is not needed".to_owned()),
                    ..Diagnostic::default()
                });
            }
        });
        steps(rule, data, findings);
    }
    for mention in &file.mentions {
        let Some(("input", names)) = mention
            .path
            .split_first()
            .map(|(first, names)| (first.as_str(), names))
        else {
            continue;
        };
        if let Some(differs) = differs(schema, names) {
            findings.add(Diagnostic {
                code: Code::EveryRequest,
                severity: Severity::Note,
                span: mention.span,
                message: format!("this reads `{differs}`, which hardly two requests have alike: verdicts are hardly remembered"),
                cure: Some("name the parts that the decision needs".to_owned()),
                ..Diagnostic::default()
            });
        }
    }
}

/// The path of a value that differs in each request, if reading this part reads one.
fn differs(schema: Schema<'_>, names: &[String]) -> Option<String> {
    let mut part = schema;
    let mut path = "input".to_owned();
    for name in names {
        if part.words("x-differs-at").any(|own| own == name) {
            return Some(format!("{path}[\"{name}\"]"));
        }
        part = part.at(std::slice::from_ref(name))?;
        path = format!("{path}.{name}");
        if part.is("x-differs") {
            return Some(path);
        }
    }
    part.differs(&path)
}

/// Reports a query that goes through too many elements, with the queries inside it. A collection of unknown size counts as one
/// element.
fn steps(rule: &Rule, data: &Map<String, Json>, findings: &mut Findings<'_>) {
    let mut given = BTreeSet::new();
    for argument in rule.arguments.iter().flatten() {
        uses::locals_of_value(argument, &mut |local| {
            given.insert(local);
        });
    }
    let mut way = Way {
        data,
        given,
        findings,
    };
    for body in std::iter::once(&rule.body).chain(&rule.elses) {
        let mut literals = match &body.query {
            Some(query) => query.literals.clone(),
            None => Vec::new(),
        };
        // The value is made once for each way in which the body holds.
        literals.extend(body.value.iter().map(|value| Literal {
            kind: LiteralKind::Condition(Condition::Value(value.clone())),
            with: Vec::new(),
            span: body.span,
        }));
        way.query(&literals, 1);
    }
}

/// The way of an evaluation through loops.
struct Way<'w, 'a> {
    data: &'w Map<String, Json>,
    /// The variables that have a value. A reference with another one is a loop.
    given: BTreeSet<Local>,
    findings: &'w mut Findings<'a>,
}

impl Way<'_, '_> {
    /// Follows statements that are evaluated `steps` times.
    fn query(&mut self, literals: &[Literal], mut steps: usize) {
        let before = self.given.clone();
        for literal in literals {
            // Those have a value wherever they stand in the query.
            if let LiteralKind::Condition(Condition::Unify(left, right)) = &literal.kind {
                for side in [left, right] {
                    self.given.extend(local(side));
                }
            }
        }
        for literal in literals {
            let loops = match &literal.kind {
                LiteralKind::SomeIn { collection, .. } => self.size(collection),
                _ => 1,
            };
            steps = steps.saturating_mul(loops);
            let mut references = 1_usize;
            let mut new = Vec::new();
            uses::values_of_literal(literal, &mut |value| match value {
                Value::Document { path, way } if !way.is_empty() => {
                    let size = self.elements(path, way);
                    references = references.saturating_mul(size);
                }
                Value::Local(local) => new.push(*local),
                _ => {}
            });
            steps = steps.saturating_mul(references);
            self.given.extend(new);
            let mut inside = steps;
            if let LiteralKind::Every {
                key, value, domain, ..
            } = &literal.kind
            {
                inside = inside.saturating_mul(self.size(domain));
                self.given.extend(key.iter().chain(value));
            }
            if inside > MAX_STEPS {
                self.findings.report(
                    Code::Cost,
                    literal.span,
                    format!(
                        "for one request, this goes through {inside} elements, more than {MAX_STEPS}"
                    ),
                    "make an object of the data, with what is looked for as its keys",
                );
                break;
            }
            uses::queries_of_literal(literal, &mut |inner| self.query(&inner.literals, inside));
        }
        self.given = before;
    }

    /// The number of elements of a collection.
    fn size(&self, collection: &Value) -> usize {
        match collection {
            Value::Array(items) | Value::Set(items) => items.len().max(1),
            Value::Document { path, way } => {
                let mut way = way.clone();
                way.push(Value::Wildcard);
                self.elements(path, &way)
            }
            _ => 1,
        }
    }

    /// How many elements of the data a reference goes through.
    fn elements(&self, path: &[String], way: &[Value]) -> usize {
        let is_loop = |step: &Value| match step {
            Value::Wildcard => true,
            Value::Local(local) => !self.given.contains(local),
            _ => false,
        };
        let root = (path.first().is_some_and(|first| first == "data")).then_some(self.data);
        let mut names = path.iter().skip(1);
        let first = root.and_then(|data| data.get(names.next()?));
        let Some(value) =
            first.and_then(|first| names.try_fold(first, |value, name| value.get(name)))
        else {
            return 1;
        };
        let mut all = vec![value];
        for step in way {
            all = match step {
                Value::Scalar(Scalar::String(name)) => {
                    all.iter().filter_map(|value| value.get(name)).collect()
                }
                step => {
                    // A key with one value leads to one element: the first stands for it.
                    let most = if is_loop(step) { usize::MAX } else { 1 };
                    all.iter()
                        .flat_map(|value| inside(value).take(most))
                        .collect()
                }
            };
        }
        if way.iter().any(is_loop) {
            all.len().max(1)
        } else {
            1
        }
    }
}

/// The variable that a value is.
fn local(value: &Value) -> Option<Local> {
    match value {
        Value::Local(local) => Some(*local),
        _ => None,
    }
}

/// The elements of an array, or the values of an object.
fn inside(value: &Json) -> Box<dyn Iterator<Item = &Json> + '_> {
    match value {
        Json::Array(items) => Box::new(items.iter()),
        Json::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}
