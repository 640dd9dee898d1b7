//! Says why a running geowarden's policy refused, by a copy of that policy which this command evaluates.

use std::collections::BTreeMap;

use geowarden_rego::explain::Explainer;
use serde_json::Value;

use super::super::{
    CommandError, ConfigArguments,
    explanation::{Colours, Explained, SHORT, explainer},
    other_policy, paint,
};
use crate::{
    config::{Config, Part},
    files::Fresh,
    policy::{Policy as _, RegoPolicy},
    reload::build,
    transport::admin::v1::{Decision, Outcome, fact},
};

/// The policies of a configuration, to explain decisions by.
pub(super) struct Explaining {
    parts: Vec<Part>,
    /// The policies that were loaded, by tenant; the empty name is that of a configuration without tenants.
    loaded: BTreeMap<String, Loaded>,
}

struct Loaded {
    policy: RegoPolicy,
    explainer: Explainer,
    /// The revision of the running geowarden for which the files were read last. They are read once for each.
    read_for: String,
}

/// Why a policy refused.
pub(super) struct Why {
    explained: Result<Explained, CommandError>,
    /// Notes about what the explanation is of.
    notes: Vec<String>,
}

impl Explaining {
    pub(super) fn by(arguments: &ConfigArguments) -> Result<Self, CommandError> {
        let config = arguments.load()?;
        Ok(Self {
            parts: config.parts(),
            loaded: BTreeMap::new(),
        })
    }

    /// Why the policy refused; `None` if it did not.
    pub(super) fn why(&mut self, decision: &Decision) -> Option<Why> {
        let is_by_policy = text(decision, "stop") == "policy";
        if decision.outcome() != Outcome::Deny || !is_by_policy {
            return None;
        }
        if decision.input.is_empty() {
            // A refusal with 503 need not be the policy's.
            return (decision.status != 503).then(|| Why {
                explained: Err(CommandError::Failed(
                    "no explanation: the input has more than 64 KiB, or that geowarden is older than this one"
                        .to_owned(),
                )),
                notes: Vec::new(),
            });
        }
        let mut notes = Vec::new();
        let explained = self.explained(decision, &mut notes);
        Some(Why { explained, notes })
    }

    fn explained(
        &mut self,
        decision: &Decision,
        notes: &mut Vec<String>,
    ) -> Result<Explained, CommandError> {
        let input: Value = serde_json::from_str(&decision.input)
            .map_err(|_| CommandError::Failed("no explanation: the input is no JSON".to_owned()))?;
        let there = text(decision, "policy_revision");
        let loaded = self.loaded(&decision.tenant, there)?;
        let here = loaded.policy.revision();
        if here != there {
            notes.push(other_policy::note(there, here));
        }
        let missing = other_policy::missing(&loaded.policy, &decision.erased);
        notes.extend(other_policy::note_of_missing(&missing));
        geowarden_rego::fix_now(decision.time.and_then(|time| {
            let nanoseconds = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
            i64::try_from(nanoseconds).ok()
        }));
        let explained = Explained::by_input(&input, &loaded.policy, &loaded.explainer)?;
        if explained.is_allowed() {
            notes.push("the policy here allows it".to_owned());
        }
        Ok(explained)
    }

    /// The policy of a tenant. Its files are read again if the running geowarden has another revision than before.
    fn loaded(&mut self, tenant: &str, revision: &str) -> Result<&Loaded, CommandError> {
        let is_known = self.loaded.get(tenant).is_some_and(|loaded| {
            loaded.policy.revision() == revision || loaded.read_for == revision
        });
        if !is_known {
            let loaded = load(self.config(tenant)?, revision)?;
            self.loaded.insert(tenant.to_owned(), loaded);
        }
        self.loaded.get(tenant).ok_or_else(|| no_tenant(tenant))
    }

    fn config(&self, tenant: &str) -> Result<&Config, CommandError> {
        let mut parts = self.parts.iter();
        let part = parts.find(|part| part.tenant.as_deref().unwrap_or_default() == tenant);
        part.map(|part| &part.config)
            .ok_or_else(|| no_tenant(tenant))
    }
}

fn no_tenant(tenant: &str) -> CommandError {
    CommandError::Failed(format!(
        "no explanation: the configuration has no tenant {tenant:?}: give the one of the running geowarden by --config"
    ))
}

fn load(config: &Config, revision: &str) -> Result<Loaded, CommandError> {
    let files = build::files(config, Fresh::Read).map_err(CommandError::Config)?;
    Ok(Loaded {
        policy: build::policy(config, &files).map_err(CommandError::Config)?,
        explainer: explainer(config, &files)?,
        read_for: revision.to_owned(),
    })
}

/// The text of a fact.
fn text<'d>(decision: &'d Decision, name: &str) -> &'d str {
    let mut facts = decision.facts.iter().filter(|fact| fact.name == name);
    match facts.next().and_then(|fact| fact.value.as_ref()) {
        Some(fact::Value::Text(text)) => text,
        _ => "",
    }
}

impl Why {
    /// For programs: members of the decision's object.
    pub(super) fn json(&self) -> [(String, Value); 2] {
        let mut notes = self.notes.clone();
        let explanation = match &self.explained {
            Ok(explained) => explained.json().map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let explanation = explanation.unwrap_or_else(|fault| {
            notes.push(fault);
            Value::Null
        });
        [
            ("explanation".to_owned(), explanation),
            ("notes".to_owned(), notes.into()),
        ]
    }

    /// For people: lines below that of the decision.
    pub(super) fn text(&self) -> String {
        let why = match &self.explained {
            Ok(explained) => explained.text(&Colours, SHORT),
            Err(error) => paint::lines(&error.to_string()).into_owned(),
        };
        let notes = self.notes.iter().map(|note| paint::plain(note));
        let lines = notes.chain(why.lines().map(Into::into));
        let mut text = String::new();
        for line in lines {
            text.push_str("\n  ");
            text.push_str(&line);
        }
        text
    }
}
