//! Values with their names resolved.

use super::{
    meaning::Meaning,
    scope::Scope,
    tree::{Collection, Function, Literal, Part, Scalar, Value},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    parse::{
        foreign,
        tree::{self as written, Expr, ExprKind, Query},
    },
    source::Span,
};

/// The built-ins that OPA has in Rego v0 only: policies in v1 that call one are rejected.
pub const DEPRECATED: [&str; 11] = [
    "all",
    "any",
    "cast_array",
    "cast_boolean",
    "cast_null",
    "cast_object",
    "cast_set",
    "cast_string",
    "net.cidr_overlap",
    "re_match",
    "set_diff",
];

impl Scope<'_> {
    pub(super) fn value(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Null => Value::Scalar(Scalar::Null),
            ExprKind::Bool(truth) => Value::Scalar(Scalar::Bool(*truth)),
            ExprKind::Number(text) => Value::Scalar(Scalar::Number(text.clone())),
            ExprKind::String(text) => Value::Scalar(Scalar::String(text.clone())),
            ExprKind::Template(parts) => Value::Template(self.parts(parts)),
            ExprKind::Wildcard => Value::Wildcard,
            ExprKind::Var(name) => match self.meaning(name, expr.span) {
                Meaning::Local(local) => Value::Local(local),
                Meaning::Document(path) => {
                    self.mention(&path, vec![expr.span; path.len()], expr.span);
                    Value::Document {
                        path,
                        way: Vec::new(),
                    }
                }
            },
            ExprKind::Ref(head, way) => self.reference(head, way, expr.span),
            ExprKind::Call(function, arguments) => self.call(function, arguments, false, expr.span),
            ExprKind::Array(items) => Value::Array(self.values(items)),
            ExprKind::Set(items) => Value::Set(self.values(items)),
            ExprKind::Object(pairs) => Value::Object(
                pairs
                    .iter()
                    .map(|(key, value)| (self.value(key), self.value(value)))
                    .collect(),
            ),
            ExprKind::ArrayComprehension(term, query) => {
                self.comprehension(Collection::Array, term, None, query)
            }
            ExprKind::SetComprehension(term, query) => {
                self.comprehension(Collection::Set, term, None, query)
            }
            ExprKind::ObjectComprehension(pair, query) => {
                self.comprehension(Collection::Object, &pair.0, Some(&pair.1), query)
            }
            ExprKind::Infix(operator, operands) => {
                self.operator(operator.sign(), operator.function(), expr.span);
                Value::Infix(
                    *operator,
                    Box::new((self.value(&operands.0), self.value(&operands.1))),
                )
            }
            ExprKind::In { key, operands } => {
                let function = match key {
                    Some(_) => "internal.member_3",
                    None => "internal.member_2",
                };
                self.operator("in", function, expr.span);
                Value::In {
                    key: key.as_ref().map(|key| Box::new(self.value(key))),
                    operands: Box::new((self.value(&operands.0), self.value(&operands.1))),
                }
            }
        }
    }

    pub(super) fn values(&mut self, items: &[Expr]) -> Vec<Value> {
        items.iter().map(|item| self.value(item)).collect()
    }

    fn reference(&mut self, head: &Expr, way: &[Expr], span: Span) -> Value {
        let spans = way.iter().map(|part| part.span);
        let head_span = head.span;
        let head = match &head.kind {
            ExprKind::Var(name) => match self.meaning(name, head.span) {
                Meaning::Local(local) => Value::Local(local),
                Meaning::Document(path) => Value::Document {
                    path,
                    way: Vec::new(),
                },
            },
            _ => self.value(head),
        };
        let way = self.values(way);
        match head {
            Value::Document { mut path, .. } => {
                let mut places = vec![head_span; path.len()];
                let mut way = way.into_iter().zip(spans).peekable();
                while let Some((Value::Scalar(Scalar::String(name)), place)) = way.peek() {
                    path.push(name.clone());
                    places.push(*place);
                    way.next();
                }
                let way = way.map(|(value, _)| value);
                self.mention(&path, places, span);
                Value::Document {
                    path,
                    way: way.collect(),
                }
            }
            other => Value::Inside(Box::new(other), way),
        }
    }

    fn comprehension(
        &mut self,
        collection: Collection,
        first: &Expr,
        second: Option<&Expr>,
        query: &Query,
    ) -> Value {
        let values: Vec<&Expr> = std::iter::once(first).chain(second).collect();
        self.enter(Some(query), &values);
        let query = self.query(query);
        let first = self.value(first);
        let second = second.map(|second| Box::new(self.value(second)));
        self.leave();
        Value::Comprehension(collection, Box::new(first), second, Box::new(query))
    }

    fn parts(&mut self, parts: &[written::Part]) -> Vec<Part> {
        let mut all = Vec::new();
        for part in parts {
            match part {
                written::Part::Text(text) => all.push(Part::Text(text.clone())),
                written::Part::Value(literal) => {
                    // Each expression is a separate query, like the term of a comprehension.
                    let value = match &literal.kind {
                        written::LiteralKind::Condition(written::Condition::Value(value)) => {
                            Some(value)
                        }
                        _ => None,
                    };
                    let values: Vec<&Expr> = value.into_iter().collect();
                    self.enter(None, &values);
                    let Literal {
                        kind, with, span, ..
                    } = self.literal(literal);
                    self.leave();
                    if let super::tree::LiteralKind::Condition(super::tree::Condition::Value(
                        value,
                    )) = kind
                    {
                        all.push(Part::Value(Box::new(value), with, span));
                    }
                }
            }
        }
        all
    }

    /// `print(..)` as a statement; `None` for any other value.
    pub(super) fn print(&mut self, value: &Expr) -> Option<Value> {
        let ExprKind::Call(function, arguments) = &value.kind else {
            return None;
        };
        let is_print = constant_names(function).is_some_and(|names| names == ["print"]);
        if !is_print || self.is_variable("print") || self.document("print").is_some() {
            return None;
        }
        let arguments = arguments.iter().map(|argument| self.printed(argument));
        let arguments = arguments.collect();
        let name = "print".to_owned();
        Some(Value::Call(Function::Builtin { name, arity: 1 }, arguments))
    }

    /// Resolves an argument of `print`. It is a query of its own, like the term of a comprehension: it may be undefined
    /// or have several values.
    fn printed(&mut self, argument: &Expr) -> Value {
        self.enter(None, &[argument]);
        let value = self.value(argument);
        self.leave();
        value
    }

    /// A call that is a whole statement can have one more argument, which receives the result.
    pub(super) fn call(
        &mut self,
        function: &Expr,
        arguments: &[Expr],
        is_statement: bool,
        span: Span,
    ) -> Value {
        let written = constant_names(function).unwrap_or_default().join(".");
        let function = self.function(function, span);
        if matches!(&function, Some(Function::Builtin { name, .. }) if name == "print") {
            self.fault(
                Code::Function,
                span,
                "`print` gives no value".to_owned(),
                "write it as a statement of its own",
            );
            return Value::Wildcard;
        }
        let arguments = self.values(arguments);
        let Some(function) = function else {
            return Value::Wildcard;
        };
        let (name, arity) = match &function {
            Function::Rule { path, arity } => (path.join("."), *arity),
            Function::Builtin { name, arity } => (name.clone(), *arity),
        };
        // `print` takes any number of arguments.
        let found = arguments.len();
        let has_result = is_statement && found == arity + 1;
        if name != "print" && found != arity && !has_result {
            let arguments = if arity == 1 { "argument" } else { "arguments" };
            let message = format!("`{name}` takes {arity} {arguments}, found {found}");
            let cure = format!("write `{written}({})`", vec![".."; arity].join(", "));
            self.fault(Code::Function, span, message, &cure);
        }
        Value::Call(function, arguments)
    }

    /// The function that a name means.
    pub(super) fn function(&mut self, function: &Expr, span: Span) -> Option<Function> {
        let names = constant_names(function)?;
        let name = names.join(".");
        let (first, rest) = names.split_first()?;
        if self.is_variable(first) {
            let message = format!("`{first}` is a variable here, and no function");
            self.fault(
                Code::Function,
                span,
                message,
                "give the variable another name",
            );
            return None;
        }
        let document = self.document(first);
        let is_own = document.is_some();
        if let Some(mut path) = document {
            path.extend(rest.iter().cloned());
            if let Some(arity) = self.file.all.arity(&path) {
                return Some(Function::Rule { path, arity });
            }
        }
        if name == "print" && !is_own {
            return Some(Function::Builtin { name, arity: 1 });
        }
        if self.file.is_v1 && !is_own && DEPRECATED.contains(&name.as_str()) {
            self.fault(
                Code::Function,
                span,
                format!("the built-in function `{name}` is deprecated: only Rego v0 has it"),
                "write what it does by other functions and operators",
            );
            return None;
        }
        if let Some(arity) = self.file.all.builtins.arity(&name).filter(|_| !is_own) {
            return Some(Function::Builtin { name, arity });
        }
        if is_own && self.file.all.builtins.arity(&name).is_some() {
            self.fault(
                Code::Function,
                span,
                format!("`{first}` is a rule or an import here, which hides the built-in function `{name}`"),
                "give the rule or the import another name",
            );
            return None;
        }
        let left_out = self.file.all.builtins.left_out(&name).map(str::to_owned);
        let message = match &left_out {
            Some(why) => format!("the built-in function `{name}` of OPA is not here: {why}"),
            None => format!(
                "`{name}` is neither a function of the policy nor one of the built-in functions here"
            ),
        };
        let (suggestion, cure) = match left_out {
            Some(_) => (None, None),
            None => self.meant_function(&names, &name),
        };
        self.report(Diagnostic {
            code: Code::Function,
            span,
            message,
            cure,
            suggestion,
            ..Diagnostic::default()
        });
        None
    }

    /// For an unknown function: a similar name, or advice what to write instead.
    fn meant_function(&self, names: &[String], name: &str) -> (Option<String>, Option<String>) {
        let all = self.file.all;
        if let Some(function) = foreign::function(name) {
            return (Some(function.to_owned()), None);
        }
        let (Some(first), Some((last, before))) = (names.first(), names.split_last()) else {
            return (None, None);
        };
        let is_reference = !before.is_empty() && self.document(first).is_some();
        if is_reference && all.builtins.arity(last).is_some() {
            // The author wrote a method call, as in other languages.
            let value = before.join(".");
            return (None, Some(format!("write `{last}({value}, ..)`")));
        }
        if !before.is_empty() && self.document(first).is_none() {
            if let Some(package) = all.package_with_function(names) {
                return (None, Some(format!("write `import {package}` at the top")));
            }
            let similar = all.function_like(name);
            let is_import = similar.is_none() && !all.is_builtin_namespace(first);
            let cure = format!(
                "import the package that has it, as in `import data.{}`",
                before.join(".")
            );
            return (similar, is_import.then_some(cure));
        }
        (all.function_like(name), None)
    }
}

/// The names of a reference, or `None` if one of them is not constant.
pub(super) fn constant_names(expr: &Expr) -> Option<Vec<String>> {
    match &expr.kind {
        ExprKind::Var(name) => Some(vec![name.clone()]),
        ExprKind::Ref(head, way) => {
            let mut names = constant_names(head)?;
            for part in way {
                let ExprKind::String(name) = &part.kind else {
                    return None;
                };
                names.push(name.clone());
            }
            Some(names)
        }
        _ => None,
    }
}
