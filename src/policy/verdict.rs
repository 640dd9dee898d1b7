//! Reads the value of a policy: a boolean, or OPA-Envoy's object.

use geowarden_rego::diagnostic::nearest;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{request::is_token, status::DenialStatus};

/// A policy's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Whether the request is allowed. Only `true` allows it.
    pub allowed: bool,
    /// The policy's own explanation for the log, and for the client without a `reason_user`.
    pub reason: Option<String>,
    /// Denied: the policy's own explanation for the client.
    pub reason_user: Option<String>,
    /// Allowed: headers added to the request. Denied: headers of the answer.
    pub headers: Vec<(String, String)>,
    /// Allowed: headers added to pygeoapi's answer.
    pub response_headers_to_add: Vec<(String, String)>,
    /// Allowed: headers removed from the request.
    pub request_headers_to_remove: Vec<String>,
    /// Allowed: query parameters to set, by decoded name.
    pub query_parameters_to_set: Vec<(String, String)>,
    /// Allowed: query parameters to remove, by decoded name. They are removed after others are set.
    pub query_parameters_to_remove: Vec<String>,
    /// Denied: the complete body of the answer.
    pub body: Option<String>,
    /// Denied: the status of the answer.
    pub http_status: Option<DenialStatus>,
    /// Dynamic metadata for Envoy.
    pub dynamic_metadata: Map<String, Value>,
}

/// Why a value cannot be read as a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerdictError {
    /// The value is neither a boolean nor an object.
    #[error("expected a boolean or an object as verdict, found {0}")]
    Kind(&'static str),
    /// A member is missing or of the wrong type.
    #[error("`{key}` of the verdict must be {expected}")]
    Member {
        /// The name of the member.
        key: &'static str,
        /// The expected value.
        expected: &'static str,
    },
    /// A member that no verdict has, with almost the name of one. What it asks for would not be done.
    #[error("the verdict has no member `{found}`: did you mean `{like}`?")]
    Misspelt {
        /// The name.
        found: String,
        /// The name that a verdict has.
        like: String,
    },
    /// A query parameter with several values. The servers of pygeoapi would use different ones.
    #[error("`query_parameters_to_set` has several values for {0:?}: set one")]
    SeveralValues(String),
    /// A header that policies must not set.
    #[error("the verdict names the header {0:?}, which policies must not set: remove it")]
    Header(String),
}

impl Verdict {
    /// The verdict of a policy that returns only a boolean.
    pub fn plain(allowed: bool) -> Self {
        Self {
            allowed,
            ..Self::default()
        }
    }

    /// Reads the value of a policy. `None` is an undefined rule, which denies.
    pub fn from_value(value: Option<Value>) -> Result<Self, VerdictError> {
        match value {
            None => Ok(Self::default()),
            Some(Value::Bool(allowed)) => Ok(Self::plain(allowed)),
            Some(Value::Object(members)) => Self::from_members(members),
            Some(Value::Null) => Err(VerdictError::Kind("null")),
            Some(Value::Number(_)) => Err(VerdictError::Kind("a number")),
            Some(Value::String(_)) => Err(VerdictError::Kind("a string")),
            Some(Value::Array(_)) => Err(VerdictError::Kind("an array or a set")),
        }
    }

    /// Reads the members that apply to an allowed or to a denied request. The others are ignored, as in OPA-Envoy, unless one has almost
    /// the name of a member.
    fn from_members(mut members: Map<String, Value>) -> Result<Self, VerdictError> {
        let Some(Value::Bool(allowed)) = members.remove("allowed") else {
            return Err(VerdictError::Member {
                key: "allowed",
                expected: "a boolean",
            });
        };
        let mut verdict = Self {
            allowed,
            headers: headers(&mut members, "headers")?,
            reason: text(&mut members, "reason")?,
            dynamic_metadata: match members.remove("dynamic_metadata") {
                Some(Value::Object(metadata)) => metadata,
                Some(_) => {
                    return Err(VerdictError::Member {
                        key: "dynamic_metadata",
                        expected: "an object",
                    });
                }
                None => Map::new(),
            },
            ..Self::default()
        };
        if allowed {
            verdict.response_headers_to_add = headers(&mut members, "response_headers_to_add")?;
            verdict.request_headers_to_remove = strings(&mut members, "request_headers_to_remove")?;
            verdict.query_parameters_to_set = headers(&mut members, "query_parameters_to_set")?;
            check_single(&verdict.query_parameters_to_set)?;
            verdict.query_parameters_to_remove =
                strings(&mut members, "query_parameters_to_remove")?;
            for name in &verdict.request_headers_to_remove {
                check_name(name)?;
            }
        } else {
            verdict.reason_user = text(&mut members, "reason_user")?;
            verdict.body = text(&mut members, "body")?;
            verdict.http_status = match members.remove("http_status") {
                Some(status) => Some(denial_status(&status)?),
                None => None,
            };
        }
        misspelt(&members)?;
        for (name, value) in verdict
            .headers
            .iter()
            .chain(&verdict.response_headers_to_add)
        {
            check_name(name)?;
            if value.bytes().any(|b| b < 0x20 && b != b'\t' || b == 0x7f) {
                return Err(VerdictError::Header(name.clone()));
            }
        }
        Ok(verdict)
    }
}

/// All members of a verdict.
const MEMBERS: [&str; 11] = [
    "allowed",
    "body",
    "dynamic_metadata",
    "headers",
    "http_status",
    "query_parameters_to_remove",
    "query_parameters_to_set",
    "reason",
    "reason_user",
    "request_headers_to_remove",
    "response_headers_to_add",
];

/// Refuses a member with almost the name of one that a verdict has.
fn misspelt(members: &Map<String, Value>) -> Result<(), VerdictError> {
    let mut unknown = members
        .keys()
        .filter(|name| !MEMBERS.contains(&name.as_str()));
    let found = unknown.find_map(|name| Some((name, nearest(name, MEMBERS)?)));
    match found {
        Some((found, like)) => Err(VerdictError::Misspelt {
            found: found.clone(),
            like,
        }),
        None => Ok(()),
    }
}

fn text(
    members: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Option<String>, VerdictError> {
    match members.remove(key) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(VerdictError::Member {
            key,
            expected: "a string",
        }),
        None => Ok(None),
    }
}

fn check_single(parameters: &[(String, String)]) -> Result<(), VerdictError> {
    let mut names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|two| two.first() == two.last());
    match twice.and_then(|two| two.first()) {
        Some(name) => Err(VerdictError::SeveralValues((*name).to_owned())),
        None => Ok(()),
    }
}

/// The status of a denial is never a success: a client would read the body as data.
fn denial_status(status: &Value) -> Result<DenialStatus, VerdictError> {
    let fault = VerdictError::Member {
        key: "http_status",
        expected: "an HTTP status from 300 to 599",
    };
    let number = status.as_u64().or_else(|| {
        let float = status.as_f64()?;
        (float.fract() == 0.0 && (300.0..600.0).contains(&float))
            .then(|| format!("{float:.0}").parse().ok())
            .flatten()
    });
    let number = number.and_then(|number| u16::try_from(number).ok());
    number.and_then(DenialStatus::new).ok_or(fault)
}

/// Rejects line breaks and pseudo-headers. With them a policy could change the request after it was decided.
fn check_name(name: &str) -> Result<(), VerdictError> {
    if !is_token(name.as_bytes()) || name.eq_ignore_ascii_case("host") {
        Err(VerdictError::Header(name.to_owned()))
    } else {
        Ok(())
    }
}

fn headers(
    members: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Vec<(String, String)>, VerdictError> {
    let fault = || VerdictError::Member {
        key,
        expected: "an object of strings or lists of strings, or a list of such objects",
    };
    let mut all = Vec::new();
    let objects = match members.remove(key) {
        None => return Ok(all),
        Some(Value::Object(one)) => vec![Value::Object(one)],
        Some(Value::Array(list)) => list,
        Some(_) => return Err(fault()),
    };
    for object in objects {
        let Value::Object(object) = object else {
            return Err(fault());
        };
        for (name, value) in object {
            match value {
                Value::String(value) => all.push((name, value)),
                Value::Array(values) => {
                    for value in values {
                        let Value::String(value) = value else {
                            return Err(fault());
                        };
                        all.push((name.clone(), value));
                    }
                }
                _ => return Err(fault()),
            }
        }
    }
    Ok(all)
}

fn strings(
    members: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Vec<String>, VerdictError> {
    let fault = || VerdictError::Member {
        key,
        expected: "a list of strings",
    };
    match members.remove(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => Ok(text),
                _ => Err(fault()),
            })
            .collect(),
        Some(_) => Err(fault()),
    }
}

#[cfg(test)]
mod tests;
