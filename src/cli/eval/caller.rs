//! The caller that the flags describe.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    super::{
        CommandError,
        deciding::caller::{Caller, KEY_ID, bearer, key_holder},
        found_instead,
        key::{attributes, find_key},
    },
    Eval,
};
use crate::{
    authn::Clock,
    config::{Config, key_file},
    files::Files,
};

impl Eval {
    pub(super) fn caller(
        &self,
        config: &Config,
        files: &Files,
        clock: &dyn Clock,
    ) -> Result<Caller, CommandError> {
        let known = |principal| Ok(Caller::Known(Box::new(principal)));
        if let Some(claims) = &self.claims {
            let claims = parsed(claims)?;
            for name in ["sub", "iss"] {
                if claims.get(name).is_some_and(|value| !value.is_string()) {
                    return Err(CommandError::Usage(format!(
                        "--claims: expected a text for `{name}`, found another value: no token with it is accepted"
                    )));
                }
            }
            return known(bearer(claims));
        }
        if let Some(id) = &self.key_id {
            let keys = config.authn.api_keys.as_ref().ok_or_else(|| {
                CommandError::Usage("--key-id: no API keys are configured: name a configuration that has them by --config".to_owned())
            })?;
            let stored = key_file::load(keys, files).map_err(CommandError::Config)?;
            let found = find_key(&stored, id)
                .map_err(|told| CommandError::Usage(format!("--key-id: {told}")))?;
            let now = DateTime::<Utc>::from(clock.now());
            if found.entry.expires.is_some_and(|expires| expires <= now) {
                return Ok(Caller::Expired);
            }
            return known(key_holder(id, found.entry.attributes.clone()));
        }
        if !self.attributes.is_empty() {
            return known(key_holder(KEY_ID, attributes(&self.attributes)?));
        }
        Ok(Caller::ByCredential)
    }
}

fn parsed(claims: &str) -> Result<Map<String, Value>, CommandError> {
    serde_json::from_str(claims).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        CommandError::Usage(format!(
            "--claims: expected a JSON object such as `{{\"sub\": \"ada\"}}`, found {} (line {line}, column {column})",
            found_instead(&e)
        ))
    })
}
