//! Plans evaluations before the first request. The plan says which parts of `input` the policy reads, and which of its
//! rules can hold for which requests.

pub(crate) mod index;
pub(crate) mod names;
pub(crate) mod reach;
pub(crate) mod reads;
pub(crate) mod rules;
pub(crate) mod syntax;

use std::collections::BTreeSet;

use regorus::Value as RegoValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::{
    index::Index,
    reach::Reach,
    rules::{NoProgram, PackedRules},
    syntax::{Parsed, parse},
};
use crate::{
    LoadError,
    diagnostic::Diagnostic,
    resolve::Builtins,
    source::{Sources, Version},
    translate::{Given, Written, to_core},
};

/// A policy, translated for the engine, with the plan of its evaluations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The translated texts, with the data.
    pub(crate) sources: Sources,
    /// Places where a value can still differ from the value in OPA.
    pub(crate) warnings: Vec<Diagnostic>,
    /// Which parts of `input` the texts depend on.
    pub(crate) reach: Reach,
    /// Which rules can hold for which requests.
    pub(crate) index: Option<Index>,
    /// The full paths of the policy's functions.
    pub(crate) functions: BTreeSet<String>,
    /// The path under which the engine finds the entrypoint.
    pub(crate) entry: Option<String>,
    /// The rules for the register VM, or why the interpreter evaluates them.
    pub(crate) rules: Result<PackedRules, NoProgram>,
}

impl Plan {
    /// Translates a policy and analyses it. `entrypoint` is the path of the document to evaluate, such as
    /// `example/authz/allow`. `builtins` are the built-in functions of the engine.
    pub(crate) fn of(
        sources: &Sources,
        version: Version,
        entrypoint: Option<&str>,
        builtins: &dyn Builtins,
    ) -> Result<Self, LoadError> {
        let names = entrypoint.into_iter().flat_map(|path| path.split('/'));
        let names: Vec<String> = names.map(str::to_owned).collect();
        let written = Written {
            texts: &sources.modules,
            version,
            data: &sources.data,
            entry: &names,
        };
        let (translated, ()) =
            to_core(written, builtins, |_, _| ()).map_err(LoadError::Diagnostics)?;
        let mut given = translated.given();
        if let Some(fault) = given.no_entry.take() {
            return Err(LoadError::Diagnostics(vec![fault]));
        }
        let mut plan = Self::of_given(given, sources)?;
        let entry = translated.entry.unwrap_or_default();
        let packed = PackedRules::of(&translated.modules, entry);
        plan.rules = packed.ok_or_else(|| NoProgram::too_large("a rule cannot be packed"));
        Ok(plan)
    }

    /// Makes the plan of a policy that has been translated.
    pub(crate) fn of_given(given: Given, sources: &Sources) -> Result<Self, LoadError> {
        // Analyse the translated texts, not the author's.
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
            rules: Err(NoProgram::default()),
            sources: Sources {
                modules: given.texts,
                data: sources.data.clone(),
            },
        })
    }

    /// The translated modules, each with the name of its file.
    pub(crate) fn modules(&self) -> impl Iterator<Item = (&str, String)> {
        let modules = self.sources.modules.iter();
        modules.map(|(name, text)| (name.as_str(), text.clone()))
    }

    /// The data.
    pub(crate) fn data(&self) -> RegoValue {
        RegoValue::from(Value::Object(self.sources.data.clone()))
    }
}
