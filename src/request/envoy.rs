//! From Envoy's `CheckRequest` to a [`CheckInput`]: the only reader of the inbound protobuf.

mod attributes;

use std::mem::take;

use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::envoy::{
        config::core::v3::{address, socket_address},
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Peer},
        },
    },
};
use serde_json::Value;
use thiserror::Error;

use super::{CheckInput, Headers};

/// Why a CheckRequest describes no HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnreadableCheck {
    /// `attributes.request.http` is absent: the question is not about HTTP.
    #[error("the check holds no HTTP request")]
    NoHttpRequest,
    /// Two `:path` headers, of which two parsers could take different ones.
    #[error("the check holds more than one :path")]
    RepeatedPath,
}

/// Envoy's attribute context (`envoy.service.auth.v3.AttributeContext`), kept for policies that read `input.attributes`,
/// but for what the [`CheckInput`] took of it.
#[derive(Debug, Clone, Default)]
pub struct Attributes(Box<AttributeContext>);

impl Attributes {
    /// What `context_extensions` of Envoy's route name as `policy`: never a word of the client's.
    pub fn policy_name(&self) -> Option<&str> {
        self.0.context_extensions.get("policy").map(String::as_str)
    }

    /// The key of `context_extensions` by which a route most likely meant to name a policy, where none is named `policy`.
    pub fn misnamed_policy(&self) -> Option<&str> {
        let all = &self.0.context_extensions;
        if all.contains_key("policy") {
            return None;
        }
        let meant = |key: &&String| {
            ["policy", "tenant"]
                .iter()
                .any(|name| key.eq_ignore_ascii_case(name))
        };
        all.keys().filter(meant).min().map(String::as_str)
    }
}

impl CheckInput {
    /// Reads what Envoy asks about.
    pub fn from_envoy(check: CheckRequest) -> Result<Self, UnreadableCheck> {
        // A kilobyte, which is not to be moved about.
        let mut context = Box::new(check.attributes.unwrap_or_default());
        let http = context
            .request
            .as_mut()
            .and_then(|request| request.http.as_mut())
            .ok_or(UnreadableCheck::NoHttpRequest)?;
        let (headers, raw_path) = read_headers(http)?;
        let body = if http.raw_body.is_empty() {
            http.body.clone().into_bytes()
        } else {
            http.raw_body.clone()
        };
        Ok(Self {
            method: take(&mut http.method),
            target: raw_path.unwrap_or_else(|| http.path.clone().into_bytes()),
            scheme: take(&mut http.scheme),
            host: take(&mut http.host),
            protocol: take(&mut http.protocol),
            headers,
            body,
            source_address: context.source.as_ref().and_then(socket_address),
            source_principal: context
                .source
                .as_ref()
                .map(|peer| peer.principal.clone())
                .filter(|principal| !principal.is_empty()),
            attributes: Attributes(context),
        })
    }

    /// Envoy's attributes as OPA-Envoy shows them to a policy: field names in camel case, what is unset left out.
    pub fn attributes_json(&self) -> Value {
        attributes::to_json(&self.attributes.0, self)
    }
}

/// The headers and the raw `:path`.
///
/// With `encode_raw_headers` Envoy sends `header_map`: raw bytes, repeats kept apart. Without it, `headers` has the
/// repeats joined by a comma.
fn read_headers(http: &mut HttpRequest) -> Result<(Headers, Option<Vec<u8>>), UnreadableCheck> {
    let mut headers = Headers::default();
    let mut path = None;
    if let Some(map) = &mut http.header_map {
        for header in &mut map.headers {
            if header.key.eq_ignore_ascii_case(":path") {
                let value = if header.raw_value.is_empty() {
                    header.value.as_bytes()
                } else {
                    header.raw_value.as_slice()
                };
                if path.replace(value.to_vec()).is_some() {
                    return Err(UnreadableCheck::RepeatedPath);
                }
            } else if !header.key.starts_with(':') {
                // Taken, not copied; `attributes` shows them from where they went.
                let value = if header.value.is_empty() {
                    take(&mut header.raw_value)
                } else if header.raw_value.is_empty() {
                    header.value.clone().into_bytes()
                } else {
                    header.raw_value.clone()
                };
                headers.push(take(&mut header.key), value);
            }
        }
    } else {
        for (name, value) in &http.headers {
            if !name.starts_with(':') {
                headers.push(name.as_str(), value.as_bytes());
            }
        }
    }
    Ok((headers, path))
}

fn socket_address(peer: &Peer) -> Option<String> {
    match peer.address.as_ref()?.address.as_ref()? {
        address::Address::SocketAddress(socket) => Some(socket.address.clone()),
        address::Address::Pipe(_) | address::Address::EnvoyInternalAddress(_) => None,
    }
}

/// The port of a socket address, where it is a number.
fn port(specifier: Option<&socket_address::PortSpecifier>) -> Option<u32> {
    match specifier? {
        socket_address::PortSpecifier::PortValue(port) => Some(*port),
        socket_address::PortSpecifier::NamedPort(_) => None,
    }
}

#[cfg(test)]
mod tests;
