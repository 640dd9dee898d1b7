//! The attribute context for policies, field for field as OPA-Envoy shows it: names in camel case, fields that are not
//! set omitted. Maps are sorted by name, so that equal maps have equal texts.

use std::{
    collections::{BTreeMap, HashMap},
    marker::PhantomData,
};

use data_encoding::BASE64;
use envoy_types::pb::{
    envoy::{
        config::core::v3::{
            self as core, address::Address as Kind,
            envoy_internal_address::AddressNameSpecifier as Listener,
            socket_address::PortSpecifier,
        },
        service::auth::v3::attribute_context as context,
    },
    google::protobuf::{self, value::Kind as ProtoKind},
};
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap, SerializeSeq},
};

use super::context::{Context, Encoded, Header, Http, Request};
use crate::request::{Headers, Joined};

/// Serialises a message in its own JSON form.
struct Shown<'a, T>(&'a T);

/// Serialises the whole context.
pub(super) fn show<S: Serializer>(context: &Context<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut all = serializer.serialize_map(None)?;
    encoded::<_, context::Peer>(&mut all, "source", &context.source)?;
    encoded::<_, context::Peer>(&mut all, "destination", &context.destination)?;
    if let Some(request) = &context.request {
        all.serialize_entry("request", &ShownRequest(request))?;
    }
    if !context.context_extensions.is_empty() {
        let extensions = Texts(&context.context_extensions);
        all.serialize_entry("contextExtensions", &extensions)?;
    }
    encoded::<_, core::Metadata>(&mut all, "metadataContext", &context.metadata_context)?;
    let of_route = &context.route_metadata_context;
    encoded::<_, core::Metadata>(&mut all, "routeMetadataContext", of_route)?;
    encoded::<_, context::TlsSession>(&mut all, "tlsSession", &context.tls_session)?;
    all.end()
}

/// A message that is decoded when it is serialised.
struct Decoded<'a, T> {
    message: &'a [u8],
    kind: PhantomData<T>,
}

impl<T: prost::Message + Default> Serialize for Decoded<'_, T>
where
    for<'b> Shown<'b, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = T::decode(self.message).map_err(S::Error::custom)?;
        Shown(&message).serialize(serializer)
    }
}

fn encoded<M: SerializeMap, T: prost::Message + Default>(
    all: &mut M,
    name: &'static str,
    message: &Encoded<'_>,
) -> Result<(), M::Error>
where
    for<'b> Shown<'b, T>: Serialize,
{
    let Some(message) = message else {
        return Ok(());
    };
    let decoded = Decoded::<T> {
        message,
        kind: PhantomData,
    };
    all.serialize_entry(name, &decoded)
}

/// A map of texts. If a name is repeated, the last entry counts.
struct Texts<'a>(&'a [(&'a str, &'a str)]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted = self.0.to_vec();
        // The sort is stable, so the last entry of a name stays last.
        sorted.sort_by_key(|(name, _)| *name);
        let names = sorted.chunk_by(|(one, _), (other, _)| one == other);
        serializer.collect_map(names.filter_map(<[_]>::last).copied())
    }
}

fn message<'a, M: SerializeMap, T>(
    all: &mut M,
    name: &'static str,
    message: Option<&'a T>,
) -> Result<(), M::Error>
where
    Shown<'a, T>: Serialize,
{
    match message {
        Some(message) => all.serialize_entry(name, &Shown(message)),
        None => Ok(()),
    }
}

fn text<M: SerializeMap>(all: &mut M, name: &'static str, text: &str) -> Result<(), M::Error> {
    if text.is_empty() {
        return Ok(());
    }
    all.serialize_entry(name, text)
}

fn bytes<M: SerializeMap>(all: &mut M, name: &'static str, bytes: &[u8]) -> Result<(), M::Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    all.serialize_entry(name, &Base64(bytes))
}

fn texts<M: SerializeMap>(
    all: &mut M,
    name: &'static str,
    texts: &HashMap<String, String>,
) -> Result<(), M::Error> {
    if texts.is_empty() {
        return Ok(());
    }
    all.serialize_entry(name, &texts.iter().collect::<BTreeMap<_, _>>())
}

/// Bytes in JSON (protobuf's JSON mapping).
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&BASE64.encode_display(self.0))
    }
}

impl Serialize for Shown<'_, context::Peer> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(peer) = self;
        let mut all = serializer.serialize_map(None)?;
        message(&mut all, "address", peer.address.as_ref())?;
        text(&mut all, "service", &peer.service)?;
        texts(&mut all, "labels", &peer.labels)?;
        text(&mut all, "principal", &peer.principal)?;
        text(&mut all, "certificate", &peer.certificate)?;
        all.end()
    }
}

impl Serialize for Shown<'_, core::Address> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(None)?;
        match &self.0.address {
            Some(Kind::SocketAddress(socket)) => {
                all.serialize_entry("socketAddress", &Shown(socket))?;
            }
            Some(Kind::Pipe(pipe)) => all.serialize_entry("pipe", &Shown(pipe))?,
            Some(Kind::EnvoyInternalAddress(internal)) => {
                all.serialize_entry("envoyInternalAddress", &Shown(internal))?;
            }
            None => {}
        }
        all.end()
    }
}

impl Serialize for Shown<'_, core::SocketAddress> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(socket) = self;
        let mut all = serializer.serialize_map(None)?;
        if socket.protocol != 0 {
            all.serialize_entry("protocol", &socket.protocol)?;
        }
        text(&mut all, "address", &socket.address)?;
        match &socket.port_specifier {
            Some(PortSpecifier::PortValue(port)) => all.serialize_entry("portValue", port)?,
            Some(PortSpecifier::NamedPort(port)) => all.serialize_entry("namedPort", port)?,
            None => {}
        }
        text(&mut all, "resolverName", &socket.resolver_name)?;
        let namespace = &socket.network_namespace_filepath;
        text(&mut all, "networkNamespaceFilepath", namespace)?;
        if socket.ipv4_compat {
            all.serialize_entry("ipv4Compat", &true)?;
        }
        all.end()
    }
}

impl Serialize for Shown<'_, core::Pipe> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(None)?;
        text(&mut all, "path", &self.0.path)?;
        if self.0.mode != 0 {
            all.serialize_entry("mode", &self.0.mode)?;
        }
        all.end()
    }
}

impl Serialize for Shown<'_, core::EnvoyInternalAddress> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(internal) = self;
        let mut all = serializer.serialize_map(None)?;
        if let Some(Listener::ServerListenerName(name)) = &internal.address_name_specifier {
            all.serialize_entry("serverListenerName", name)?;
        }
        text(&mut all, "endpointId", &internal.endpoint_id)?;
        all.end()
    }
}

impl Serialize for Shown<'_, context::TlsSession> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(None)?;
        text(&mut all, "sni", &self.0.sni)?;
        all.end()
    }
}

struct ShownRequest<'a>(&'a Request<'a>);

impl Serialize for ShownRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(None)?;
        encoded::<_, protobuf::Timestamp>(&mut all, "time", &self.0.time)?;
        if let Some(http) = &self.0.http {
            all.serialize_entry("http", &ShownHttp(http))?;
        }
        all.end()
    }
}

impl Serialize for Shown<'_, protobuf::Timestamp> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(time) = self;
        let mut all = serializer.serialize_map(None)?;
        if time.seconds != 0 {
            all.serialize_entry("seconds", &time.seconds)?;
        }
        if time.nanos != 0 {
            all.serialize_entry("nanos", &time.nanos)?;
        }
        all.end()
    }
}

struct ShownHttp<'a>(&'a Http<'a>);

impl Serialize for ShownHttp<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let http = self.0;
        let mut all = serializer.serialize_map(None)?;
        text(&mut all, "id", http.id)?;
        text(&mut all, "method", http.method)?;
        if let Some(headers) = http.raw_headers() {
            // With raw headers, Envoy leaves `headers` empty. Policies read it nevertheless, so it is built from the
            // raw headers, including pseudo-headers, as Envoy would fill it.
            let raw = headers.iter().map(|header| (header.key, header.bytes()));
            let raw: Headers = raw.collect();
            all.serialize_entry("headers", &Joined(&raw))?;
            all.serialize_entry("headerMap", &HeaderMap { headers })?;
        } else if !http.headers.is_empty() {
            all.serialize_entry("headers", &Texts(&http.headers))?;
        }
        text(&mut all, "path", http.path)?;
        text(&mut all, "host", http.host)?;
        text(&mut all, "scheme", http.scheme)?;
        text(&mut all, "query", http.query)?;
        text(&mut all, "fragment", http.fragment)?;
        if http.size != 0 {
            all.serialize_entry("size", &http.size)?;
        }
        text(&mut all, "protocol", http.protocol)?;
        text(&mut all, "body", http.body)?;
        bytes(&mut all, "rawBody", http.raw_body)?;
        all.end()
    }
}

#[derive(Serialize)]
struct HeaderMap<'a> {
    headers: &'a [Header<'a>],
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(None)?;
        text(&mut all, "key", self.key)?;
        text(&mut all, "value", self.value)?;
        bytes(&mut all, "rawValue", self.raw_value)?;
        all.end()
    }
}

struct List<'a, T>(&'a [T]);

impl<'a, T> Serialize for List<'a, T>
where
    Shown<'a, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0 {
            all.serialize_element(&Shown(item))?;
        }
        all.end()
    }
}

impl Serialize for Shown<'_, core::Metadata> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filters = &self.0.filter_metadata;
        let mut all = serializer.serialize_map(None)?;
        if !filters.is_empty() {
            all.serialize_entry("filterMetadata", &Sorted(filters))?;
        }
        let typed = &self.0.typed_filter_metadata;
        if !typed.is_empty() {
            all.serialize_entry("typedFilterMetadata", &Sorted(typed))?;
        }
        all.end()
    }
}

impl Serialize for Shown<'_, protobuf::Any> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(None)?;
        text(&mut all, "typeUrl", &self.0.type_url)?;
        bytes(&mut all, "value", &self.0.value)?;
        all.end()
    }
}

/// A map of messages, sorted by name.
struct Sorted<'a, T>(&'a HashMap<String, T>);

impl<'a, T> Serialize for Sorted<'a, T>
where
    Shown<'a, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted: BTreeMap<_, _> = self.0.iter().collect();
        serializer.collect_map(sorted.into_iter().map(|(name, value)| (name, Shown(value))))
    }
}

impl Serialize for Shown<'_, protobuf::Struct> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Sorted(&self.0.fields).serialize(serializer)
    }
}

impl Serialize for Shown<'_, protobuf::Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.kind {
            // A number that JSON cannot express is null.
            Some(ProtoKind::NumberValue(number)) if number.is_finite() => {
                serializer.serialize_f64(*number)
            }
            Some(ProtoKind::StringValue(text)) => serializer.serialize_str(text),
            Some(ProtoKind::BoolValue(truth)) => serializer.serialize_bool(*truth),
            Some(ProtoKind::StructValue(inner)) => Shown(inner).serialize(serializer),
            Some(ProtoKind::ListValue(list)) => List(&list.values).serialize(serializer),
            Some(ProtoKind::NumberValue(_) | ProtoKind::NullValue(_)) | None => {
                serializer.serialize_unit()
            }
        }
    }
}
