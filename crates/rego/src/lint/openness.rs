//! Finds rules that let in more requests than their author may expect.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Findings,
    outcome::{Evaluator, Outcome},
    schema::Schema,
    shape::{Locals, Rules, Shape},
    verdict::ALLOWED,
};
use crate::{
    core::Module,
    diagnostic::{Code, Diagnostic},
    parse::tree::Operator,
    resolve::{
        File,
        tree::{Body, Kind, Rule, Scalar, Value},
        uses,
    },
};

type Path = Vec<String>;

/// What is read behind each path. Many bodies can use the same rules.
type Reads<'a> = BTreeMap<Path, BodyReads<'a>>;

/// What is read when a body is evaluated.
#[derive(Default)]
struct BodyReads<'a> {
    /// Which of caller, resource and action are read.
    asks: BTreeSet<&'a str>,
    /// Whether some part is compared only with values that show nothing secret.
    is_public: bool,
}

pub(super) fn check<'a>(
    files: &'a [File],
    core: &[Module],
    rules: &Rules<'a>,
    schema: Schema<'_>,
    entry: &[String],
    all: &mut Vec<Diagnostic>,
) {
    let owners: BTreeMap<*const Rule, &File> = files
        .iter()
        .flat_map(|file| {
            file.rules
                .iter()
                .map(move |rule| (std::ptr::from_ref(rule), file))
        })
        .collect();
    let mut evaluator = Evaluator::for_anonymous(core, schema);
    let mut reads = Reads::new();
    let member: Vec<String> = entry.iter().cloned().chain([ALLOWED.to_owned()]).collect();
    for rule in rules.at(entry).iter().chain(rules.at(&member)) {
        let Some(file) = owners.get(&std::ptr::from_ref(*rule)) else {
            continue;
        };
        if rule.kind != Kind::Value || !rule.keys.is_empty() {
            continue;
        }
        let mut findings = Findings { file, all };
        for body in std::iter::once(&rule.body).chain(&rule.elses) {
            if can_allow(rule, body.value.as_ref()) {
                let outcome = evaluator.verdict_of(&file.name, body.span, ALLOWED);
                one(
                    rule,
                    body,
                    (rules, schema, &mut reads),
                    outcome,
                    &mut findings,
                );
            }
        }
    }
}

/// The part of a value that allows the request if it is true. `None` stands for a value that is `true` by itself.
fn allowance(value: Option<&Value>) -> Option<&Value> {
    let Some(Value::Object(pairs)) = value else {
        return value;
    };
    let allowed = Value::Scalar(Scalar::String(ALLOWED.to_owned()));
    let own = pairs.iter().find(|(key, _)| *key == allowed);
    own.map_or(value, |(_, own)| Some(own))
}

fn is_constant(value: Option<&Value>, truth: bool) -> bool {
    value.map_or(truth, |value| *value == Value::Scalar(Scalar::Bool(truth)))
}

/// Whether a value allows a request, or can do so for some.
fn can_allow(rule: &Rule, value: Option<&Value>) -> bool {
    let allowance = allowance(value);
    is_constant(allowance, true)
        || !rule.is_default
            && !matches!(
                allowance,
                Some(
                    Value::Scalar(_)
                        | Value::Template(_)
                        | Value::Array(_)
                        | Value::Set(_)
                        | Value::Object(_)
                        | Value::Comprehension(..)
                )
            )
}

fn one<'a>(
    rule: &Rule,
    body: &Body,
    (rules, schema, reads): (&Rules<'a>, Schema<'a>, &mut Reads<'a>),
    for_anonymous: Option<(Outcome, Outcome)>,
    findings: &mut Findings<'_>,
) {
    let name = rule.path.join(".");
    if rule.is_default {
        findings.report(
            Code::Open,
            rule.span,
            format!("by default, `{name}` lets everybody in: a request that no rule was written for is allowed"),
            "write `default .. := false`, and rules for what is allowed",
        );
        return;
    }
    let allowance = allowance(body.value.as_ref());
    let is_fixed = is_constant(allowance, true);
    if body.query.is_none() && is_fixed {
        findings.report(
            Code::Open,
            body.span,
            format!("`{name}` always holds, and lets everybody do everything"),
            "write conditions behind `if`",
        );
        return;
    }
    // A value that is never true allows nothing.
    if !is_fixed && for_anonymous.is_none_or(|(_, value)| value == Outcome::Fails) {
        return;
    }
    let mut paths = BTreeSet::new();
    if let Some(query) = &body.query {
        uses::of_query(query, &mut |path| {
            paths.insert(path.to_vec());
        });
    }
    if let Some(value) = allowance {
        uses::of_value(value, &mut |path| {
            paths.insert(path.to_vec());
        });
    }
    let mut reading = BodyReads::default();
    reading.rule(rule, rules, schema);
    for path in paths {
        let of_path = reads.entry(path).or_insert_with_key(|path| {
            let mut reading = BodyReads::default();
            reading.follow(path, rules, schema);
            reading
        });
        reading.asks.extend(&of_path.asks);
        reading.is_public |= of_path.is_public;
    }
    let asks = |what: &str| reading.asks.contains(what);
    // A condition on the caller keeps nobody out if it holds without a credential: everybody can send none.
    let keeps_out = match for_anonymous.map(|(holds, value)| holds.and(value)) {
        Some(Outcome::Fails | Outcome::Maybe { of_caller: true }) | None => true,
        Some(Outcome::Holds | Outcome::Maybe { of_caller: false }) => false,
    };
    if asks("caller") && keeps_out || reading.is_public {
        return;
    }
    let (what, cure) = match (asks("resource"), asks("action")) {
        (true, true) => return,
        (false, false) => (
            "lets everybody do everything",
            "ask for the caller, the resource and the action",
        ),
        (false, true) => (
            "lets everybody do this to every resource",
            "ask for the caller, or name what is public",
        ),
        (true, false) => (
            "lets everybody do everything to what it names, writing included",
            "ask for the caller, or for the action: reading only",
        ),
    };
    findings.report(
        Code::Open,
        body.span,
        if asks("caller") {
            format!("what this `{name}` asks of the caller holds for one without a credential, so it {what}")
        } else {
            format!("this `{name}` does not look at who asks, and {what}")
        },
        cure,
    );
}

impl<'a> BodyReads<'a> {
    /// Follows a path into the rules that it leads to.
    fn follow(&mut self, path: &Path, rules: &Rules<'a>, schema: Schema<'a>) {
        let mut waiting: Vec<Path> = vec![path.clone()];
        let mut seen: BTreeSet<Path> = waiting.iter().cloned().collect();
        while let Some(path) = waiting.pop() {
            match path.split_first() {
                Some((first, names)) if first == "input" => {
                    self.asks.extend(schema.asks(names));
                }
                _ => {
                    let used: Vec<&Rule> = rules.used_by(&path).collect();
                    for rule in used {
                        self.rule(rule, rules, schema);
                        uses::of_rule(rule, &mut |path, _| {
                            if seen.insert(path.to_vec()) {
                                waiting.push(path.to_vec());
                            }
                        });
                    }
                }
            }
        }
    }

    /// Notes whether a rule compares a part only with values that show nothing secret.
    fn rule(&mut self, rule: &Rule, rules: &Rules<'a>, schema: Schema<'a>) {
        let locals = Locals::of(rule, rules, schema);
        uses::values(rule, &mut |value, _| {
            let (left, right) = match value {
                Value::Infix(Operator::Equal, operands) => {
                    (&operands.0, locals.shape(&operands.1, rules, schema))
                }
                Value::In { operands, .. } => {
                    (&operands.0, locals.elements(&operands.1, rules, schema))
                }
                _ => return,
            };
            let (Some(Shape::Part(part)), Some(Shape::Constants(all))) =
                (locals.shape(left, rules, schema), right)
            else {
                return;
            };
            let is_public = |one: &Scalar| match one {
                Scalar::String(text) => part.schema.words("x-public").any(|word| word == text),
                _ => false,
            };
            self.is_public |= !all.is_empty() && all.iter().all(is_public);
        });
    }
}
