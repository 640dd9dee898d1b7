//! Requests that leave pygeoapi 0.24 broken for everybody.
//!
//! Its STAC search marks a collection as an ordinary one while it asks for its items (`pygeoapi/api/stac.py`,
//! `search`), and removes the mark afterwards. An error in between is not caught: the mark stays, and each later search
//! is answered with 501 until pygeoapi is restarted. The parameters below cause such an error with providers that
//! pygeoapi ships.

use super::super::refusal::{Refusal, Rule};

/// Refuses a parameter that would break the STAC search for everybody.
pub(super) fn check(name: &str, text: &str) -> Result<(), Refusal> {
    let why = match name {
        "bbox" if text.split(',').count() == 6 => "send a `bbox` of four numbers",
        "datetime" if !text.contains('/') => "send an interval, such as `2020-01-01/2020-12-31`",
        "q" | "sortby" if !text.is_empty() => "search without it",
        _ => return Ok(()),
    };
    Err(Refusal::about_value(
        Rule::BreaksPygeoapi,
        &format!("pygeoapi 0.24 breaks on this `{name}` in a STAC search; {why}: "),
        text.as_bytes(),
    ))
}
