//! Reads a glob as OPA's library does.

/// Globs nested deeper are refused.
const MAX_DEPTH: usize = 50;

/// A part of a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// `*`: any text without a delimiter.
    Any,
    /// `**`: any text.
    Super,
    /// `?`: one character that is no delimiter.
    Single,
    /// `[abc]`: one character of a list.
    List {
        of: Vec<char>,
        not: bool,
    },
    /// `[a-c]`: one character of a range.
    Range {
        low: char,
        high: char,
        not: bool,
    },
    Text(String),
    /// Several parts, one after the other.
    Pattern(Vec<Node>),
    /// `{a,b}`: one of several patterns.
    AnyOf(Vec<Node>),
    /// An alternative of which nothing is left.
    Nothing,
}

/// Why a glob cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// OPA's library rejects it too.
    Malformed,
    /// OPA may take it.
    Unsupported(&'static str),
}

type Read<T> = Result<T, Unreadable>;

/// The parts of a glob.
pub(super) fn parse(text: &str) -> Read<Node> {
    if text.contains('\0') {
        return Err(Unreadable::Unsupported("it has a zero character"));
    }
    // The library rejects the character for what is not readable.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Unreadable::Malformed);
    }
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let (parts, _) = reader.parts()?;
    Ok(Node::Pattern(parts))
}

/// What ends a pattern.
enum End {
    Text,
    Alternative,
    Group,
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let next = rest.next()?;
        self.rest = rest.as_str();
        Some(next)
    }

    fn next_if(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn parts(&mut self) -> Read<(Vec<Node>, End)> {
        let mut parts = Vec::new();
        while let Some(c) = self.next() {
            parts.push(match c {
                '{' => self.group()?,
                ',' if self.depth > 0 => return Ok((parts, End::Alternative)),
                '}' if self.depth > 0 => return Ok((parts, End::Group)),
                '[' => self.class()?,
                '?' => Node::Single,
                '*' if self.next_if('*') => Node::Super,
                '*' => Node::Any,
                first => {
                    let breakers = if self.depth > 0 { "?*[{}," } else { "?*[{" };
                    match self.text(Some(first), breakers) {
                        text if text.is_empty() => continue,
                        text => Node::Text(text),
                    }
                }
            });
        }
        Ok((parts, End::Text))
    }

    fn group(&mut self) -> Read<Node> {
        if self.depth >= MAX_DEPTH {
            return Err(Unreadable::Unsupported("its groups are nested too deep"));
        }
        self.depth += 1;
        let mut all = Vec::new();
        loop {
            let (parts, end) = self.parts()?;
            all.push(Node::Pattern(parts));
            match end {
                End::Alternative => {}
                End::Group => break,
                // The library takes a group that does not end for one that does.
                End::Text => return Ok(Node::AnyOf(all)),
            }
        }
        self.depth -= 1;
        Ok(Node::AnyOf(all))
    }

    /// Text up to one of some characters. A backslash takes the next character as it is.
    fn text(&mut self, first: Option<char>, breakers: &str) -> String {
        let mut text = String::new();
        let mut next = first;
        loop {
            let c = match next.take() {
                Some(c) => c,
                None if self.rest.starts_with(|c| breakers.contains(c)) => break,
                None => match self.next() {
                    Some(c) => c,
                    None => break,
                },
            };
            if c == '\\' {
                match self.next() {
                    Some(escaped) => text.push(escaped),
                    None => break,
                }
            } else {
                text.push(c);
            }
        }
        text
    }

    /// A class, whose bracket was read: `[abc]` or `[a-c]`, each also with `!` at its beginning.
    fn class(&mut self) -> Read<Node> {
        self.class_behind_bracket().ok_or(Unreadable::Malformed)
    }

    fn class_behind_bracket(&mut self) -> Option<Node> {
        let not = self.next_if('!');
        let first = self.next()?;
        if self.next_if('-') {
            let (low, high) = (first, self.next()?);
            let is_range = low <= high && self.next()? == ']';
            return is_range.then_some(Node::Range { low, high, not });
        }
        let of = if first == ']' {
            String::new()
        } else {
            self.text(Some(first), "]")
        };
        let is_list = !of.is_empty() && self.next()? == ']';
        is_list.then(|| Node::List {
            of: of.chars().collect(),
            not,
        })
    }
}
