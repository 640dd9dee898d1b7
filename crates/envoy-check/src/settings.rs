//! Checks settings that have one right value. Each has a text that says what a wrong value does.

use crate::{
    finding::{Findings, Severity},
    view::Node,
};

/// The right value of a setting.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// `true`, which is not Envoy's default.
    True,
    /// `false`, which is not Envoy's default.
    False,
    /// Anything but `true`.
    NotTrue,
    /// Anything but `false`.
    NotFalse,
    /// This word of an enumeration.
    Word(&'static str),
    /// None of these words.
    NoneOf(&'static [&'static str]),
    /// Any value, but the setting must be there. This value is good.
    Present(&'static str),
    /// The setting must not be there.
    Absent,
}

/// A setting with its right value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    /// The path of the setting within its message.
    pub(crate) names: &'static [&'static str],
    pub(crate) wanted: Wanted,
    /// What goes wrong with another value.
    pub(crate) undoes: &'static str,
}

impl Setting {
    pub(crate) const fn error(
        code: &'static str,
        names: &'static [&'static str],
        wanted: Wanted,
        undoes: &'static str,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            names,
            wanted,
            undoes,
        }
    }

    pub(crate) const fn warning(
        code: &'static str,
        names: &'static [&'static str],
        wanted: Wanted,
        undoes: &'static str,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, names, wanted, undoes)
        }
    }
}

/// Checks the settings that `holder` contains.
pub(crate) fn check(settings: &[Setting], holder: &Node<'_>, found: &mut Findings) {
    for setting in settings {
        let value = holder.at(setting.names);
        if is_as(setting.wanted, value.as_ref()) {
            continue;
        }
        let name = setting.names.join(".");
        let (expected, cure) = match setting.wanted {
            Wanted::True => ("`true`".to_owned(), format!("set `{name}: true`")),
            Wanted::False => ("`false`".to_owned(), format!("set `{name}: false`")),
            Wanted::NotTrue => ("`false`".to_owned(), format!("remove `{name}`")),
            Wanted::NotFalse => ("`true`".to_owned(), format!("remove `{name}`")),
            Wanted::Word(word) => (format!("`{word}`"), format!("set `{name}: {word}`")),
            Wanted::NoneOf(words) => (format!("no {}", quoted(words)), format!("remove `{name}`")),
            Wanted::Present(value) => ("a value".to_owned(), format!("set `{name}: {value}`")),
            Wanted::Absent => ("nothing".to_owned(), format!("remove `{name}`")),
        };
        let is = match (setting.wanted, value.as_ref()) {
            // One of the known words, so it is no secret.
            (Wanted::NoneOf(_), Some(value)) if value.text().is_some() => {
                format!("`{}`", value.text().unwrap_or_default())
            }
            (_, Some(value)) => value.in_words(),
            (_, None) => "nothing".to_owned(),
        };
        let message = format!(
            "{name}: expected {expected}, found {is}: {}",
            setting.undoes
        );
        let at = holder.nearest(setting.names);
        found.add(setting.severity, setting.code, &at, message, cure);
    }
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(" or ")
}

fn is_as(wanted: Wanted, value: Option<&Node<'_>>) -> bool {
    match (wanted, value) {
        (Wanted::NotTrue | Wanted::NotFalse | Wanted::NoneOf(_) | Wanted::Absent, None)
        | (Wanted::Present(_), Some(_)) => true,
        (Wanted::False | Wanted::NotTrue, Some(value)) => value.is_false(),
        (Wanted::True | Wanted::NotFalse, Some(value)) => value.is_true(),
        (Wanted::Word(word), Some(value)) => value.text() == Some(word),
        (Wanted::NoneOf(words), Some(value)) => {
            value.text().is_some_and(|word| !words.contains(&word))
        }
        (Wanted::Absent, Some(_))
        | (Wanted::True | Wanted::False | Wanted::Word(_) | Wanted::Present(_), None) => false,
    }
}
