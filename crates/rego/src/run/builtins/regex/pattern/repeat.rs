//! Counted repetitions: `{n}`, `{n,}` and `{n,m}`.

use super::{MAX_REPEAT, Rest};

pub(super) struct Repeat {
    pub(super) text: String,
    least: Option<u32>,
    most: Option<u32>,
    has_most: bool,
}

impl Repeat {
    /// The repetition after a brace. Any other brace is a plain character; then nothing is read.
    pub(super) fn after_brace(rest: &mut Rest<'_>) -> Option<Self> {
        let mut ahead = rest.clone();
        let least = count(&mut ahead)?;
        let most = if ahead.next_if_eq(&',').is_none() {
            Some(least.clone())
        } else if ahead.peek() == Some(&'}') {
            None
        } else {
            Some(count(&mut ahead)?)
        };
        let has_comma = most.as_ref() != Some(&least);
        ahead.next_if_eq(&'}')?;
        *rest = ahead;
        let text = match &most {
            Some(most) if has_comma => format!("{{{least},{most}}}"),
            Some(_) => format!("{{{least}}}"),
            None => format!("{{{least},}}"),
        };
        Some(Self {
            text,
            least: least.parse().ok(),
            has_most: most.is_some(),
            most: most.and_then(|most| most.parse().ok()),
        })
    }

    /// The factor of this repetition in a product of several, and whether RE2 compares that product with its limit.
    /// `None` if the counts themselves are too large, or in the wrong order.
    pub(super) fn factor(&self) -> Option<(u32, bool)> {
        let least = self.least.filter(|count| *count <= MAX_REPEAT)?;
        if !self.has_most {
            return Some((least.max(1), least >= 2));
        }
        let most = self.most.filter(|count| *count <= MAX_REPEAT)?;
        (least <= most).then_some((most, most >= 2))
    }
}

/// A count without zeros before it.
fn count(rest: &mut Rest<'_>) -> Option<String> {
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    let is_count = !digits.is_empty() && (digits == "0" || !digits.starts_with('0'));
    is_count.then_some(digits)
}
