//! From a decision to Envoy's `CheckResponse`: the only writer of the outbound protobuf.

mod fastgeoapi;
mod page;

use std::collections::HashMap;

use envoy_types::{
    ext_authz::v3::pb::{
        CheckResponse, DeniedHttpResponse, HeaderAppendAction, HeaderValue, HeaderValueOption,
        HttpResponse, HttpStatus, OkHttpResponse,
    },
    pb::google::{
        protobuf::{ListValue, Struct, Value as ProtoValue, value::Kind},
        rpc::Status,
    },
};
use serde_json::{Map, Value, json};

use crate::pipeline::{
    DECISION_ID, Decided,
    decision::{Decision, Denial, Permit},
};

/// gRPC status codes (google.rpc.Code) of a Check: any but OK refuses.
const OK: i32 = 0;
const PERMISSION_DENIED: i32 = 7;
const UNAUTHENTICATED: i32 = 16;

/// How many facts there are of most decisions.
const FACTS: usize = 9;

/// What Envoy is told.
pub fn to_envoy(decided: Decided) -> CheckResponse {
    let dynamic_metadata = Some(metadata(&decided));
    let (code, http_response) = match decided.decision {
        Decision::Allow(permit) => (OK, HttpResponse::OkResponse(allowed(permit))),
        Decision::Deny(ref denial) => (
            if denial.status == 401 {
                UNAUTHENTICATED
            } else {
                PERMISSION_DENIED
            },
            HttpResponse::DeniedResponse(denied(denial, &decided)),
        ),
    };
    CheckResponse {
        status: Some(Status {
            code,
            ..Status::default()
        }),
        dynamic_metadata,
        http_response: Some(http_response),
    }
}

/// What Envoy can log: dynamic metadata of the ext_authz filter. Ours wins over the policy's.
fn metadata(decided: &Decided) -> Struct {
    let theirs = match &decided.decision {
        Decision::Allow(permit) => &permit.metadata,
        Decision::Deny(denial) => &denial.metadata,
    };
    let mut all = structure(theirs);
    all.fields.reserve(FACTS);
    all.fields.extend(decided.facts().map(|(name, value)| {
        let kind = Some(Kind::StringValue(value.to_owned()));
        (name.to_owned(), ProtoValue { kind })
    }));
    all
}

fn allowed(permit: Permit) -> OkHttpResponse {
    OkHttpResponse {
        headers: permit
            .set_headers
            .into_iter()
            .map(|(name, value)| header(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd))
            .collect(),
        headers_to_remove: permit.remove_headers,
        response_headers_to_add: permit
            .response_headers
            .into_iter()
            .map(|(name, value)| header(name, value, HeaderAppendAction::AppendIfExistsOrAdd))
            .collect(),
        ..OkHttpResponse::default()
    }
}

fn denied(denial: &Denial, decided: &Decided) -> DeniedHttpResponse {
    let (id, refusals) = (decided.id.as_str(), decided.refusals);
    // Challenges are several headers of one name, so nothing is overwritten.
    let add =
        |name: &str, value: &str| header(name, value, HeaderAppendAction::AppendIfExistsOrAdd);
    let mut headers: Vec<HeaderValueOption> = denial
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "www-authenticate" => add(name, fastgeoapi::challenge(value, refusals)),
            _ => add(name, value),
        })
        .collect();
    headers.push(add(DECISION_ID, id));
    headers.push(add("cache-control", "no-store"));
    let body = denial.body.clone().unwrap_or_else(|| {
        let (media_type, body) = match fastgeoapi::body(denial, refusals) {
            Some(body) => ("application/json", body.to_string()),
            None if decided.is_for_a_person => (
                "text/html; charset=utf-8",
                page::html(title(denial.status), denial, id),
            ),
            None => ("application/problem+json", problem(denial, id).to_string()),
        };
        headers.push(add("content-type", media_type));
        headers.push(add("vary", "accept"));
        body
    });
    DeniedHttpResponse {
        status: Some(HttpStatus {
            code: i32::from(denial.status),
        }),
        headers,
        body,
    }
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

fn header(
    name: impl Into<String>,
    value: impl Into<String>,
    action: HeaderAppendAction,
) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.into(),
            value: value.into(),
            ..HeaderValue::default()
        }),
        append_action: action.into(),
        ..HeaderValueOption::default()
    }
}

fn structure(members: &Map<String, Value>) -> Struct {
    Struct {
        fields: members
            .iter()
            .map(|(name, value)| (name.clone(), proto_value(value)))
            .collect::<HashMap<_, _>>(),
    }
}

fn proto_value(value: &Value) -> ProtoValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(truth) => Kind::BoolValue(*truth),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(ListValue {
            values: items.iter().map(proto_value).collect(),
        }),
        Value::Object(members) => Kind::StructValue(structure(members)),
    };
    ProtoValue { kind: Some(kind) }
}
