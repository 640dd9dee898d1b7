//! regorus's trees as text, of the same form.

use regorus::unstable::{
    ArithOp, AssignOp, BinOp, BoolOp, Expr, Literal, LiteralStmt, Parser, Query, Rule, RuleHead,
    Source, Span,
};

/// The rules of a text; `None` where regorus's parser does not take it.
pub(crate) fn rules(text: &str, is_old: bool) -> Option<Vec<String>> {
    let source = Source::from_contents("a.rego".to_owned(), text.to_owned()).ok()?;
    let mut parser = Parser::new(&source).ok()?;
    if !is_old {
        parser.enable_rego_v1().ok()?;
    }
    let module = parser.parse().ok()?;
    Some(module.policy.iter().flat_map(|one| rule(one)).collect())
}

/// A rule, or several where bodies are chained.
fn rule(rule: &Rule) -> Vec<String> {
    match rule {
        Rule::Default {
            refr, args, value, ..
        } => {
            let arguments = if args.is_empty() {
                String::new()
            } else {
                format!("({})", list(args.iter().map(AsRef::as_ref)))
            };
            vec![format!(
                "default {}{arguments} is {} ",
                expr(refr),
                expr(value)
            )]
        }
        Rule::Spec { head, bodies, .. } => {
            let head = self::head(head);
            let mut all: Vec<String> = Vec::new();
            for body in bodies {
                let made = if body.query.stmts.is_empty() {
                    String::new()
                } else {
                    query(&body.query)
                };
                if let (true, Some(last)) = (body.is_else, all.last_mut()) {
                    let value = body.assign.as_ref().map(|assign| expr(&assign.value));
                    *last = format!("{last} else {} {made}", value.unwrap_or_default());
                } else {
                    all.push(format!("{head} {made}"));
                }
            }
            if all.is_empty() {
                all.push(format!("{head} "));
            }
            all
        }
    }
}

fn head(head: &RuleHead) -> String {
    match head {
        RuleHead::Compr { refr, assign, .. } => {
            let value = assign
                .as_ref()
                .map(|assign| format!(" is {}", expr(&assign.value)));
            format!("{}{}", expr(refr), value.unwrap_or_default())
        }
        RuleHead::Set { refr, key, .. } => {
            let key = key.as_ref().map(|key| format!(" has {}", expr(key)));
            format!("{}{}", expr(refr), key.unwrap_or_default())
        }
        RuleHead::Func {
            refr, args, assign, ..
        } => {
            let value = assign
                .as_ref()
                .map(|assign| format!(" is {}", expr(&assign.value)));
            let arguments = list(args.iter().map(AsRef::as_ref));
            format!("{}({arguments}){}", expr(refr), value.unwrap_or_default())
        }
    }
}

fn query(query: &Query) -> String {
    let statements: Vec<String> = query.stmts.iter().map(statement).collect();
    format!("{{{}}}", statements.join("; "))
}

fn statement(statement: &LiteralStmt) -> String {
    let mut text = match &statement.literal {
        Literal::SomeVars { vars, .. } => {
            let names: Vec<&str> = vars.iter().map(Span::text).collect();
            format!("some {}", names.join(", "))
        }
        Literal::SomeIn {
            key,
            value,
            collection,
            ..
        } => {
            let key = key.as_ref().map(|key| format!("{}, ", expr(key)));
            format!(
                "some {}{} in {}",
                key.unwrap_or_default(),
                expr(value),
                expr(collection)
            )
        }
        Literal::Expr { expr: one, .. } => expr(one),
        Literal::NotExpr { expr: one, .. } => format!("not {}", expr(one)),
        Literal::Every {
            key,
            value,
            domain,
            query: body,
            ..
        } => {
            let key = key.as_ref().map(Span::text).filter(|key| *key != "_");
            let key = key.map(|key| format!("{key}, "));
            format!(
                "every {}{} in {} {}",
                key.unwrap_or_default(),
                value.text(),
                expr(domain),
                query(body)
            )
        }
    };
    for with in &statement.with_mods {
        let (target, value) = (expr(&with.refr), expr(&with.r#as));
        text = format!("{text} with {target} as {value}");
    }
    text
}

fn list<'e>(items: impl IntoIterator<Item = &'e Expr>) -> String {
    let items: Vec<String> = items.into_iter().map(expr).collect();
    items.join(", ")
}

fn infix(left: &Expr, sign: &str, right: &Expr) -> String {
    format!("({} {sign} {})", expr(left), expr(right))
}

fn expr(one: &Expr) -> String {
    match one {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            let text = value.as_string().map(ToString::to_string);
            format!("{:?}", text.unwrap_or_default())
        }
        Expr::Number { .. } => "number".to_owned(),
        Expr::Null { .. } => "null".to_owned(),
        Expr::Bool { span, .. } | Expr::Var { span, .. } => span.text().to_owned(),
        Expr::Array { items, .. } => format!("[{}]", list(items.iter().map(AsRef::as_ref))),
        Expr::Set { items, .. } => format!("set{{{}}}", list(items.iter().map(AsRef::as_ref))),
        Expr::Object { fields, .. } => {
            let pairs: Vec<String> = fields
                .iter()
                .map(|(_, key, value)| format!("{}: {}", expr(key), expr(value)))
                .collect();
            format!("object{{{}}}", pairs.join(", "))
        }
        Expr::ArrayCompr {
            term, query: body, ..
        } => format!("[{} | {}]", expr(term), query(body)),
        Expr::SetCompr {
            term, query: body, ..
        } => format!("set{{{} | {}}}", expr(term), query(body)),
        Expr::ObjectCompr {
            key,
            value,
            query: body,
            ..
        } => format!("object{{{}: {} | {}}}", expr(key), expr(value), query(body)),
        Expr::Call { fcn, params, .. } => {
            let arguments = list(params.iter().map(AsRef::as_ref));
            // An empty set has no other way to be written.
            match (expr(fcn).as_str(), arguments.as_str()) {
                ("set", "") => "set{}".to_owned(),
                (function, arguments) => format!("{function}({arguments})"),
            }
        }
        Expr::UnaryExpr { expr: inner, .. } => match expr(inner).as_str() {
            "number" => "number".to_owned(),
            // It is read as `0 - x` here.
            other => format!("(number - {other})"),
        },
        Expr::RefDot { refr, field, .. } => format!("{}.{:?}", expr(refr), field.0.text()),
        Expr::RefBrack { refr, index, .. } => match index.as_ref() {
            Expr::String { .. } | Expr::RawString { .. } => {
                format!("{}.{}", expr(refr), expr(index))
            }
            _ => format!("{}[{}]", expr(refr), expr(index)),
        },
        Expr::BinExpr { op, lhs, rhs, .. } => {
            let sign = match op {
                BinOp::Union => "|",
                BinOp::Intersection => "&",
            };
            infix(lhs, sign, rhs)
        }
        Expr::BoolExpr { op, lhs, rhs, .. } => {
            let sign = match op {
                BoolOp::Lt => "<",
                BoolOp::Le => "<=",
                BoolOp::Eq => "==",
                BoolOp::Ge => ">=",
                BoolOp::Gt => ">",
                BoolOp::Ne => "!=",
            };
            infix(lhs, sign, rhs)
        }
        Expr::ArithExpr { op, lhs, rhs, .. } => {
            let sign = match op {
                ArithOp::Add => "+",
                ArithOp::Sub => "-",
                ArithOp::Mul => "*",
                ArithOp::Div => "/",
                ArithOp::Mod => "%",
            };
            infix(lhs, sign, rhs)
        }
        Expr::AssignExpr { op, lhs, rhs, .. } => {
            let sign = match op {
                AssignOp::Eq => "=",
                AssignOp::ColEq => ":=",
            };
            infix(lhs, sign, rhs)
        }
        Expr::Membership {
            key,
            value,
            collection,
            ..
        } => {
            let key = key.as_ref().map(|key| format!("{}, ", expr(key)));
            format!(
                "({}{} in {})",
                key.unwrap_or_default(),
                expr(value),
                expr(collection)
            )
        }
    }
}
