//! Joins networks into the smallest number of networks with the same addresses.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use regorus::Value;

use super::super::{budget, string};

/// Where the IPv4 addresses are within IPv6: `::ffff:a.b.c.d`.
const MAPPED: u128 = 0xffff << 32;

/// A range of addresses. IPv4 addresses are in IPv6 form.
struct Range {
    first: u128,
    last: u128,
    /// The text of the network, as long as the range was not joined with another.
    text: Option<String>,
}

pub(super) fn merge(arguments: &[Value]) -> Result<Value, String> {
    let networks: Vec<&Value> = match arguments {
        [Value::Array(items)] => items.iter().collect(),
        [Value::Set(members)] => members.iter().collect(),
        _ => return Err("operand 1 must be an array or a set of networks".to_owned()),
    };
    budget::elements(networks.len())?;
    let mut ranges = networks
        .into_iter()
        .map(range)
        .collect::<Result<Vec<_>, _>>()?;
    ranges.sort_by_key(|range| (range.first, range.last));
    let mut joined: Vec<Range> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.first <= last.last.saturating_add(1) => {
                last.text = None;
                last.last = last.last.max(range.last);
            }
            _ => joined.push(range),
        }
    }
    let mut made = BTreeSet::new();
    for range in joined {
        match &range.text {
            Some(text) => {
                made.insert(string(text));
            }
            None => split(range.first, range.last, &mut made)?,
        }
    }
    Ok(Value::from(made))
}

fn range(network: &Value) -> Result<Range, String> {
    let Value::String(text) = network else {
        return Err("operand 1 must hold strings only".to_owned());
    };
    if let Ok((is_v4, number)) = super::address(text) {
        if !is_v4 {
            return Err("an IPv6 address needs a prefix length".to_owned());
        }
        // An address without a prefix length belongs to a network of its historical class A, B or C.
        let length = match number >> 24 {
            0..=0x7f => 8,
            0x80..=0xbf => 16,
            _ => 24,
        };
        let hosts = (1_u128 << (32 - length)) - 1;
        let address = Ipv4Addr::from(u32::try_from(number).unwrap_or_default());
        return Ok(Range {
            first: MAPPED | (number & !hosts),
            last: MAPPED | number | hosts,
            text: Some(format!("{address}/{length}")),
        });
    }
    let network = super::network(text)?;
    let mapped = if network.is_v4 { MAPPED } else { 0 };
    let (first, last) = (mapped | network.first, mapped | network.last);
    let hosts = (last - first).count_ones();
    Ok(Range {
        first,
        last,
        text: Some(written(first, hosts)),
    })
}

/// Splits a range into networks that are as large as possible.
fn split(mut first: u128, last: u128, made: &mut BTreeSet<Value>) -> Result<(), String> {
    loop {
        budget::elements(1)?;
        let mut hosts = first.trailing_zeros().min(128);
        while hosts > 0 && end(first, hosts) > last {
            hosts -= 1;
        }
        made.insert(string(&written(first, hosts)));
        match end(first, hosts).checked_add(1) {
            Some(next) if next <= last => first = next,
            _ => return Ok(()),
        }
    }
}

/// The last address of a network with `hosts` free bits.
fn end(first: u128, hosts: u32) -> u128 {
    first | 1_u128.checked_shl(hosts).map_or(u128::MAX, |size| size - 1)
}

fn written(first: u128, hosts: u32) -> String {
    if first >> 32 == MAPPED >> 32 && hosts <= 32 {
        let address = Ipv4Addr::from(u32::try_from(first & 0xffff_ffff).unwrap_or_default());
        format!("{address}/{}", 32 - hosts)
    } else {
        format!("{}/{}", IpAddr::V6(Ipv6Addr::from(first)), 128 - hosts)
    }
}
