//! `geowarden openapi`: adds to pygeoapi's OpenAPI document how to authenticate.

mod added;
mod document;
mod insertion;
mod removal;
mod schemes;

use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::{Map, Value};
use thiserror::Error;

use self::{added::Added, document::Document};
use super::{
    CommandError, TenantArguments, WOULD_CHANGE, paint, print, print_error, replacing::replace,
};

/// The help text: how to run the command, and what it leaves unchanged.
const EXPLANATION: &str = "\
Adds `components.securitySchemes` and `security` for the configured credentials: API keys by their header, bearer \
tokens, and OpenID Connect by the issuer's discovery document. Nothing else in the text changes. The schemes \
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
    #[error("expected an OpenAPI document, a mapping with `openapi`, found {found}")]
    NoDocument { found: String, line: Option<usize> },
    /// The document already has a scheme with a name that geowarden uses.
    #[error(
        "expected no `{name}`, found one that geowarden did not write: remove it, or rename it"
    )]
    Taken { name: String, line: usize },
    /// The value has no place for members.
    #[error(
        "expected {place} as a mapping, found {found}: begin a line with each of its keys, write it in braces, or remove it"
    )]
    Style {
        place: String,
        found: String,
        line: usize,
    },
    /// The comments around what was added to a block mapping are missing.
    #[error(
        "expected the comments `{}` above and `{}` below `{name}`, which geowarden wrote, found none: generate the document anew",
        removal::BEGIN,
        removal::END
    )]
    Unmarked { name: String, line: usize },
    /// What geowarden wrote has been changed.
    #[error(
        "expected only what geowarden wrote between `{}` and `{}`, found more or less: generate the document anew",
        removal::BEGIN,
        removal::END
    )]
    Edited,
    /// Something else would change.
    #[error(
        "expected that only security schemes are added, found that another part would change, such as an alias of \
         `components`: write the document without aliases"
    )]
    DoesNotReadBack,
}

impl DocumentError {
    fn line(&self) -> Option<usize> {
        match self {
            Self::NoDocument { line, .. } => *line,
            Self::Taken { line, .. } | Self::Style { line, .. } | Self::Unmarked { line, .. } => {
                Some(*line)
            }
            Self::Edited | Self::DoesNotReadBack => None,
        }
    }
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

    /// The schemes for a document with the first `depth` of the objects around them.
    fn marked(&self, depth: usize) -> Map<String, Value> {
        let outermost = added::PLACE.get(depth);
        let mark = outermost.map_or(Value::Bool(true), |name| Value::from(*name));
        let mut schemes = self.schemes.clone();
        for scheme in schemes.values_mut().filter_map(Value::as_object_mut) {
            scheme.insert(schemes::MARK.to_owned(), mark.clone());
        }
        schemes
    }
}

/// The text of a document with the schemes of a configuration.
pub(super) fn with_security(
    text: &str,
    config: &crate::config::Config,
) -> Result<String, CommandError> {
    changed(text, &schemes::of(config)?)
        .map_err(|error| CommandError::Usage(format!("the OpenAPI document: {error}")))
}

impl OpenApi {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let config = self.config.load()?;
        let name = self.file.display();
        let fault = |e: &dyn std::fmt::Display| CommandError::Usage(format!("{name}: {e}"));
        let before = fs::read_to_string(&self.file).map_err(|e| fault(&e))?;
        let security = schemes::of(&config)?;
        if security.schemes.is_empty() {
            print_error(&format!(
                "{}: the configuration has no credentials, so no security scheme is added{}\n",
                paint::warning("note"),
                if self.config.names_a_configuration() {
                    ": set `authn.api_keys` or `authn.jwt`"
                } else {
                    ": name the file by --config"
                }
            ));
        }
        let after = changed(&before, &security).map_err(|e| match e.line() {
            Some(line) => CommandError::Usage(format!("{name}:{line}: {e}")),
            None => fault(&e),
        })?;
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
            replace(&self.file, &after)
                .map_err(|e| CommandError::Failed(format!("{name}: {e}")))?;
        }
        Ok(ExitCode::SUCCESS)
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

/// The text with the schemes of `security`, which replace those of an earlier run.
///
/// The new text is read again: it is an error if anything else has changed, or if another run would not find what was added.
fn changed(text: &str, security: &Security) -> Result<String, DocumentError> {
    let plain = without_added(text)?;
    let before = Document::read(&plain)?;
    if security.schemes.is_empty() {
        return Ok(plain);
    }
    if let Some(taken) = taken(&before, security) {
        return Err(taken);
    }
    let after = insertion::with(&before, security)?;
    let read = Document::read(&after).map_err(|_| DocumentError::DoesNotReadBack)?;
    let is_expected = read.value == added::with(&before.value, security);
    if is_expected && without_added(&after).as_ref() == Ok(&plain) {
        Ok(after)
    } else {
        Err(DocumentError::DoesNotReadBack)
    }
}

/// The text without what an earlier run has added.
fn without_added(text: &str) -> Result<String, DocumentError> {
    let document = Document::read(text)?;
    let added = Added::find(&document.value);
    if added.schemes.is_empty() {
        return Ok(text.to_owned());
    }
    let rest = removal::without(&document, &added)?;
    let read = Document::read(&rest).map_err(|_| DocumentError::Edited)?;
    let expected = added.without(&document.value);
    if added::normal(&read.value) == added::normal(&expected) {
        Ok(rest)
    } else {
        Err(DocumentError::Edited)
    }
}

/// A name that is to be added, under which the file already has another text.
fn taken(document: &Document<'_>, security: &Security) -> Option<DocumentError> {
    let around = document::inside(&document.root, &added::PLACE);
    let names = security.schemes.keys();
    let scheme = names.filter_map(|name| {
        let member = around?.member(name)?;
        Some((format!("{}.{name}", added::PLACE.join(".")), member.start))
    });
    let requirements = document.root.member(added::REQUIREMENTS);
    let requirements = requirements.map(|member| (member.name.clone(), member.start));
    let (name, start) = requirements.into_iter().chain(scheme).next()?;
    let line = document::line(document.text, start);
    Some(DocumentError::Taken { name, line })
}

#[cfg(test)]
mod tests;
