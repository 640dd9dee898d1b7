//! What of an answer is compared.

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

/// Where two answers can differ that have one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    /// `WWW-Authenticate`.
    Challenge,
    /// What is told, and as what.
    Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Json(Value),
    Text(String),
}

impl Seen {
    /// Where this answer differs from another, beside the status.
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
            // One writes `; charset=utf-8` where the other does not.
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

/// pygeoapi says when it answered.
fn without_time(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.remove("timeStamp");
    }
}
