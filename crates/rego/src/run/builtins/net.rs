//! Network addresses as Go's `net` reads them: an IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.

use std::{collections::BTreeSet, net::IpAddr};

use regorus::Value;

use super::{Builtin, budget, by_regorus, text};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "net.cidr_contains",
        arity: 2,
        call: contains,
    },
    Builtin {
        name: "net.cidr_expand",
        arity: 1,
        call: expand,
    },
];

/// The first and last address of a network, as numbers, and whether they are of IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    is_v4: bool,
    first: u128,
    last: u128,
}

fn contains(arguments: &[Value]) -> Result<Value, String> {
    let network = network(text(arguments, 0)?)?;
    let other = text(arguments, 1)?;
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
    Ok(Value::Bool(
        network.is_v4 == other.is_v4 && network.first <= other.first && other.last <= network.last,
    ))
}

fn expand(arguments: &[Value]) -> Result<Value, String> {
    let network = network(text(arguments, 0)?)?;
    let count = (network.last - network.first).saturating_add(1);
    budget::elements(usize::try_from(count).unwrap_or(usize::MAX))?;
    // OPA makes a set of them.
    match by_regorus("net.cidr_expand", arguments)? {
        Value::Array(all) => Ok(Value::from(
            all.iter().cloned().collect::<BTreeSet<Value>>(),
        )),
        other => Ok(other),
    }
}

fn network(text: &str) -> Result<Network, String> {
    let fault = || format!("not a network in CIDR notation: {text:?}");
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
    // Of a mapped network, only what is behind the prefix of all mapped addresses tells networks apart.
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
        .map_err(|_| format!("not the text of an IP address: {text:?}"))?;
    Ok(match address.to_canonical() {
        IpAddr::V4(v4) => (true, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (false, v6.to_bits()),
    })
}
