//! Finds the unsafe variables of a rule: those to which nothing gives a value. It follows OPA's compiler, which orders the
//! expressions of a query so that each variable has a value before it is needed.

mod expand;
mod expression;
mod needed;
mod outputs;
mod query;
mod unify;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    expand::{Expander, Origin},
    expression::{Expression, VariableId},
    variables::{Sought, VariableSet},
};
use super::{
    File,
    tree::{Body, Condition, LiteralKind, Local, Rule, Value},
    uses,
};
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    parse::foreign,
    source::Span,
};

/// Reports the first unsafe variable of each rule.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    let mut siblings: BTreeMap<&[String], BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        let names = file.rules.iter().filter_map(|rule| rule.path.first());
        let package = siblings.entry(&file.package).or_default();
        package.extend(names.map(String::as_str));
    }
    for file in files {
        for rule in &file.rules {
            let bodies = std::iter::once(&rule.body).chain(&rule.elses);
            let first = bodies
                .enumerate()
                .find_map(|(index, body)| of_body(rule, body, index == 0, file.negates_undefined));
            let Some((local, span)) = first else { continue };
            let variable = local.and_then(|local| rule.locals.get(local));
            let name = variable.map(|variable| variable.name.as_str());
            let rules = siblings.get(file.package.as_slice()).into_iter().flatten();
            let mut told = unsafe_variable(name, span);
            if let Some(name) = name.filter(|name| foreign::word(name).is_none())
                && is_condition(rule, local, span)
            {
                told.cure = Some(format!(
                    "there is no rule of this name: write `{name} if {{..}}`, or the right name"
                ));
            }
            diagnostics.push(Diagnostic {
                file: file.name.clone(),
                suggestion: name.and_then(|name| meant(name, file, rule, rules.copied())),
                ..told
            });
        }
    }
}

/// Whether a statement consists of this variable, so that its author most likely meant a rule.
fn is_condition(rule: &Rule, local: Option<Local>, span: Span) -> bool {
    let mut is_it = false;
    uses::literals(rule, &mut |literal| {
        if let LiteralKind::Condition(Condition::Value(Value::Local(own)))
        | LiteralKind::Not(Condition::Value(Value::Local(own))) = &literal.kind
        {
            is_it |= literal.span == span && Some(*own) == local;
        }
    });
    is_it
}

/// The diagnostic for a variable without a value; `None` is `_`.
pub(crate) fn unsafe_variable(name: Option<&str>, span: Span) -> Diagnostic {
    let (message, cure) = match name {
        Some(name) => (
            format!("nothing gives the variable `{name}` a value here"),
            foreign::word(name).map_or_else(
                || {
                    format!(
                        "give it one outside of negations and calls, such as by `some {name} in ..`, or write `\"{name}\"` if it is a text"
                    )
                },
                str::to_owned,
            ),
        ),
        None => (
            "`_` stands for a value that nothing gives here".to_owned(),
            "look for it outside of the negation, by a variable".to_owned(),
        ),
    };
    Diagnostic {
        code: Code::Unsafe,
        span,
        message,
        cure: Some(cure),
        ..Diagnostic::default()
    }
}

/// The name that the author may have meant by a variable without a value.
fn meant<'f>(
    name: &str,
    file: &'f File,
    rule: &'f Rule,
    siblings: impl Iterator<Item = &'f str>,
) -> Option<String> {
    if foreign::word(name).is_some() {
        return None;
    }
    let locals = rule.locals.iter().map(|variable| variable.name.as_str());
    let imports = file.imports.iter().map(String::as_str);
    let names = ["input", "data"].into_iter().chain(locals).chain(imports);
    nearest(name, names.chain(siblings))
}

/// The first unsafe variable of a body, and the statement that needs it. `None` is `_`.
fn of_body(
    rule: &Rule,
    body: &Body,
    is_first: bool,
    negates_undefined: bool,
) -> Option<(Option<Local>, Span)> {
    let mut expander = Expander::new(rule.locals.len(), negates_undefined);
    let mut expressions = match &body.query {
        Some(query) => expander.query(query),
        None => Vec::new(),
    };
    let head = Origin {
        span: body.span,
        with: Vec::new(),
    };
    let mut known = VariableSet::new();
    for argument in rule.arguments.iter().flatten() {
        let argument = expander.term(argument, &head, &mut expressions);
        if argument.is_evaluated() {
            known.insert(expander.named(argument, &head, &mut expressions));
        } else {
            argument.variables(Sought::All, &mut |variable| {
                known.insert(variable);
            });
        }
    }
    let keys = rule.keys.iter().filter(|_| is_first);
    for value in keys.chain(&body.value) {
        expander.capture(value, &head, &mut expressions);
    }
    let mut found = Vec::new();
    order(&known, &expressions, &mut found);
    // The author does not know generated variables. They are unsafe where one of the author's is.
    let is_local = |variable: &VariableId| *variable < rule.locals.len();
    let is_authors = |(variable, _): &&(VariableId, Span)| {
        is_local(variable) || expander.wildcards.contains(variable)
    };
    let (variable, span) = found.iter().find(is_authors).or(found.first())?;
    Some((Some(*variable).filter(is_local), *span))
}

/// An expression of a query that is being ordered.
struct Ordered<'e> {
    expression: &'e Expression,
    /// Its variables, without those of queries inside it.
    own: Vec<VariableId>,
    /// The variables of this query that queries inside it need.
    closed_over: VariableSet,
}

impl Ordered<'_> {
    /// The variables that it gives a value, or those that it still needs.
    ///
    /// `left` is what OPA still holds of other expressions, see [`Expression::compared_outputs`].
    fn outputs(
        &self,
        safe: &VariableSet,
        left: &mut VariableSet,
    ) -> Result<VariableSet, Vec<VariableId>> {
        let outputs = self.expression.outputs(safe);
        let compared = self.expression.compared_outputs(&outputs, safe, left);
        let is_own = self.closed_over == outputs || self.closed_over == compared;
        if !self.closed_over.is_empty() && is_own {
            // Its own queries need all that it gives.
            return Err(self.closed_over.iter().copied().collect());
        }
        let needed = self.own.iter().chain(&self.closed_over);
        let missing = needed.filter(|one| !outputs.contains(one) && !safe.contains(one));
        let missing: Vec<VariableId> = missing.copied().collect();
        if missing.is_empty() {
            Ok(outputs)
        } else {
            Err(missing)
        }
    }
}

/// Orders the expressions of a query. Adds the variables that prevent it, each with its statement.
fn order(known: &VariableSet, query: &[Expression], found: &mut Vec<(VariableId, Span)>) {
    let own: Vec<Vec<VariableId>> = query.iter().map(Expression::own_variables).collect();
    let of_query: VariableSet = own.iter().flatten().copied().collect();
    let mut safe: VariableSet = of_query.intersection(known).copied().collect();
    let waiting = query.iter().zip(own).map(|(expression, own)| {
        let mut closed_over = expression.closed_over();
        closed_over.retain(|one| of_query.contains(one) && !known.contains(one));
        Ordered {
            expression,
            own,
            closed_over,
        }
    });
    let mut waiting: Vec<Ordered<'_>> = waiting.collect();
    let mut known = known.clone();
    let mut is_progress = true;
    let mut ordered = Vec::new();
    let mut left = VariableSet::new();
    while is_progress {
        let mut later = Vec::new();
        is_progress = false;
        for one in waiting {
            if let Ok(outputs) = one.outputs(&safe, &mut left) {
                safe.extend(outputs);
                ordered.push(one);
                is_progress = true;
            } else {
                later.push(one);
            }
        }
        waiting = later;
    }
    for one in &waiting {
        let missing = one
            .outputs(&safe, &mut left.clone())
            .err()
            .into_iter()
            .flatten();
        found.extend(missing.map(|variable| (variable, one.expression.span)));
    }
    // Queries inside an expression also know the variables of the expressions before it.
    for one in &ordered {
        one.expression.closures(&mut |closure, declared| {
            known.extend(declared);
            order(&known, closure, found);
        });
        known.extend(&one.own);
    }
}
