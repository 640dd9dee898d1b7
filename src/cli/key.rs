//! `geowarden key new`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use geowarden_yaml::Document;
use serde_json::{Map, Value, json};

use super::{CommandError, print, print_json};
use crate::{
    authn::generate_key,
    config::key_file::{Entry, parse_expiry},
};

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Generate a key and print it once; store only its digest
    New(New),
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// The key's name in policies and logs
    #[arg(long)]
    id: String,
    /// An attribute that policies can read; the value is YAML: company=osgeo, roles='[reader, editor]'
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// The key is refused from then on: a date (2027-01-31) or an RFC 3339 time
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    /// Print JSON: {key, entry}
    #[arg(long)]
    json: bool,
}

impl Key {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let Self::New(new) = self;
        new.run()
    }
}

impl New {
    fn run(&self) -> Result<ExitCode, CommandError> {
        if self.id.is_empty() {
            return Err(CommandError::Usage(
                "--id: expected a name, found nothing".to_owned(),
            ));
        }
        let expires = self
            .expires
            .as_deref()
            .map(parse_expiry)
            .transpose()
            .map_err(|e| CommandError::Usage(format!("--expires: {e}")))?;
        let attributes = attributes(&self.attributes)?;
        let made = generate_key().map_err(|e| CommandError::Failed(e.to_string()))?;
        let entry = Entry {
            id: self.id.clone(),
            sha256: made.sha256,
            attributes,
            expires,
        };
        if self.json {
            print_json(&json!({"key": made.key, "entry": entry}))?;
        } else {
            let entry = serde_json::to_string(&entry).map_err(std::io::Error::from)?;
            print(&format!(
                "key (shown only now, give it to its holder):\n  {}\n\nentry for the key file:\n- {entry}\n",
                made.key
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Parses `name=value` pairs. Values are YAML, so they can be lists and numbers.
pub(super) fn attributes(pairs: &[String]) -> Result<Map<String, Value>, CommandError> {
    pairs
        .iter()
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .filter(|(n, _)| !n.is_empty())
                .ok_or_else(|| {
                    let message = "--attribute: expected NAME=VALUE, found a text without a name or without `=`";
                    CommandError::Usage(message.to_owned())
                })?;
            let value = Document::parse(value)
                .map_or_else(|_| Value::String(value.to_owned()), |d| d.value);
            Ok((name.to_owned(), value))
        })
        .collect()
}
