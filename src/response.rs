//! Writes Envoy's `CheckResponse` for a decision. No other module writes this message.
//!
//! The field numbers are those of `envoy/service/auth/v3/external_auth.proto` and of its imports.

mod fastgeoapi;
mod message;
mod page;
mod request_headers;

use serde_json::{Map, Value, json};

use self::message::Message;
use crate::{
    pipeline::Permit,
    record::{DecisionRecord, Denial, FactValue, FastgeoapiMode},
    request::CheckInput,
    status::DenialStatus,
};

/// The header with the id of the decision, on the request and on every denial.
const DECISION_ID: &str = "x-geowarden-decision-id";

/// gRPC status codes (google.rpc.Code) of a Check. Any code but OK denies.
const OK: u32 = 0;
const PERMISSION_DENIED: u32 = 7;
const UNAUTHENTICATED: u32 = 16;

/// What happens to values that a header already has: `append_action` of `HeaderValueOption`, or `append`, the only one
/// that Envoy reads when it appends to a request header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Append {
    IfExistsOrAdd,
    OverwriteIfExistsOrAdd,
    True,
}

/// Enough bytes for most answers.
const USUAL_BYTES: usize = 1536;

/// The answer to Envoy: an encoded `CheckResponse`. It allows only with a permit.
pub fn to_envoy(record: &DecisionRecord<'_>, permit: Option<&Permit<'_>>) -> Vec<u8> {
    let mut answer = Message::with_capacity(USUAL_BYTES);
    match (permit, record.denial()) {
        (Some(permit), None) => {
            answer.message(1, |status| status.number(1, OK));
            answer.message(3, |ok| allowed(ok, record, permit));
        }
        (_, Some(denial)) => deny(&mut answer, record, denial),
        // The record allows the request, but there is no permit. This is a bug, so deny.
        (None, None) => deny(&mut answer, record, &Denial::internal_error()),
    }
    answer.message(4, |metadata| self::metadata(metadata, record));
    answer.into_bytes()
}

fn deny(answer: &mut Message, record: &DecisionRecord<'_>, denial: &Denial) {
    let code = match denial.status {
        DenialStatus::UNAUTHORIZED => UNAUTHENTICATED,
        _ => PERMISSION_DENIED,
    };
    answer.message(1, |status| status.number(1, code));
    answer.message(2, |denied| self::denied(denied, record, denial));
}

/// The dynamic metadata of the ext_authz filter, which Envoy can log. geowarden's names take precedence over the
/// policy's.
fn metadata(all: &mut Message, record: &DecisionRecord<'_>) {
    let facts = || record.facts(|fact| fact.metadata);
    let of_policy = record.followed_verdict().into_iter();
    for (name, value) in of_policy.flat_map(|verdict| &verdict.dynamic_metadata) {
        if facts().all(|(fact, _)| fact != name) {
            member(all, name, |all| proto_value(all, value));
        }
    }
    for (name, value) in facts() {
        member(all, name, |all| fact_value(all, value));
    }
}

fn fact_value(all: &mut Message, value: FactValue<'_>) {
    match value {
        FactValue::Word(text) | FactValue::Text(text) => all.text_even_if_empty(3, text),
        // Every number of a record is far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        FactValue::Number(number) => all.double(2, number as f64),
        FactValue::Flag(truth) => all.number_even_if_zero(4, u32::from(truth)),
        FactValue::Json(value) => all.text_even_if_empty(3, &value.to_string()),
    }
}

/// `OkHttpResponse`.
fn allowed(ok: &mut Message, record: &DecisionRecord<'_>, permit: &Permit<'_>) {
    let set = request_headers::to_set(record, permit);
    for (index, (name, value)) in set.iter().enumerate() {
        let mut earlier = set.iter().take(index);
        // The first value replaces the client's own. Further values of the name are added.
        if earlier.any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            header(ok, 2, name, value, Append::True);
        } else {
            header(ok, 2, name, value, Append::OverwriteIfExistsOrAdd);
        }
    }
    for name in request_headers::to_remove(record, permit, &set) {
        ok.text_even_if_empty(5, name);
    }
    let verdict = record.followed_verdict().into_iter();
    for (name, value) in verdict.flat_map(|verdict| &verdict.response_headers_to_add) {
        header(ok, 6, name, value, Append::IfExistsOrAdd);
    }
}

/// `DeniedHttpResponse`.
fn denied(answer: &mut Message, record: &DecisionRecord<'_>, denial: &Denial) {
    let mode = record.fastgeoapi;
    let challenge = |value| match mode {
        Some(_) => fastgeoapi::challenge(value),
        None => value,
    };
    answer.message(1, |status| status.number(1, denial.status.get().into()));
    // Challenges are several headers with one name, so none may overwrite another.
    let mut add = |name: &str, value: &str| header(answer, 2, name, value, Append::IfExistsOrAdd);
    for value in &denial.challenges {
        add("www-authenticate", challenge(value));
    }
    let verdict = record.followed_verdict();
    for (name, value) in verdict.into_iter().flat_map(|verdict| &verdict.headers) {
        match name.as_str() {
            "www-authenticate" => add(name, challenge(value)),
            _ => add(name, value),
        }
    }
    add(DECISION_ID, &record.id);
    add("cache-control", "no-store");
    if let Some(body) = verdict.and_then(|verdict| verdict.body.as_ref()) {
        answer.text(3, body);
        return;
    }
    let (media_type, body) = error_document(record, denial, mode);
    add("content-type", media_type);
    add("vary", "accept");
    answer.text(3, &body);
}

/// The body of a denial and its media type: the tenant's format, or else a page for a browser, or else a problem
/// document.
fn error_document(
    record: &DecisionRecord<'_>,
    denial: &Denial,
    mode: Option<FastgeoapiMode>,
) -> (&'static str, String) {
    let (title, detail) = (title(denial.status.get()), record.detail());
    let detail = detail.unwrap_or(&denial.detail);
    if let Some(body) = mode.and_then(|mode| fastgeoapi::body(denial, mode)) {
        ("application/json", body.to_string())
    } else if record.request.is_some_and(asks_for_a_page) {
        let page = page::html(title, denial, detail, &record.id);
        ("text/html; charset=utf-8", page)
    } else {
        let problem = problem(title, denial, detail, &record.id);
        ("application/problem+json", problem.to_string())
    }
}

/// Browsers accept HTML explicitly when they open a page. API clients and scripts do not.
fn asks_for_a_page(check: &CheckInput) -> bool {
    let mut accepted = check.headers.all("accept");
    let names_html = |value: &[u8]| value.windows(9).any(|part| matches!(part, b"text/html"));
    check.method == "GET" && accepted.any(names_html)
}

/// A problem document (RFC 9457). OGC API clients can read it too, since they look for `code` and `description`.
fn problem(title: &str, denial: &Denial, detail: &str, id: &str) -> Value {
    json!({
        "type": format!("urn:geowarden:problem:{}", denial.code),
        "title": title,
        "status": denial.status.get(),
        "detail": detail,
        "instance": format!("urn:uuid:{id}"),
        "code": denial.code,
        "description": detail,
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

/// An entry of `google.protobuf.Struct`. `write` fills its `Value`.
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

/// The member of a `google.protobuf.Value`.
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
