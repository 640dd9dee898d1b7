//! Writes the rules that are farther from holding in one line each.

use std::fmt::Write as _;

use super::{MAX_MISSES, Text};
use crate::explain::explanation::{Condition, Definition, Location, Outcome};

/// The largest number of rules that are named because they miss by the same condition as another one.
const MAX_PLACES: usize = 4;

/// Rules that do not hold for the same reason.
struct SameCause<'a> {
    first: &'a Definition,
    /// The source of the condition that does not hold, and what it saw.
    cause: Option<(&'a str, String)>,
    others: Vec<&'a Location>,
}

fn misses(definition: &Definition) -> bool {
    definition.outcome == Outcome::Missed
}

/// The condition by which a definition misses. If the condition only asks for another rule, that rule's condition.
fn innermost(definition: &Definition) -> Option<&Condition> {
    let mut condition = definition.conditions.first()?;
    while let Some(inner) = condition.because.first().filter(|inner| misses(inner))
        && let Some(next) = inner.conditions.first()
        && !condition.is_negated
        && condition.values.iter().all(|value| value.text.is_none())
    {
        condition = next;
    }
    Some(condition)
}

impl Text<'_> {
    /// The rules of the entrypoint: the one that holds or is nearest to holding in full, the others in one line or
    /// counted.
    pub(super) fn entry_in_brief(&mut self, definitions: &[Definition]) {
        let mut has_first = false;
        for definition in definitions.iter().filter(|one| !misses(one)) {
            if has_first {
                self.one_line(definition, 0, "");
            } else {
                self.definition(definition, 0);
            }
            has_first = true;
        }
        let mut all: Vec<SameCause<'_>> = Vec::new();
        for definition in definitions.iter().filter(|one| misses(one)) {
            let condition = definition.conditions.first();
            let cause =
                condition.map(|condition| (condition.place.source.as_str(), self.cause(condition)));
            let known = cause
                .as_ref()
                .and_then(|_| all.iter_mut().find(|one| one.cause == cause));
            if let Some(known) = known {
                known.others.push(&definition.place);
            } else {
                all.push(SameCause {
                    first: definition,
                    cause,
                    others: Vec::new(),
                });
            }
        }
        // If a rule holds, the others do not matter.
        let shown = if has_first { 0 } else { 1 + MAX_MISSES };
        for (index, one) in all.iter().take(shown).enumerate() {
            let remark = self.others(&one.others);
            if index == 0 {
                self.definition_with(one.first, 0, &remark);
            } else {
                self.one_line(one.first, 0, &remark);
            }
        }
        let hidden = all.iter().skip(shown).map(|one| 1 + one.others.len()).sum();
        self.hidden(hidden, 0);
    }

    /// The rules that a condition uses.
    pub(super) fn because_in_brief(
        &mut self,
        condition: &Condition,
        because: &[&Definition],
        indent: usize,
    ) {
        // If a part of the request or the data is undefined, that is the cause, and not a rule that has its value.
        let is_undefined = condition.values.iter().any(|value| value.text.is_none());
        let is_aside =
            condition.outcome == Outcome::Missed && !condition.is_negated && is_undefined;
        let mut has_first = false;
        let mut count = 0;
        for definition in because {
            if !misses(definition) {
                if is_aside {
                    self.one_line(definition, indent, "");
                } else {
                    self.definition(definition, indent);
                }
                continue;
            }
            count += 1;
            if count > MAX_MISSES {
                continue;
            }
            let is_aside = condition.outcome == Outcome::Held;
            if has_first || is_aside || is_said_in_one_line(definition) {
                self.one_line(definition, indent, "");
            } else {
                self.definition(definition, indent);
            }
            has_first = true;
        }
        self.hidden(count - count.min(MAX_MISSES), indent);
    }

    fn others(&self, places: &[&Location]) -> String {
        if places.is_empty() {
            return String::new();
        }
        let shown = places.iter().take(MAX_PLACES);
        let shown: Vec<String> = shown
            .map(|place| self.paint.faint(&format!("{}:{}", place.file, place.line)))
            .collect();
        let more = places.len() - shown.len();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!(" (by the same condition also {}{more})", shown.join(", "))
    }

    /// A definition in one line.
    fn one_line(&mut self, definition: &Definition, indent: usize, remark: &str) {
        let mut line = self.head(definition);
        let condition = innermost(definition).filter(|_| misses(definition));
        if let Some(condition) = condition {
            let (of, at) = (&definition.place, &condition.place);
            let is_in_head = of.file == at.file && of.line == at.line;
            if !is_in_head {
                let file = if of.file == at.file { "" } else { &at.file };
                let place = if file.is_empty() {
                    format!("line {}", at.line)
                } else {
                    format!("{file}:{}", at.line)
                };
                let source = self.paint.bad(&self.paint.plain(&at.source));
                let _ = write!(line, ", at {} {source}", self.paint.faint(&place));
            }
            let cause = self.cause(condition);
            if !cause.is_empty() {
                let _ = write!(line, ": {cause}");
            }
        } else if let Some(text) = definition
            .value
            .as_ref()
            .and_then(|value| value.text.as_ref())
            && text != "true"
        {
            let _ = write!(line, ", gives {}", self.paint.plain(text));
        }
        if definition.is_shown_above {
            line.push_str(", as shown above");
        }
        line.push_str(remark);
        self.line(indent, &line);
        let is_shortened = if misses(definition) {
            !is_said_in_one_line(definition)
        } else {
            !definition.conditions.is_empty()
        };
        self.is_shortened |= is_shortened;
    }

    /// The value by which a condition does not hold.
    fn cause(&self, condition: &Condition) -> String {
        let mut values = condition.values.iter();
        let wanted = condition.wanted.as_ref().map(|wanted| &wanted.name);
        let found = values
            .clone()
            .find(|value| value.text.is_none())
            .or_else(|| values.clone().find(|value| Some(&value.name) == wanted))
            .or_else(|| values.next());
        match (found, condition.notes.first()) {
            (Some(value), _) => match &value.missing {
                // The name says what is missing.
                Some(missing) if missing.suggestion.is_none() => {
                    format!("{} is undefined", self.paint.plain(&value.name))
                }
                _ => self.value(value),
            },
            (None, Some(note)) => self.paint.plain(note),
            (None, None) => String::new(),
        }
    }
}

/// Whether one line says all there is to say of a definition that misses.
fn is_said_in_one_line(definition: &Definition) -> bool {
    let condition = definition.conditions.first();
    condition.is_none_or(|condition| {
        condition.values.len() + condition.notes.len() <= 1
            && condition.tried.is_empty()
            && condition.because.is_empty()
            && condition.defaults.is_empty()
            && condition.inside.is_empty()
    })
}
