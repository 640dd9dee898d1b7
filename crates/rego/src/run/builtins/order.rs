//! Comparisons in the order that OPA gives to all values: null, booleans, numbers, strings, arrays, objects, sets.
//!
//! In regorus, sets come before objects, so `set() < {}` would hold.

use std::cmp::Ordering;

use regorus::Value;

use super::Builtin;

pub(super) const ALL: [Builtin; 7] = [
    Builtin {
        name: "internal.lt",
        arity: 2,
        call: |arguments| compared(arguments, Ordering::is_lt),
    },
    Builtin {
        name: "internal.lte",
        arity: 2,
        call: |arguments| compared(arguments, Ordering::is_le),
    },
    Builtin {
        name: "internal.gt",
        arity: 2,
        call: |arguments| compared(arguments, Ordering::is_gt),
    },
    Builtin {
        name: "internal.gte",
        arity: 2,
        call: |arguments| compared(arguments, Ordering::is_ge),
    },
    Builtin {
        name: "sort",
        arity: 1,
        call: |arguments| Ok(Value::from(sorted(arguments)?)),
    },
    Builtin {
        name: "min",
        arity: 1,
        call: |arguments| {
            Ok(sorted(arguments)?
                .into_iter()
                .next()
                .unwrap_or(Value::Undefined))
        },
    },
    Builtin {
        name: "max",
        arity: 1,
        call: |arguments| Ok(sorted(arguments)?.pop().unwrap_or(Value::Undefined)),
    },
];

fn compared(arguments: &[Value], holds: fn(Ordering) -> bool) -> Result<Value, String> {
    match arguments {
        [a, b] => Ok(Value::Bool(holds(order(a, b)))),
        _ => Err("expected 2 arguments".to_owned()),
    }
}

/// The elements of an array or a set, in order.
fn sorted(arguments: &[Value]) -> Result<Vec<Value>, String> {
    let mut all: Vec<Value> = match arguments {
        [Value::Array(items)] => items.iter().cloned().collect(),
        [Value::Set(members)] => members.iter().cloned().collect(),
        _ => return Err("the operand must be an array or a set".to_owned()),
    };
    all.sort_by(order);
    Ok(all)
}

/// The order of two values in OPA.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => each(a.iter(), b.iter()),
        (Value::Set(a), Value::Set(b)) => {
            let in_order = |set: &mut Vec<&Value>| set.sort_by(|a, b| order(a, b));
            let (mut a, mut b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
            in_order(&mut a);
            in_order(&mut b);
            each(a.into_iter(), b.into_iter())
        }
        (Value::Object(a), Value::Object(b)) => {
            let (mut a, mut b): (Vec<_>, Vec<_>) =
                (a.iter_sorted().collect(), b.iter_sorted().collect());
            a.sort_by(|(a, _), (b, _)| order(a, b));
            b.sort_by(|(a, _), (b, _)| order(a, b));
            let flat = |fields: Vec<(&'_ Value, &'_ Value)>| -> Vec<Value> {
                fields
                    .into_iter()
                    .flat_map(|(key, value)| [key.clone(), value.clone()])
                    .collect()
            };
            each(flat(a).iter(), flat(b).iter())
        }
        _ => kind(a).cmp(&kind(b)).then_with(|| a.cmp(b)),
    }
}

/// Compares two lists by their first elements that differ, then by their lengths.
fn each<'a>(
    mut a: impl Iterator<Item = &'a Value>,
    mut b: impl Iterator<Item = &'a Value>,
) -> Ordering {
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) => match order(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
            (a, b) => return a.is_some().cmp(&b.is_some()),
        }
    }
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Undefined => 0,
        Value::Null => 1,
        Value::Bool(_) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
        Value::Set(_) => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are in OPA's order. Some contain others.
    #[test]
    fn kinds_are_ordered_as_opa_orders_them() {
        let texts = [
            "null",
            "false",
            "true",
            "-1",
            "0",
            "0.5",
            "10",
            r#""""#,
            r#""a""#,
            r#""b""#,
            "[]",
            "[1]",
            "[1,2]",
            "[[1]]",
            r#"[{"k":1}]"#,
            "{}",
            r#"{"a":1}"#,
            r#"{"a":1,"b":0}"#,
            r#"{"a":2}"#,
            r#"{"b":0}"#,
        ];
        let mut all: Vec<Value> = texts
            .iter()
            .map(|text| Value::from_json_str(text).unwrap())
            .collect();
        let set = |members: &[Value]| {
            Value::from(
                members
                    .iter()
                    .cloned()
                    .collect::<std::collections::BTreeSet<_>>(),
            )
        };
        let object = all.last().unwrap().clone();
        all.push(set(&[]));
        all.push(set(&[Value::from(1)]));
        all.push(set(std::slice::from_ref(&object)));
        // In OPA the object is the smaller member; in regorus the set is.
        all.push(set(&[object.clone(), set(&[])]));
        all.push(set(&[set(&[])]));
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(order(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        let mut mixed = all.clone();
        mixed.reverse();
        assert_eq!(sorted(&[Value::from(mixed)]).unwrap(), all);
        assert_eq!(
            sorted(&[object]).unwrap_err(),
            "the operand must be an array or a set"
        );
    }
}
