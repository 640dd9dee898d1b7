//! Decides requests without a server, by the rules that `serve` would build, for `eval` and for the tables of `test`.

pub(super) mod caller;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use chrono::{DateTime, Utc};
use tokio::runtime::Runtime;

use self::caller::Caller;
use super::{CommandError, explanation::Explained, running};
use crate::{
    authn::{AuthnError, Clock},
    config::Config,
    files::{Files, Fresh},
    identity::{CredentialKind, Principal},
    pipeline::{self, Rules},
    policy::RegoPolicy,
    record::{DecisionRecord, Denial},
    reload::build,
    request::{CheckInput, Headers, envoy::SampleRequest},
};

/// A clock that moves only when it is set.
pub(super) struct SetClock(Mutex<SystemTime>);

impl SetClock {
    pub(super) fn new(now: SystemTime) -> Arc<Self> {
        Arc::new(Self(Mutex::new(now)))
    }

    /// Sets the time of credentials and, on this thread, of policies.
    pub(super) fn set(&self, now: SystemTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
        geowarden_rego::fix_now(DateTime::<Utc>::from(now).timestamp_nanos_opt());
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rules of a configuration.
pub(super) struct Decider {
    config: Config,
    files: Files,
    policy: Arc<RegoPolicy>,
    rules: Rules,
    clock: Arc<SetClock>,
    runtime: Runtime,
}

impl Decider {
    /// Builds the rules. `sent` are the headers that can hold credentials: without any, no issuer is asked for its keys.
    pub(super) fn new(
        mut config: Config,
        sent: &Headers,
        clock: Arc<SetClock>,
    ) -> Result<Self, CommandError> {
        // For the author, on whose desk this runs.
        config.policy.print = true;
        let files = build::files(&config, Fresh::Read).map_err(CommandError::Config)?;
        let policy = Arc::new(build::policy(&config, &files).map_err(CommandError::Config)?);
        let reader = build::reader(&config).map_err(CommandError::Config)?;
        let runtime = running::runtime()?;
        let authn = runtime.block_on(caller::chain(&config, &files, sent, clock.clone()))?;
        let rules = Rules {
            reader,
            authn: Arc::new(authn),
            policy: Arc::clone(&policy) as Arc<dyn crate::policy::Policy>,
            fastgeoapi: None,
        };
        Ok(Self {
            config,
            files,
            policy,
            rules,
            clock,
            runtime,
        })
    }

    /// The time at which requests are decided.
    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Sets that time.
    pub(super) fn set_time(&self, now: SystemTime) {
        self.clock.set(now);
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn policy(&self) -> &RegoPolicy {
        &self.policy
    }

    /// The check that Envoy would send, without the credentials of its query.
    pub(super) fn check(&self, asked: &SampleRequest) -> Result<CheckInput, CommandError> {
        let mut check = CheckInput::as_envoy_asks(asked)
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        check.withhold(self.rules.authn.query_parameters());
        Ok(check)
    }

    /// Who sends a request, by its own credential.
    pub(super) fn authenticate(&self, check: &CheckInput) -> Result<Principal, AuthnError> {
        self.runtime.block_on(self.rules.authn.authenticate(check))
    }

    /// Whether a request has a credential, valid or not.
    pub(super) fn has_credential(&self, check: &CheckInput) -> bool {
        let caller = self.authenticate(check);
        !caller.is_ok_and(|caller| caller.credential == CredentialKind::Anonymous)
    }

    /// Decides one request.
    pub(super) fn decide<'r>(
        &'r self,
        check: &'r CheckInput,
        caller: &Caller,
    ) -> DecisionRecord<'r> {
        let mut record = DecisionRecord::of(check);
        match caller {
            Caller::ByCredential => {
                let decision = pipeline::decide(&self.rules, check, &mut record);
                self.runtime.block_on(decision);
            }
            Caller::Known(principal) => {
                pipeline::decide_as(&self.rules, check, (**principal).clone(), &mut record);
            }
            Caller::Expired => {
                let (code, detail) = (Caller::EXPIRED.as_str(), Caller::EXPIRED.detail());
                record.deny(Denial::new(Caller::EXPIRED.status(), code, detail));
            }
        }
        record
    }

    /// Why the policy decided so.
    pub(super) fn explain(&self, record: &DecisionRecord<'_>) -> Result<Explained, CommandError> {
        Explained::of(record, &self.policy, &self.config, &self.files)
    }
}
