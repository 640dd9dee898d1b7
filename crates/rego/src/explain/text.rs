//! Writes an explanation as lines of text.

use std::fmt::Write as _;

use super::explanation::{Condition, Definition, Explanation, Outcome, Seen, Wanted, WantedValue};

/// The largest number of definitions of one rule that are shown although they do not hold.
const MAX_MISSES: usize = 3;

/// The largest number of wanted values that are shown.
const MAX_VALUES: usize = 8;

/// Styles for parts of the text, such as the colours of a terminal.
pub trait Paint {
    /// A condition that holds.
    fn good(&self, text: &str) -> String {
        text.to_owned()
    }
    /// A condition that does not hold.
    fn bad(&self, text: &str) -> String {
        text.to_owned()
    }
    /// A place in a file.
    fn faint(&self, text: &str) -> String {
        text.to_owned()
    }
    /// Text from the policy or the request.
    fn plain(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// Adds no styles.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPaint;

impl Paint for NoPaint {}

impl Explanation {
    /// The explanation as lines of text.
    pub fn text(&self, paint: &dyn Paint) -> String {
        let mut text = Text {
            text: String::new(),
            paint,
        };
        if let Some(fault) = &self.fault {
            text.line(0, &format!("{} {}", paint.bad("fails"), paint.plain(fault)));
        }
        if self.definitions.is_empty() && self.default.is_none() {
            let name = paint.plain(&self.entrypoint);
            text.line(0, &format!("no rule of `{name}` was evaluated"));
        }
        for definition in &self.definitions {
            text.definition(definition, 0);
        }
        if let Some(place) = &self.default {
            let at = paint.faint(&format!("{}:{}", place.file, place.line));
            let source = paint.plain(&place.source);
            text.line(0, &format!("so the default counts {at} {source}"));
        }
        text.text
    }
}

struct Text<'a> {
    text: String,
    paint: &'a dyn Paint,
}

impl Text<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    fn definition(&mut self, definition: &Definition, indent: usize) {
        let mark = match definition.outcome {
            Outcome::Held => self.paint.good("holds"),
            Outcome::Missed => self.paint.bad("misses"),
            Outcome::Failed => self.paint.bad("fails"),
        };
        let place = &definition.place;
        let at = self.paint.faint(&format!("{}:{}", place.file, place.line));
        let mut line = format!("{mark} {at} {}", self.paint.plain(&place.source));
        let arguments: Vec<String> = definition
            .arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect();
        if !arguments.is_empty() {
            let _ = write!(line, ", with {}", arguments.join(", "));
        }
        match (definition.outcome, &definition.value) {
            (Outcome::Held, Some(value)) if value.text.as_deref() != Some("true") => {
                let value = value.text.as_deref().unwrap_or_default();
                let _ = write!(line, ", gives {}", self.paint.plain(value));
            }
            (Outcome::Missed, _) if definition.of > 1 => {
                let (passed, of) = (definition.passed, definition.of);
                let _ = write!(line, ", {passed} of {of} conditions hold");
            }
            _ => {}
        }
        if definition.more > 0 {
            let _ = write!(line, ", and {} more", definition.more);
        }
        if definition.is_shown_above {
            line.push_str(", as shown above");
        }
        self.line(indent, &line);
        for condition in &definition.conditions {
            self.condition(condition, indent + 2);
        }
    }

    fn condition(&mut self, condition: &Condition, indent: usize) {
        let place = &condition.place;
        let at = self.paint.faint(&format!("{}:{}", place.file, place.line));
        let source = self.paint.plain(&place.source);
        let line = match condition.outcome {
            Outcome::Held => format!("{at} {source}"),
            Outcome::Missed => format!("{at} {}", self.paint.bad(&source)),
            Outcome::Failed => format!("{at} {} (fails here)", self.paint.bad(&source)),
        };
        self.line(indent, &line);
        let indent = indent + 2;
        for tried in &condition.tried {
            let over = self.paint.plain(&tried.over);
            let text = match tried.count {
                count if tried.some_hold => {
                    format!(
                        "not all of {count} elements of {over} hold; the nearest of the others:"
                    )
                }
                1 => format!("for the one element of {over}:"),
                count => format!("none of {count} elements of {over} holds; the nearest:"),
            };
            self.line(indent, &text);
        }
        for value in &condition.values {
            let value = self.value(value);
            self.line(indent, &value);
        }
        for note in &condition.notes {
            let note = self.paint.plain(note);
            self.line(indent, &note);
        }
        if let Some(wanted) = condition
            .wanted
            .as_ref()
            .and_then(|wanted| self.wanted(wanted))
        {
            self.line(indent, &wanted);
        }
        let misses = |one: &&Definition| one.outcome == Outcome::Missed;
        // Of a rule with a value, what misses and was shown above is not repeated.
        let has_value = |rule: &str| {
            let mut held = condition.because.iter();
            held.any(|one| one.outcome == Outcome::Held && one.rule == rule)
        };
        let because: Vec<&Definition> = condition
            .because
            .iter()
            .filter(|one| !(misses(one) && one.is_shown_above && has_value(&one.rule)))
            .collect();
        let mut left = MAX_MISSES;
        for definition in &because {
            if misses(definition) {
                if left == 0 {
                    continue;
                }
                left -= 1;
            }
            self.definition(definition, indent);
        }
        let hidden = because.iter().copied().filter(misses).count();
        if let Some(hidden) = hidden.checked_sub(MAX_MISSES).filter(|hidden| *hidden > 0) {
            self.line(indent, &format!("and {hidden} more that miss"));
        }
        for inner in &condition.inside {
            self.condition(inner, indent);
        }
    }

    fn value(&self, seen: &Seen) -> String {
        let name = self.paint.plain(&seen.name);
        let by_with = if seen.is_replaced { " (by `with`)" } else { "" };
        if let Some(text) = &seen.text {
            return format!("{name} = {}{by_with}", self.paint.plain(text));
        }
        let mut text = format!("{name} is undefined{by_with}");
        if let Some(missing) = &seen.missing {
            let (at, key) = (
                self.paint.plain(&missing.at),
                self.paint.plain(&missing.key),
            );
            let _ = write!(text, ": {at} has no `{key}`");
            if let Some(suggestion) = &missing.suggestion {
                let suggestion = self.paint.plain(suggestion);
                let _ = write!(text, ", did you mean `{suggestion}`?");
            }
        }
        text
    }

    /// What would make a condition hold, if the condition does not already say so.
    fn wanted(&self, wanted: &Wanted) -> Option<String> {
        let name = self.paint.plain(&wanted.name);
        let shown = wanted.text.iter().take(MAX_VALUES);
        let shown: Vec<String> = shown.map(|value| self.paint.plain(value)).collect();
        let shown = shown.join(", ");
        match &wanted.to {
            WantedValue::OneOf(values) => {
                let more = if values.len() > MAX_VALUES {
                    ", .."
                } else {
                    ""
                };
                let one_of = if values.len() > 1 { "one of " } else { "" };
                Some(format!("wanted: {name} = {one_of}{shown}{more}"))
            }
            WantedValue::Containing(_) => Some(format!("wanted: {shown} in {name}")),
            WantedValue::Defined | WantedValue::Truth | WantedValue::NoTruth => None,
        }
    }
}
