//! What OPA's library makes of a glob, and how it searches a text. Its shortcuts decide some texts otherwise than the
//! glob says, so they are here as they are there.

/// The number of steps of a search.
const MAX_STEPS: usize = 2_000_000;

/// A search took too many steps, or the library would fail or cut a character.
#[derive(Debug)]
pub(super) struct TooLong;

/// The steps of one search.
#[derive(Debug, Default)]
pub(super) struct Search {
    steps: usize,
}

impl Search {
    fn step(&mut self, text: &str) -> Result<(), TooLong> {
        self.steps += 1 + text.len();
        if self.steps > MAX_STEPS {
            return Err(TooLong);
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matcher {
    Any(Vec<char>),
    AnyOf(Vec<Matcher>),
    Tree(Box<Tree>),
    Contains { needle: String, not: bool },
    EveryOf(Vec<Matcher>),
    List { of: Vec<char>, not: bool },
    Range { low: char, high: char, not: bool },
    Max(usize),
    Min(usize),
    Nothing,
    Prefix(String),
    PrefixAny(String, Vec<char>),
    PrefixSuffix(String, String),
    Row { length: usize, all: Vec<Matcher> },
    Single(Vec<char>),
    Suffix(String),
    SuffixAny(String, Vec<char>),
    Super,
    Text(String),
}

/// A matcher in the middle of a text, and those of the text before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) value: Matcher,
    pub(super) left: Option<Matcher>,
    pub(super) right: Option<Matcher>,
    lengths: Lengths,
}

/// The lengths of the parts of a tree when it was made, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths {
    left: Option<usize>,
    right: Option<usize>,
    all: Option<usize>,
}

/// Where a matcher finds its text: the beginning, and all lengths from there that fit.
type Found = Option<(usize, Vec<usize>)>;

impl Tree {
    pub(super) fn new(value: Matcher, left: Option<Matcher>, right: Option<Matcher>) -> Self {
        let length = |side: &Option<Matcher>| side.as_ref().map_or(Some(0), Matcher::length);
        let (before, after) = (length(&left), length(&right));
        let all = before.zip(after).zip(value.length());
        Self {
            lengths: Lengths {
                left: before,
                right: after,
                all: all.map(|((before, after), own)| before + own + after),
            },
            value,
            left,
            right,
        }
    }

    fn matches(&self, text: &str, search: &mut Search) -> Result<bool, TooLong> {
        if self.lengths.all.is_some_and(|all| all > text.len()) {
            return Ok(false);
        }
        let side = |side: &Option<Matcher>, text: &str, search: &mut Search| match side {
            Some(matcher) => matcher.matches(text, search),
            None => Ok(text.is_empty()),
        };
        let mut offset = self.lengths.left.unwrap_or(0);
        let after = self.lengths.right.unwrap_or(0);
        let mut limit = text.len().saturating_sub(after);
        // The lengths are characters, which count as bytes here. A text is found at whole characters only.
        if let Matcher::Text(_) = self.value {
            offset = (offset..limit)
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(limit);
            limit = (0..=limit)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
        }
        while offset < limit {
            let part = text.get(offset..limit).ok_or(TooLong)?;
            let Some((index, lengths)) = self.value.find(part, search)? else {
                return Ok(false);
            };
            let begin = offset + index;
            let (before, rest) = text.split_at_checked(begin).ok_or(TooLong)?;
            if side(&self.left, before, search)? {
                for length in lengths.iter().rev() {
                    let after = rest.get(*length.min(&rest.len())..).ok_or(TooLong)?;
                    if side(&self.right, after, search)? {
                        return Ok(true);
                    }
                }
            }
            offset = begin + rest.chars().next().map_or(1, char::len_utf8);
        }
        Ok(false)
    }
}

/// The beginning of the first of some characters that is anywhere in a text. An earlier one of the others does not
/// count.
fn first_of(text: &str, characters: &[char]) -> Option<usize> {
    characters.iter().find_map(|c| text.find(*c))
}

fn before_first<'a>(text: &'a str, characters: &[char]) -> &'a str {
    let end = first_of(text, characters).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The only character of a text. An empty text has a character that is none.
fn only(text: &str) -> Option<char> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (None, _) => Some(char::REPLACEMENT_CHARACTER),
        (one, None) => one,
        _ => None,
    }
}

/// The lengths of all beginnings of a text, from `from` on.
fn beginnings(from: usize, text: &str) -> Vec<usize> {
    let lengths = text.char_indices().map(|(at, _)| from + at);
    lengths.chain([from + text.len()]).collect()
}

impl Matcher {
    /// The number of characters of each text that fits, if it is always the same.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::AnyOf(all) => {
                let mut length = None;
                for matcher in all {
                    let own = matcher.length();
                    // An earlier alternative of any length is forgotten.
                    if length.is_some() && own != length {
                        return None;
                    }
                    length = own;
                }
                length
            }
            Self::Tree(tree) => tree.lengths.all,
            Self::EveryOf(all) if all.is_empty() => Some(0),
            Self::List { .. } | Self::Range { .. } | Self::Single(_) => Some(1),
            Self::Nothing => Some(0),
            Self::Row { length, .. } => Some(*length),
            Self::Text(text) => Some(text.chars().count()),
            _ => None,
        }
    }

    /// Whether this is one character that fits.
    fn takes(&self, c: char) -> bool {
        match self {
            Self::List { of, not } => of.contains(&c) != *not,
            Self::Range { low, high, not } => (*low..=*high).contains(&c) != *not,
            Self::Single(delimiters) => !delimiters.contains(&c),
            _ => false,
        }
    }

    pub(super) fn matches(&self, text: &str, search: &mut Search) -> Result<bool, TooLong> {
        search.step(text)?;
        Ok(match self {
            Self::Any(delimiters) => first_of(text, delimiters).is_none(),
            Self::AnyOf(all) => {
                for matcher in all {
                    if matcher.matches(text, search)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Tree(tree) => tree.matches(text, search)?,
            Self::Contains { needle, not } => text.contains(needle.as_str()) != *not,
            Self::EveryOf(all) => {
                for matcher in all {
                    if !matcher.matches(text, search)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::List { .. } | Self::Range { .. } | Self::Single(_) => {
                only(text).is_some_and(|c| self.takes(c))
            }
            Self::Max(most) => text.chars().count() <= *most,
            Self::Min(least) => !text.is_empty() && text.chars().count() >= *least,
            Self::Nothing => text.is_empty(),
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::PrefixAny(prefix, delimiters) => text
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| first_of(rest, delimiters).is_none()),
            Self::PrefixSuffix(prefix, suffix) => {
                text.starts_with(prefix.as_str()) && text.ends_with(suffix.as_str())
            }
            Self::Row { length, all } => {
                text.chars().count() == *length && fits_row(all, text, search)?
            }
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::SuffixAny(suffix, delimiters) => text
                .strip_suffix(suffix.as_str())
                .is_some_and(|rest| first_of(rest, delimiters).is_none()),
            Self::Super => true,
            Self::Text(own) => text == own,
        })
    }

    /// Finds the first text that fits.
    fn find(&self, text: &str, search: &mut Search) -> Result<Found, TooLong> {
        search.step(text)?;
        Ok(match self {
            Self::Any(delimiters) => Some((0, beginnings(0, before_first(text, delimiters)))),
            Self::AnyOf(all) => {
                let mut first: Found = None;
                for matcher in all {
                    let Some((index, lengths)) = matcher.find(text, search)? else {
                        continue;
                    };
                    match &mut first {
                        Some((at, found)) if *at == index => {
                            found.extend(lengths);
                            found.sort_unstable();
                            found.dedup();
                        }
                        Some((at, _)) if *at < index => {}
                        first => *first = Some((index, lengths)),
                    }
                }
                first
            }
            // The library finds no tree inside of a text.
            Self::Tree(_) => None,
            Self::Contains { needle, not } => match (text.find(needle.as_str()), not) {
                (None, false) => None,
                (Some(at), false) => {
                    let end = at + needle.len();
                    Some((0, beginnings(end, text.get(end..).unwrap_or_default())))
                }
                (at, true) => {
                    let end = at.unwrap_or(text.len());
                    Some((0, beginnings(0, text.get(..end).unwrap_or_default())))
                }
            },
            Self::EveryOf(all) => find_every(all, text, search)?,
            Self::List { .. } | Self::Range { .. } | Self::Single(_) => {
                let mut characters = text.char_indices();
                let found = characters.find(|(_, c)| self.takes(*c));
                found.map(|(at, c)| (at, vec![c.len_utf8()]))
            }
            Self::Max(most) => Some((0, beginnings(0, text).into_iter().take(most + 1).collect())),
            Self::Min(least) => {
                let lengths: Vec<usize> = beginnings(0, text).into_iter().skip(*least).collect();
                (!lengths.is_empty()).then_some((0, lengths))
            }
            Self::Nothing => Some((0, vec![0])),
            Self::Prefix(prefix) => text.find(prefix.as_str()).map(|at| {
                let rest = text.get(at + prefix.len()..).unwrap_or_default();
                (at, beginnings(prefix.len(), rest))
            }),
            Self::PrefixAny(prefix, delimiters) => text.find(prefix.as_str()).map(|at| {
                let rest = text.get(at + prefix.len()..).unwrap_or_default();
                (at, beginnings(prefix.len(), before_first(rest, delimiters)))
            }),
            Self::PrefixSuffix(prefix, suffix) => find_both(prefix, suffix, text),
            Self::Row { length, all } => {
                for (at, _) in text.char_indices() {
                    let rest = text.get(at..).unwrap_or_default();
                    if rest.len() < *length {
                        break;
                    }
                    search.step(rest)?;
                    if fits_row(all, rest, search)? {
                        return Ok(Some((at, vec![*length])));
                    }
                }
                None
            }
            Self::Suffix(suffix) => text
                .find(suffix.as_str())
                .map(|at| (0, vec![at + suffix.len()])),
            Self::SuffixAny(suffix, delimiters) => text.find(suffix.as_str()).map(|at| {
                let before = text.get(..at).unwrap_or_default();
                let begin = delimiters.iter().find_map(|c| before.rfind(*c));
                let begin = begin.map_or(0, |begin| begin + 1);
                (begin, vec![at + suffix.len() - begin])
            }),
            Self::Super => Some((0, beginnings(0, text))),
            Self::Text(own) => text.find(own.as_str()).map(|at| (at, vec![own.len()])),
        })
    }
}

/// Whether a text begins with the matchers of a row, each of which has a fixed length.
fn fits_row(all: &[Matcher], text: &str, search: &mut Search) -> Result<bool, TooLong> {
    let mut rest = text;
    for matcher in all {
        let length = matcher.length().unwrap_or(0);
        let last = match length {
            // Without a length, the library takes all of the text, and fails at its end.
            0 => rest.char_indices().last().ok_or(TooLong)?,
            length => match rest.char_indices().nth(length - 1) {
                Some(last) => last,
                None => return Ok(false),
            },
        };
        // It takes only the first byte of the last character.
        if last.1.len_utf8() > 1 {
            if let Matcher::Text(_) = matcher {
                return Ok(false);
            }
            return Err(TooLong);
        }
        let (part, after) = rest.split_at_checked(last.0 + 1).ok_or(TooLong)?;
        if !matcher.matches(part, search)? {
            return Ok(false);
        }
        rest = after;
    }
    Ok(true)
}

fn find_every(all: &[Matcher], text: &str, search: &mut Search) -> Result<Found, TooLong> {
    let (mut index, mut offset) = (0_usize, 0_usize);
    let mut current: Vec<usize> = Vec::new();
    let mut rest = text;
    for (number, matcher) in all.iter().enumerate() {
        let Some((at, lengths)) = matcher.find(rest, search)? else {
            return Ok(None);
        };
        if number == 0 {
            current = lengths;
        } else {
            // All matchers of such a list find their text at its beginning.
            let before = at + offset;
            let is_left = |length: &usize| {
                (length + index)
                    .checked_sub(before)
                    .is_some_and(|length| lengths.contains(&length))
            };
            search.steps += current.len().saturating_mul(lengths.len());
            search.step(rest)?;
            current.retain(is_left);
            if current.is_empty() {
                return Ok(None);
            }
        }
        index = at + offset;
        rest = text.get(index..).unwrap_or_default();
        offset += at;
    }
    Ok(Some((index, current)))
}

fn find_both(prefix: &str, suffix: &str, text: &str) -> Found {
    let begin = text.find(prefix)?;
    let part = text.get(begin..)?;
    if suffix.is_empty() {
        return Some((begin, vec![part.len()]));
    }
    let mut lengths = Vec::new();
    let mut before = part;
    while let Some(at) = before.rfind(suffix) {
        lengths.push(at + suffix.len());
        before = before.get(..at)?;
    }
    lengths.reverse();
    (!lengths.is_empty()).then_some((begin, lengths))
}
