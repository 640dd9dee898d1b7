//! What comes of a condition that never holds, because a part of `input` or of the data is missing.

use std::collections::{BTreeMap, BTreeSet};

use super::shape::Rules;
use crate::{
    parse::tree::Operator,
    resolve::{
        File,
        tree::{Condition, Function, Kind, Literal, LiteralKind, Rule, Scalar, Value},
        uses,
    },
    source::Span,
};

const MISSES: &str = "so this never holds";
const NEGATED: &str = "so this negation always holds: what it was to keep out is let in";
const TAKEN_OUT: &str = "so this negation never holds: its parts are evaluated before it";
const UNCLEAR: &str = "so this negation does not test what it was to test";
const DOUBLY_NEGATED: &str = "so this negation always holds, and the one around it never does";
const GATHERED: &str = "so nothing is gathered here";
const COUNTED: &str = "so nothing is gathered here, and the condition always holds: what it was to keep out is let in";
/// The longest part of a statement that a message shows, in characters.
const MAX_SHOWN: usize = 60;

/// The effects in one file.
pub(super) struct Effects(Vec<(Span, String)>);

/// The rules whose absence lets in, each with the statement that holds then.
pub(super) type LetIn = BTreeMap<*const Rule, String>;

/// Follows the entrypoint to the rules that it uses. A negation or `count(..) == 0` asks that its rules do not hold, and a
/// second one within them asks the opposite again.
pub(super) fn let_in(
    files: &[File],
    rules: &Rules<'_>,
    entry: &[String],
    texts: &BTreeMap<String, String>,
) -> LetIn {
    let mut owners: BTreeMap<*const Rule, &File> = BTreeMap::new();
    for file in files {
        owners.extend(
            file.rules
                .iter()
                .map(|rule| (std::ptr::from_ref(rule), file)),
        );
    }
    let mut found = LetIn::new();
    let mut seen = BTreeSet::new();
    // A path, and the statement that holds if its rules do not.
    let mut waiting: Vec<(Vec<String>, Option<Inverse>)> = vec![(entry.to_vec(), None)];
    let mut seen_paths = BTreeSet::new();
    while let Some((path, inverse)) = waiting.pop() {
        let manner = inverse.as_ref().map(|inverse| inverse.is_of_nothing);
        if !seen_paths.insert((path.clone(), manner)) {
            continue;
        }
        let used: Vec<&Rule> = rules.used_by(&path).collect();
        let what = inverse.and_then(|inverse| inverse.over(&used));
        for rule in used {
            let place = std::ptr::from_ref(rule);
            let Some(file) = owners.get(&place) else {
                continue;
            };
            if !seen.insert((place, what.is_some())) {
                continue;
            }
            if let Some(what) = &what {
                found.insert(place, what.effect());
            }
            let text = texts.get(&file.name).map_or("", String::as_str);
            let mut used = BTreeSet::new();
            uses::of_rule(rule, &mut |path, _| {
                used.insert(path.to_vec());
            });
            let mut doubly_negated = BTreeSet::new();
            uses::literals(rule, &mut |literal| {
                if let LiteralKind::NotQuery(query) = &literal.kind {
                    let inner = query.literals.iter().filter(|one| is_negation(one));
                    doubly_negated.extend(inner.map(|one| one.span));
                }
                if doubly_negated.contains(&literal.span) {
                    return;
                }
                for path in inverted(literal) {
                    used.remove(&path);
                    let inverse = what.is_none().then(|| {
                        let (line, file) = (literal.span.line, &file.name);
                        Inverse {
                            statement: format!(
                                "`{}` in line {line} of {file}",
                                shown(text, literal.span)
                            ),
                            is_of_nothing: matches!(literal.kind, LiteralKind::Condition(_)),
                            beside: None,
                        }
                    });
                    waiting.push((path, inverse));
                }
            });
            waiting.extend(used.into_iter().map(|path| {
                let inverse = what.clone().map(|inverse| Inverse {
                    is_of_nothing: false,
                    ..inverse
                });
                (path, inverse)
            }));
        }
    }
    found
}

/// A statement that holds if rules do not.
#[derive(Clone)]
struct Inverse {
    /// The statement and its place.
    statement: String,
    /// Whether it asks that a collection is empty.
    is_of_nothing: bool,
    /// The name of the rules of which another one can hold instead.
    beside: Option<String>,
}

impl Inverse {
    /// The same where these rules stand for what it asks. `None` if it need not hold without them: a default is always there, an
    /// `else` holds instead, and a rule for `false` keeps a negation true. The number of elements of what is undefined is undefined
    /// too.
    fn over(mut self, rules: &[&Rule]) -> Option<Self> {
        let is_false = |rule: &Rule| {
            let value = rule.body.value.as_ref();
            value.is_some_and(|value| matches!(value, Value::Scalar(Scalar::Bool(false))))
        };
        // A default of `false` is no other case.
        let cases: Vec<&Rule> = rules
            .iter()
            .copied()
            .filter(|rule| !(rule.is_default && is_false(rule)))
            .collect();
        let holds = |rule: &Rule| {
            let is_set = rule.kind == Kind::Member;
            !rule.is_default
                && rule.elses.is_empty()
                && !is_false(rule)
                && (is_set || !self.is_of_nothing)
        };
        if !cases.iter().all(|rule| holds(rule)) {
            return None;
        }
        if let [rule, _, ..] = cases.as_slice() {
            self.beside.get_or_insert_with(|| rule.path.join("."));
        }
        Some(self)
    }

    /// What comes of a rule that never holds.
    fn effect(&self) -> String {
        let what = &self.statement;
        let when = match &self.beside {
            None => "always does".to_owned(),
            Some(name) => format!("does wherever no other rule of `{name}` holds"),
        };
        format!("{MISSES}, and {what} {when}: what it was to keep out is let in")
    }
}

/// The paths whose absence makes a statement hold.
fn inverted(literal: &Literal) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    let condition = match &literal.kind {
        LiteralKind::Not(condition) => condition,
        LiteralKind::NotQuery(query) => {
            // A negation in a negation asks for what is there.
            for literal in query.literals.iter().filter(|one| !is_negation(one)) {
                uses::values_of_literal(literal, &mut |value| {
                    if let Value::Document { path, .. } = value {
                        paths.insert(path.clone());
                    }
                });
            }
            return paths;
        }
        LiteralKind::Condition(condition) if is_of_nothing(condition) => condition,
        _ => return paths,
    };
    let values = match condition {
        Condition::Value(value) => vec![value],
        Condition::Unify(left, right) => vec![left, right],
    };
    for value in values {
        uses::of_value(value, &mut |path| {
            paths.insert(path.to_vec());
        });
    }
    paths
}

fn is_negation(literal: &Literal) -> bool {
    matches!(literal.kind, LiteralKind::Not(_) | LiteralKind::NotQuery(_))
}

/// Whether a condition asks that a collection has no elements.
fn is_of_nothing(condition: &Condition) -> bool {
    let (operator, left, right) = match condition {
        Condition::Unify(left, right) => (Operator::Equal, left, right),
        Condition::Value(Value::Infix(operator, operands)) => (*operator, &operands.0, &operands.1),
        Condition::Value(_) => return false,
    };
    let is_count = |value: &Value| matches!(value, Value::Call(Function::Builtin { name, .. }, _) if name == "count");
    let is_number = |value: &Value, wanted: &str| matches!(value, Value::Scalar(Scalar::Number(number)) if number == wanted);
    let is_empty = |value: &Value| match value {
        Value::Array(items) | Value::Set(items) => items.is_empty(),
        Value::Object(pairs) => pairs.is_empty(),
        Value::Call(Function::Builtin { name, .. }, arguments) => {
            name == "set" && arguments.is_empty()
        }
        _ => false,
    };
    match operator {
        Operator::Equal => {
            is_empty(left)
                || is_empty(right)
                || is_count(left) && is_number(right, "0")
                || is_count(right) && is_number(left, "0")
        }
        Operator::Less => is_count(left) && is_number(right, "1"),
        Operator::LessOrEqual => is_count(left) && is_number(right, "0"),
        Operator::Greater => is_count(right) && is_number(left, "1"),
        Operator::GreaterOrEqual => is_count(right) && is_number(left, "0"),
        _ => false,
    }
}

/// What comes of a part that is missing in a negated condition. A negation holds if a reference is undefined, but OPA takes out of it
/// what else has to be evaluated: the arguments of calls, of which operators but `==` are some, and what is in collections.
fn of_negated(condition: &Condition) -> &'static str {
    let sides = match condition {
        Condition::Value(Value::Infix(Operator::Equal, operands)) => vec![&operands.0, &operands.1],
        Condition::Unify(left, right) => vec![left, right],
        Condition::Value(value) => vec![value],
    };
    let (mut are_references, mut are_taken_out) = (true, true);
    for side in sides {
        let (mut has_path, mut has_call) = (false, false);
        uses::of_value(side, &mut |_| has_path = true);
        uses::values_inside(side, &mut |value| {
            has_call |= matches!(value, Value::Call(..) | Value::Infix(..) | Value::In { .. });
        });
        let is_reference = !has_call && matches!(side, Value::Document { .. } | Value::Inside(..));
        are_references &= is_reference || !has_path;
        are_taken_out &= !is_reference;
    }
    match (are_references, are_taken_out) {
        (true, _) => NEGATED,
        (false, true) => TAKEN_OUT,
        (false, false) => UNCLEAR,
    }
}

/// A statement on one line, and not too long.
fn shown(text: &str, span: Span) -> String {
    let text = text.get(span.start..span.end).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().count() <= MAX_SHOWN {
        return text;
    }
    let begin: String = text.chars().take(MAX_SHOWN).collect();
    format!("{begin}..")
}

impl Effects {
    /// The effects of the statements of a file that do not just fail, such as negations.
    pub(super) fn of(file: &File, let_in: &LetIn) -> Self {
        let mut of_file: Vec<(Span, String)> = Vec::new();
        for rule in &file.rules {
            let mut all: Vec<(Span, String)> = Vec::new();
            if let Some(effect) = let_in.get(&std::ptr::from_ref(rule)) {
                all.push((rule.span, effect.clone()));
            }
            let mut of_nothing = Vec::new();
            let mut negated = Vec::new();
            let mut within_negations = BTreeSet::new();
            uses::literals(rule, &mut |literal: &Literal| match &literal.kind {
                LiteralKind::Not(condition) => {
                    let effect = if file.negates_undefined {
                        NEGATED
                    } else {
                        of_negated(condition)
                    };
                    negated.push((literal.span, effect.to_owned()));
                }
                LiteralKind::NotQuery(query) => {
                    negated.push((literal.span, NEGATED.to_owned()));
                    within_negations.extend(query.literals.iter().map(|one| one.span));
                }
                LiteralKind::Condition(condition) if is_of_nothing(condition) => {
                    of_nothing.push(literal.span);
                }
                _ => {}
            });
            uses::values(rule, &mut |value, around| {
                if let Value::Comprehension(_, _, _, query) = value {
                    let is_counted = of_nothing.contains(&around);
                    let effect = if is_counted { COUNTED } else { GATHERED };
                    let literals = query.literals.iter();
                    all.extend(literals.map(|literal| (literal.span, effect.to_owned())));
                }
            });
            for (span, effect) in &mut negated {
                if within_negations.contains(span) {
                    DOUBLY_NEGATED.clone_into(effect);
                }
            }
            all.retain(|(span, _)| !negated.iter().any(|(other, _)| other == span));
            all.extend(negated);
            of_file.extend(all);
        }
        Self(of_file)
    }

    /// What comes of a missing part in the innermost statement that names it.
    pub(super) fn at(&self, place: Span) -> &str {
        let is_around = |span: &Span| span.start <= place.start && place.end <= span.end;
        let around = self.0.iter().filter(|(span, _)| is_around(span));
        let innermost = around.min_by_key(|(span, _)| span.end - span.start);
        innermost.map_or(MISSES, |(_, effect)| effect)
    }

    /// What comes of a part that is false, in the innermost statement around it. A negation of what is false holds, however it is
    /// written.
    pub(super) fn at_false(&self, place: Span) -> &str {
        match self.at(place) {
            TAKEN_OUT | UNCLEAR => NEGATED,
            other => other,
        }
    }
}
