//! The names that stand in a file's rules.

use geowarden_rego::{
    parse::tree::{
        Condition, Expr, ExprKind, HeadKind, Literal, LiteralKind, Module, Name, Part, Query, Rule,
    },
    source::Span,
};

/// What a name stands for, as far as its place tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A variable, or a document.
    Variable,
    /// The same, where it is declared.
    Declaration,
    /// A function.
    Function,
}

/// A name, where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) span: Span,
    pub(crate) place: Place,
}

/// All names of the rules of a file, without those of the rules themselves.
pub(crate) fn names(module: &Module) -> Vec<Found> {
    let mut all = Names(Vec::new());
    for rule in &module.rules {
        all.rule(rule);
    }
    // A declared name stands for a variable wherever it is used.
    let declared: Vec<Found> = all.0.clone();
    let declared = declared
        .iter()
        .filter(|name| name.place == Place::Declaration);
    let mut found = all.0.clone();
    found.extend(declared.map(|name| Found {
        place: Place::Variable,
        ..name.clone()
    }));
    found.sort_by_key(|name| name.span.start);
    found.dedup_by_key(|name| (name.span, name.place == Place::Declaration));
    found
}

struct Names(Vec<Found>);

impl Names {
    fn add(&mut self, text: &str, span: Span, place: Place) {
        self.0.push(Found {
            text: text.to_owned(),
            span,
            place,
        });
    }

    fn declared(&mut self, name: &Name) {
        self.add(&name.text, name.span, Place::Declaration);
    }

    fn rule(&mut self, rule: &Rule) {
        self.all(&rule.head.path);
        for argument in rule.head.arguments.iter().flatten() {
            self.pattern(argument);
        }
        match &rule.head.kind {
            HeadKind::Value(value) => self.all(value),
            HeadKind::Member(member) => self.expr(member),
        }
        self.queries(&rule.body);
        for one in &rule.elses {
            self.all(&one.value);
            self.queries(&one.body);
        }
    }

    fn queries<'q>(&mut self, queries: impl IntoIterator<Item = &'q Query>) {
        for query in queries {
            for literal in &query.literals {
                self.literal(literal);
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        match &literal.kind {
            LiteralKind::Condition(condition) | LiteralKind::Not(condition) => match condition {
                Condition::Value(value) => self.expr(value),
                Condition::Unify(left, right) => self.all([left, right]),
                Condition::Assign(left, right) => {
                    self.pattern(left);
                    self.expr(right);
                }
            },
            LiteralKind::NotQuery(query) => self.queries([query]),
            LiteralKind::Some(names) => names.iter().for_each(|name| self.declared(name)),
            LiteralKind::SomeIn {
                key,
                value,
                collection,
            } => {
                for part in key.iter().chain([value]) {
                    self.pattern(part);
                }
                self.expr(collection);
            }
            LiteralKind::Every {
                key,
                value,
                domain,
                body,
            } => {
                for name in key.iter().chain(value) {
                    self.declared(name);
                }
                self.expr(domain);
                self.queries([body]);
            }
        }
        for with in &literal.with {
            self.all([&with.target, &with.value]);
        }
    }

    /// A pattern declares the variables in it.
    fn pattern(&mut self, pattern: &Expr) {
        let begin = self.0.len();
        self.expr(pattern);
        for name in &mut self.0[begin..] {
            if name.place == Place::Variable {
                name.place = Place::Declaration;
            }
        }
    }

    fn all<'e>(&mut self, items: impl IntoIterator<Item = &'e Expr>) {
        for item in items {
            self.expr(item);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Var(name) => self.add(name, expr.span, Place::Variable),
            ExprKind::Ref(head, way) => {
                self.expr(head);
                self.all(way);
            }
            ExprKind::Call(function, arguments) => {
                let mut first = function.as_ref();
                while let ExprKind::Ref(head, _) = &first.kind {
                    first = head.as_ref();
                }
                if let ExprKind::Var(name) = &first.kind {
                    self.add(name, first.span, Place::Function);
                }
                self.all(arguments);
            }
            ExprKind::Array(items) | ExprKind::Set(items) => self.all(items),
            ExprKind::Object(pairs) => {
                for (key, value) in pairs {
                    self.all([key, value]);
                }
            }
            ExprKind::ArrayComprehension(term, query) | ExprKind::SetComprehension(term, query) => {
                self.expr(term);
                self.queries([query.as_ref()]);
            }
            ExprKind::ObjectComprehension(pair, query) => {
                self.all([&pair.0, &pair.1]);
                self.queries([query.as_ref()]);
            }
            ExprKind::Infix(_, operands) => self.all([&operands.0, &operands.1]),
            ExprKind::In { key, operands } => {
                self.all(key.iter().map(AsRef::as_ref));
                self.all([&operands.0, &operands.1]);
            }
            ExprKind::Template(parts) => {
                for part in parts {
                    if let Part::Value(literal) = part {
                        self.literal(literal);
                    }
                }
            }
            _ => {}
        }
    }
}
