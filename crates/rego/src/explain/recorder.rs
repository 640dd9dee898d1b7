//! Records the notes of an evaluation.

use std::sync::{Arc, Mutex, PoisonError};

use regorus::{Engine, Value};
use thiserror::Error;

use super::calls::{BEGIN, END, ENTER, GOT, LEAVE, Takes};
use crate::LoadError;

/// The largest number of notes. An evaluation that makes more is not explained.
const MAX_NOTES: usize = 1 << 20;

/// Why a note is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum NoteError {
    #[error("a note of another form")]
    Form,
    #[error("the evaluation has too many steps to be explained")]
    TooMany,
}

/// What a note reports.
#[derive(Debug, Clone)]
pub(super) enum Note {
    /// A query is entered, with these values of its arguments.
    Enter(usize, Vec<Value>),
    /// A statement begins, with these values of its variables.
    Begin(usize, Vec<Value>),
    /// A statement has been evaluated.
    End {
        step: usize,
        /// Its value, if it is defined.
        value: Option<Value>,
        /// The values of its references. `None` if a reference is undefined or was not evaluated.
        operands: Vec<Option<Value>>,
        /// Whether it holds.
        holds: bool,
    },
    /// A statement that goes through a collection has found an element.
    Got(usize, Vec<Value>),
    /// All statements of a query hold, and the query gives these values.
    Leave(usize, Vec<Value>),
}

/// The notes of an evaluation.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Note>>>);

impl Recorder {
    /// Adds to an engine the functions that the notes call.
    pub(super) fn register(&self, engine: &mut Engine) -> Result<(), LoadError> {
        type Read = fn(&[Value]) -> Option<(Note, Value)>;
        let all: [(&str, u8, Read); 5] = [
            (BEGIN, 3, begin),
            (END, 4, end),
            (GOT, 3, got),
            (ENTER, 2, enter),
            (LEAVE, 3, leave),
        ];
        for (name, arity, read) in all {
            let recorder = self.clone();
            let extension = move |arguments: Vec<Value>| {
                let (note, value) = read(&arguments).ok_or(NoteError::Form)?;
                recorder.add(note)?;
                Ok(value)
            };
            engine
                .add_extension(name.to_owned(), arity, Box::new(extension))
                .map_err(|e| LoadError::Unusable(format!("{name}: {e}")))?;
        }
        Ok(())
    }

    fn add(&self, note: Note) -> Result<(), NoteError> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() >= MAX_NOTES {
            return Err(NoteError::TooMany);
        }
        notes.push(note);
        Ok(())
    }

    /// Takes all notes recorded so far.
    pub(super) fn take(&self) -> Vec<Note> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn number(arguments: &[Value], index: usize) -> Option<usize> {
    match arguments.get(index) {
        Some(Value::Number(number)) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
        _ => None,
    }
}

fn array(arguments: &[Value], index: usize) -> Option<Vec<Value>> {
    match arguments.get(index) {
        Some(Value::Array(items)) => Some(items.iter().cloned().collect()),
        _ => None,
    }
}

/// The member of a set that has at most one.
fn member(value: &Value) -> Option<Value> {
    match value {
        Value::Set(members) => members.iter().next().cloned(),
        _ => None,
    }
}

fn enter(arguments: &[Value]) -> Option<(Note, Value)> {
    let note = Note::Enter(number(arguments, 0)?, array(arguments, 1)?);
    Some((note, Value::Bool(true)))
}

fn begin(arguments: &[Value]) -> Option<(Note, Value)> {
    let note = Note::Begin(number(arguments, 0)?, array(arguments, 2)?);
    Some((note, Value::Bool(true)))
}

fn end(arguments: &[Value]) -> Option<(Note, Value)> {
    let value = member(arguments.get(1)?);
    let is_true = value
        .as_ref()
        .is_some_and(|value| *value != Value::Bool(false));
    let truth = |holds: bool| holds.then_some(Value::Bool(true));
    let given = match Takes::of(number(arguments, 2)?) {
        Takes::Value => value.clone(),
        Takes::Truth => truth(is_true),
        Takes::NoTruth => truth(!is_true),
    };
    let operands = array(arguments, 3)?;
    let note = Note::End {
        step: number(arguments, 0)?,
        value,
        operands: operands.iter().map(member).collect(),
        holds: given.is_some(),
    };
    Some((note, Value::from(given.into_iter().collect::<Vec<Value>>())))
}

fn got(arguments: &[Value]) -> Option<(Note, Value)> {
    let note = Note::Got(number(arguments, 0)?, array(arguments, 2)?);
    Some((note, Value::Bool(true)))
}

fn leave(arguments: &[Value]) -> Option<(Note, Value)> {
    let note = Note::Leave(number(arguments, 0)?, array(arguments, 2)?);
    Some((note, Value::Bool(true)))
}
