//! pygeoapi's OpenAPI document, with how to authenticate.

use std::{fs, io::ErrorKind, path::Path, process::Command};

use super::{
    super::{CommandError, openapi::with_security},
    Folder, Guarded,
    shell::quoted,
};
use crate::config::Config;

/// The document, or why there is none.
pub(super) fn document(
    file: Option<&Path>,
    guarded: &Guarded,
    config: &Config,
    folder: &Folder,
) -> Result<Result<String, String>, CommandError> {
    let text = match file {
        Some(file) => fs::read_to_string(file).map_err(|error| {
            CommandError::Usage(format!("--openapi: {}: {error}", file.display()))
        })?,
        None => match generated(guarded, folder) {
            Ok(text) => text,
            Err(note) => return Ok(Err(note)),
        },
    };
    with_security(&text, config).map(Ok)
}

/// What pygeoapi itself makes, or why it did not.
fn generated(guarded: &Guarded, folder: &Folder) -> Result<String, String> {
    let from = quoted(&guarded.file.display().to_string());
    let [document, config] =
        ["openapi.yml", "geowarden.yaml"].map(|name| quoted(&folder.file(name)));
    let later = format!(
        "openapi.yml was not written, and pygeoapi does not start without it: make it by `pygeoapi openapi generate {from} --output-file {document}`, and add how to authenticate by `geowarden openapi --config {config} --in-place {document}`"
    );
    let run = || {
        let folder = tempfile::tempdir()?;
        let made = folder.path().join("openapi.yml");
        let output = Command::new("pygeoapi")
            .args(["openapi", "generate"])
            .arg(&guarded.file)
            .arg("--output-file")
            .arg(&made)
            .output()?;
        if output.status.success() {
            return Ok(Ok(fs::read_to_string(&made)?));
        }
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok::<_, std::io::Error>(Err(told))
    };
    match run() {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(told)) => {
            let last = told.lines().last().unwrap_or_default();
            Err(format!(
                "{later} (`pygeoapi openapi generate` failed here: {last})"
            ))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("{later} (no `pygeoapi` is on the PATH here)"))
        }
        Err(error) => Err(format!(
            "{later} (`pygeoapi openapi generate` did not run here: {error})"
        )),
    }
}
