//! The parts of a UUID (RFC 9562; version 2 as in DCE).

use std::collections::BTreeMap;

use regorus::Value;

use super::{Builtin, string};

pub(super) const ALL: [Builtin; 1] = [Builtin {
    name: "uuid.parse",
    arity: 1,
    call: |arguments| {
        // A text that is not a UUID is undefined, not an error.
        let parsed = match arguments {
            [Value::String(text)] => bytes(text).as_ref().map(properties),
            _ => None,
        };
        Ok(parsed.unwrap_or(Value::Undefined))
    },
}];

/// From 15 October 1582, where UUIDs begin to count, to 1970, in steps of 100 ns.
const GREGORIAN: i64 = 122_192_928_000_000_000;

/// The bytes of a UUID. It may have no dashes, begin with `urn:uuid:`, or have one extra character on each side.
fn bytes(text: &str) -> Option<[u8; 16]> {
    let text = match text.len() {
        45 => {
            let (scheme, rest) = text.split_at_checked(9)?;
            scheme.eq_ignore_ascii_case("urn:uuid:").then_some(rest)?
        }
        38 => text.get(1..37)?,
        _ => text,
    };
    let digits: Vec<u8> = match text.len() {
        36 => {
            let is_well_formed = text
                .bytes()
                .enumerate()
                .all(|(place, byte)| (byte == b'-') == matches!(place, 8 | 13 | 18 | 23));
            is_well_formed.then(|| text.bytes().filter(|byte| *byte != b'-').collect())?
        }
        32 => text.bytes().collect(),
        _ => return None,
    };
    let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode(&digits).ok()?;
    decoded.try_into().ok()
}

fn properties(bytes: &[u8; 16]) -> Value {
    let number = u128::from_be_bytes(*bytes);
    let part = |shift: u32, mask: u128| (number >> shift) & mask;
    let version = part(76, 0xf);
    let kind = part(60, 0xf);
    let mut members: BTreeMap<Value, Value> = BTreeMap::new();
    let mut add = |name: &str, value: Value| members.insert(string(name), value);
    add("version", small(version));
    let variant = match kind {
        0b1000..=0b1011 => "RFC4122",
        0b1100 | 0b1101 => "Microsoft",
        0b1110 | 0b1111 => "Future",
        _ => "Reserved",
    };
    add("variant", string(variant));
    if matches!(version, 1 | 2) {
        let steps = part(96, 0xffff_ffff) | part(80, 0xffff) << 32 | part(64, 0xfff) << 48;
        // Integers wrap around, as in Go.
        let steps = i64::try_from(steps).unwrap_or_default() - GREGORIAN;
        let (seconds, rest) = (steps / 10_000_000, steps % 10_000_000);
        let nanoseconds = seconds.wrapping_mul(1_000_000_000).wrapping_add(rest * 100);
        add("time", Value::from(nanoseconds));
        add("clocksequence", small(part(48, 0x3fff)));
        let node: Vec<String> = (0..6)
            .map(|index| format!("{:02x}", part(40 - 8 * index, 0xff)))
            .collect();
        add("nodeid", string(&node.join("-")));
        let first = part(40, 0xff);
        let scope = if first & 2 == 0 { "global" } else { "local" };
        let cast = if first & 1 == 0 {
            "unicast"
        } else {
            "multicast"
        };
        add("macvariables", string(&format!("{scope}:{cast}")));
    }
    if version == 2 {
        let domain = match part(48, 0xff) {
            0 => "Person".to_owned(),
            1 => "Group".to_owned(),
            2 => "Org".to_owned(),
            other => format!("Domain{other}"),
        };
        add("domain", string(&domain));
        add("id", small(part(96, 0xffff_ffff)));
    }
    Value::from(members)
}

fn small(number: u128) -> Value {
    Value::from(u64::try_from(number).unwrap_or_default())
}
