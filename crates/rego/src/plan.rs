//! Plans evaluations before the first request: which parts of `input` the policy reads, and which of its rules can hold for
//! which requests.

pub(crate) mod index;
pub(crate) mod names;
pub(crate) mod reach;
pub(crate) mod reads;
pub(crate) mod syntax;

use std::collections::BTreeSet;

use regorus::Value as RegoValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::{
    index::Index,
    reach::Reach,
    syntax::{Parsed, parse},
};
use crate::{
    LoadError,
    diagnostic::Diagnostic,
    run::builtins,
    source::{Sources, Version},
    translate::{Written, translate},
};

/// A policy in the texts that the engine is given, which mean to it what the author's mean to OPA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Those texts, with the data.
    pub(crate) sources: Sources,
    /// What can differ from OPA all the same.
    pub(crate) warnings: Vec<Diagnostic>,
    /// What they depend on.
    pub(crate) reach: Reach,
    /// Which of their rules matter for which requests.
    pub(crate) index: Option<Index>,
    /// The full paths of the policy's functions.
    pub(crate) functions: BTreeSet<String>,
    /// Where the engine finds the entrypoint.
    pub(crate) entry: Option<String>,
}

impl Plan {
    /// Translates a policy, to be asked for the document at `entrypoint`, `example/authz/allow`, and looks through it.
    pub(crate) fn of(
        sources: &Sources,
        version: Version,
        entrypoint: Option<&str>,
    ) -> Result<Self, LoadError> {
        let names = entrypoint.into_iter().flat_map(|path| path.split('/'));
        let names: Vec<String> = names.map(str::to_owned).collect();
        let written = Written {
            texts: &sources.modules,
            version,
            data: &sources.data,
            entry: &names,
        };
        let given = translate(written, &builtins::Available).map_err(LoadError::Diagnostics)?;
        // Of what is evaluated, not of what the author wrote.
        let parsed = given
            .texts
            .iter()
            .map(|(name, text)| parse(name, text, Version::V1))
            .collect::<Result<Vec<Parsed>, LoadError>>()?;
        Ok(Self {
            warnings: given.warnings,
            reach: Reach::of(&parsed),
            index: Index::of(&parsed),
            functions: names::functions(&parsed),
            entry: given.entry,
            sources: Sources {
                modules: given.texts,
                data: sources.data.clone(),
            },
        })
    }

    /// The modules by the names of their files.
    pub(crate) fn modules(&self) -> impl Iterator<Item = (&str, String)> {
        let modules = self.sources.modules.iter();
        modules.map(|(name, text)| (name.as_str(), text.clone()))
    }

    /// The data.
    pub(crate) fn data(&self) -> RegoValue {
        RegoValue::from(Value::Object(self.sources.data.clone()))
    }
}
