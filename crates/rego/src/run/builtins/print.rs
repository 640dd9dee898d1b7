//! `print`: texts for the author of a policy. They are kept for the caller of the evaluation and written nowhere else.

use std::cell::RefCell;

use regorus::Value;

use super::{super::term, Builtin};

/// The largest number of bytes kept of one evaluation.
const MAX_BYTES: usize = 8 << 10;
/// The largest number of lines that one call prints. A call prints one line for each combination of values.
const MAX_LINES: usize = 64;
/// Marks the end of a text that was cut off.
const CUT: &str = "..";

pub(super) const ALL: [Builtin; 1] = [Builtin {
    name: "internal.print",
    arity: 1,
    call: |arguments| {
        print(arguments);
        Ok(Value::Bool(true))
    },
}];

/// The printed texts.
struct Kept {
    lines: Vec<String>,
    /// How many more bytes may be kept.
    left: usize,
}

thread_local! {
    /// `None` if the caller does not want the texts.
    static PRINTED: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Begins to keep the texts that are printed on this thread.
pub(crate) fn keep() {
    PRINTED.set(Some(Kept {
        lines: Vec::new(),
        left: MAX_BYTES,
    }));
}

/// Stops keeping texts, and returns those that were printed, one for each line.
pub(crate) fn take() -> Vec<String> {
    PRINTED.take().map(|kept| kept.lines).unwrap_or_default()
}

impl Kept {
    fn add(&mut self, mut line: String) {
        // The line break counts too.
        let whole = line.len() + 1;
        if whole > self.left {
            let end = line.floor_char_boundary(self.left.saturating_sub(CUT.len() + 1));
            line.truncate(end);
            line.push_str(CUT);
        }
        if self.left > CUT.len() {
            self.lines.push(line);
        }
        self.left = self.left.saturating_sub(whole);
    }
}

/// Prints arguments. Each argument is the set of its values, and an empty set means undefined.
fn print(arguments: &[Value]) {
    PRINTED.with_borrow_mut(|kept| {
        let (Some(kept), Some(Value::Array(all))) = (kept, arguments.first()) else {
            return;
        };
        let limit = kept.left;
        if limit == 0 {
            return;
        }
        let mut lines = vec![String::new()];
        for (index, values) in all.iter().enumerate() {
            let shown: Vec<String> = match values {
                Value::Set(values) if values.is_empty() => vec!["<undefined>".to_owned()],
                Value::Set(values) => values
                    .iter()
                    .take(MAX_LINES)
                    .map(|value| shown(value, limit))
                    .collect(),
                other => vec![shown(other, limit)],
            };
            let space = if index == 0 { "" } else { " " };
            // A line that is too long already is cut, so it needs no further text.
            let with = |line: &String, text: &String| {
                if line.len() > limit {
                    line.clone()
                } else {
                    format!("{line}{space}{text}")
                }
            };
            lines = lines
                .iter()
                .flat_map(|line| shown.iter().map(move |text| with(line, text)))
                .take(MAX_LINES)
                .collect();
        }
        for line in lines {
            kept.add(line);
        }
    });
}

/// A value as OPA prints it: strings have no quotes. A longer text is cut behind `limit` bytes.
fn shown(value: &Value, limit: usize) -> String {
    let mut text = String::new();
    let mut left = limit;
    let mut count = |bytes: usize| {
        left = left.checked_sub(bytes).ok_or_else(String::new)?;
        Ok(())
    };
    match value {
        Value::String(whole) => {
            // One character more than the limit, so that the line is marked as cut.
            let end = whole.ceil_char_boundary(limit.saturating_add(1));
            text.push_str(whole.get(..end).unwrap_or(whole));
        }
        other => {
            if term::write(other, &mut text, &mut count).is_err() {
                text.push_str(CUT);
            }
        }
    }
    text
}
