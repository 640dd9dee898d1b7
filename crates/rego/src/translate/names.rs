//! The first stages: parses all files, resolves their names and looks for unsafe variables.
//!
//! A fault in one file hides none in another one. What follows from a fault is not told.

use std::collections::BTreeSet;

use super::Written;
use crate::{
    diagnostic::Diagnostic,
    parse::{parse_partly, tree::Module},
    resolve::{Builtins, File, check_safety, resolve_partly},
    source::Span,
};

/// What is known after these stages.
pub(crate) struct Names {
    /// The files, as far as they can be read.
    pub(crate) modules: Vec<(String, Module)>,
    /// The same with resolved names.
    pub(crate) files: Vec<File>,
    /// The faults of all files.
    pub(crate) faults: Vec<Diagnostic>,
    /// The files that cannot be read completely.
    pub(crate) unread: BTreeSet<String>,
    /// The rules with names that cannot be resolved, by their files.
    pub(crate) unresolved: Vec<(String, Span)>,
}

impl Names {
    pub(crate) fn of(written: Written<'_>, builtins: &dyn Builtins) -> Self {
        let mut modules = Vec::new();
        let mut faults = Vec::new();
        for (name, text) in written.texts {
            let (module, unread) = parse_partly(name, text, written.version);
            modules.push((name.clone(), module));
            faults.extend(unread);
        }
        let unread: BTreeSet<String> = faults.iter().map(|fault| fault.file.clone()).collect();
        let (files, mut more) = resolve_partly(&modules, builtins);
        let unresolved = faulty_rules(&files, &more);
        if let Err(all) = check_safety(&files) {
            more.extend(
                all.into_iter()
                    .filter(|fault| !is_inside(fault, &unresolved)),
            );
        }
        more.retain(|fault| {
            let is_unread = unread.contains(&fault.file);
            !is_unread && !unread.iter().any(|file| written.may_define(file, fault))
        });
        faults.extend(more);
        Self {
            modules,
            files,
            faults,
            unread,
            unresolved,
        }
    }
}

/// Whether a place is inside of one of these rules.
pub(crate) fn is_inside(found: &Diagnostic, rules: &[(String, Span)]) -> bool {
    rules.iter().any(|(file, rule)| {
        *file == found.file && rule.start <= found.span.start && found.span.end <= rule.end
    })
}

fn faulty_rules(files: &[File], faults: &[Diagnostic]) -> Vec<(String, Span)> {
    let all = files.iter().flat_map(|file| {
        let rules = file.rules.iter();
        rules.map(move |rule| (file.name.clone(), rule.span))
    });
    all.filter(|rule| {
        faults
            .iter()
            .any(|fault| is_inside(fault, std::slice::from_ref(rule)))
    })
    .collect()
}

impl Written<'_> {
    /// Whether a file that cannot be read may define what a fault in another one misses: it has the same word.
    fn may_define(&self, unread: &str, fault: &Diagnostic) -> bool {
        let text = |file: &str| self.texts.get(file).map_or("", String::as_str);
        let place = text(&fault.file).get(fault.span.start..fault.span.end);
        let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
        let words = |text: &'_ str| {
            let words = text.split(move |c: char| !is_of_name(c));
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        // Of a call, only its name.
        let name = place.unwrap_or_default().split('(').next();
        let missed = words(name.unwrap_or_default());
        let known: BTreeSet<String> = words(text(unread)).into_iter().collect();
        missed.last().is_none_or(|word| known.contains(word))
    }
}
