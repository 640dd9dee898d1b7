//! The request to try at the end: one that asks for a credential, if there is one.

use std::time::SystemTime;

use super::{
    super::{
        CommandError,
        deciding::{Decider, SetClock, caller::Caller},
    },
    Guarded,
};
use crate::{
    config::Config,
    request::{Headers, envoy::SampleRequest},
};

/// A page of pygeoapi.
pub(super) struct Example {
    /// Below pygeoapi's root.
    pub(super) page: String,
    /// What a caller without a credential gets there.
    pub(super) status: u16,
}

impl Example {
    /// Decides as `serve` would. If the policy opens every page, the first one is taken.
    pub(super) fn find(guarded: &Guarded, config: &Config) -> Result<Self, CommandError> {
        let now = SystemTime::now();
        let decider = Decider::new(config.clone(), &Headers::default(), SetClock::new(now))?;
        let mut first = None;
        for page in guarded.pages_to_try() {
            let check = decider.check(&SampleRequest {
                method: "GET".to_owned(),
                target: format!("{}{page}", config.pygeoapi.base_path),
                headers: Headers::default(),
                body: Vec::new(),
                host: "localhost".to_owned(),
                scheme: "http".to_owned(),
                source_address: "127.0.0.1".to_owned(),
                time: now,
            })?;
            let status = decider.decide(&check, &Caller::ByCredential).status();
            let example = Self { page, status };
            if status != 200 {
                return Ok(example);
            }
            first.get_or_insert(example);
        }
        first.ok_or_else(|| CommandError::Failed("no page to try".to_owned()))
    }
}
