//! Finds parts of `input` that are not in the schema, and data that is in no file.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::{
    Findings,
    effects::Effects,
    schema::{Member, Schema},
    shape::{Locals, Rules, Shape},
};
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    resolve::{
        File, Mention,
        tree::{Function, Replacement, Rule, Scalar, Target, Value},
        uses,
    },
    source::Span,
};

/// What comes of a name that `with` replaces.
const NOT_READ: &str = "so what is put there stands for no request";

pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    data: &Map<String, Json>,
    effects: &Effects,
    findings: &mut Findings<'_>,
) {
    for mention in &file.mentions {
        match mention.path.split_first() {
            Some((first, names)) if first == "input" => {
                input(mention, names, schema, effects.at(mention.span), findings);
            }
            Some((_, names)) if !names.is_empty() && !rules.is_touched_by(&mention.path) => {
                if let Some(missing) = missing(names, rules, data) {
                    let effect = effects.at(mention.span);
                    tell_data(mention, names, missing, (rules, data), effect, findings);
                }
            }
            _ => {}
        }
    }
    for rule in &file.rules {
        through_variables(rule, rules, schema, effects, findings);
        replaced(rule, rules, schema, findings);
    }
}

/// Finds parts of `input` that are named by a variable, such as `request := input.ogc`, or by `object.get`.
fn through_variables(
    rule: &Rule,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    effects: &Effects,
    findings: &mut Findings<'_>,
) {
    let locals = Locals::of(rule, rules, schema);
    uses::values(rule, &mut |value, span| {
        let (head, way, effect): (&Value, &[Value], _) = match value {
            Value::Inside(head, way) => (head, way, effects.at(span)),
            Value::Call(Function::Builtin { name, .. }, arguments) if name == "object.get" => {
                let [from, key, _] = arguments.as_slice() else {
                    return;
                };
                let way = match key {
                    Value::Array(keys) => keys.as_slice(),
                    key => std::slice::from_ref(key),
                };
                (from, way, "so this is always the default")
            }
            _ => return,
        };
        let Some(Shape::Part(mut part)) = locals.shape(head, rules, schema) else {
            return;
        };
        for step in way {
            let Value::Scalar(Scalar::String(name)) = step else {
                return;
            };
            match part.schema.member(name) {
                Member::Known(known) => {
                    part.path = format!("{}.{name}", part.path);
                    part.schema = known;
                }
                Member::Open => return,
                Member::None => {
                    let finding = no_member(part.schema, schema, &part.path, name, effect);
                    findings.add(Diagnostic { span, ..finding });
                    return;
                }
            }
        }
    });
}

fn input(
    mention: &Mention,
    names: &[String],
    schema: Schema<'_>,
    effect: &str,
    findings: &mut Findings<'_>,
) {
    let mut part = schema;
    let mut path = "input".to_owned();
    for (at, name) in names.iter().enumerate() {
        match part.member(name) {
            Member::Known(known) => part = known,
            Member::Open => return,
            Member::None => {
                let place = mention.places.get(at + 1).copied();
                findings.add(Diagnostic {
                    span: place.unwrap_or(mention.span),
                    ..no_member(part, schema, &path, name, effect)
                });
                return;
            }
        }
        path = format!("{path}.{name}");
    }
}

/// Finds parts of `input` that `with` replaces and the schema does not have.
fn replaced(rule: &Rule, rules: &Rules<'_>, schema: Schema<'_>, findings: &mut Findings<'_>) {
    uses::literals(rule, &mut |literal| {
        for with in &literal.with {
            let Target::Document(path) = &with.target else {
                continue;
            };
            let Some((root, names)) = path.split_first().filter(|(first, _)| *first == "input")
            else {
                continue;
            };
            let value = match &with.value {
                Replacement::Value(value) => Some(value),
                Replacement::Function(_) => None,
            };
            if let Some(found) = unknown(schema, schema, root, names, value, rules) {
                findings.add(Diagnostic {
                    span: literal.span,
                    ..found
                });
            }
        }
    });
}

/// The first name that the schema does not have, on the way below a part and then in the value that is put there.
fn unknown(
    part: Schema<'_>,
    input: Schema<'_>,
    path: &str,
    names: &[String],
    value: Option<&Value>,
    rules: &Rules<'_>,
) -> Option<Diagnostic> {
    if let Some((name, rest)) = names.split_first() {
        return match part.member(name) {
            Member::Known(known) => {
                unknown(known, input, &format!("{path}.{name}"), rest, value, rules)
            }
            Member::Open => None,
            Member::None => Some(no_member(part, input, path, name, NOT_READ)),
        };
    }
    let value = match value? {
        Value::Document { path, way } if way.is_empty() => rules.constant(path)?,
        other => other,
    };
    let Value::Object(pairs) = value else {
        return None;
    };
    pairs.iter().find_map(|(key, value)| {
        let Value::Scalar(Scalar::String(name)) = key else {
            return None;
        };
        unknown(
            part,
            input,
            path,
            std::slice::from_ref(name),
            Some(value),
            rules,
        )
    })
}

/// The finding that a part of `input` at `path` does not have a member.
fn no_member(
    part: Schema<'_>,
    input: Schema<'_>,
    path: &str,
    name: &str,
    effect: &str,
) -> Diagnostic {
    let elsewhere = || {
        let mut all = input.paths_to(name);
        (all.len() == 1).then(|| all.remove(0))
    };
    let suggestion = nearest(name, part.names())
        .map(|near| format!("{path}.{near}"))
        .or_else(elsewhere);
    let known: Vec<_> = part.names().collect();
    if part.is("x-lower-case") {
        return Diagnostic {
            code: Code::Input,
            message: format!(
                "`{path}` has no member `{name}`, {effect}: its names are in lower case"
            ),
            suggestion: Some(format!("{path}[\"{}\"]", name.to_lowercase())),
            ..Diagnostic::default()
        };
    }
    let (message, cure) = if known.is_empty() {
        let kind = part.scalar().unwrap_or("array");
        (
            format!("`{path}` has no member `{name}`: it is of the type {kind}"),
            None,
        )
    } else {
        (
            format!("`{path}` has no member `{name}`, {effect}"),
            Some(format!("it has {}", known.join(", "))),
        )
    };
    Diagnostic {
        code: Code::Input,
        message,
        cure,
        suggestion,
        ..Diagnostic::default()
    }
}

/// The position of the first name in a path that neither the data nor a package or rule has.
pub(super) fn missing(
    names: &[String],
    rules: &Rules<'_>,
    data: &Map<String, Json>,
) -> Option<usize> {
    (0..names.len()).find(|at| {
        let path = names.get(..=*at).unwrap_or(names);
        let is_in_data = path.split_last().is_some_and(|(last, above)| {
            members(data, above).is_some_and(|members| members.contains_key(last))
        });
        !is_in_data && !rules.is_touched_by(&below_data(path))
    })
}

/// The object at a path of the data.
fn members<'d>(data: &'d Map<String, Json>, path: &[String]) -> Option<&'d Map<String, Json>> {
    let mut names = path.iter();
    names.try_fold(data, |members, name| members.get(name)?.as_object())
}

pub(super) fn below_data(path: &[String]) -> Vec<String> {
    let root = std::iter::once("data".to_owned());
    root.chain(path.iter().cloned()).collect()
}

fn tell_data(
    mention: &Mention,
    names: &[String],
    missing: usize,
    around: (&Rules<'_>, &Map<String, Json>),
    effect: &str,
    findings: &mut Findings<'_>,
) {
    let place = mention.places.get(missing + 1).copied();
    let place = place.unwrap_or(mention.span);
    findings.add(no_data(names, missing, place, around, effect));
}

/// The finding that no data has the name at a position of a path.
pub(super) fn no_data(
    names: &[String],
    missing: usize,
    span: Span,
    (rules, data): (&Rules<'_>, &Map<String, Json>),
    effect: &str,
) -> Diagnostic {
    let path = format!("data.{}", names.get(..=missing).unwrap_or(names).join("."));
    let name = names.get(missing).map_or("", String::as_str);
    let above = names.get(..missing).unwrap_or_default();
    let in_data = members(data, above).into_iter().flatten();
    let in_data = in_data.map(|(name, _)| name.as_str());
    let place = below_data(above);
    let known: BTreeSet<&str> = in_data.chain(rules.names_below(&place)).collect();
    let suggestion = nearest(name, known.iter().copied()).map(|near| {
        let path = above.iter().map(String::as_str).chain([near.as_str()]);
        format!("data.{}", path.collect::<Vec<_>>().join("."))
    });
    Diagnostic {
        code: Code::Data,
        span,
        message: format!("no data file and no rule has `{path}`, {effect}"),
        cure: Some(
            "add it to a data file, or `# geowarden ignore: data` where it may be missing"
                .to_owned(),
        ),
        suggestion,
        ..Diagnostic::default()
    }
}
