//! What authors write by the habit of another language where the words around a fault show it.

use super::{super::foreign, Cursor, Kind};

impl Cursor {
    /// What to write in place of the next word, or of the one before it.
    pub(super) fn habit(&self) -> Option<&'static str> {
        let before = self.place().checked_sub(1);
        let before = before
            .and_then(|at| self.token_at(at))
            .map(|(kind, _)| kind);
        let after = self.second().map(|token| &token.kind);
        let is_on_line = self.token().is_some_and(|token| !token.after_line_break);
        let is_word = |kind: Option<&Kind>, word: &str| matches!(kind, Some(Kind::Word(found)) if found == word);
        match self.kind() {
            Kind::Word(word) => match word.as_str() {
                "not" if is_word(after, "in") => Some("write `not x in xs`"),
                "is" if is_word(after, "not") => Some("write `!=`, or `not` before the condition"),
                "contains" if is_on_line && before.is_some_and(ends_value) => {
                    Some("write `contains(text, part)`, or `x in xs` for an element")
                }
                "startswith" | "starts" => Some("write `startswith(text, prefix)`"),
                "endswith" | "ends" => Some("write `endswith(text, suffix)`"),
                "if" if matches!(before, Some(Kind::Sign("=" | ":="))) => {
                    Some("write `name if {..}`, or a value before `if`")
                }
                _ => foreign::word(word).or_else(|| self.quantifier(before, is_on_line)),
            },
            Kind::String(_)
                if matches!(before, Some(Kind::Word(word)) if matches!(word.as_str(), "f" | "F" | "rf" | "fr"))
                    && self.token().is_some_and(|token| !token.after_space) =>
            {
                Some("a template string is `$\"..{x}..\"`")
            }
            Kind::Sign(",") if self.is_behind_in_parenthesis() => {
                Some("several values stand in a set or a list: write `in {a, b}`")
            }
            _ => None,
        }
    }

    /// Whether the parenthesis around this place is what `in` looks through.
    fn is_behind_in_parenthesis(&self) -> bool {
        let mut open = 0_usize;
        for at in (0..self.place()).rev() {
            match self.token_at(at) {
                Some((Kind::Sign(")"), _)) => open += 1,
                Some((Kind::Sign("("), _)) if open == 0 => {
                    let before = at.checked_sub(1).and_then(|at| self.token_at(at));
                    return matches!(before, Some((Kind::Word(word), _)) if word == "in");
                }
                Some((Kind::Sign("("), _)) => open -= 1,
                _ => {}
            }
        }
        false
    }

    /// What to write in place of the word before this one, which another language has before a variable or a value.
    fn quantifier(&self, before: Option<&Kind>, is_on_line: bool) -> Option<&'static str> {
        let Some(Kind::Word(word)) = before.filter(|_| is_on_line) else {
            return None;
        };
        let is_before_in = self
            .second()
            .is_some_and(|second| matches!(&second.kind, Kind::Word(word) if word == "in"));
        match word.as_str() {
            "exists" if is_before_in => foreign::word("any"),
            "any" | "all" | "exists" => foreign::word(word),
            _ => None,
        }
    }
}

/// Whether a value can end by a word.
fn ends_value(kind: &Kind) -> bool {
    match kind {
        Kind::Sign(sign) => matches!(*sign, ")" | "]" | "}"),
        Kind::End => false,
        _ => true,
    }
}
