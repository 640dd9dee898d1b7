//! Network addresses, read as Go's `net` does. An IPv4 address in IPv6 notation (`::ffff:10.0.0.1`) is the IPv4
//! address.

mod merge;

use std::{collections::BTreeSet, net::IpAddr};

use regorus::Value;

use super::{Builtin, budget, by_regorus, text};

pub(super) const ALL: [Builtin; 7] = [
    Builtin {
        name: "net.cidr_contains",
        arity: 2,
        call: contains,
    },
    Builtin {
        name: "net.cidr_is_valid",
        arity: 1,
        call: |arguments| match arguments {
            [Value::String(text)] => Ok(Value::Bool(network(text).is_ok())),
            // A value that is not a string is not a network.
            _ => Ok(Value::Bool(false)),
        },
    },
    // The old name of `net.cidr_contains`.
    Builtin {
        name: "net.cidr_overlap",
        arity: 2,
        call: contains,
    },
    Builtin {
        name: "net.cidr_contains_matches",
        arity: 2,
        call: contains_matches,
    },
    Builtin {
        name: "net.cidr_intersects",
        arity: 2,
        call: intersects,
    },
    Builtin {
        name: "net.cidr_merge",
        arity: 1,
        call: merge::merge,
    },
    Builtin {
        name: "net.cidr_expand",
        arity: 1,
        call: expand,
    },
];

/// The first and last address of a network, as numbers. `is_v4` is true for IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    is_v4: bool,
    first: u128,
    last: u128,
}

fn contains(arguments: &[Value]) -> Result<Value, String> {
    is_within(text(arguments, 0)?, text(arguments, 1)?).map(Value::Bool)
}

fn is_within(cidr: &str, other: &str) -> Result<bool, String> {
    let network = network(cidr)?;
    let other = if other.contains('/') {
        self::network(other)?
    } else {
        let (is_v4, number) = address(other)?;
        Network {
            is_v4,
            first: number,
            last: number,
        }
    };
    Ok(network.is_v4 == other.is_v4 && network.first <= other.first && other.last <= network.last)
}

fn intersects(arguments: &[Value]) -> Result<Value, String> {
    let (one, other) = (network(text(arguments, 0)?)?, network(text(arguments, 1)?)?);
    Ok(Value::Bool(
        one.is_v4 == other.is_v4 && one.first <= other.last && other.first <= one.last,
    ))
}

/// All pairs of a network and an address or network inside it. Each is given by its key, its index or its text.
fn contains_matches(arguments: &[Value]) -> Result<Value, String> {
    let [networks, others] = arguments else {
        return Err("expected 2 arguments".to_owned());
    };
    let (networks, others) = (listed(networks)?, listed(others)?);
    let mut found = BTreeSet::new();
    for (place, cidr) in &networks {
        let cidr = checked(cidr, 1)?;
        for (other_place, other) in &others {
            budget::text(1)?;
            if is_within(cidr, checked(other, 2)?)? {
                budget::elements(3)?;
                found.insert(Value::from(vec![place.clone(), other_place.clone()]));
            }
        }
    }
    Ok(Value::from(found))
}

/// The elements of an operand, each with its key or index. For a string or a set, the element stands for itself.
fn listed(operand: &Value) -> Result<Vec<(Value, &Value)>, String> {
    let pairs: Vec<(Value, &Value)> = match operand {
        Value::String(_) => vec![(operand.clone(), operand)],
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (Value::from(index), item))
            .collect(),
        Value::Set(members) => members.iter().map(|m| (m.clone(), m)).collect(),
        Value::Object(fields) => fields.iter_sorted().map(|(k, v)| (k.clone(), v)).collect(),
        // OPA finds nothing in values of other types.
        _ => Vec::new(),
    };
    budget::elements(pairs.len())?;
    Ok(pairs)
}

/// The text of an element. If the element is an array, the text of its first item.
fn checked(value: &Value, number: usize) -> Result<&str, String> {
    let text = match value {
        Value::Array(items) => items.first(),
        other => Some(other),
    };
    match text {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!(
            "operand {number}: element must be string or non-empty array"
        )),
    }
}

fn expand(arguments: &[Value]) -> Result<Value, String> {
    let network = network(text(arguments, 0)?)?;
    let count = (network.last - network.first).saturating_add(1);
    budget::elements(usize::try_from(count).unwrap_or(usize::MAX))?;
    // OPA returns a set here.
    match by_regorus("net.cidr_expand", arguments)? {
        Value::Array(all) => Ok(Value::from(
            all.iter().cloned().collect::<BTreeSet<Value>>(),
        )),
        other => Ok(other),
    }
}

fn network(text: &str) -> Result<Network, String> {
    let fault = || "expected a network in CIDR notation".to_owned();
    let (written, length) = text.split_once('/').ok_or_else(fault)?;
    let (is_v4, number) = address(written)?;
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return Err(fault());
    }
    let length: u32 = length.parse().map_err(|_| fault())?;
    let written_bits = if written.contains(':') { 128 } else { 32 };
    if length > written_bits {
        return Err(fault());
    }
    let bits = if is_v4 { 32 } else { 128 };
    // For IPv4 in IPv6 notation, the first 96 bits are always the same, so they do not count.
    let length = length.saturating_sub(written_bits - bits);
    let rest = bits - length;
    let hosts = if rest == 128 {
        u128::MAX
    } else {
        (1_u128 << rest) - 1
    };
    Ok(Network {
        is_v4,
        first: number & !hosts,
        last: number | hosts,
    })
}

fn address(text: &str) -> Result<(bool, u128), String> {
    let address: IpAddr = text
        .parse()
        .map_err(|_| "expected an IP address".to_owned())?;
    Ok(match address.to_canonical() {
        IpAddr::V4(v4) => (true, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (false, v6.to_bits()),
    })
}
