//! Classifies terms and statements of the core language.

use std::collections::BTreeSet;

use regorus::Value;

use crate::{
    core::{Step, Term},
    explain::{
        notes::{Meaning, RuleNote, StepNote},
        words::{KnownValues, is_transparent},
    },
    resolve::tree::{Collection, Local, Scalar},
    run::term::to_json,
};

/// The variables that a statement gives values to, in the order of the recorded element.
pub(super) fn elements(step: &Step) -> Vec<Local> {
    match step {
        Step::Each(key, value, _) => key.iter().chain(value).copied().collect(),
        _ => Vec::new(),
    }
}

/// The value of a term that is constant or already known.
pub(super) fn constant(term: &Term, known: &KnownValues) -> Option<Value> {
    match term {
        Term::Scalar(Scalar::Null) => Some(Value::Null),
        Term::Scalar(Scalar::Bool(truth)) => Some(Value::Bool(*truth)),
        Term::Scalar(Scalar::String(text)) => Some(Value::from(text.as_str())),
        Term::Scalar(Scalar::Number(text)) => Value::from_json_str(text).ok(),
        Term::Local(_) | Term::Document(..) | Term::Inside(..) => known.get(term).cloned(),
        Term::Array(items) => {
            let items: Option<Vec<Value>> = items.iter().map(|one| constant(one, known)).collect();
            items.map(Value::from)
        }
        Term::Set(items) => {
            let items: Option<BTreeSet<Value>> =
                items.iter().map(|one| constant(one, known)).collect();
            items.map(Value::from)
        }
        _ => None,
    }
}

pub(super) fn is_value(term: &Term) -> bool {
    matches!(
        term,
        Term::Scalar(_) | Term::Array(_) | Term::Set(_) | Term::Object(_)
    )
}

/// Whether a variable only stands for a constant.
pub(super) fn is_constant(rule: &RuleNote, local: Local) -> bool {
    match rule.meanings.get(&local) {
        Some(Meaning::Value(term)) => {
            let is_own = rule.names.get(local).is_some_and(|name| !name.is_empty());
            !is_own && is_value(term)
        }
        _ => false,
    }
}

/// Whether a term has one value, whatever the request and the data.
pub(super) fn is_fixed(term: &Term, rule: &RuleNote) -> bool {
    let all = |terms: &[Term]| terms.iter().all(|term| is_fixed(term, rule));
    match term {
        Term::Scalar(_) => true,
        Term::Array(items) | Term::Set(items) => all(items),
        Term::Object(pairs) => pairs
            .iter()
            .all(|(key, value)| is_fixed(key, rule) && is_fixed(value, rule)),
        Term::Infix(_, operands) => is_fixed(&operands.0, rule) && is_fixed(&operands.1, rule),
        Term::Call(function, arguments) => !is_policy_function(function) && all(arguments),
        Term::Local(local) | Term::Inside(local, _) => match rule.meanings.get(local) {
            Some(Meaning::Value(term) | Meaning::Element(_, term) | Meaning::Key(term)) => {
                is_fixed(term, rule)
            }
            None => false,
        },
        Term::Document(..) | Term::Comprehension(..) => false,
    }
}

pub(super) fn is_policy_function(function: &Term) -> bool {
    matches!(function, Term::Document(path, _) if path.first().is_some_and(|first| first == "data"))
}

/// Whether a statement is the end of a translated negation: it checks that a search found nothing.
pub(super) fn is_nothing_found(step: &StepNote, rule: &RuleNote) -> bool {
    let Step::Same(Term::Local(found), Term::Array(items)) = &step.step else {
        return false;
    };
    let is_own = rule.names.get(*found).is_some_and(|name| !name.is_empty());
    let is_search = matches!(
        rule.meanings.get(found),
        Some(Meaning::Value(Term::Comprehension(Collection::Array, ..)))
    );
    items.is_empty() && !is_own && is_search
}

/// The documents and functions that a statement names.
pub(super) fn uses<'t>(
    step: &'t Step,
    places: &mut Vec<&'t [String]>,
    functions: &mut Vec<&'t [String]>,
) {
    match step {
        Step::Bind(_, term)
        | Step::Test(term)
        | Step::Each(_, _, term)
        | Step::Every(_, _, term, _) => {
            of_term(term, places, functions);
        }
        Step::Same(left, right) | Step::Member(left, right) => {
            of_term(left, places, functions);
            of_term(right, places, functions);
        }
        Step::Not(inner) => uses(inner, places, functions),
    }
}

pub(super) fn of_term<'t>(
    term: &'t Term,
    places: &mut Vec<&'t [String]>,
    functions: &mut Vec<&'t [String]>,
) {
    match term {
        Term::Document(path, way) => {
            if path.first().is_some_and(|first| first == "data") {
                places.push(path);
            }
            for key in way {
                of_term(key, places, functions);
            }
        }
        Term::Inside(_, way) | Term::Array(way) | Term::Set(way) => {
            for key in way {
                of_term(key, places, functions);
            }
        }
        Term::Call(function, arguments) => {
            if let Term::Document(path, _) = function.as_ref()
                && path.first().is_some_and(|first| first == "data")
            {
                functions.push(path);
            }
            for argument in arguments {
                of_term(argument, places, functions);
            }
        }
        Term::Infix(_, operands) => {
            of_term(&operands.0, places, functions);
            of_term(&operands.1, places, functions);
        }
        Term::Object(pairs) => {
            for (key, value) in pairs {
                of_term(key, places, functions);
                of_term(value, places, functions);
            }
        }
        Term::Scalar(_) | Term::Local(_) | Term::Comprehension(..) => {}
    }
}

/// The path of the part of `input` that a term stands for.
pub(super) fn path_of_input(
    term: &Term,
    rule: &RuleNote,
    known: &KnownValues,
) -> Option<Vec<serde_json::Value>> {
    let (mut path, way): (Vec<serde_json::Value>, &[Term]) = match term {
        Term::Document(path, way) if path.first().is_some_and(|first| first == "input") => {
            let names = path.iter().skip(1);
            (names.map(|name| name.as_str().into()).collect(), way)
        }
        Term::Call(function, arguments) if is_transparent(function) && arguments.len() == 1 => {
            return path_of_input(arguments.first()?, rule, known);
        }
        Term::Local(local) | Term::Inside(local, _) => {
            let mut path = match rule.meanings.get(local)? {
                Meaning::Value(term) => path_of_input(term, rule, known)?,
                Meaning::Element(Some(key), over) => {
                    let mut path = path_of_input(over, rule, known)?;
                    path.push(to_json(known.locals.get(key)?).ok()?);
                    path
                }
                _ => return None,
            };
            let way = match term {
                Term::Inside(_, way) => way.as_slice(),
                _ => &[],
            };
            for key in way {
                path.push(to_json(&constant(key, known)?).ok()?);
            }
            return Some(path);
        }
        _ => return None,
    };
    for key in way {
        path.push(to_json(&constant(key, known)?).ok()?);
    }
    Some(path)
}
