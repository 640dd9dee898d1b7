//! Policies as syntax trees, by regorus's own parser, so that what is looked at is what is evaluated.

use std::num::{NonZeroU32, NonZeroUsize};

use regorus::{
    PolicyLengthConfig,
    unstable::{Expr, Literal, LiteralStmt, Module, Parser, Query, Rule, RuleHead, Source},
};

use crate::{LoadError, engine_error, source::Version};

/// Generated policies hold long lines and many rules; what is too large to be evaluated is found by other limits.
const LENGTHS: PolicyLengthConfig = PolicyLengthConfig {
    max_col: NonZeroU32::MAX,
    max_file_bytes: NonZeroUsize::MAX,
    max_lines: NonZeroUsize::MAX,
};

/// One file of a policy, parsed.
pub(crate) struct Parsed {
    /// The file, as it is reported.
    pub(crate) name: String,
    pub(crate) module: Module,
}

/// The limits of lengths, for the engine as for the parser.
pub(crate) fn lengths() -> PolicyLengthConfig {
    LENGTHS
}

/// Parses one file.
pub(crate) fn parse(name: &str, text: &str, version: Version) -> Result<Parsed, LoadError> {
    let told = |e: String| LoadError::Unusable(engine_error::for_author(&e));
    let source = Source::from_contents_with_limits(
        name.to_owned(),
        text.to_owned(),
        LENGTHS.max_file_bytes,
        LENGTHS.max_lines,
    )
    .map_err(|e| told(e.to_string()))?;
    let mut parser = Parser::new(&source).map_err(|e| told(e.to_string()))?;
    parser.set_max_col(LENGTHS.max_col);
    if version == Version::V1 {
        parser.enable_rego_v1().map_err(|e| told(e.to_string()))?;
    }
    let module = parser.parse().map_err(|e| told(e.to_string()))?;
    Ok(Parsed {
        name: name.to_owned(),
        module,
    })
}

/// What is met on a walk through a tree.
pub(crate) trait Visitor {
    /// A query, before its statements are entered.
    fn query(&mut self, _query: &Query) {}
    /// A query, after its statements and the values that are evaluated where they hold.
    fn leave_query(&mut self, _query: &Query) {}
    /// A statement, before what it holds is entered.
    fn statement(&mut self, _statement: &LiteralStmt) {}
    /// An expression, before what it holds is entered; `false` leaves that out.
    fn expression(&mut self, _expression: &Expr) -> bool {
        true
    }
    /// An expression that was entered, after what it holds.
    fn leave_expression(&mut self, _expression: &Expr) {}
}

/// Walks through a rule: its bodies, each with the values of the head, which are evaluated where the body holds.
pub(crate) fn walk_rule(rule: &Rule, visitor: &mut dyn Visitor) {
    let (head, bodies) = match rule {
        Rule::Default { value, .. } => return walk(value, visitor),
        Rule::Spec { head, bodies, .. } => (head, bodies),
    };
    let mut values: Vec<&Expr> = Vec::new();
    match head {
        RuleHead::Compr { refr, assign, .. } => {
            keys(refr, &mut values);
            values.extend(assign.iter().map(|assign| assign.value.as_ref()));
        }
        RuleHead::Set { refr, key, .. } => {
            keys(refr, &mut values);
            values.extend(key.iter().map(AsRef::as_ref));
        }
        RuleHead::Func { args, assign, .. } => {
            values.extend(args.iter().map(AsRef::as_ref));
            values.extend(assign.iter().map(|assign| assign.value.as_ref()));
        }
    }
    for body in bodies {
        let own = body.assign.iter().map(|assign| assign.value.as_ref());
        let values: Vec<&Expr> = values.iter().copied().chain(own).collect();
        walk_query(&body.query, &values, visitor);
    }
    if bodies.is_empty() {
        for value in values {
            walk(value, visitor);
        }
    }
}

/// Whether a rule evaluates anything with something else in place of input, data or a function.
pub(crate) fn has_with(rule: &Rule) -> bool {
    struct With(bool);
    impl Visitor for With {
        fn statement(&mut self, statement: &LiteralStmt) {
            self.0 |= !statement.with_mods.is_empty();
        }
    }
    let mut with = With(false);
    walk_rule(rule, &mut with);
    with.0
}

/// Adds the keys in a reference, such as `x` of `p[x]`, and returns what it begins with.
fn keys<'a>(mut reference: &'a Expr, keys: &mut Vec<&'a Expr>) -> &'a Expr {
    loop {
        match reference {
            Expr::RefDot { refr, .. } => reference = refr,
            Expr::RefBrack { refr, index, .. } => {
                keys.push(index);
                reference = refr;
            }
            head => return head,
        }
    }
}

/// Walks through the statements of a query, and the values that are evaluated where they hold.
pub(crate) fn walk_query(query: &Query, values: &[&Expr], visitor: &mut dyn Visitor) {
    visitor.query(query);
    for statement in &query.stmts {
        visitor.statement(statement);
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                for part in key.iter().chain([value, collection]) {
                    walk(part, visitor);
                }
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => walk(expr, visitor),
            Literal::Every { domain, query, .. } => {
                walk(domain, visitor);
                walk_query(query, &[], visitor);
            }
        }
        for with in &statement.with_mods {
            walk(&with.refr, visitor);
            walk(&with.r#as, visitor);
        }
    }
    for value in values {
        walk(value, visitor);
    }
    visitor.leave_query(query);
}

/// Walks through an expression.
pub(crate) fn walk(expression: &Expr, visitor: &mut dyn Visitor) {
    if !visitor.expression(expression) {
        return;
    }
    match expression {
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            walk_query(query, &[term], visitor);
        }
        Expr::ObjectCompr {
            key, value, query, ..
        } => walk_query(query, &[key, value], visitor),
        // A reference is one whole: only what chooses its way is looked at by itself.
        Expr::RefDot { .. } | Expr::RefBrack { .. } => {
            let mut parts = Vec::new();
            let head = keys(expression, &mut parts);
            if !matches!(head, Expr::Var { .. }) {
                walk(head, visitor);
            }
            for part in parts {
                walk(part, visitor);
            }
        }
        Expr::Call { params, .. } => {
            for param in params {
                walk(param, visitor);
            }
        }
        other => {
            for operand in operands(other) {
                walk(operand, visitor);
            }
        }
    }
    visitor.leave_expression(expression);
}

/// Whether an expression is a string, a number, a boolean or null.
pub(crate) fn is_scalar(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
    )
}

/// What an expression is made of, in the order in which it is written; comprehensions have none.
pub(crate) fn operands(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. }
        | Expr::ArrayCompr { .. }
        | Expr::SetCompr { .. }
        | Expr::ObjectCompr { .. } => Vec::new(),
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().map(AsRef::as_ref).collect()
        }
        Expr::Object { fields, .. } => fields
            .iter()
            .flat_map(|(_, key, value)| [key.as_ref(), value.as_ref()])
            .collect(),
        Expr::Call { fcn, params, .. } => {
            let function = std::iter::once(fcn.as_ref());
            function.chain(params.iter().map(AsRef::as_ref)).collect()
        }
        Expr::UnaryExpr { expr, .. } => vec![expr],
        Expr::RefDot { refr, .. } => vec![refr],
        Expr::RefBrack { refr, index, .. } => vec![refr, index],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs, rhs],
        Expr::Membership {
            key,
            value,
            collection,
            ..
        } => {
            let mut all: Vec<&Expr> = key.iter().map(AsRef::as_ref).collect();
            all.extend([value.as_ref(), collection.as_ref()]);
            all
        }
    }
}

/// The path of a function or of a reference by constant names, such as `data.a.b`; `None` for any other expression.
pub(crate) fn constant_path(expression: &Expr) -> Option<String> {
    let mut names = Vec::new();
    let mut rest = expression;
    loop {
        match rest {
            Expr::Var { span, .. } => {
                names.push(span.text().to_owned());
                break;
            }
            Expr::RefDot { refr, field, .. } => {
                names.push(field.0.text().to_owned());
                rest = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                let Expr::String { value, .. } = index.as_ref() else {
                    return None;
                };
                names.push(value.as_string().ok()?.to_string());
                rest = refr;
            }
            _ => return None,
        }
    }
    names.reverse();
    Some(names.join("."))
}
