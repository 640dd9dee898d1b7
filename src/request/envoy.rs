//! Reads Envoy's `CheckRequest` into a [`CheckInput`]. No other module reads this message.
//!
//! The values are borrowed from the bytes of the message, in one pass. Parts that only some policies read stay encoded.

mod attributes;
mod context;
mod fields;
mod sample;

use prost::bytes::Bytes;
use serde::{Serialize, Serializer, ser::Error as _};
use thiserror::Error;

pub use self::sample::SampleRequest;
use self::{
    context::{Context, Http},
    fields::{Fields, Malformed},
};
use super::{CheckInput, Headers, Withheld};

/// Why a CheckRequest cannot be read as an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnreadableCheck {
    /// The bytes are not a CheckRequest.
    #[error("expected a CheckRequest, found other bytes")]
    Malformed,
    /// `attributes.request.http` is absent: the check is not about HTTP.
    #[error("expected an HTTP request in the check, found none")]
    NoHttpRequest,
    /// There are two `:path` headers. Two parsers could use different ones.
    #[error("expected one :path in the check, found more")]
    RepeatedPath,
}

impl From<Malformed> for UnreadableCheck {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Envoy's attribute context (`envoy.service.auth.v3.AttributeContext`), still encoded. It is for policies that read
/// `input.attributes`.
#[derive(Clone, Default)]
pub struct Attributes {
    message: Bytes,
    context_extensions: Vec<(String, String)>,
}

impl Attributes {
    /// The value of `policy` in the `context_extensions` of Envoy's route. A client cannot set it.
    pub fn policy_name(&self) -> Option<&str> {
        // If a key is repeated, the last entry counts, as in any map of protobuf.
        let mut all = self.context_extensions.iter().rev();
        all.find(|(key, _)| key == "policy")
            .map(|(_, value)| value.as_str())
    }

    /// If no key is `policy`: the key of `context_extensions` that was probably meant to be `policy`.
    pub fn misnamed_policy(&self) -> Option<&str> {
        if self.policy_name().is_some() {
            return None;
        }
        let keys = self.context_extensions.iter().map(|(key, _)| key.as_str());
        keys.filter(|key| {
            ["policy", "tenant"]
                .iter()
                .any(|name| key.eq_ignore_ascii_case(name))
        })
        .min()
    }
}

/// The message can contain credentials.
impl std::fmt::Debug for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attributes").finish_non_exhaustive()
    }
}

impl CheckInput {
    /// Reads an encoded `CheckRequest`.
    pub fn from_envoy(message: Bytes) -> Result<Self, UnreadableCheck> {
        let mut input = Self::read(&message)?;
        input.attributes.message = message;
        Ok(input)
    }

    fn read(message: &[u8]) -> Result<Self, UnreadableCheck> {
        let context = Context::of(message)?;
        let http = context.request.and_then(|request| request.http);
        let http = http.ok_or(UnreadableCheck::NoHttpRequest)?;
        let (headers, raw_path) = read_headers(&http)?;
        let (source_address, source_principal) = match context.source.as_deref() {
            Some(source) => read_peer(Fields::of(source))?,
            None => (None, None),
        };
        let extensions = context.context_extensions.into_iter();
        let context_extensions = extensions.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let body = match http.raw_body {
            [] => http.body.as_bytes(),
            raw => raw,
        };
        Ok(Self {
            method: http.method.to_owned(),
            target: raw_path.unwrap_or(http.path.as_bytes()).to_vec(),
            scheme: http.scheme.to_owned(),
            host: http.host.to_owned(),
            protocol: http.protocol.to_owned(),
            headers,
            body: body.to_vec(),
            source_address: source_address.map(str::to_owned),
            source_principal: source_principal.map(str::to_owned),
            withheld: Withheld::default(),
            attributes: Attributes {
                context_extensions: context_extensions.collect(),
                message: Bytes::new(),
            },
        })
    }
}

/// Reads the headers and the raw `:path`.
fn read_headers<'a>(http: &Http<'a>) -> Result<(Headers, Option<&'a [u8]>), UnreadableCheck> {
    let mut headers = Headers::default();
    let mut path = None;
    let Some(map) = http.raw_headers() else {
        for (name, value) in &http.headers {
            if !name.starts_with(':') {
                headers.push(name, value.as_bytes());
            }
        }
        return Ok((headers, path));
    };
    let lengths = map
        .iter()
        .map(|header| header.key.len() + header.raw_value.len());
    headers.reserve(map.len(), lengths.sum());
    for header in map {
        let value = header.bytes();
        if header.key.eq_ignore_ascii_case(":path") {
            if path.replace(value).is_some() {
                return Err(UnreadableCheck::RepeatedPath);
            }
        } else if !header.key.starts_with(':') {
            headers.push(header.key, value);
        }
    }
    Ok((headers, path))
}

/// Reads the IP address and the principal of a peer.
fn read_peer(mut peer: Fields<'_>) -> Result<(Option<&str>, Option<&str>), Malformed> {
    let (mut address, mut principal) = (None, None);
    while let Some(field) = peer.next_field()? {
        match field.number {
            1 => {
                let mut kinds = field.fields()?;
                while let Some(kind) = kinds.next_field()? {
                    match kind.number {
                        1 => read_socket_address(kind.fields()?, &mut address)?,
                        // A pipe or an internal address. If there are several kinds, the last one counts.
                        2 | 3 => address = None,
                        _ => {}
                    }
                }
            }
            4 => principal = Some(field.text()?).filter(|name| !name.is_empty()),
            _ => {}
        }
    }
    Ok((address, principal))
}

fn read_socket_address<'a>(
    mut socket: Fields<'a>,
    address: &mut Option<&'a str>,
) -> Result<(), Malformed> {
    let address = address.get_or_insert_default();
    while let Some(field) = socket.next_field()? {
        if field.number == 2 {
            *address = field.text()?;
        }
    }
    Ok(())
}

/// Envoy's attributes of a check as OPA-Envoy shows them to a policy: field names in camel case, fields that are not
/// set omitted.
///
/// Nested messages are decoded when they are serialised. This fails if one is malformed.
#[derive(Debug, Clone, Copy)]
pub struct ShownAttributes<'a> {
    /// The attributes.
    pub check: &'a CheckInput,
    /// The canonical path and query, which replace the client's own everywhere.
    pub target: &'a str,
}

impl Serialize for ShownAttributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.check.attributes.message.as_ref();
        let mut context = Context::of(message).map_err(S::Error::custom)?;
        if let Some(http) = context.request.as_mut().and_then(|r| r.http.as_mut()) {
            http.set_target(self.target);
            for name in &self.check.withheld.headers {
                http.remove_header(name);
            }
        }
        attributes::show(&context, serializer)
    }
}

#[cfg(test)]
mod tests;
