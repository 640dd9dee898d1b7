//! Table tests of policies in YAML. Each row has a caller, a request and the expected decision.

mod append;
mod difference;
mod flow;
pub(super) mod recorded;
mod row;

use std::path::Path;

use geowarden_yaml::{Document, KeyPath, Step, display_path};
use serde_json::Value;

pub(super) use self::{
    append::{append, folder_of},
    difference::{Difference, changes},
    row::{Changes, Decision, Request, Row, Scheme, Values, Who},
};
use crate::{
    config::{Origin, Problem, Problems, of_form},
    files::{Root, Selection},
};

/// How the name of a table ends.
const ENDINGS: &[&str] = &["_table.yaml", "_table.yml"];

/// Whether a file is a table, by its name.
pub(super) fn is_table(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a text has the rows of a table, whatever the name of its file.
pub(super) fn has_rows(text: &str) -> bool {
    // Most files are none, so parse only those that name both keys.
    let names_both = text.contains("request") && text.contains("decision");
    let document = names_both.then(|| Document::parse(text).ok()).flatten();
    let value = document.map(|document| document.value).unwrap_or_default();
    let mut rows = value.as_array().into_iter().flatten();
    rows.any(|row| row.get("request").is_some() && row.get("decision").is_some())
}

/// The tables at and below a path.
pub(super) fn root(path: &Path) -> Root {
    Root {
        path: path.to_path_buf(),
        take: Selection::Tree {
            endings: ENDINGS,
            names: &[],
        },
    }
}

/// A table.
pub(super) struct Table {
    /// The file, as it is shown.
    pub(super) file: String,
    document: Document,
    /// Its rows, in order.
    pub(super) rows: Vec<Row>,
}

impl Table {
    /// Reads a table, or returns every problem of it.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, Problems> {
        let file = file.display().to_string();
        let document =
            Document::parse(text).map_err(|e| Problems::file(&file, Some(e.line), e.message))?;
        let rows = match &document.value {
            Value::Null => &[],
            Value::Array(rows) => rows.as_slice(),
            _ => {
                let told = "expected a list of rows, each with `- name: ..`, found something else";
                return Err(Problems::file(file, Some(1), told));
            }
        };
        let mut table = Self {
            file,
            rows: Vec::new(),
            document: Document::default(),
        };
        let mut problems = Problems::default();
        let mut of_rows: Vec<String> = Vec::new();
        let mut names: Vec<(String, usize)> = Vec::new();
        let line = |path: &[Step]| document.line(path).unwrap_or(1);
        for (index, value) in rows.iter().enumerate() {
            let mut problem = |below: KeyPath, message: String| {
                of_rows.push(display_path(&below));
                let mut path = vec![Step::Index(index)];
                path.extend(below);
                problems.0.push(Problem {
                    origin: Origin::File {
                        file: table.file.clone(),
                        line: Some(line(&path)),
                    },
                    path: display_path(&path),
                    message,
                });
            };
            let row: Row = match of_form(value) {
                Ok(row) => row,
                Err((path, message)) => {
                    problem(path, message);
                    continue;
                }
            };
            let name = || vec![Step::Key("name".to_owned())];
            if let Some((_, first)) = names.iter().find(|(name, _)| *name == row.name) {
                problem(
                    name(),
                    format!("expected a name that no other row has, found that of line {first}"),
                );
            }
            let at = line(&[Step::Index(index), Step::Key("name".to_owned())]);
            names.push((row.name.clone(), at));
            table.rows.push(row);
        }
        once_for_all(&mut problems, &of_rows, rows.len());
        table.document = document;
        problems.into_result(table)
    }

    /// The line of a key of a row, or of the row where it does not have that key.
    pub(super) fn line(&self, row: usize, keys: &[&str]) -> usize {
        let keys = keys.iter().map(|key| Step::Key((*key).to_owned()));
        let path: KeyPath = [Step::Index(row)].into_iter().chain(keys).collect();
        self.document.line(&path).unwrap_or(1)
    }
}

/// Tells once what is wrong in every row of a table. `below` has the path in the row for each problem.
fn once_for_all(problems: &mut Problems, below: &[String], rows: usize) {
    let all: Vec<(String, String)> = below
        .iter()
        .zip(&problems.0)
        .map(|(below, problem)| (below.clone(), problem.message.clone()))
        .collect();
    let is_of_all = |one: &(String, String)| {
        rows > 1 && all.iter().filter(|other| *other == one).count() == rows
    };
    let mut told: Vec<&(String, String)> = Vec::new();
    let mut kept = Vec::new();
    for (mut problem, one) in std::mem::take(&mut problems.0).into_iter().zip(&all) {
        if is_of_all(one) {
            if told.contains(&one) {
                continue;
            }
            told.push(one);
            problem.message = format!("in each of the {rows} rows: {}", problem.message);
        }
        kept.push(problem);
    }
    problems.0 = kept;
}

#[cfg(test)]
mod tests;
