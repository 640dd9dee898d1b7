//! Finds what makes every request different, so that no decision is cached.

use super::{Findings, schema::Schema};
use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    plan::reach::IMPURE,
    resolve::{File, tree::Function, uses},
};

pub(super) fn check(file: &File, schema: Schema<'_>, findings: &mut Findings<'_>) {
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
