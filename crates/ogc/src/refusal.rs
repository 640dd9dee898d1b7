//! Why a request is refused: it could be read in more than one way.

use std::fmt::Write as _;

use thiserror::Error;

/// The longest part of a request that a refusal quotes, in bytes.
const MAX_SHOWN_BYTES: usize = 120;

/// The rule that a request violates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Rule {
    TooLong,
    NotOriginForm,
    BadByte,
    BadEscape,
    BadUtf8,
    DecodedDelimiter,
    ControlCharacter,
    OuterSpace,
    DotSegment,
    EmptySegment,
    BasePath,
    ReservedWord,
    UnknownRoute,
    TileIndex,
    Method,
    HeaderName,
    UnexpectedBody,
    ContentType,
    RepeatedParameter,
    TooManyParameters,
    TwoFilters,
    Parameter,
    Body,
    RepeatedMember,
    IncompleteBody,
    BreaksPygeoapi,
}

impl Rule {
    /// A stable name for metrics, logs and problem documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "target-too-long",
            Self::NotOriginForm => "not-origin-form",
            Self::BadByte => "bad-byte",
            Self::BadEscape => "bad-escape",
            Self::BadUtf8 => "bad-utf8",
            Self::DecodedDelimiter => "decoded-delimiter",
            Self::ControlCharacter => "control-character",
            Self::OuterSpace => "outer-space",
            Self::DotSegment => "dot-segment",
            Self::EmptySegment => "empty-segment",
            Self::BasePath => "base-path",
            Self::ReservedWord => "reserved-word",
            Self::UnknownRoute => "unknown-route",
            Self::TileIndex => "tile-index",
            Self::Method => "method",
            Self::HeaderName => "header-name",
            Self::UnexpectedBody => "unexpected-body",
            Self::ContentType => "content-type",
            Self::RepeatedParameter => "repeated-parameter",
            Self::TooManyParameters => "too-many-parameters",
            Self::TwoFilters => "two-filters",
            Self::Parameter => "invalid-parameter",
            Self::Body => "invalid-body",
            Self::RepeatedMember => "repeated-member",
            Self::IncompleteBody => "incomplete-body",
            Self::BreaksPygeoapi => "breaks-pygeoapi",
        }
    }
}

/// A refusal of a request: the violated rule, and a description for the client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct Refusal {
    rule: Rule,
    detail: String,
    /// The length of the part of the detail that quotes no value of the query or of the body.
    unquoted: usize,
}

impl Refusal {
    pub(super) fn new(rule: Rule, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            rule,
            unquoted: detail.len(),
            detail,
        }
    }

    /// Adds the wrong part of the path, of a header's name or of another text that may be logged; escaped and
    /// shortened.
    pub(super) fn about(rule: Rule, detail: &str, part: &[u8]) -> Self {
        Self::new(rule, quoted(detail, part))
    }

    /// Adds the wrong part of the query or of the body. It may be a secret, so only the client sees it.
    pub(super) fn about_value(rule: Rule, detail: &str, part: &[u8]) -> Self {
        Self {
            rule,
            detail: quoted(detail, part),
            unquoted: detail.trim_end_matches([' ', ':']).len(),
        }
    }

    /// The violated rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The description for the client.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The description for the log, without anything that may be a secret.
    pub fn logged(&self) -> &str {
        self.detail.get(..self.unquoted).unwrap_or_default()
    }
}

fn quoted(detail: &str, part: &[u8]) -> String {
    let mut text = detail.to_owned();
    text.push('`');
    for byte in part.iter().take(MAX_SHOWN_BYTES) {
        if (0x20..0x7f).contains(byte) && *byte != b'`' && *byte != b'\\' {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if part.len() > MAX_SHOWN_BYTES {
        text.push_str("...");
    }
    text.push('`');
    text
}
