//! The rows of tables, decided by the policy of their folder.

use std::{
    path::Path,
    time::{Instant, SystemTime},
};

use geowarden_rego::test::{TestOutcome, TestResult};
use regex::Regex;

use super::{
    super::{
        CommandError,
        deciding::{Decider, SetClock},
        table::{self, Difference, Row, Table},
    },
    failure::{PlacedDifference, RowFailure},
    results::{Ran, Reason},
};
use crate::{
    config::{Config, Problems},
    files::{Files, Fresh, Root, Selection},
    request::Headers,
};

/// Runs the rows of all tables at and below `path` whose names `chosen` finds. `config` has the policy of that folder.
pub(super) fn run(
    path: &Path,
    config: &Config,
    chosen: Option<&Regex>,
) -> Result<Vec<Ran>, CommandError> {
    let tables = read(path)?;
    let rows = tables.iter().flat_map(|table| {
        let rows = table.rows.iter().enumerate();
        rows.map(move |(index, row)| (table, index, row))
    });
    let rows: Vec<_> = rows
        .filter(|(table, _, row)| {
            chosen.is_none_or(|chosen| chosen.is_match(&name(&table.file, row)))
        })
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut sent = Headers::default();
    for (_, _, row) in &rows {
        for (name, value) in row.request.sent_headers().iter() {
            sent.push(name, value);
        }
    }
    let now = SystemTime::now();
    let decider = Decider::new(config.clone(), &sent, SetClock::new(now))?;
    let ran = rows
        .into_iter()
        .map(|(table, index, row)| run_row(&decider, table, index, row, now))
        .collect();
    // The rules that are tested next read the real time again.
    geowarden_rego::fix_now(None);
    ran
}

/// A warning for each YAML file at and below a path that has the rows of a table and not the name of one. Its rows are not
/// tested.
pub(super) fn misnamed(path: &Path) -> Vec<String> {
    let root = Root {
        path: path.to_path_buf(),
        take: Selection::Tree {
            endings: &[".yaml", ".yml"],
            names: &[],
        },
    };
    // What cannot be read is no table.
    let files = Files::read(&[root], Fresh::Read).ok();
    let below = files.iter().filter_map(|files| files.below(path).ok());
    let others = below.flatten().filter(|file| !table::is_table(file));
    others
        .filter(|file| {
            let text = files.as_ref().and_then(|files| files.text(file).ok());
            text.is_some_and(table::has_rows)
        })
        .map(|file| {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let name = name.trim_end_matches("table").trim_end_matches(['.', '-', '_']);
            format!(
                "{}: expected the name of a table, which ends with `_table.yaml`, since this file has rows with `request` and `decision`: they are not tested; rename it to {name}_table.yaml",
                file.display()
            )
        })
        .collect()
}

fn name(file: &str, row: &Row) -> String {
    format!("{file}: {}", row.name)
}

/// The tables at and below a path.
fn read(path: &Path) -> Result<Vec<Table>, CommandError> {
    let fault = |file: &Path, error: &dyn std::fmt::Display| {
        CommandError::Config(Problems::file(
            file.display().to_string(),
            None,
            error.to_string(),
        ))
    };
    let files =
        Files::read(&[table::root(path)], Fresh::Read).map_err(|error| fault(path, &error))?;
    let mut tables = Vec::new();
    let mut problems = Problems::default();
    let below = files.below(path).map_err(|error| fault(path, &error))?;
    for file in below.filter(|file| table::is_table(file)) {
        let text = files.text(file).map_err(|error| fault(file, &error))?;
        match Table::parse(file, text) {
            Ok(table) if table.rows.is_empty() => {
                let told = "expected a list of rows, each with `- name: ..`, found none";
                let none = Problems::file(file.display().to_string(), Some(1), told);
                problems.0.extend(none.0);
            }
            Ok(table) => tables.push(table),
            Err(more) => problems.0.extend(more.0),
        }
    }
    problems.into_result(tables).map_err(CommandError::Config)
}

/// The tables below a path.
pub(super) fn files(path: &Path) -> Result<Vec<String>, CommandError> {
    Ok(read(path)?.into_iter().map(|table| table.file).collect())
}

fn run_row(
    decider: &Decider,
    table: &Table,
    index: usize,
    row: &Row,
    now: SystemTime,
) -> Result<Ran, CommandError> {
    let start = Instant::now();
    let now = row.at.map_or(now, SystemTime::from);
    decider.set_time(now);
    let check = decider.check(&row.request.sample(now)).map_err(|error| {
        let line = table.line(index, &["headers"]);
        CommandError::Config(Problems::file(
            table.file.clone(),
            Some(line),
            format!("`{}`: {error}", row.name),
        ))
    })?;
    let record = decider.decide(&check, &row.who.caller());
    let duration = start.elapsed();
    let differences = Difference::all(row, &record);
    let outcome = if differences.is_empty() {
        TestOutcome::Pass
    } else {
        TestOutcome::Fail
    };
    let reason = (!differences.is_empty()).then(|| {
        let place = |difference: Difference| {
            let keys: Vec<&str> = difference.key.split('.').collect();
            PlacedDifference {
                line: table.line(index, &keys),
                difference,
            }
        };
        // Without an explanation the failure is told all the same.
        let explained = decider.explain(&record).ok();
        let (outcome, status, code) = (record.outcome(), record.status(), record.code());
        let cause = record.denial().and_then(|denial| denial.cause.as_deref());
        let detail = cause.or_else(|| record.detail());
        let printed = record.printed.iter().flat_map(|printed| printed.lines());
        Reason::OfRow(Box::new(RowFailure {
            file: table.file.clone(),
            line: table.line(index, &[]),
            differences: differences.into_iter().map(place).collect(),
            detail: format!(
                "{outcome} ({status}, {code}): {}",
                detail.unwrap_or("The policy allows it")
            ),
            explanation: explained
                .as_ref()
                .and_then(|explained| explained.json().ok())
                .unwrap_or_default(),
            explained,
            printed: printed.map(str::to_owned).collect(),
        }))
    });
    Ok(Ran {
        result: TestResult {
            name: name(&table.file, row),
            outcome,
            duration,
            cases: Vec::new(),
        },
        suite: Some(table.file.clone()),
        reason,
    })
}
