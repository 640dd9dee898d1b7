//! Syntax trees of policies. regorus's own parser makes them, so that the plan is made for the same tree that is
//! evaluated.

use std::num::{NonZeroU32, NonZeroUsize};

use regorus::{
    PolicyLengthConfig,
    unstable::{Expr, Literal, LiteralStmt, Module, Parser, Query, Rule, RuleHead, Source},
};

use crate::{LoadError, engine_error, source::Version};

/// Generated policies have long lines and many rules, so length has no limit here. Other limits reject a policy that is
/// too large to evaluate.
const LENGTHS: PolicyLengthConfig = PolicyLengthConfig {
    max_col: NonZeroU32::MAX,
    max_file_bytes: NonZeroUsize::MAX,
    max_lines: NonZeroUsize::MAX,
};

/// One file of a policy, parsed.
pub(crate) struct Parsed {
    /// The name of the file in messages.
    pub(crate) name: String,
    pub(crate) module: Module,
}

/// The length limits, for the engine and for the parser.
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

/// What to do at each node of a tree.
pub(crate) trait Visitor {
    /// Called for a query, before its statements.
    fn query(&mut self, _query: &Query) {}
    /// Called for a query, after its statements and after the values that are evaluated if they hold.
    fn leave_query(&mut self, _query: &Query) {}
    /// Called for a statement, before its parts.
    fn statement(&mut self, _statement: &LiteralStmt) {}
    /// Called for an expression, before its parts. If it returns `false`, the parts are skipped.
    fn expression(&mut self, _expression: &Expr) -> bool {
        true
    }
    /// Called for an expression after its parts, if they were not skipped.
    fn leave_expression(&mut self, _expression: &Expr) {}
}

/// Walks through a rule: its bodies, each with the values of the head. These are evaluated if the body holds.
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

/// Whether a rule uses `with` to replace input, data or a function.
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

/// Adds the keys in a reference, such as `x` in `p[x]`. Returns the start of the reference, here `p`.
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

/// Walks through the statements of a query, and the values that are evaluated if the statements hold.
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
        // A reference counts as one expression, and its keys as further expressions.
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

/// The parts of an expression, in the order in which they are written. Comprehensions have none.
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

/// The path of a function or reference that has constant names only, such as `data.a.b`. `None` for any other
/// expression.
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
