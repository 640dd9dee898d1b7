//! Appends a row to a table. All else in the file stays as it is.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use serde_json::Value;

use super::{
    super::{CommandError, list_text, replacing},
    Row, Table, flow, is_table,
};

/// Appends a row, and creates the file if there is none. The row's name must be a new one; `None` takes a free one that begins
/// with `row.name`. Returns the name.
pub(in crate::cli) fn append(
    file: &Path,
    mut row: Row,
    may_number: bool,
) -> Result<String, CommandError> {
    let shown = file.display();
    if !is_table(file) {
        return Err(CommandError::Usage(format!(
            "--record: {shown}: expected a file whose name ends in `_table.yaml`, found another name"
        )));
    }
    let failed = |error: io::Error| CommandError::Failed(format!("{shown}: {error}"));
    // Until the end of this function no other command appends.
    let _lock = lock(folder_of(file)).map_err(failed)?;
    let text = match fs::read_to_string(file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let before = text.as_deref().unwrap_or_default();
    let table = Table::parse(file, before).map_err(CommandError::Config)?;
    let is_taken = |name: &str| table.rows.iter().any(|row| row.name == name);
    if is_taken(&row.name) {
        if !may_number {
            return Err(CommandError::Usage(format!(
                "--name: expected a name that no row of {shown} has, found that of a row"
            )));
        }
        let first = row.name.clone();
        let mut others = (2_u32..).map(|number| format!("{first} ({number})"));
        if let Some(free) = others.find(|name| !is_taken(name)) {
            row.name = free;
        }
    }
    let value = serde_json::to_value(&row).map_err(|e| failed(e.into()))?;
    let Value::Object(members) = &value else {
        return Err(failed(io::ErrorKind::InvalidData.into()));
    };
    let after = list_text::with(before, &value, &flow::block(members))
        .map_err(|error| CommandError::Failed(format!("{shown}: {error}")))?;
    match text {
        Some(_) => replacing::replace(file, &after),
        None => replacing::create(file, &after, 0o666),
    }
    .map_err(failed)?;
    Ok(row.name)
}

/// The folder of a file.
pub(in crate::cli) fn folder_of(file: &Path) -> &Path {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}
