//! Finds expressions in a fastgeoapi policy that may mean something else than the author expects. It reads the syntax
//! tree.

mod path;

use regorus::unstable::{Expr, Module, Rule, RuleHead, Span};

use crate::{LoadError, plan::syntax::parse, run::engine::on_large_stack, source::Version};

/// A finding: its place and its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The kind.
    pub kind: Kind,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rego v0: `import input`, a body without `if`, or a member of a set without `contains`.
    OldRego,
    /// A comparison of `input.request_path` with a path that does not begin with the context. It is never true.
    MissingContext,
    /// A default that lets everybody in.
    AllowByDefault,
}

/// Analyses a policy. `context` is the first segment of the path under which fastgeoapi was served, such as `geoapi`,
/// if it had one.
///
/// # Errors
/// If the text is Rego of neither version; with the name of the file and the line.
///
/// ```
/// use geowarden_rego::migrate::{Kind, findings};
///
/// let text = "package httpapi.authz\n\ndefault allow = true\n";
/// let found = findings("auth.rego", text, Some("geoapi")).unwrap();
/// assert!(found.iter().any(|found| found.kind == Kind::AllowByDefault && found.line == 3));
/// ```
pub fn findings(name: &str, text: &str, context: Option<&str>) -> Result<Vec<Finding>, LoadError> {
    let (name, text, context) = (name.to_owned(), text.to_owned(), context.map(str::to_owned));
    on_large_stack(move || {
        let (module, is_old) = match parse(&name, &text, Version::V1) {
            Ok(parsed) => (parsed.module, false),
            Err(_) => (parse(&name, &text, Version::V0)?.module, true),
        };
        let mut all = Vec::new();
        if is_old {
            old_rego(&module, &text, &mut all);
        }
        allowed_by_default(&module, &mut all);
        if let Some(first) = &context {
            path::never_true(&module, first, &mut all);
        }
        all.sort_by_key(|finding| finding.line);
        all.dedup();
        Ok(all)
    })
}

/// `import input`, bodies without `if`, and sets without `contains`.
fn old_rego(module: &Module, text: &str, all: &mut Vec<Finding>) {
    let mut note = |span: &Span| all.push(finding(span, Kind::OldRego));
    for import in &module.imports {
        if matches!(import.refr.as_ref(), Expr::Var { span, .. } if span.text() == "input") {
            note(&import.span);
        }
    }
    for rule in &module.policy {
        let Rule::Spec { span, head, bodies } = rule.as_ref() else {
            continue;
        };
        let has_body = bodies.iter().find(|body| !body.query.stmts.is_empty());
        let is_without_if = has_body.is_some_and(|body| {
            let before = text.get(span.start as usize..body.query.span.start as usize);
            before.is_some_and(|before| !has_word(before, "if"))
        });
        let is_without_contains =
            matches!(head, RuleHead::Set { span, .. } if !has_word(span.text(), "contains"));
        if is_without_if || is_without_contains {
            note(span);
        }
    }
}

/// Whether a word stands in the text, outside of comments.
fn has_word(text: &str, word: &str) -> bool {
    text.lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .any(|found| found == word)
}

fn allowed_by_default(module: &Module, all: &mut Vec<Finding>) {
    for rule in &module.policy {
        if let Rule::Default {
            span, refr, value, ..
        } = rule.as_ref()
            && refr.span().text() == "allow"
            && matches!(value.as_ref(), Expr::Bool { value, .. } if value == &true.into())
        {
            all.push(finding(span, Kind::AllowByDefault));
        }
    }
}

fn finding(span: &Span, kind: Kind) -> Finding {
    Finding {
        line: span.line as usize,
        kind,
    }
}

#[cfg(test)]
mod tests;
