//! The parts of an answer that are compared.

use std::fmt;

use serde_json::Value;

use crate::Answer;

/// Status, challenge, kind and body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) status: u16,
    challenge: Option<String>,
    kind: String,
    body: Body,
}

/// A part in which two answers with the same status can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    /// `WWW-Authenticate`.
    Challenge,
    /// The body and its media type.
    Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Json(Value),
    Text(String),
}

impl Seen {
    /// The parts in which this answer differs from another, besides the status.
    pub(super) fn differing(&self, other: &Self) -> Vec<Aspect> {
        let mut all = Vec::new();
        if self.challenge != other.challenge {
            all.push(Aspect::Challenge);
        }
        if (&self.kind, &self.body) != (&other.kind, &other.body) {
            all.push(Aspect::Body);
        }
        all
    }

    pub(super) fn of(answer: &Answer) -> Self {
        let kind = answer.header("content-type").unwrap_or_default();
        let body = match answer.json() {
            Ok(mut value) => {
                without_time(&mut value);
                Body::Json(value)
            }
            Err(_) => Body::Text(answer.text()),
        };
        Self {
            status: answer.status(),
            challenge: answer.header("www-authenticate").map(str::to_owned),
            // Only one of the two servers writes `; charset=utf-8`.
            kind: kind
                .split(';')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase(),
            body,
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let challenge = self.challenge.as_deref().unwrap_or("-");
        write!(f, "{} [{challenge}] {} ", self.status, self.kind)?;
        match &self.body {
            Body::Json(value) => write!(f, "{:.300}", value.to_string()),
            Body::Text(text) => write!(f, "{:.300}", text.replace('\n', " ")),
        }
    }
}

/// Removes the time of the answer, which pygeoapi adds.
fn without_time(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.remove("timeStamp");
    }
}
