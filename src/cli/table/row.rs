//! A row of a table, as it is written in YAML.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::SystemTime};

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeMap as _,
};
use serde_json::{Map, Value};

use super::super::deciding::caller::{Caller, KEY_ID, bearer, key_holder};
use crate::{
    identity::{CredentialKind, Principal},
    request::{Headers, envoy::SampleRequest},
};

/// Who asks for what, and what is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Row {
    /// What the row is called; unique in its table.
    pub(in crate::cli) name: String,
    pub(in crate::cli) who: Who,
    pub(in crate::cli) request: Request,
    /// When; the default is now.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time"
    )]
    pub(in crate::cli) at: Option<DateTime<Utc>>,
    pub(in crate::cli) decision: Decision,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) status: Option<u16>,
    /// The policy's reason, or geowarden's code where the policy has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) reason_user: Option<String>,
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub(in crate::cli) changes: Changes,
}

/// The expected decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Decision {
    Allow,
    Deny,
}

impl Decision {
    pub(in crate::cli) fn of(is_allowed: bool) -> Self {
        if is_allowed { Self::Allow } else { Self::Deny }
    }

    pub(in crate::cli) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) enum Who {
    Anonymous,
    /// The holder of an API key.
    Key {
        id: Option<String>,
        attributes: Map<String, Value>,
    },
    /// The bearer of a token with these claims.
    Token(Map<String, Value>),
}

impl Who {
    /// Who a caller is, if a row can say it.
    pub(in crate::cli) fn of(principal: &Principal) -> Option<Self> {
        match principal.credential {
            CredentialKind::Anonymous => Some(Self::Anonymous),
            CredentialKind::ApiKey => Some(Self::Key {
                id: principal
                    .key_id
                    .as_deref()
                    .filter(|id| *id != KEY_ID)
                    .map(str::to_owned),
                attributes: (*principal.attributes).clone(),
            }),
            CredentialKind::Jwt => Some(Self::Token((*principal.claims).clone())),
            CredentialKind::OpaqueToken => None,
        }
    }

    pub(in crate::cli) fn caller(&self) -> Caller {
        match self {
            // Such a request may still have a credential in a header, which is then judged as `serve` judges it.
            Self::Anonymous => Caller::ByCredential,
            Self::Key { id, attributes } => {
                let id = id.as_deref().unwrap_or(KEY_ID);
                Caller::Known(Box::new(key_holder(id, attributes.clone())))
            }
            Self::Token(claims) => Caller::Known(Box::new(bearer(claims.clone()))),
        }
    }
}

/// The mapping of [`Who`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    id: Option<String>,
    attributes: Option<Map<String, Value>>,
    claims: Option<Map<String, Value>>,
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = Who;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`anonymous`, or a mapping with `attributes` of a key or `claims` of a token",
                )
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Who, E> {
                if word == "anonymous" {
                    return Ok(Who::Anonymous);
                }
                Err(E::custom(
                    "expected `anonymous`, or a mapping with `attributes` of a key or `claims` of a token, found another word",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Who, A::Error> {
                match Described::deserialize(MapAccessDeserializer::new(map))? {
                    Described {
                        id: None,
                        attributes: None,
                        claims: Some(claims),
                    } => Ok(Who::Token(claims)),
                    Described {
                        claims: Some(_), ..
                    } => Err(de::Error::custom(
                        "expected either `claims` of a token, or `attributes` and `id` of a key, found both",
                    )),
                    Described {
                        id: None,
                        attributes: None,
                        claims: None,
                    } => Err(de::Error::custom(
                        "expected `attributes` of a key or `claims` of a token, found neither; without a credential write `who: anonymous`",
                    )),
                    Described { id, attributes, .. } => Ok(Who::Key {
                        id,
                        attributes: attributes.unwrap_or_default(),
                    }),
                }
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Anonymous => serializer.serialize_str("anonymous"),
            Self::Key { id, attributes } => {
                let mut all = serializer.serialize_map(None)?;
                if let Some(id) = id {
                    all.serialize_entry("id", id)?;
                }
                all.serialize_entry("attributes", attributes)?;
                all.end()
            }
            Self::Token(claims) => {
                let mut all = serializer.serialize_map(Some(1))?;
                all.serialize_entry("claims", claims)?;
                all.end()
            }
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Request {
    #[serde(default = "get")]
    pub(in crate::cli) method: String,
    pub(in crate::cli) target: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::cli) headers: BTreeMap<String, Values>,
    /// A text as it is sent, or a value that is sent as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) scheme: Option<Scheme>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "address"
    )]
    pub(in crate::cli) source_address: Option<IpAddr>,
}

/// How the client reached Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Scheme {
    Http,
    Https,
}

impl Request {
    /// The request, as it reaches Envoy.
    pub(in crate::cli) fn sample(&self, time: SystemTime) -> SampleRequest {
        SampleRequest {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.sent_headers(),
            body: match &self.body {
                None => Vec::new(),
                Some(Value::String(text)) => text.clone().into_bytes(),
                Some(value) => value.to_string().into_bytes(),
            },
            host: self.host.clone().unwrap_or_else(|| "localhost".to_owned()),
            scheme: match self.scheme {
                None | Some(Scheme::Http) => "http".to_owned(),
                Some(Scheme::Https) => "https".to_owned(),
            },
            source_address: self
                .source_address
                .map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string()),
            time,
        }
    }

    /// The headers, one for each value.
    pub(in crate::cli) fn sent_headers(&self) -> Headers {
        let all = self.headers.iter();
        all.flat_map(|(name, values)| values.0.iter().map(move |value| (name, value)))
            .collect()
    }
}

fn get() -> String {
    "GET".to_owned()
}

/// The values of a header or parameter: a string, or a list of strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Values(pub(in crate::cli) Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string in quotes, or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Values, E> {
                Ok(Values(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Values, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Values(all))
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one),
            all => all.serialize(serializer),
        }
    }
}

/// What the verdict changes, by its own names. A member that is absent is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::cli) struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) headers: Option<BTreeMap<String, Values>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) response_headers_to_add: Option<BTreeMap<String, Values>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) request_headers_to_remove: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) query_parameters_to_set: Option<BTreeMap<String, Values>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) query_parameters_to_remove: Option<Vec<String>>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        de::Error::custom(
            "expected an RFC 3339 time such as `2027-01-31T12:00:00Z`, found another text",
        )
    })
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        de::Error::custom("expected an IP address such as `192.0.2.7`, found another text")
    })
}
