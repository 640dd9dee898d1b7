//! Finds loops within loops that take long.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::{Findings, shape::Rules};
use crate::{
    diagnostic::Code,
    parse::tree::Operator,
    resolve::{
        File,
        tree::{Condition, Function, Literal, LiteralKind, Local, Rule, Scalar, Value},
        uses,
    },
    source::Span,
};

/// The largest number of elements that one body may go through for one request.
const MAX_STEPS: usize = 10_000;

/// How many elements a call of each function goes through, by its path.
pub(super) type Costs = BTreeMap<Vec<String>, usize>;

/// Reports queries that go through too many elements, with the queries inside them and the functions that they call. A
/// collection of unknown size counts as one element.
pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    reached: &BTreeSet<*const Rule>,
    data: &Map<String, Json>,
    costs: &mut Costs,
    findings: &mut Findings<'_>,
) {
    let used = file.rules.iter();
    for rule in used.filter(|rule| reached.contains(&std::ptr::from_ref(*rule))) {
        Way::of(rule, rules, data, costs, Some(findings)).rule(rule);
    }
}

/// The way of an evaluation through loops.
struct Way<'w, 'a> {
    rules: &'w Rules<'w>,
    data: &'w Map<String, Json>,
    /// The variables that have a value. A reference with another one is a loop.
    given: BTreeSet<Local>,
    costs: &'w mut Costs,
    findings: Option<&'w mut Findings<'a>>,
}

/// A loop that a query has begun.
struct Loop {
    /// For how many elements the statements after it are evaluated.
    count: usize,
    /// The variables whose values depend on the element.
    locals: BTreeSet<Local>,
}

impl<'w, 'a> Way<'w, 'a> {
    fn of(
        rule: &Rule,
        rules: &'w Rules<'w>,
        data: &'w Map<String, Json>,
        costs: &'w mut Costs,
        findings: Option<&'w mut Findings<'a>>,
    ) -> Self {
        let mut given = BTreeSet::new();
        for argument in rule.arguments.iter().flatten() {
            given.extend(locals(argument));
        }
        Self {
            rules,
            data,
            given,
            costs,
            findings,
        }
    }

    /// Follows the bodies of a rule, and returns through how many elements the longest goes.
    fn rule(&mut self, rule: &Rule) -> usize {
        let bodies = std::iter::once(&rule.body).chain(&rule.elses);
        let all = bodies.map(|body| {
            let mut literals = match &body.query {
                Some(query) => query.literals.clone(),
                None => Vec::new(),
            };
            // The value is made once for each way in which the body holds.
            literals.extend(body.value.iter().map(|value| condition(value, body.span)));
            self.query(&literals, 1)
        });
        all.max().unwrap_or(1)
    }

    /// Follows statements that are evaluated `steps` times, and returns through how many elements they go.
    fn query(&mut self, literals: &[Literal], steps: usize) -> usize {
        let before = self.given.clone();
        let mut known = before.clone();
        for literal in literals {
            // Those have a value wherever they stand in the query.
            if let LiteralKind::Condition(Condition::Unify(left, right)) = &literal.kind {
                for side in [left, right] {
                    self.given.extend(local(side));
                }
            }
        }
        let mut loops: Vec<Loop> = Vec::new();
        let mut most = steps;
        for literal in literals {
            loops.extend(self.begun(literal));
            let inside = (loops.iter()).fold(steps, |all, one| all.saturating_mul(one.count));
            let found = self.literal(literal, inside);
            most = most.max(found);
            if found > MAX_STEPS {
                break;
            }
            narrow(literal, &mut loops, &known);
            uses::locals_of_literal(literal, &mut |local| {
                known.insert(local);
            });
            self.given.extend(&known);
        }
        self.given = before;
        most
    }

    /// The loops that a statement begins.
    fn begun(&self, literal: &Literal) -> Vec<Loop> {
        let mut loops = Vec::new();
        if let LiteralKind::SomeIn {
            key,
            value,
            collection,
        } = &literal.kind
        {
            loops.push(Loop {
                count: self.size(collection),
                locals: key.iter().chain([value]).flat_map(locals).collect(),
            });
        }
        uses::values_of_literal(literal, &mut |value| {
            if let Value::Document { path, way } = value {
                loops.push(Loop {
                    count: self.elements(path, way),
                    locals: way.iter().filter_map(local).collect(),
                });
            }
        });
        loops.retain(|one| one.count > 1);
        loops
    }

    /// Follows the queries and functions in a statement that is evaluated `steps` times, and reports it if they go through too
    /// many elements.
    fn literal(&mut self, literal: &Literal, mut steps: usize) -> usize {
        let mut queries: Vec<Vec<Literal>> = Vec::new();
        let mut called: Vec<Vec<String>> = Vec::new();
        uses::values_of_literal(literal, &mut |value| match value {
            Value::Comprehension(_, first, second, query) => {
                let heads = std::iter::once(first).chain(second);
                let heads = heads.map(|value| condition(value, literal.span));
                queries.push(query.literals.iter().cloned().chain(heads).collect());
            }
            Value::Call(Function::Rule { path, .. }, _) => called.push(path.clone()),
            _ => {}
        });
        if let LiteralKind::NotQuery(query) = &literal.kind {
            queries.push(query.literals.clone());
        }
        let before = self.given.clone();
        uses::locals_of_literal(literal, &mut |local| {
            self.given.insert(local);
        });
        if let LiteralKind::Every {
            key,
            value,
            domain,
            body,
        } = &literal.kind
        {
            steps = steps.saturating_mul(self.size(domain));
            self.given.extend(key.iter().chain(value));
            queries.push(body.literals.clone());
        }
        let mut most = steps;
        let mut by_function = None;
        for path in called {
            let all = steps.saturating_mul(self.call(&path));
            if all > most {
                most = all;
                by_function = path.last().cloned();
            }
        }
        if most > MAX_STEPS {
            let by_function = by_function.map_or(String::new(), |name| format!(" with `{name}`"));
            self.report(
                literal.span,
                format!(
                    "for one request, this goes through {most} elements{by_function}, more than {MAX_STEPS}"
                ),
            );
            self.given = before;
            return most;
        }
        self.given = before;
        for query in queries {
            most = most.max(self.query(&query, steps));
        }
        most
    }

    /// Through how many elements a call of a function goes.
    fn call(&mut self, path: &[String]) -> usize {
        if let Some(known) = self.costs.get(path) {
            return *known;
        }
        // No function calls itself. This entry stops an endless loop if one seems to.
        self.costs.insert(path.to_vec(), 1);
        let rules = self.rules.at(path).iter();
        let all = rules.fold(0_usize, |all, rule| {
            let mut way = Way::of(rule, self.rules, self.data, self.costs, None);
            all.saturating_add(way.rule(rule))
        });
        self.costs.insert(path.to_vec(), all.max(1));
        all.max(1)
    }

    fn report(&mut self, span: Span, message: String) {
        if let Some(findings) = &mut self.findings {
            let cure = "make an object of the data, with what is looked for as its keys";
            findings.report(Code::Cost, span, message, cure);
        }
    }

    /// The number of elements of a collection.
    fn size(&self, collection: &Value) -> usize {
        match collection {
            Value::Array(items) | Value::Set(items) => items.len().max(1),
            Value::Document { path, way } => {
                let mut way = way.clone();
                way.push(Value::Wildcard);
                self.elements(path, &way)
            }
            _ => 1,
        }
    }

    /// How many elements of the data a reference goes through.
    fn elements(&self, path: &[String], way: &[Value]) -> usize {
        let is_loop = |step: &Value| match step {
            Value::Wildcard => true,
            Value::Local(local) => !self.given.contains(local),
            _ => false,
        };
        let root = (path.first().is_some_and(|first| first == "data")).then_some(self.data);
        let mut names = path.iter().skip(1);
        let first = root.and_then(|data| data.get(names.next()?));
        let Some(value) =
            first.and_then(|first| names.try_fold(first, |value, name| value.get(name)))
        else {
            return 1;
        };
        let mut all = vec![value];
        for step in way {
            all = match step {
                Value::Scalar(Scalar::String(name)) => {
                    all.iter().filter_map(|value| value.get(name)).collect()
                }
                step => {
                    // A key with one value leads to one element: the first stands for it.
                    let most = if is_loop(step) { usize::MAX } else { 1 };
                    all.iter()
                        .flat_map(|value| inside(value).take(most))
                        .collect()
                }
            };
        }
        if way.iter().any(is_loop) {
            all.len().max(1)
        } else {
            1
        }
    }
}

/// After an equation of the element of a loop with something else, hardly more than one element is left.
fn narrow(literal: &Literal, loops: &mut [Loop], known: &BTreeSet<Local>) {
    let (left, right) = match &literal.kind {
        LiteralKind::Condition(Condition::Unify(left, right)) => (left, right),
        LiteralKind::Condition(Condition::Value(Value::Infix(Operator::Equal, operands))) => {
            (&operands.0, &operands.1)
        }
        _ => return,
    };
    let sides: [BTreeSet<Local>; 2] =
        [locals(left), locals(right)].map(|all| all.into_iter().collect());
    let own: BTreeSet<Local> = loops.iter().flat_map(|one| one.locals.clone()).collect();
    let is_new = |local: &Local| !known.contains(local) && !own.contains(local);
    for one in &mut *loops {
        let [is_left, is_right] = sides.each_ref().map(|side| !side.is_disjoint(&one.locals));
        let other = match (is_left, is_right) {
            (true, false) => &sides[1],
            (false, true) => &sides[0],
            _ => continue,
        };
        if other.iter().any(is_new) {
            // A new variable gets its value from the element.
            one.locals.extend(other.iter().copied().filter(is_new));
        } else if other.is_disjoint(&own) {
            one.count = 1;
        }
    }
}

fn condition(value: &Value, span: Span) -> Literal {
    Literal {
        kind: LiteralKind::Condition(Condition::Value(value.clone())),
        is_assignment: false,
        with: Vec::new(),
        span,
    }
}

/// The variables in a value.
fn locals(value: &Value) -> Vec<Local> {
    let mut all = Vec::new();
    uses::locals_of_value(value, &mut |local| all.push(local));
    all
}

/// The variable that a value is.
fn local(value: &Value) -> Option<Local> {
    match value {
        Value::Local(local) => Some(*local),
        _ => None,
    }
}

/// The elements of an array, or the values of an object.
fn inside(value: &Json) -> Box<dyn Iterator<Item = &Json> + '_> {
    match value {
        Json::Array(items) => Box::new(items.iter()),
        Json::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}
