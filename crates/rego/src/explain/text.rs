//! Writes an explanation as lines of text.

mod brief;

use std::fmt::Write as _;

use super::explanation::{
    Condition, Definition, Explanation, Location, Outcome, Seen, Wanted, WantedValue,
};

/// The largest number of definitions of one rule that are shown although they do not hold.
const MAX_MISSES: usize = 3;

/// A short text that would be longer says less of the rules that are farther from holding.
const MAX_LINES: usize = 15;

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

/// How much of an explanation is written.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'a> {
    /// The nearest rule in full. The others have a line each, or are only counted, if the text would be long otherwise.
    Short {
        /// What shows the rest, such as the name of an option.
        all: &'a str,
    },
    /// Everything.
    All,
}

/// How the rules are written that do not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// All of them in full.
    All,
    /// In full, up to `MAX_MISSES` for one condition.
    Some,
    /// The nearest in full, the others in one line.
    Brief,
}

impl Explanation {
    /// The explanation as lines of text.
    pub fn text(&self, paint: &dyn Paint, extent: Extent<'_>) -> String {
        let Extent::Short { all } = extent else {
            return self.written(paint, Manner::All, "");
        };
        let text = self.written(paint, Manner::Some, all);
        if text.lines().count() <= MAX_LINES {
            return text;
        }
        self.written(paint, Manner::Brief, all)
    }

    fn written(&self, paint: &dyn Paint, manner: Manner, all: &str) -> String {
        let mut text = Text {
            lines: String::new(),
            paint,
            manner,
            all,
            is_shortened: false,
            tells_how_to_see_all: false,
        };
        if let Some(fault) = &self.fault {
            let mut lines = fault.lines();
            let first = paint.plain(lines.next().unwrap_or_default());
            text.line(0, &format!("{} {first}", paint.bad("fails")));
            for line in lines {
                text.line(2, &paint.plain(line));
            }
        }
        if self.definitions.is_empty() && self.default.is_none() {
            let name = paint.plain(&self.entrypoint);
            text.line(0, &format!("no rule of `{name}` was evaluated"));
        }
        if manner == Manner::Brief {
            text.entry_in_brief(&self.definitions);
        } else {
            for definition in &self.definitions {
                text.definition(definition, 0);
            }
        }
        if let Some(place) = &self.default {
            text.default(place, 0);
        }
        if text.is_shortened && !text.tells_how_to_see_all {
            text.line(0, &format!("{all} shows all in full"));
        }
        text.lines
    }
}

struct Text<'a> {
    lines: String,
    paint: &'a dyn Paint,
    manner: Manner,
    /// What shows the rest.
    all: &'a str,
    /// Whether a rule is written in one line although there is more to say of it.
    is_shortened: bool,
    tells_how_to_see_all: bool,
}

impl Text<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.lines, "{:indent$}{text}", "");
    }

    fn default(&mut self, place: &Location, indent: usize) {
        let at = self.paint.faint(&format!("{}:{}", place.file, place.line));
        let source = self.paint.plain(&place.source);
        self.line(indent, &format!("so the default counts {at} {source}"));
    }

    fn definition(&mut self, definition: &Definition, indent: usize) {
        self.definition_with(definition, indent, "");
    }

    /// A definition with its conditions. `remark` ends its line.
    fn definition_with(&mut self, definition: &Definition, indent: usize, remark: &str) {
        let mut line = self.head(definition);
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
        line.push_str(remark);
        self.line(indent, &line);
        for condition in &definition.conditions {
            self.condition(condition, indent + 2);
        }
    }

    /// Whether a definition holds, and where it is.
    fn head(&self, definition: &Definition) -> String {
        let mark = match definition.outcome {
            Outcome::Held => self.paint.good("holds"),
            Outcome::Missed => self.paint.bad("misses"),
            Outcome::Failed => self.paint.bad("fails"),
        };
        let place = &definition.place;
        let at = self.paint.faint(&format!("{}:{}", place.file, place.line));
        format!("{mark} {at} {}", self.paint.plain(&place.source))
    }

    /// How many rules are not shown.
    fn hidden(&mut self, hidden: usize, indent: usize) {
        let mut text = match hidden {
            0 => return,
            1 => "and 1 more rule misses".to_owned(),
            count => format!("and {count} more rules miss"),
        };
        // Said once, at the end.
        if indent == 0 {
            let _ = write!(text, ": {} shows all in full", self.all);
            self.tells_how_to_see_all = true;
        }
        self.is_shortened = true;
        self.line(indent, &text);
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
            .and_then(|wanted| self.wanted(wanted, &source))
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
        if self.manner == Manner::Brief {
            self.because_in_brief(condition, &because, indent);
        } else {
            let max = if self.manner == Manner::All {
                usize::MAX
            } else {
                MAX_MISSES
            };
            let mut count = 0;
            for definition in &because {
                if misses(definition) {
                    count += 1;
                    if count > max {
                        continue;
                    }
                }
                self.definition(definition, indent);
            }
            self.hidden(count.saturating_sub(max), indent);
        }
        for place in &condition.defaults {
            self.default(place, indent);
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
    fn wanted(&self, wanted: &Wanted, source: &str) -> Option<String> {
        let name = self.paint.plain(&wanted.name);
        let shown = wanted.text.iter().take(MAX_VALUES);
        let shown: Vec<String> = shown.map(|value| self.paint.plain(value)).collect();
        let shown = shown.join(", ");
        let ordered = |sign: &str| {
            let text = format!("{name} {sign} {shown}");
            (text != source).then(|| format!("wanted: {text}"))
        };
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
            WantedValue::Less(_) => ordered("<"),
            WantedValue::LessOrEqual(_) => ordered("<="),
            WantedValue::Greater(_) => ordered(">"),
            WantedValue::GreaterOrEqual(_) => ordered(">="),
            WantedValue::Defined | WantedValue::Truth | WantedValue::NoTruth => None,
        }
    }
}
