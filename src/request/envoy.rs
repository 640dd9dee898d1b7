//! From Envoy's `CheckRequest` to a [`CheckInput`]: the only reader of the inbound protobuf.
//!
//! What every decision needs is read from the bytes of the message in one walk. The whole of it is only decoded for a
//! policy that asks for `input.attributes`.

mod attributes;
mod fields;

use envoy_types::ext_authz::v3::pb::CheckRequest;
use prost::{Message, bytes::Bytes};
use serde::{Serialize, Serializer, ser::Error as _};
use thiserror::Error;

use self::fields::{Field, Fields, Malformed};
use super::{CheckInput, Headers};

/// Why a CheckRequest describes no HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnreadableCheck {
    /// The bytes are no CheckRequest.
    #[error("the check is no well-formed CheckRequest")]
    Malformed,
    /// `attributes.request.http` is absent: the question is not about HTTP.
    #[error("the check holds no HTTP request")]
    NoHttpRequest,
    /// Two `:path` headers, of which two parsers could take different ones.
    #[error("the check holds more than one :path")]
    RepeatedPath,
}

impl From<Malformed> for UnreadableCheck {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Envoy's attribute context (`envoy.service.auth.v3.AttributeContext`), still encoded, for policies that read
/// `input.attributes`.
#[derive(Clone, Default)]
pub struct Attributes {
    message: Bytes,
    context_extensions: Vec<(String, String)>,
}

impl Attributes {
    /// What `context_extensions` of Envoy's route name as `policy`: never a word of the client's.
    pub fn policy_name(&self) -> Option<&str> {
        // Of entries with one key the last counts, as in any map of protobuf.
        let mut all = self.context_extensions.iter().rev();
        all.find(|(key, _)| key == "policy")
            .map(|(_, value)| value.as_str())
    }

    /// The key of `context_extensions` by which a route most likely meant to name a policy, where none is named `policy`.
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

/// The message can hold credentials.
impl std::fmt::Debug for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attributes").finish_non_exhaustive()
    }
}

impl CheckInput {
    /// Reads what Envoy asks about: an encoded `CheckRequest`.
    pub fn from_envoy(message: Bytes) -> Result<Self, UnreadableCheck> {
        let mut read = Read::default();
        let mut check = Fields::of(&message);
        while let Some(field) = check.next_field()? {
            if field.number == 1 {
                read.attributes(field.fields()?)?;
            }
        }
        if !read.is_http {
            return Err(UnreadableCheck::NoHttpRequest);
        }
        let mut input = read.input;
        input.target = read.raw_path.unwrap_or(read.path).to_vec();
        // With `encode_raw_headers` Envoy sends `header_map`: raw bytes, repeats kept apart. Without it, `headers` has
        // the repeats joined by a comma.
        if read.has_header_map {
            input.headers = read.raw_headers;
        }
        let body = if read.raw_body.is_empty() {
            read.body
        } else {
            read.raw_body
        };
        input.body = body.to_vec();
        input.attributes.message = message;
        Ok(input)
    }
}

/// Envoy's attributes of a check as OPA-Envoy shows them to a policy: field names in camel case, what is unset left out.
///
/// Serialising them decodes the whole message, and fails where that does.
#[derive(Debug, Clone, Copy)]
pub struct ShownAttributes<'a>(pub &'a CheckInput);

impl Serialize for ShownAttributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.0.attributes.message.as_ref();
        let check = CheckRequest::decode(message).map_err(S::Error::custom)?;
        let shown = attributes::Attributes {
            context: &check.attributes.unwrap_or_default(),
            headers: &self.0.headers,
        };
        shown.serialize(serializer)
    }
}

/// What has been read of a message. A field that comes twice is merged as protobuf asks: the last value counts.
#[derive(Default)]
struct Read<'a> {
    input: CheckInput,
    is_http: bool,
    path: &'a [u8],
    raw_path: Option<&'a [u8]>,
    has_header_map: bool,
    raw_headers: Headers,
    body: &'a [u8],
    raw_body: &'a [u8],
}

impl<'a> Read<'a> {
    fn attributes(&mut self, mut context: Fields<'a>) -> Result<(), UnreadableCheck> {
        while let Some(field) = context.next_field()? {
            match field.number {
                1 => self.source(field.fields()?)?,
                4 => self.request(field.fields()?)?,
                10 => {
                    let (key, value) = entry(field)?;
                    let entry = (key.to_owned(), value.to_owned());
                    self.input.attributes.context_extensions.push(entry);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `attributes.source`, a `Peer`.
    fn source(&mut self, mut peer: Fields<'a>) -> Result<(), Malformed> {
        while let Some(field) = peer.next_field()? {
            match field.number {
                1 => {
                    let mut address = field.fields()?;
                    while let Some(kind) = address.next_field()? {
                        match kind.number {
                            1 => self.socket_address(kind.fields()?)?,
                            // A pipe or an internal address: of the kinds, the last one counts.
                            2 | 3 => self.input.source_address = None,
                            _ => {}
                        }
                    }
                }
                4 => {
                    let principal = field.text()?;
                    self.input.source_principal =
                        (!principal.is_empty()).then(|| principal.to_owned());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn socket_address(&mut self, mut socket: Fields<'a>) -> Result<(), Malformed> {
        let address = self.input.source_address.get_or_insert_default();
        while let Some(field) = socket.next_field()? {
            if field.number == 2 {
                field.text()?.clone_into(address);
            }
        }
        Ok(())
    }

    /// `attributes.request`.
    fn request(&mut self, mut request: Fields<'a>) -> Result<(), UnreadableCheck> {
        while let Some(field) = request.next_field()? {
            if field.number == 2 {
                self.is_http = true;
                self.http(field.fields()?)?;
            }
        }
        Ok(())
    }

    /// `attributes.request.http`, an `HttpRequest`.
    fn http(&mut self, mut http: Fields<'a>) -> Result<(), UnreadableCheck> {
        while let Some(field) = http.next_field()? {
            let input = &mut self.input;
            match field.number {
                2 => field.text()?.clone_into(&mut input.method),
                3 => {
                    let (name, value) = entry(field)?;
                    if !name.starts_with(':') {
                        input.headers.push(name, value.as_bytes());
                    }
                }
                4 => self.path = field.text()?.as_bytes(),
                5 => field.text()?.clone_into(&mut input.host),
                6 => field.text()?.clone_into(&mut input.scheme),
                10 => field.text()?.clone_into(&mut input.protocol),
                11 => self.body = field.text()?.as_bytes(),
                12 => self.raw_body = field.bytes()?,
                13 => self.header_map(field.fields()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The raw headers, and the raw `:path` among them.
    fn header_map(&mut self, mut map: Fields<'a>) -> Result<(), UnreadableCheck> {
        self.has_header_map = true;
        self.raw_headers.reserve(map.len());
        while let Some(field) = map.next_field()? {
            if field.number != 1 {
                continue;
            }
            let (mut key, mut value, mut raw) = ("", &b""[..], &b""[..]);
            let mut header = field.fields()?;
            while let Some(field) = header.next_field()? {
                match field.number {
                    1 => key = field.text()?,
                    2 => value = field.text()?.as_bytes(),
                    3 => raw = field.bytes()?,
                    _ => {}
                }
            }
            let value = if raw.is_empty() { value } else { raw };
            if key.eq_ignore_ascii_case(":path") {
                if self.raw_path.replace(value).is_some() {
                    return Err(UnreadableCheck::RepeatedPath);
                }
            } else if !key.starts_with(':') {
                self.raw_headers.push(key, value);
            }
        }
        Ok(())
    }
}

/// An entry of a map of texts.
fn entry(field: Field<'_>) -> Result<(&str, &str), Malformed> {
    let (mut key, mut value) = ("", "");
    let mut entry = field.fields()?;
    while let Some(field) = entry.next_field()? {
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests;
