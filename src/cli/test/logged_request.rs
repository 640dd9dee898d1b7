//! Who asked for what, from a decision of the log: by what the policy read, and by the other members of the line.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use super::super::{
    CommandError,
    decision_log::LoggedDecision,
    table::{Request, Scheme, Values, Who},
};
use crate::{identity::CredentialKind, policy::input::Shape};

/// Headers that Envoy adds and `geowarden test` adds again, and those that differ in each request.
const HEADERS_OF_PROXIES: [&str; 7] = [
    "host",
    "content-length",
    "forwarded",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-real-ip",
];

/// Who asked.
pub(super) fn who(
    decision: &LoggedDecision,
    input: &Value,
    shape: Shape,
) -> Result<Who, CommandError> {
    let members = |name: &str| match shape {
        Shape::Native => object(at(input, &["identity", name])),
        // There, claims and attributes stand beside the members of the request.
        Shape::Fastgeoapi { .. } => {
            let mut all = object(input);
            all.retain(|name, _| !matches!(name.as_str(), "request_method" | "request_path"));
            all
        }
    };
    let principal = decision.principal.as_deref().unwrap_or_default();
    if principal == CredentialKind::Anonymous.as_str() {
        return Ok(Who::Anonymous);
    }
    if principal == CredentialKind::ApiKey.as_str() {
        return Ok(Who::Key {
            id: decision.subject.clone(),
            attributes: members("attributes"),
        });
    }
    if principal == CredentialKind::Jwt.as_str() {
        let mut claims = members("claims");
        let scopes = match at(input, &["identity", "scopes"]) {
            Value::Array(all) if !all.is_empty() && !claims.contains_key("scp") => {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                Some(all.join(" "))
            }
            _ => None,
        };
        let others = [
            ("sub", decision.subject.clone()),
            ("iss", decision.issuer.clone()),
            ("scope", scopes),
        ];
        for (name, value) in others {
            if let Some(value) = value {
                claims.entry(name).or_insert_with(|| value.into());
            }
        }
        return Ok(Who::Token(claims));
    }
    Err(CommandError::Failed(format!(
        "--record: expected a caller who is anonymous, or has an API key or a JWT, found {}: describe the caller by the flags of `eval` behind `--`",
        match principal {
            "" => "no `principal` in the line",
            _ => "an opaque token",
        }
    )))
}

/// What was asked for. It may still have credentials.
pub(super) fn request(decision: &LoggedDecision, input: &Value) -> Result<Request, CommandError> {
    let (Some(method), Some(path)) = (&decision.method, &decision.path) else {
        return Err(CommandError::Failed(
            "--record: expected a decision with `method` and `path`, found at most one of them in the line"
                .to_owned(),
        ));
    };
    let of_request = at(input, &["request"]);
    let of_envoy = at(input, &["attributes", "request", "http"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let target = text(at(of_request, &["raw_target"]))
        .or_else(|| text(at(of_envoy, &["path"])))
        .unwrap_or_else(|| match query(input) {
            query if query.is_empty() => path.clone(),
            query => format!("{path}?{query}"),
        });
    let mut headers: BTreeMap<String, Values> = BTreeMap::new();
    for (name, value) in object(at(of_envoy, &["headers"]))
        .into_iter()
        .chain(object(at(of_request, &["headers"])))
    {
        let is_sent = !name.starts_with(':')
            && !name.starts_with("x-forwarded-")
            && !name.starts_with("x-envoy-")
            && !HEADERS_OF_PROXIES.contains(&name.as_str());
        if let (true, Value::String(value)) = (is_sent, value) {
            headers.insert(name, Values(vec![value]));
        }
    }
    let mut body = match at(input, &["parsed_body"]) {
        Value::Null => text(at(of_envoy, &["body"]))
            .filter(|text| !text.is_empty())
            .map(Value::from),
        value => Some(value.clone()),
    };
    if matches!(method.as_str(), "POST" | "PUT" | "PATCH") && !headers.contains_key("content-type")
    {
        // Without it the request would be another operation.
        let is_feature = matches!(
            decision.operation.as_deref(),
            Some("create" | "item" | "items")
        );
        let kind = if is_feature {
            "application/geo+json"
        } else {
            "application/json"
        };
        headers.insert("content-type".to_owned(), Values(vec![kind.to_owned()]));
        body = body.or_else(|| Some(json!({})));
    }
    Ok(Request {
        method: method.clone(),
        target,
        headers,
        body,
        host: text(at(of_request, &["host"])).filter(|host| host != "localhost"),
        scheme: (at(of_request, &["scheme"]) == "https").then_some(Scheme::Https),
        source_address: at(of_request, &["source_address"])
            .as_str()
            .and_then(|address| address.parse().ok())
            .filter(|address: &IpAddr| !address.is_loopback()),
    })
}

/// The query, from what the policy read of it.
fn query(input: &Value) -> String {
    if let Some(query) = at(input, &["request", "query"]).as_str() {
        return query.to_owned();
    }
    let mut query = Serializer::new(String::new());
    let parsed = object(at(input, &["parsed_query"]));
    for (name, values) in &parsed {
        for value in values.as_array().into_iter().flatten() {
            query.append_pair(name, value.as_str().unwrap_or_default());
        }
    }
    let mut parameters = object(at(input, &["ogc", "params"]));
    if let Some(format) = at(input, &["ogc"]).get("format") {
        parameters.entry("f").or_insert_with(|| format.clone());
    }
    for (name, value) in &parameters {
        if let (false, Some(text)) = (parsed.contains_key(name), parameter(value)) {
            query.append_pair(name, &text);
        }
    }
    query.finish()
}

/// A parameter as a client writes it. What is missed here, the comparison with the log finds.
fn parameter(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(parameter).collect();
            items?.join(",")
        }
        Value::Object(members) if members.contains_key("start") || members.contains_key("end") => {
            let side = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or("..");
            format!("{}/{}", side("start"), side("end"))
        }
        Value::Null | Value::Object(_) => return None,
    })
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A part of a value; `null` if it does not have that part.
fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    let part = path.iter().try_fold(value, |value, name| value.get(name));
    part.unwrap_or(&Value::Null)
}
