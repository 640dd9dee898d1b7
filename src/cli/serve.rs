//! `geowarden serve`.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Args;
use geowarden_rego::STACK_BYTES;
use serde_json::{Map, json};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{CommandError, ConfigArguments};
use crate::{
    app::{App, AppError},
    authn::generate_key,
    config::{ApiKeys, Config, key_file::Entry},
    telemetry::logging,
};

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigArguments,
}

impl Serve {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let config = self.config.load()?.with_usable_files();
        let mut config = config.map_err(CommandError::Config)?;
        let _logging = logging::start(&config.telemetry, &config.decision_log)?;
        let made = if config.has_no_credentials() {
            Some(embedded_default(&mut config)?)
        } else {
            None
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(STACK_BYTES)
            .build()?;
        let ended = runtime.block_on(serve(config, made));
        // These threads read files, and a mount that does not answer can block them.
        runtime.shutdown_background();
        ended
    }
}

/// `made` is called once the generated key is valid.
async fn serve(config: Config, made: Option<String>) -> Result<ExitCode, CommandError> {
    // Catch signals before binding any address, so that no signal is lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let app = App::bind(config).await.map_err(|error| match error {
        AppError::Rules(problems) => CommandError::Config(problems),
        other => CommandError::Failed(other.to_string()),
    })?;
    if let Some(text) = made {
        // Do not use the log: logs are kept, and a key must not be.
        io::stderr().lock().write_all(text.as_bytes())?;
    }
    let (ask, asked) = watch::channel(0);
    let shutdown = async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                _ = hangup.recv() => ask.send_modify(|count| *count += 1),
            }
        }
    };
    app.run(shutdown, asked)
        .await
        .map_err(|error| CommandError::Failed(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// Without configured credentials, no request could be authenticated. So one key is generated. The returned text shows
/// it once.
fn embedded_default(config: &mut Config) -> Result<String, CommandError> {
    let made = generate_key().map_err(|e| CommandError::Failed(e.to_string()))?;
    let mut text = String::from(
        "No credentials are configured, so geowarden made one API key with the role admin.\n",
    );
    if config.policy.path.is_none() {
        text.push_str(
            "The embedded default policy decides: public pages for everybody, the rest by role.\n",
        );
    }
    let _ = writeln!(
        text,
        "This key is valid until geowarden ends, and is shown only now:\n\n  x-api-key: {}\n\nFor lasting keys: geowarden key new --help\nFor a policy of your own, and Envoy in front of your pygeoapi: geowarden init --help",
        made.key
    );
    config.authn.api_keys = Some(ApiKeys {
        inline: vec![Entry {
            id: "generated".to_owned(),
            sha256: made.sha256,
            attributes: Map::from_iter([("roles".to_owned(), json!(["admin"]))]),
            expires: None,
        }],
        ..ApiKeys::default()
    });
    Ok(text)
}
