//! The rules of a policy in the core, packed: a large policy is kept in memory, and most of its rules are seldom needed.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::{
    core::{Module, Rule},
    source::Span,
};

/// Why a policy has no program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{what}")]
pub(crate) struct NoProgram {
    /// The file.
    pub(crate) file: String,
    /// The statement or rule.
    pub(crate) span: Span,
    /// What the VM cannot evaluate.
    pub(crate) what: String,
    /// The kind of reason.
    pub(crate) kind: NoProgramKind,
}

/// A kind of reason why a policy has no program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NoProgramKind {
    /// The VM lacks a form.
    #[default]
    Form,
    /// The policy is too large. A part of it might have a program.
    Size,
    /// The VM and the interpreter give different values.
    Difference,
}

impl NoProgram {
    /// The same at the beginning of a file, if it has no place.
    pub(crate) fn in_file(mut self, file: Option<&String>) -> Self {
        if self.file.is_empty() {
            self.file = file.cloned().unwrap_or_default();
            (self.span.line, self.span.column) = (1, 1);
        }
        self
    }

    /// What the author can do.
    pub(crate) fn cure(&self) -> &'static str {
        match self.kind {
            NoProgramKind::Form => "write it without that form, if decisions take too long",
            NoProgramKind::Size => {
                "compare one part of `input` in most rules, so that they get an index, or keep tables in data"
            }
            NoProgramKind::Difference => "report it, with the policy",
        }
    }

    pub(crate) fn too_large(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            kind: NoProgramKind::Size,
            ..Self::default()
        }
    }
}

/// The numbers of a module and of a rule in it.
pub(crate) type RuleNumber = (usize, usize);

/// The rules of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PackedRules {
    /// The path of the document to evaluate, `data` first.
    pub(crate) entry: Vec<String>,
    modules: Vec<PackedModule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PackedModule {
    /// The module without its rules.
    module: Module,
    rules: Vec<Packed>,
}

/// A rule as bytes; as text in JSON.
#[derive(Debug, Clone, PartialEq)]
struct Packed(Box<[u8]>);

impl PackedRules {
    /// Packs all rules. `None` if a rule cannot be packed.
    pub(crate) fn of(modules: &[Module], entry: Vec<String>) -> Option<Self> {
        let modules = modules.iter().map(|module| {
            let rules = module.rules.iter().map(Packed::of);
            Some(PackedModule {
                rules: rules.collect::<Option<Vec<Packed>>>()?,
                module: Module {
                    name: module.name.clone(),
                    package: module.package.clone(),
                    rules: Vec::new(),
                },
            })
        });
        Some(Self {
            entry,
            modules: modules.collect::<Option<Vec<PackedModule>>>()?,
        })
    }

    /// Some rules, each with the module that it is in.
    pub(crate) fn unpack(
        &self,
        wanted: impl Iterator<Item = RuleNumber>,
    ) -> Option<Vec<(&Module, Rule)>> {
        let rules = wanted.map(|(module, rule)| {
            let packed = self.modules.get(module)?;
            Some((&packed.module, packed.rules.get(rule)?.unpack()?))
        });
        rules.collect()
    }

    /// All modules with their rules.
    pub(crate) fn modules(&self) -> Option<Vec<Module>> {
        let modules = self.modules.iter().map(|packed| {
            let rules = packed.rules.iter().map(Packed::unpack);
            Some(Module {
                rules: rules.collect::<Option<Vec<Rule>>>()?,
                ..packed.module.clone()
            })
        });
        modules.collect()
    }

    /// The numbers of all rules.
    pub(crate) fn all(&self) -> impl Iterator<Item = RuleNumber> {
        let modules = self.modules.iter().enumerate();
        modules.flat_map(|(module, packed)| (0..packed.rules.len()).map(move |rule| (module, rule)))
    }

    /// The number of a module.
    pub(crate) fn module(&self, name: &str) -> Option<usize> {
        self.modules
            .iter()
            .position(|packed| packed.module.name == name)
    }
}

impl Packed {
    fn of(rule: &Rule) -> Option<Self> {
        postcard::to_allocvec(rule)
            .ok()
            .map(|bytes| Self(bytes.into_boxed_slice()))
    }

    fn unpack(&self) -> Option<Rule> {
        postcard::from_bytes(&self.0).ok()
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(de::Error::custom)?;
        Ok(Self(bytes.into_boxed_slice()))
    }
}
