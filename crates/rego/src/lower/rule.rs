//! Lowers rules.

use std::collections::{BTreeMap, BTreeSet};

use super::{Looks, Lower, Ready, Unready};
use crate::{
    arrange::Places,
    core::{self, Statement, Step, Term},
    diagnostic::Diagnostic,
    resolve::{
        File,
        tree::{Body, Local, Rule, Scalar, Value},
        unsafe_variable,
    },
    source::Span,
};

/// Lowers one rule. `agrees` says whether all bodies of its document have the same constant value.
pub(super) fn lower(
    rule: &Rule,
    file: &File,
    places: &Places,
    collections: &BTreeSet<Vec<String>>,
    agrees: bool,
) -> Result<core::Rule, Box<Diagnostic>> {
    let start = Lower {
        variables: &rule.locals,
        names: rule
            .locals
            .iter()
            .map(|variable| variable.name.clone())
            .collect(),
        known: vec![false; rule.locals.len()],
        given: Vec::new(),
        aliases: BTreeMap::new(),
        statements: Vec::new(),
        with: Vec::new(),
        span: rule.span,
        depth: 0,
        queries: 0,
        looks: Looks::ToBind,
        is_default: rule.is_default,
        file,
        places,
        collections,
    };
    let mut lowering = start;
    let outcome = whole(&mut lowering, rule, agrees);
    outcome.map_err(|why| match why {
        Unready::Never(why) => why,
        Unready::Unsafe(local) => Box::new(lowering.nothing_gives(local, rule.span)),
    })
}

fn whole(lower: &mut Lower<'_>, rule: &Rule, agrees: bool) -> Ready<core::Rule> {
    let mut patterns = Vec::new();
    let arguments = rule
        .arguments
        .as_ref()
        .map(|arguments| lower.arguments(arguments, &mut patterns));
    let mut bodies = Vec::new();
    let mut key = None;
    for (index, body) in std::iter::once(&rule.body).chain(&rule.elses).enumerate() {
        let of_key = rule.keys.first().filter(|_| index == 0);
        let mut inner = lower.clone();
        inner.span = body.span;
        let (made, its_key) = inner.body(body, of_key, &patterns, agrees)?;
        key = key.or(its_key);
        // Each variable has one number in the whole rule.
        lower.names = inner.names;
        lower.known.resize(lower.names.len(), true);
        bodies.push(made);
    }
    Ok(core::Rule {
        is_default: rule.is_default,
        path: rule.path.clone(),
        key,
        arguments: if rule.is_default {
            // The arguments of a default are ignored.
            arguments.map(|arguments| arguments.iter().map(|_| None).collect())
        } else {
            arguments
        },
        kind: rule.kind,
        bodies,
        locals: lower.names.clone(),
        span: rule.span,
    })
}

impl Lower<'_> {
    /// The arguments of a function. Patterns are taken apart in its bodies.
    fn arguments<'v>(
        &mut self,
        arguments: &'v [Value],
        patterns: &mut Vec<(&'v Value, Local)>,
    ) -> Vec<Option<Term>> {
        arguments
            .iter()
            .map(|argument| match argument {
                Value::Wildcard => None,
                Value::Scalar(scalar) => Some(Term::Scalar(scalar.clone())),
                Value::Local(local) if self.is_open(*local) => {
                    self.is_given(*local);
                    Some(Term::Local(*local))
                }
                pattern => {
                    let local = self.fresh();
                    patterns.push((pattern, local));
                    Some(Term::Local(local))
                }
            })
            .collect()
    }

    fn body(
        &mut self,
        body: &Body,
        key: Option<&Value>,
        patterns: &[(&Value, Local)],
        agrees: bool,
    ) -> Ready<(core::Body, Option<Term>)> {
        for (pattern, local) in patterns {
            self.matched(pattern, *local)?;
        }
        self.depth = 1;
        self.span = body.span;
        let mut values: Vec<&Value> = key.into_iter().collect();
        values.extend(body.value.as_ref());
        let mut terms = self.query(body.query.as_ref(), &values)?.into_iter();
        if body.query.is_some() && self.statements.is_empty() {
            // An `else` needs a body before it.
            self.push(Step::Test(Term::Scalar(Scalar::Bool(true))));
        }
        let key = match key {
            Some(_) => terms.next().map(|key| Term::Local(self.variable(key))),
            None => None,
        };
        let value = match terms.next() {
            Some(value) if is_constant(&value) => value,
            Some(value) => self.atom(value),
            None => Term::Scalar(Scalar::Bool(true)),
        };
        let searches = |statement: &Statement| matches!(statement.step, Step::Each(..));
        // With a constant value, the engines stop at the first solution. OPA only does so if no body has another value: the next
        // solution can have an error or a conflict.
        let value = if !agrees && self.statements.iter().any(searches) && is_constant(&value) {
            self.atom(Term::call("internal.same", vec![value]))
        } else {
            value
        };
        Ok((
            core::Body {
                value,
                statements: std::mem::take(&mut self.statements),
                span: body.span,
            },
            key,
        ))
    }

    /// Whether a variable belongs to the query that is being lowered.
    pub(super) fn is_own(&self, local: Local) -> bool {
        self.variables
            .get(local)
            .is_some_and(|variable| variable.depth >= self.depth)
    }

    /// The diagnostic for a variable that has no value here in any order of the statements.
    pub(super) fn nothing_gives(&self, local: Option<Local>, span: Span) -> Diagnostic {
        let variable = local.and_then(|local| self.variables.get(local));
        unsafe_variable(variable.map(|variable| variable.name.as_str()), span)
    }
}

/// Whether a term contains nothing to evaluate.
fn is_constant(term: &Term) -> bool {
    match term {
        Term::Scalar(_) | Term::Comprehension(..) => true,
        Term::Array(items) | Term::Set(items) => items.iter().all(is_constant),
        Term::Object(pairs) => pairs
            .iter()
            .all(|(key, value)| is_constant(key) && is_constant(value)),
        _ => false,
    }
}
