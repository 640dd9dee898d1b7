//! Addition, subtraction and multiplication with more digits than in regorus. As in OPA, `0.1 + 0.2` is `0.3`.

use std::collections::BTreeSet;

use regorus::Value;

use super::{Builtin, budget, errors, numbers::bounded};

pub(super) const ALL: [Builtin; 9] = [
    Builtin {
        name: "internal.plus",
        arity: 2,
        call: |arguments| operands(arguments).and_then(|(a, b)| calculated(Operation::Plus, a, b)),
    },
    Builtin {
        name: "internal.minus",
        arity: 2,
        call: minus,
    },
    Builtin {
        name: "internal.mul",
        arity: 2,
        call: |arguments| operands(arguments).and_then(|(a, b)| calculated(Operation::Times, a, b)),
    },
    Builtin {
        name: "internal.div",
        arity: 2,
        call: |arguments| divided(arguments, true),
    },
    Builtin {
        name: "internal.rem",
        arity: 2,
        call: |arguments| divided(arguments, false),
    },
    Builtin {
        name: "internal.and",
        arity: 2,
        call: both,
    },
    Builtin {
        name: "internal.or",
        arity: 2,
        call: either,
    },
    Builtin {
        name: "sum",
        arity: 1,
        call: |arguments| folded(arguments, Operation::Plus, 0),
    },
    Builtin {
        name: "product",
        arity: 1,
        call: |arguments| folded(arguments, Operation::Times, 1),
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Plus,
    Minus,
    Times,
}

fn operands(arguments: &[Value]) -> Result<(&Value, &Value), String> {
    match arguments {
        [a, b] => Ok((a, b)),
        _ => Err("expected 2 arguments".to_owned()),
    }
}

/// The difference of two numbers or of two sets.
fn minus(arguments: &[Value]) -> Result<Value, String> {
    match operands(arguments)? {
        (Value::Set(of), Value::Set(less)) => {
            let left = of.iter().filter(|member| !less.contains(member));
            Ok(Value::from(left.cloned().collect::<BTreeSet<Value>>()))
        }
        (a, b) => calculated(Operation::Minus, a, b),
    }
}

/// The quotient of two numbers, or the remainder of two integers.
fn divided(arguments: &[Value], is_quotient: bool) -> Result<Value, String> {
    let (Value::Number(a), Value::Number(b)) = operands(arguments)? else {
        return Err("operands must be numbers".to_owned());
    };
    if arguments.get(1) == Some(&Value::from(0)) {
        return Err("divide by zero".to_owned());
    }
    if is_quotient {
        let quotient = a.clone().divide(b);
        return quotient
            .map(Value::Number)
            .map_err(|e| errors::refuse(e.to_string()));
    }
    if !(a.is_integer() && b.is_integer()) {
        return Err("modulo on floating-point number".to_owned());
    }
    let rest = a.clone().modulo(b);
    rest.map(Value::Number)
        .map_err(|e| errors::refuse(e.to_string()))
}

fn both(arguments: &[Value]) -> Result<Value, String> {
    let (Value::Set(a), Value::Set(b)) = operands(arguments)? else {
        return Err("operands must be sets".to_owned());
    };
    budget::elements(a.len())?;
    Ok(Value::from(a.intersection(b)))
}

fn either(arguments: &[Value]) -> Result<Value, String> {
    let (Value::Set(a), Value::Set(b)) = operands(arguments)? else {
        return Err("operands must be sets".to_owned());
    };
    budget::elements(a.len() + b.len())?;
    Ok(Value::from(a.union(b)))
}

fn folded(arguments: &[Value], operation: Operation, first: i64) -> Result<Value, String> {
    let mut result = Value::from(first);
    let mut add = |value: &Value| {
        result = calculated(operation, &result, value)?;
        Ok::<_, String>(())
    };
    match arguments {
        [Value::Array(items)] => items.iter().try_for_each(&mut add)?,
        [Value::Set(members)] => members.iter().try_for_each(&mut add)?,
        _ => return Err("operand 1 must be an array or a set of numbers".to_owned()),
    }
    Ok(result)
}

fn calculated(operation: Operation, a: &Value, b: &Value) -> Result<Value, String> {
    let (Value::Number(x), Value::Number(y)) = (a, b) else {
        return Err("operands must be numbers".to_owned());
    };
    if !(x.is_integer() && y.is_integer())
        && let (Some(x), Some(y)) = (
            x.as_f64().and_then(Decimal::of),
            y.as_f64().and_then(Decimal::of),
        )
        && let Some(result) = x.with(operation, y)
    {
        return Ok(result);
    }
    let result = match operation {
        Operation::Plus => x.add(y),
        Operation::Minus => x.sub(y),
        Operation::Times => x.mul(y),
    };
    result
        .map(Value::Number)
        .map_err(|e| errors::refuse(e.to_string()))
        .and_then(bounded)
}

/// A decimal number: its digits, and how many of them follow the point.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    digits: i128,
    behind: u32,
}

/// A number with more significant digits is the result of a calculation. It has no exact decimal form.
const WRITTEN: usize = 15;
/// The largest number of digits after the point that two numbers are aligned to.
const MAX_BEHIND: u32 = 30;

impl Decimal {
    fn of(number: f64) -> Option<Self> {
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits
            .trim_start_matches('-')
            .trim_start_matches('0')
            .trim_end_matches('0');
        if significant.len() > WRITTEN {
            return None;
        }
        Some(Self {
            digits: digits.parse().ok()?,
            behind: u32::try_from(fraction.len())
                .ok()
                .filter(|n| *n <= MAX_BEHIND)?,
        })
    }

    fn with(self, operation: Operation, other: Self) -> Option<Value> {
        let (digits, behind) = match operation {
            Operation::Times => (
                self.digits.checked_mul(other.digits)?,
                self.behind + other.behind,
            ),
            Operation::Plus | Operation::Minus => {
                let behind = self.behind.max(other.behind);
                let lined_up = |number: Self| {
                    let by = 10_i128.checked_pow(behind - number.behind)?;
                    number.digits.checked_mul(by)
                };
                let (x, y) = (lined_up(self)?, lined_up(other)?);
                let digits = if operation == Operation::Plus {
                    x.checked_add(y)
                } else {
                    x.checked_sub(y)
                };
                (digits?, behind)
            }
        };
        let number: f64 = format!("{digits}e-{behind}").parse().ok()?;
        Some(Value::from(number))
    }
}
