//! Finds what makes every request different, so that no decision is cached, and what takes long.

use serde_json::{Map, Value as Json};

use super::{Findings, schema::Schema};
use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    plan::reach::IMPURE,
    resolve::{
        File,
        tree::{Function, LiteralKind, Query, Value},
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
        uses::queries(rule, &mut |query| steps(query, data, findings));
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

/// Reports a query that goes through too many elements. A collection of unknown size counts as one element.
fn steps(query: &Query, data: &Map<String, Json>, findings: &mut Findings<'_>) {
    let mut steps = 1_usize;
    for literal in &query.literals {
        let LiteralKind::SomeIn { collection, .. } = &literal.kind else {
            continue;
        };
        let size = match collection {
            Value::Array(items) | Value::Set(items) => items.len(),
            Value::Document { path, way } if way.is_empty() => size(path, data).unwrap_or(1),
            _ => 1,
        };
        steps = steps.saturating_mul(size.max(1));
        if steps > MAX_STEPS {
            findings.tell(
                Code::Cost,
                literal.span,
                format!(
                    "for one request, this goes through {steps} elements, more than {MAX_STEPS}"
                ),
                "make an object of the data, with what is looked for as its keys",
            );
            return;
        }
    }
}

/// The number of elements in a part of the data.
fn size(path: &[String], data: &Map<String, Json>) -> Option<usize> {
    let mut names = path.iter().skip(1);
    let mut value = data.get(names.next()?)?;
    for name in names {
        value = value.get(name)?;
    }
    match value {
        Json::Array(items) => Some(items.len()),
        Json::Object(members) => Some(members.len()),
        _ => None,
    }
}
