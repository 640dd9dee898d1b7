//! From a decision to Envoy's `CheckResponse`: the only writer of the outbound protobuf.
//!
//! The numbers are those of the fields in `envoy/service/auth/v3/external_auth.proto` and of what it imports.

mod fastgeoapi;
mod message;
mod page;

use serde_json::{Map, Value, json};

use self::message::Message;
use crate::pipeline::{
    DECISION_ID, Decided,
    decision::{Decision, Denial, Permit},
};

/// gRPC status codes (google.rpc.Code) of a Check: any but OK refuses.
const OK: u32 = 0;
const PERMISSION_DENIED: u32 = 7;
const UNAUTHENTICATED: u32 = 16;

/// What becomes of values that are there: `append_action` of `HeaderValueOption`, or `append`, which is all that Envoy looks
/// at where it is to append to a header of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Append {
    IfExistsOrAdd,
    OverwriteIfExistsOrAdd,
    True,
}

/// More than most answers take.
const MOST_BYTES: usize = 1536;

/// What Envoy is told: an encoded `CheckResponse`.
pub fn to_envoy(decided: &Decided) -> Vec<u8> {
    let mut answer = Message::with_capacity(MOST_BYTES);
    let code = match &decided.decision {
        Decision::Allow(_) => OK,
        Decision::Deny(denial) if denial.status == 401 => UNAUTHENTICATED,
        Decision::Deny(_) => PERMISSION_DENIED,
    };
    answer.message(1, |status| status.number(1, code));
    match &decided.decision {
        Decision::Allow(permit) => answer.message(3, |ok| allowed(ok, permit)),
        Decision::Deny(denial) => answer.message(2, |refused| denied(refused, denial, decided)),
    }
    answer.message(4, |metadata| self::metadata(metadata, decided));
    answer.into_bytes()
}

/// What Envoy can log: dynamic metadata of the ext_authz filter. Ours wins over the policy's.
fn metadata(all: &mut Message, decided: &Decided) {
    let theirs = match &decided.decision {
        Decision::Allow(permit) => &permit.metadata,
        Decision::Deny(denial) => &denial.metadata,
    };
    for (name, value) in theirs {
        if decided.facts().all(|(ours, _)| ours != name) {
            member(all, name, |all| proto_value(all, value));
        }
    }
    for (name, value) in decided.facts() {
        member(all, name, |all| all.text_even_if_empty(3, value));
    }
}

/// `OkHttpResponse`.
fn allowed(ok: &mut Message, permit: &Permit) {
    for (index, (name, value)) in permit.set_headers.iter().enumerate() {
        let mut earlier = permit.set_headers.iter().take(index);
        // The first one takes the place of the client's own, further ones of its name come on top.
        if earlier.any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            header(ok, 2, name, value, Append::True);
        } else {
            header(ok, 2, name, value, Append::OverwriteIfExistsOrAdd);
        }
    }
    for name in &permit.remove_headers {
        ok.text_even_if_empty(5, name);
    }
    for (name, value) in &permit.response_headers {
        header(ok, 6, name, value, Append::IfExistsOrAdd);
    }
}

/// `DeniedHttpResponse`.
fn denied(refused: &mut Message, denial: &Denial, decided: &Decided) {
    let (id, refusals) = (decided.id.as_str(), decided.refusals);
    refused.message(1, |status| status.number(1, u32::from(denial.status)));
    // Challenges are several headers of one name, so nothing is overwritten.
    let mut add = |name: &str, value: &str| header(refused, 2, name, value, Append::IfExistsOrAdd);
    for (name, value) in &denial.headers {
        match name.as_str() {
            "www-authenticate" => add(name, fastgeoapi::challenge(value, refusals)),
            _ => add(name, value),
        }
    }
    add(DECISION_ID, id);
    add("cache-control", "no-store");
    if let Some(body) = &denial.body {
        refused.text(3, body);
        return;
    }
    let (media_type, body) = match fastgeoapi::body(denial, refusals) {
        Some(body) => ("application/json", body.to_string()),
        None if decided.is_for_a_person => (
            "text/html; charset=utf-8",
            page::html(title(denial.status), denial, id),
        ),
        None => ("application/problem+json", problem(denial, id).to_string()),
    };
    add("content-type", media_type);
    add("vary", "accept");
    refused.text(3, &body);
}

/// A problem document (RFC 9457) that OGC API clients can read too: they look for `code` and `description`.
fn problem(denial: &Denial, id: &str) -> Value {
    json!({
        "type": format!("urn:geowarden:problem:{}", denial.reason),
        "title": title(denial.status),
        "status": denial.status,
        "detail": denial.detail,
        "instance": format!("urn:uuid:{id}"),
        "code": denial.reason,
        "description": denial.detail,
    })
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}

/// `HeaderValueOption`.
fn header(all: &mut Message, field: u32, name: &str, value: &str, append: Append) {
    all.message(field, |option| {
        option.message(1, |header| {
            header.text(1, name);
            header.text(2, value);
        });
        match append {
            Append::IfExistsOrAdd => {}
            Append::OverwriteIfExistsOrAdd => option.number(3, 2),
            Append::True => option.message(2, |value| value.number(1, 1)),
        }
    });
}

/// An entry of `google.protobuf.Struct`; `write` fills its `Value`.
fn member(structure: &mut Message, name: &str, write: impl FnOnce(&mut Message)) {
    structure.message(1, |entry| {
        entry.text(1, name);
        entry.message(2, write);
    });
}

fn structure(all: &mut Message, members: &Map<String, Value>) {
    for (name, value) in members {
        member(all, name, |all| proto_value(all, value));
    }
}

/// The one member of `google.protobuf.Value`.
fn proto_value(kind: &mut Message, value: &Value) {
    match value {
        Value::Null => kind.number_even_if_zero(1, 0),
        Value::Number(number) => kind.double(2, number.as_f64().unwrap_or_default()),
        Value::String(text) => kind.text_even_if_empty(3, text),
        Value::Bool(truth) => kind.number_even_if_zero(4, u32::from(*truth)),
        Value::Object(members) => kind.message(5, |inner| structure(inner, members)),
        Value::Array(items) => kind.message(6, |list| {
            for item in items {
                list.message(1, |kind| proto_value(kind, item));
            }
        }),
    }
}
