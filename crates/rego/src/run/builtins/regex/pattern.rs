//! Translates RE2's syntax to that of Rust's `regex`, which reads some patterns differently.

mod class;
mod escape;
mod repeat;
#[cfg(test)]
mod tests;

use std::{iter::Peekable, str::Chars};

use self::{escape::escape, repeat::Repeat};
use super::super::errors;

/// The largest product of the counts of repetitions inside each other in RE2.
const MAX_REPEAT: u32 = 1000;
/// Longer patterns are refused.
const MAX_LENGTH: usize = 1 << 16;

type Rest<'a> = Peekable<Chars<'a>>;

/// The pattern that means in Rust what `pattern` means in RE2, or `None` if RE2 rejects it.
pub(super) fn from_re2(pattern: &str) -> Option<String> {
    translated(pattern).map(|made| made.text)
}

/// The number of groups of a pattern.
pub(super) fn group_count(pattern: &str) -> Option<usize> {
    translated(pattern).map(|made| made.groups)
}

fn translated(pattern: &str) -> Option<Made> {
    if pattern.len() > MAX_LENGTH {
        return refused(&format!("patterns have at most {MAX_LENGTH} bytes"));
    }
    let mut made = Made {
        text: String::with_capacity(pattern.len() + 8),
        open: vec![1],
        ..Made::default()
    };
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' | '+' | '?' => made.repeat(c.to_string(), 1, false, &mut rest)?,
            '{' => match Repeat::after_brace(&mut rest) {
                Some(repeat) => {
                    let (factor, is_counted) = repeat.factor()?;
                    made.repeat(repeat.text, factor, is_counted, &mut rest)?;
                }
                None => made.atom("\\{"),
            },
            '\\' if rest.next_if_eq(&'Q').is_some() => made.quote(&mut rest),
            '\\' => {
                let mut text = String::new();
                escape(rest.next()?, &mut rest, &mut text)?;
                made.atom(&text);
            }
            '[' => {
                let mut text = String::new();
                class::class(&mut rest, &mut text)?;
                made.atom(&text);
            }
            '(' if rest.next_if_eq(&'?').is_some() => made.group(&mut rest)?,
            '(' => {
                made.groups += 1;
                made.open("(");
            }
            ')' => made.close()?,
            '|' => {
                made.end_atom();
                made.text.push('|');
            }
            other => made.atom(other.encode_utf8(&mut [0; 4])),
        }
    }
    (made.open.len() == 1).then_some(made)
}

fn refused<T>(message: &str) -> Option<T> {
    errors::refuse(message);
    None
}

/// The name of a group in the text of a pattern, without what `Made` adds to make it unique.
pub(super) fn group_name(made: &str) -> &str {
    made.split_once('_').map_or(made, |(_, name)| name)
}

/// The last part that a repetition can follow.
#[derive(Debug, Clone, Copy)]
struct Atom {
    /// The largest product of the counts inside.
    weight: u32,
    is_repeated: bool,
}

#[derive(Debug, Default)]
struct Made {
    text: String,
    /// The largest product of the counts in each group that is open. The first one is the pattern.
    open: Vec<u32>,
    atom: Option<Atom>,
    /// Where the text ended before the flags that follow the last atom.
    before_flags: Option<usize>,
    /// Whether the last sign was a repetition.
    was_repeat: bool,
    groups: usize,
}

impl Made {
    fn end_atom(&mut self) {
        if let (Some(atom), Some(weight)) = (self.atom.take(), self.open.last_mut()) {
            *weight = atom.weight.max(*weight);
        }
        (self.before_flags, self.was_repeat) = (None, false);
    }

    fn atom(&mut self, text: &str) {
        self.end_atom();
        self.text.push_str(text);
        self.atom = Some(Atom {
            weight: 1,
            is_repeated: false,
        });
    }

    fn open(&mut self, text: &str) {
        self.end_atom();
        self.text.push_str(text);
        self.open.push(1);
    }

    fn close(&mut self) -> Option<()> {
        self.end_atom();
        let weight = self.open.pop()?;
        self.text.push(')');
        self.atom = Some(Atom {
            weight,
            is_repeated: false,
        });
        (!self.open.is_empty()).then_some(())
    }

    /// The text up to `\E`, unchanged.
    fn quote(&mut self, rest: &mut Rest<'_>) {
        self.was_repeat = false;
        while let Some(c) = rest.next() {
            if c == '\\' && rest.next_if_eq(&'E').is_some() {
                break;
            }
            self.atom(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// Repeats the last atom. RE2 looks for it before flags such as `(?i)`, so the sign goes there.
    fn repeat(
        &mut self,
        mut sign: String,
        factor: u32,
        is_counted: bool,
        rest: &mut Rest<'_>,
    ) -> Option<()> {
        if rest.next_if_eq(&'?').is_some() {
            sign.push('?');
        }
        let atom = self.atom.as_mut()?;
        if self.was_repeat {
            return None;
        }
        // Only a text such as `a*(?i)?` could become another repetition, which is lazy.
        if atom.is_repeated && sign.starts_with('?') {
            return refused("a repetition is repeated");
        }
        let weight = if factor == 0 {
            1
        } else {
            atom.weight.saturating_mul(factor)
        };
        if is_counted && weight > MAX_REPEAT {
            return None;
        }
        *atom = Atom {
            weight,
            is_repeated: true,
        };
        let at = self.before_flags.unwrap_or(self.text.len());
        if self.text.get(at..).is_some_and(|flags| flags.contains('U')) {
            return refused("a repetition follows the flag `U`");
        }
        self.text.insert_str(at, &sign);
        self.before_flags = self.before_flags.map(|at| at + sign.len());
        self.was_repeat = true;
        Some(())
    }

    /// The text after `(?`. RE2 knows the flags i, m, s and U, named groups, and groups that capture nothing.
    fn group(&mut self, rest: &mut Rest<'_>) -> Option<()> {
        if let Some('P' | '<') = rest.peek() {
            let _ = rest.next_if_eq(&'P');
            rest.next_if_eq(&'<')?;
            let name: String = rest.by_ref().take_while(|c| *c != '>').collect();
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return None;
            }
            // Names may begin with a digit and occur twice in RE2.
            self.open(&format!("(?P<n{}_{name}>", self.groups));
            self.groups += 1;
            return Some(());
        }
        let (mut on, mut off) = (String::new(), String::new());
        let mut is_off = false;
        loop {
            match rest.next()? {
                flag @ ('i' | 'm' | 's' | 'U') => {
                    let flags = if is_off { &mut off } else { &mut on };
                    if !flags.contains(flag) {
                        flags.push(flag);
                    }
                }
                '-' if !is_off => is_off = true,
                end @ (':' | ')') => {
                    if is_off && off.is_empty() {
                        return None;
                    }
                    on.retain(|flag| !off.contains(flag));
                    let minus = if is_off { "-" } else { "" };
                    let flags = format!("(?{on}{minus}{off}{end}");
                    if end == ':' {
                        self.open(&flags);
                        return Some(());
                    }
                    self.before_flags.get_or_insert(self.text.len());
                    self.was_repeat = false;
                    if !(on.is_empty() && off.is_empty()) {
                        self.text.push_str(&flags);
                    }
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}
