//! Our trees as text.

use geowarden_rego::parse::tree::{
    Condition, Expr, ExprKind, Head, HeadKind, Literal, LiteralKind, Module, Query,
};

pub(crate) fn rules(module: &Module) -> Vec<String> {
    let all = module.rules.iter().map(|rule| {
        let bodies = std::iter::once(rule.body.as_ref().map(query));
        let elses = rule.elses.iter();
        let elses = elses.map(|one| {
            let value = one.value.as_ref().map(expr).unwrap_or_default();
            Some(format!(
                "else {value} {}",
                one.body.as_ref().map(query).unwrap_or_default()
            ))
        });
        let bodies: Vec<String> = bodies.chain(elses).flatten().collect();
        let default = if rule.is_default { "default " } else { "" };
        format!("{default}{} {}", head(&rule.head), bodies.join(" "))
    });
    all.collect()
}

fn head(head: &Head) -> String {
    let mut name = head.name.text.clone();
    for part in &head.path {
        name.push_str(&step(part));
    }
    let arguments = head
        .arguments
        .as_ref()
        .map(|arguments| format!("({})", list(arguments)));
    let kind = match &head.kind {
        HeadKind::Value(None) => String::new(),
        HeadKind::Value(Some(value)) => format!(" is {}", expr(value)),
        HeadKind::Member(member) => format!(" has {}", expr(member)),
    };
    format!("{name}{}{kind}", arguments.unwrap_or_default())
}

fn query(query: &Query) -> String {
    let literals: Vec<String> = query.literals.iter().map(literal).collect();
    format!("{{{}}}", literals.join("; "))
}

fn literal(literal: &Literal) -> String {
    let mut text = match &literal.kind {
        LiteralKind::Condition(one) => condition(one),
        LiteralKind::Not(one) => format!("not {}", condition(one)),
        LiteralKind::NotQuery(negated) => format!("not {}", query(negated)),
        LiteralKind::Some(names) => {
            let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            format!("some {}", names.join(", "))
        }
        LiteralKind::SomeIn {
            key,
            value,
            collection,
        } => {
            let key = key.as_ref().map(|key| format!("{}, ", expr(key)));
            format!(
                "some {}{} in {}",
                key.unwrap_or_default(),
                expr(value),
                expr(collection)
            )
        }
        LiteralKind::Every {
            key,
            value,
            domain,
            body,
        } => {
            let name = |name: &Option<geowarden_rego::parse::tree::Name>| {
                name.as_ref()
                    .map_or("_", |name| name.text.as_str())
                    .to_owned()
            };
            // `_` as a key is none.
            let key = key.as_ref().map(|key| format!("{}, ", key.text));
            format!(
                "every {}{} in {} {}",
                key.unwrap_or_default(),
                name(value),
                expr(domain),
                query(body)
            )
        }
    };
    for with in &literal.with {
        let (target, value) = (expr(&with.target), expr(&with.value));
        text = format!("{text} with {target} as {value}");
    }
    text
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Value(value) => expr(value),
        Condition::Assign(left, right) => format!("({} := {})", expr(left), expr(right)),
        Condition::Unify(left, right) => format!("({} = {})", expr(left), expr(right)),
    }
}

fn list(items: &[Expr]) -> String {
    let items: Vec<String> = items.iter().map(expr).collect();
    items.join(", ")
}

fn step(part: &Expr) -> String {
    match &part.kind {
        ExprKind::String(name) => format!(".{name:?}"),
        _ => format!("[{}]", expr(part)),
    }
}

fn expr(one: &Expr) -> String {
    match &one.kind {
        ExprKind::Null => "null".to_owned(),
        ExprKind::Bool(truth) => truth.to_string(),
        ExprKind::Number(_) => "number".to_owned(),
        ExprKind::String(text) => format!("{text:?}"),
        ExprKind::Template(_) => "template".to_owned(),
        ExprKind::Var(name) => name.clone(),
        ExprKind::Wildcard => "_".to_owned(),
        ExprKind::Ref(head, way) => {
            let way: Vec<String> = way.iter().map(step).collect();
            format!("{}{}", expr(head), way.join(""))
        }
        ExprKind::Call(function, arguments) => format!("{}({})", expr(function), list(arguments)),
        ExprKind::Array(items) => format!("[{}]", list(items)),
        ExprKind::Set(items) => format!("set{{{}}}", list(items)),
        ExprKind::Object(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", expr(key), expr(value)))
                .collect();
            format!("object{{{}}}", pairs.join(", "))
        }
        ExprKind::ArrayComprehension(term, body) => format!("[{} | {}]", expr(term), query(body)),
        ExprKind::SetComprehension(term, body) => {
            format!("set{{{} | {}}}", expr(term), query(body))
        }
        ExprKind::ObjectComprehension(pair, body) => {
            format!(
                "object{{{}: {} | {}}}",
                expr(&pair.0),
                expr(&pair.1),
                query(body)
            )
        }
        ExprKind::Infix(operator, operands) => {
            format!(
                "({} {} {})",
                expr(&operands.0),
                operator.sign(),
                expr(&operands.1)
            )
        }
        ExprKind::In { key, operands } => {
            let key = key.as_ref().map(|key| format!("{}, ", expr(key)));
            format!(
                "({}{} in {})",
                key.unwrap_or_default(),
                expr(&operands.0),
                expr(&operands.1)
            )
        }
    }
}
