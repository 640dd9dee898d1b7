//! Whatever prost decodes is read here as prost has it.

use std::collections::{BTreeMap, HashSet};

use envoy_types::pb::envoy::config::core::v3::{
    Address, Pipe, SocketAddress, address::Address as Kind,
};
use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::*;

/// What is read, in an order of its own where protobuf has none.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    texts: [String; 4],
    target: Vec<u8>,
    body: Vec<u8>,
    raw_headers: Vec<(String, Vec<u8>)>,
    plain_headers: BTreeMap<String, Vec<u8>>,
    source: (Option<String>, Option<String>),
    policy: Option<String>,
}

/// A map without an entry is none.
fn has_raw_headers(http: &HttpRequest) -> bool {
    let map = http.header_map.as_ref();
    map.is_some_and(|map| !map.headers.is_empty())
}

/// By the plain way: decode all, then pick.
fn reference(check: CheckRequest) -> Result<Seen, UnreadableCheck> {
    let context = check.attributes.unwrap_or_default();
    let source = context.source.unwrap_or_default();
    let http = context
        .request
        .and_then(|request| request.http)
        .ok_or(UnreadableCheck::NoHttpRequest)?;
    let is_raw = has_raw_headers(&http);
    let mut target = None;
    let mut raw_headers = Vec::new();
    for header in http.header_map.unwrap_or_default().headers {
        let value = match header.raw_value.as_slice() {
            [] => header.value.into_bytes(),
            raw => raw.to_vec(),
        };
        let name = header.key.to_ascii_lowercase();
        if name == ":path" {
            if target.replace(value).is_some() {
                return Err(UnreadableCheck::RepeatedPath);
            }
        } else if !name.starts_with(':') {
            raw_headers.push((name, value));
        }
    }
    let plain = http.headers.into_iter();
    let plain = plain.filter(|(name, _)| !is_raw && !name.starts_with(':'));
    Ok(Seen {
        texts: [http.method, http.scheme, http.host, http.protocol],
        target: target.unwrap_or(http.path.into_bytes()),
        body: match http.raw_body.as_slice() {
            [] => http.body.into_bytes(),
            raw => raw.to_vec(),
        },
        raw_headers,
        plain_headers: plain
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into_bytes()))
            .collect(),
        source: (
            match source.address.and_then(|address| address.address) {
                Some(Kind::SocketAddress(socket)) => Some(socket.address),
                _ => None,
            },
            Some(source.principal).filter(|name| !name.is_empty()),
        ),
        policy: context.context_extensions.get("policy").cloned(),
    })
}

fn ours(message: &[u8], is_raw: bool) -> Result<Seen, UnreadableCheck> {
    let input = CheckInput::from_envoy(Bytes::copy_from_slice(message))?;
    let headers = input.headers.iter();
    let headers: Vec<_> = headers.map(|(n, v)| (n.to_owned(), v.to_vec())).collect();
    let (raw_headers, plain) = if is_raw {
        (headers, Vec::new())
    } else {
        (Vec::new(), headers)
    };
    Ok(Seen {
        policy: input.attributes.policy_name().map(str::to_owned),
        texts: [input.method, input.scheme, input.host, input.protocol],
        target: input.target,
        body: input.body,
        raw_headers,
        plain_headers: plain.into_iter().collect(),
        source: (input.source_address, input.source_principal),
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,6}", "(GET|/a|https|HTTP/2|policy)"]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..6)
}

fn header() -> impl Strategy<Value = HeaderValue> {
    let name = prop_oneof![
        "[a-z:]{0,4}",
        Just(":path".to_owned()),
        Just("X-A".to_owned())
    ];
    (name, text(), bytes()).prop_map(|(key, value, raw_value)| HeaderValue {
        key,
        value,
        raw_value,
    })
}

fn peer() -> impl Strategy<Value = Peer> {
    let socket = text().prop_map(|address| {
        Kind::SocketAddress(SocketAddress {
            address,
            ..SocketAddress::default()
        })
    });
    let pipe = text().prop_map(|path| {
        Kind::Pipe(Pipe {
            path,
            ..Pipe::default()
        })
    });
    let kind = option::of(prop_oneof![socket, pipe]);
    (option::of(kind), text(), text()).prop_map(|(kind, principal, service)| Peer {
        address: kind.map(|address| Address { address }),
        principal,
        service,
        ..Peer::default()
    })
}

fn http() -> impl Strategy<Value = HttpRequest> {
    let map = option::of(vec(header(), 0..5).prop_map(|headers| HeaderMap { headers }));
    let plain = proptest::collection::hash_map("[a-z:]{0,3}", text(), 0..4);
    let texts = (text(), text(), text(), text(), text(), text());
    (texts, map, plain, text(), bytes(), any::<i64>()).prop_map(
        |(texts, header_map, headers, body, raw_body, size)| HttpRequest {
            id: texts.0,
            method: texts.1,
            path: texts.2,
            host: texts.3,
            scheme: texts.4,
            protocol: texts.5,
            header_map,
            headers,
            body,
            raw_body,
            size,
            ..HttpRequest::default()
        },
    )
}

prop_compose! {
    fn encoded()(
        source in option::of(peer()),
        http in option::weighted(0.9, http()),
        context_extensions in proptest::collection::hash_map(text(), text(), 0..3),
        has_request in prop::bool::weighted(0.9),
    ) -> Vec<u8> {
        let request = has_request.then(|| Request { http, ..Request::default() });
        let context = AttributeContext { source, request, context_extensions, ..AttributeContext::default() };
        CheckRequest { attributes: Some(context) }.encode_to_vec()
    }
}

fn agree(message: &[u8]) -> Result<(), TestCaseError> {
    // What prost cannot decode may be refused or not: nothing that is read of it differs from what is there.
    let Ok(check) = CheckRequest::decode(message) else {
        return Ok(());
    };
    let http = check
        .attributes
        .as_ref()
        .and_then(|all| all.request.as_ref());
    let http = http.and_then(|request| request.http.as_ref());
    let is_raw = http.is_some_and(has_raw_headers);
    let names = http.into_iter().flat_map(|http| http.headers.keys());
    let lower: HashSet<_> = names.clone().map(|name| name.to_lowercase()).collect();
    if lower.len() < names.count() {
        // Two names that are one in HTTP: prost's map has no order to say which value would be the last.
        return Ok(());
    }
    let expected = reference(check.clone());
    match ours(message, is_raw) {
        // Groups are refused, which protobuf has given up and Envoy never sends.
        Err(UnreadableCheck::Malformed) => {
            prop_assert!(holds_a_group(message), "{check:?}");
        }
        read => {
            prop_assert_eq!(&read, &expected);
            if read.is_ok() {
                // Told once as prost writes it, with every field once.
                prop_assert_eq!(shown(message), shown(&check.encode_to_vec()));
            }
        }
    }
    Ok(())
}

fn shown(message: &[u8]) -> serde_json::Value {
    let input = CheckInput::from_envoy(Bytes::copy_from_slice(message)).unwrap();
    serde_json::to_value(shown_attributes(&input)).unwrap()
}

/// Whether some byte could open a group: the wire type of one is 3.
fn holds_a_group(message: &[u8]) -> bool {
    message.iter().any(|byte| byte & 7 == 3)
}

proptest! {
    #[test]
    fn what_envoy_sends(message in encoded()) {
        CheckRequest::decode(message.as_slice()).unwrap();
        prop_assert_ne!(ours(&message, false).err(), Some(UnreadableCheck::Malformed));
        agree(&message)?;
    }

    #[test]
    fn messages_that_are_merged(first in encoded(), second in encoded()) {
        agree(&[first, second].concat())?;
    }

    #[test]
    fn messages_that_are_damaged(
        message in encoded(),
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
        end in option::of(any::<Index>()),
    ) {
        let mut message = message;
        for (place, byte) in damage {
            if !message.is_empty() {
                let place = place.index(message.len());
                message[place] = byte;
            }
        }
        if let Some(end) = end {
            message.truncate(end.index(message.len() + 1));
        }
        agree(&message)?;
    }
}
