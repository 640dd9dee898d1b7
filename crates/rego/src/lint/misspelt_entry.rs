//! Finds rules that nothing uses, with almost the name of the entrypoint.

use std::collections::BTreeSet;

use super::{Findings, shape::Rules};
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    resolve::{File, tree::Rule},
};

pub(super) fn check(
    file: &File,
    entry: &[String],
    rules: &Rules<'_>,
    reached: &BTreeSet<*const Rule>,
    findings: &mut Findings<'_>,
) {
    let Some((name, package)) = entry.split_last() else {
        return;
    };
    // Without any rule there, the policy does not load, with the same suggestion.
    if file.path_of_package() != package || rules.at(entry).is_empty() {
        return;
    }
    for rule in &file.rules {
        let Some(own) = rule.path.first() else {
            continue;
        };
        let is_used = reached.contains(&std::ptr::from_ref(rule));
        let like = nearest(own, [name.as_str()]);
        if is_used || rule.arguments.is_some() || like.is_none() {
            continue;
        }
        findings.add(Diagnostic {
            code: Code::Entrypoint,
            span: rule.span,
            message: format!("nothing uses `{own}`, and the entrypoint is `{name}`"),
            cure: Some("give it the name of the entrypoint, or use it there".to_owned()),
            suggestion: like,
            ..Diagnostic::default()
        });
    }
}
