//! When keys were last used, as a running geowarden tells it.

use std::collections::BTreeMap;

use prost_types::Timestamp;

use super::super::{
    CommandError, TenantArguments, paint, print_error,
    running::{ConnectionArguments, runtime},
    status::{moment, rfc3339},
};

/// The last use of each key that is in force.
pub(super) struct LastUses {
    started: Option<Timestamp>,
    by_id: BTreeMap<String, Option<Timestamp>>,
}

/// Asks the running geowarden. `None` if the configuration names no address of it, or if it does not answer, which is
/// noted.
pub(super) fn ask(
    config: &TenantArguments,
    connection: &ConnectionArguments,
) -> Result<Option<LastUses>, CommandError> {
    let is_configured = config.load()?.server.admin_grpc.is_some();
    if !is_configured && !connection.names_an_address() {
        return Ok(None);
    }
    let answer = runtime()?.block_on(async {
        let mut client = connection.connect(&config.config).await?;
        Ok::<_, CommandError>(client.api_keys().await?)
    });
    match answer {
        Ok(answer) => {
            let tenant = config.tenant.as_deref().unwrap_or_default();
            let own = answer.keys.into_iter().filter(|key| key.tenant == tenant);
            Ok(Some(LastUses {
                started: answer.started,
                by_id: own.map(|key| (key.id, key.last_used)).collect(),
            }))
        }
        Err(error) if connection.names_an_address() => Err(error),
        Err(error) => {
            let note = paint::warning("note");
            print_error(&format!("{note}: last use is not known: {error}\n"));
            Ok(None)
        }
    }
}

impl LastUses {
    /// Since when uses are remembered.
    pub(super) fn since(&self) -> Option<String> {
        rfc3339(self.started)
    }

    /// The time of the last use; `None` if there was none.
    pub(super) fn of(&self, id: &str) -> Option<String> {
        rfc3339(self.by_id.get(id).copied().flatten())
    }

    pub(super) fn in_words(&self, id: &str) -> String {
        match self.by_id.get(id) {
            None => "not in force".to_owned(),
            Some(None) => {
                let since = self.since().unwrap_or_else(|| "unknown".to_owned());
                let second = since.split('.').next().unwrap_or_default();
                format!("never since start at {second}Z")
            }
            Some(time) => format!("used {}", moment(*time)),
        }
    }
}
