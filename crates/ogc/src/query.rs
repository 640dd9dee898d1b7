//! Query strings: decoded strictly, one value for each name, and a limited number of parameters.

use std::borrow::Cow;

use super::{
    percent::{self, is_ambiguous},
    refusal::{Refusal, Rule},
};

/// Decoded names and values, in order.
pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The most parameters of one query. Everybody can send queries, so the cost of reading one must have a limit.
const MAX_PARAMETERS: usize = 256;

/// Characters that may separate the words of free text.
pub(super) const BREAKS: [char; 3] = ['\t', '\n', '\r'];

/// Reads the query, the part after the first `?`.
pub(super) fn read(raw: Option<&[u8]>) -> Result<Vec<Pair<'_>>, Refusal> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let raw = raw.unwrap_or_default();
    for pair in raw.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let name = decode(halves.next().unwrap_or_default(), is_ambiguous)?;
        let value = decode(halves.next().unwrap_or_default(), is_ambiguous_in_text)?;
        if pairs.len() == MAX_PARAMETERS {
            return Err(Refusal::new(
                Rule::TooManyParameters,
                format!("the query has more than {MAX_PARAMETERS} parameters"),
            ));
        }
        pairs.push((name, value));
    }
    let repeats = repeats(&pairs)?;
    if !repeats.is_empty() {
        let mut at = 0..;
        pairs.retain(|_| at.next().is_none_or(|at| !repeats.contains(&at)));
    }
    Ok(pairs)
}

/// The positions of parameters that repeat an earlier one with the same value. Whichever of them a server uses, the
/// value is the same.
fn repeats(pairs: &[Pair<'_>]) -> Result<Vec<usize>, Refusal> {
    if pairs.len() < 2 {
        return Ok(Vec::new());
    }
    let mut sorted: Vec<(&Pair<'_>, usize)> = pairs.iter().zip(0..).collect();
    // Equal names are sorted by position, so that the first one stays.
    sorted.sort_unstable_by_key(|(pair, at)| (pair.0.as_ref(), *at));
    let mut repeats = Vec::new();
    for two in sorted.windows(2) {
        let [(one, _), (other, at)] = two else {
            continue;
        };
        if one.0 != other.0 {
            continue;
        }
        if one.1 != other.1 {
            return Err(Refusal::about_value(
                Rule::RepeatedParameter,
                "a query parameter has two values, and servers differ in which one they take; send a list as one value, with \
                 commas (`properties=name,id`): ",
                one.0.as_bytes(),
            ));
        }
        repeats.push(*at);
    }
    Ok(repeats)
}

/// Free text may contain line breaks and tabs. All parsers read them in the same way once they are encoded.
fn is_ambiguous_in_text(c: char) -> bool {
    is_ambiguous(c) && !BREAKS.contains(&c)
}

fn decode(raw: &[u8], is_refused: fn(char) -> bool) -> Result<Cow<'_, str>, Refusal> {
    let text = percent::decode(raw, percent::Place::Query, |byte| match byte {
        b'+' => Some(b' '),
        b'#' => None,
        0x21..=0x7e => Some(byte),
        _ => None,
    })?;
    if text.chars().any(is_refused) {
        return Err(Refusal::about_value(
            Rule::ControlCharacter,
            "the query holds a control character or a line separator: ",
            raw,
        ));
    }
    Ok(text)
}
