//! The attribute context as JSON, field for field as OPA-Envoy shows it.

use data_encoding::BASE64;
use envoy_types::pb::{
    envoy::{
        config::core::v3::{
            Address, Metadata, address::Address as Kind, socket_address::PortSpecifier,
        },
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Peer, Request},
        },
    },
    google::protobuf::{Struct, Value as ProtoValue, value::Kind as ProtoKind},
};
use serde_json::{Map, Number, Value, json};

use crate::request::Headers;

/// `headers` are the raw ones, where Envoy sends raw headers.
pub(super) fn to_json(context: &AttributeContext, headers: &Headers) -> Value {
    let mut all = Map::new();
    if let Some(source) = &context.source {
        all.insert("source".to_owned(), peer(source));
    }
    if let Some(destination) = &context.destination {
        all.insert("destination".to_owned(), peer(destination));
    }
    if let Some(request) = &context.request {
        all.insert("request".to_owned(), self::request(request, headers));
    }
    if !context.context_extensions.is_empty() {
        all.insert(
            "contextExtensions".to_owned(),
            json!(context.context_extensions),
        );
    }
    if let Some(metadata) = &context.metadata_context {
        all.insert("metadataContext".to_owned(), self::metadata(metadata));
    }
    if let Some(metadata) = &context.route_metadata_context {
        all.insert("routeMetadataContext".to_owned(), self::metadata(metadata));
    }
    if let Some(tls) = &context.tls_session {
        all.insert("tlsSession".to_owned(), json!({ "sni": tls.sni }));
    }
    Value::Object(all)
}

fn text(all: &mut Map<String, Value>, name: &str, value: &str) {
    if !value.is_empty() {
        all.insert(name.to_owned(), Value::String(value.to_owned()));
    }
}

fn peer(peer: &Peer) -> Value {
    let mut all = Map::new();
    if let Some(address) = &peer.address {
        all.insert("address".to_owned(), self::address(address));
    }
    text(&mut all, "service", &peer.service);
    if !peer.labels.is_empty() {
        all.insert("labels".to_owned(), json!(peer.labels));
    }
    text(&mut all, "principal", &peer.principal);
    text(&mut all, "certificate", &peer.certificate);
    Value::Object(all)
}

fn address(address: &Address) -> Value {
    let mut all = Map::new();
    match &address.address {
        Some(Kind::SocketAddress(socket)) => {
            let mut inner = Map::new();
            text(&mut inner, "address", &socket.address);
            if let Some(PortSpecifier::PortValue(port)) = &socket.port_specifier {
                inner.insert("portValue".to_owned(), json!(port));
            }
            all.insert("socketAddress".to_owned(), Value::Object(inner));
        }
        Some(Kind::Pipe(pipe)) => {
            let mut inner = Map::new();
            text(&mut inner, "path", &pipe.path);
            all.insert("pipe".to_owned(), Value::Object(inner));
        }
        Some(Kind::EnvoyInternalAddress(_)) | None => {}
    }
    Value::Object(all)
}

fn request(request: &Request, headers: &Headers) -> Value {
    let mut all = Map::new();
    if let Some(time) = &request.time {
        let mut inner = Map::new();
        if time.seconds != 0 {
            inner.insert("seconds".to_owned(), json!(time.seconds));
        }
        if time.nanos != 0 {
            inner.insert("nanos".to_owned(), json!(time.nanos));
        }
        all.insert("time".to_owned(), Value::Object(inner));
    }
    if let Some(http) = &request.http {
        all.insert("http".to_owned(), self::http(http, headers));
    }
    Value::Object(all)
}

fn http(http: &HttpRequest, headers: &Headers) -> Value {
    let mut all = Map::new();
    text(&mut all, "id", &http.id);
    text(&mut all, "method", &http.method);
    // With raw headers Envoy leaves `headers` empty; policies read it all the same, so it is built from them.
    let shown: Map<String, Value> = if http.headers.is_empty() {
        headers.joined()
    } else {
        http.headers
            .iter()
            .map(|(name, value)| (name.clone(), Value::String(value.clone())))
            .collect()
    };
    if !shown.is_empty() {
        all.insert("headers".to_owned(), Value::Object(shown));
    }
    if let Some(map) = &http.header_map {
        let entries: Vec<Value> = map
            .headers
            .iter()
            .map(|header| {
                let mut inner = Map::new();
                text(&mut inner, "key", &header.key);
                text(&mut inner, "value", &header.value);
                let raw = header.raw_value.as_slice();
                if !raw.is_empty() {
                    inner.insert("rawValue".to_owned(), Value::String(BASE64.encode(raw)));
                }
                Value::Object(inner)
            })
            .collect();
        all.insert("headerMap".to_owned(), json!({ "headers": entries }));
    }
    text(&mut all, "path", &http.path);
    text(&mut all, "host", &http.host);
    text(&mut all, "scheme", &http.scheme);
    text(&mut all, "query", &http.query);
    text(&mut all, "fragment", &http.fragment);
    if http.size != 0 {
        all.insert("size".to_owned(), json!(http.size));
    }
    text(&mut all, "protocol", &http.protocol);
    text(&mut all, "body", &http.body);
    if !http.raw_body.is_empty() {
        all.insert(
            "rawBody".to_owned(),
            Value::String(BASE64.encode(&http.raw_body)),
        );
    }
    Value::Object(all)
}

fn metadata(metadata: &Metadata) -> Value {
    let mut all = Map::new();
    if !metadata.filter_metadata.is_empty() {
        let filters: Map<String, Value> = metadata
            .filter_metadata
            .iter()
            .map(|(name, value)| (name.clone(), structure(value)))
            .collect();
        all.insert("filterMetadata".to_owned(), Value::Object(filters));
    }
    Value::Object(all)
}

fn structure(value: &Struct) -> Value {
    Value::Object(
        value
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), proto_value(value)))
            .collect(),
    )
}

fn proto_value(value: &ProtoValue) -> Value {
    match &value.kind {
        Some(ProtoKind::NumberValue(number)) => {
            Number::from_f64(*number).map_or(Value::Null, Value::Number)
        }
        Some(ProtoKind::StringValue(text)) => Value::String(text.clone()),
        Some(ProtoKind::BoolValue(truth)) => Value::Bool(*truth),
        Some(ProtoKind::StructValue(inner)) => structure(inner),
        Some(ProtoKind::ListValue(list)) => {
            Value::Array(list.values.iter().map(proto_value).collect())
        }
        Some(ProtoKind::NullValue(_)) | None => Value::Null,
    }
}
