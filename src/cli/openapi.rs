//! `geowarden openapi`: adds to pygeoapi's OpenAPI document how to authenticate.

mod json_text;
mod schemes;
mod yaml_text;

use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{CommandError, TenantArguments, WOULD_CHANGE, print};

/// The help text: how to run the command, and what it leaves unchanged.
const EXPLANATION: &str = "Adds `components.securitySchemes` and `security` for the configured credentials: API keys by their header, bearer
tokens, and OpenID Connect by the issuer's discovery document. Nothing else in the text changes. The schemes
of an earlier run are replaced. pygeoapi reads its document from this file (PYGEOAPI_OPENAPI):

  pygeoapi openapi generate config.yml --output-file openapi.yml
  geowarden openapi --config geowarden.yaml --in-place openapi.yml";

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct OpenApi {
    #[command(flatten)]
    config: TenantArguments,
    /// The document of `pygeoapi openapi generate`, YAML or JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the file instead of standard output
    #[arg(long, conflicts_with = "check")]
    in_place: bool,
    /// Only report whether the file would change: exit code 3
    #[arg(long)]
    check: bool,
}

/// Why a document cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum DocumentError {
    /// The text is not an OpenAPI document.
    #[error("expected an OpenAPI document, a mapping with `openapi`, found {0}")]
    NoDocument(String),
    /// The document already has a scheme with a name that geowarden uses.
    #[error("expected no `{0}`, found one that geowarden did not write: remove it, or rename it")]
    Taken(String),
    /// The YAML style does not allow an insertion.
    #[error(
        "expected `{0}` as a mapping in block style, found another style; write the document as JSON"
    )]
    Style(String),
    /// What would be written is no document with these schemes.
    #[error(
        "expected a document that reads back with the security schemes, found one that does not: write its keys without \
         indentation, without `...` at the end and without a byte order mark, or write the document as JSON"
    )]
    DoesNotReadBack,
}

/// What is added: the schemes by name, and a requirement that any one of them is enough.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Security {
    schemes: Map<String, Value>,
}

impl Security {
    /// The value of `security`: one alternative for each scheme.
    fn requirements(&self) -> Value {
        let one =
            |name: &String| Value::from(Map::from_iter([(name.clone(), Value::Array(Vec::new()))]));
        self.schemes.keys().map(one).collect()
    }
}

impl OpenApi {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let config = self.config.load()?;
        let name = self.file.display();
        let fault = |e: &dyn std::fmt::Display| CommandError::Usage(format!("{name}: {e}"));
        let before = fs::read_to_string(&self.file).map_err(|e| fault(&e))?;
        let security = schemes::of(&config)?;
        let after = changed(&before, &security).map_err(|e| fault(&e))?;
        if self.check {
            return Ok(if before == after {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(WOULD_CHANGE)
            });
        }
        if !self.in_place {
            return print_document(&after).map(|()| ExitCode::SUCCESS);
        }
        if before != after {
            self.replace(&after)
                .map_err(|e| CommandError::Failed(format!("{name}: {e}")))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Replaces the file atomically, so that a pygeoapi that starts meanwhile reads the old text or the new one.
    fn replace(&self, text: &str) -> std::io::Result<()> {
        let file = fs::canonicalize(&self.file)?;
        let folder = file.parent().unwrap_or(&file);
        let mut aside = tempfile_in(folder)?;
        aside.1.write_all(text.as_bytes())?;
        aside.1.sync_all()?;
        fs::set_permissions(&aside.0, fs::metadata(&file)?.permissions())?;
        fs::rename(&aside.0, &file)
    }
}

/// Prints the document byte by byte: it is read by programs. On a terminal, characters that cannot be seen are written out.
fn print_document(text: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        return print(text);
    }
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn tempfile_in(folder: &std::path::Path) -> std::io::Result<(PathBuf, fs::File)> {
    let path = folder.join(format!(".geowarden-openapi-{}", std::process::id()));
    let file = fs::File::create_new(&path)?;
    Ok((path, file))
}

/// The text with the schemes of `security`, which replace those of an earlier run.
///
/// A text that does not read back is an error: another run must find the schemes and change nothing.
fn changed(text: &str, security: &Security) -> Result<String, DocumentError> {
    let after = written(text, security)?;
    match written(&after, security) {
        Ok(again) if again == after => Ok(after),
        _ => Err(DocumentError::DoesNotReadBack),
    }
}

fn written(text: &str, security: &Security) -> Result<String, DocumentError> {
    let found = |what: &str| DocumentError::NoDocument(what.to_owned());
    let is_json = text.trim_start().starts_with('{');
    let document = geowarden_yaml::Document::parse(text)
        .map_err(|e| found(&format!("another text (line {}: {})", e.line, e.message)))?;
    if document.value.get("openapi").is_none_or(|v| !v.is_string()) {
        return Err(found("none"));
    }
    if is_json {
        json_text::changed(text, security)
    } else {
        yaml_text::changed(text, security)
    }
}

#[cfg(test)]
mod tests;
