//! Query strings: decoded strictly, no name twice, and not more parameters than anybody needs.

use std::borrow::Cow;

use super::{
    percent::{self, is_treacherous},
    refusal::{Refusal, Rule},
};

/// Decoded names and values, in order.
pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The most parameters of one query. Everybody can send a query, so that what reading it costs must have a bound.
const MAX_PARAMETERS: usize = 256;

/// Reads what stands after the first `?`.
pub(super) fn read(raw: Option<&[u8]>) -> Result<Vec<Pair<'_>>, Refusal> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let raw = raw.unwrap_or_default();
    for pair in raw.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        if pairs.len() == MAX_PARAMETERS {
            return Err(Refusal::new(
                Rule::TooManyParameters,
                format!("the query has more than {MAX_PARAMETERS} parameters"),
            ));
        }
        pairs.push((name, value));
    }
    match repeated(&pairs) {
        Some(name) => Err(Refusal::about_value(
            Rule::RepeatedParameter,
            "a query parameter is repeated, and servers differ in which one they take: ",
            name.as_bytes(),
        )),
        None => Ok(pairs),
    }
}

/// A name that is there twice.
fn repeated<'a>(pairs: &'a [Pair<'_>]) -> Option<&'a str> {
    if let [(one, _), (other, _)] = pairs {
        return (one == other).then_some(one);
    }
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|two| two.first() == two.last());
    twice.and_then(|two| two.first().copied())
}

fn decode(raw: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    let text = percent::decode(raw, percent::Place::Query, |byte| match byte {
        b'+' => Some(b' '),
        b'#' => None,
        0x21..=0x7e => Some(byte),
        _ => None,
    })?;
    if text.chars().any(is_treacherous) {
        return Err(Refusal::about_value(
            Rule::ControlCharacter,
            "the query holds a control character or a line separator: ",
            raw,
        ));
    }
    Ok(text)
}
