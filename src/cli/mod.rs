//! The commands, one file each.

mod check;
mod completions;
mod deciding;
mod decision_log;
mod eval;
mod explain;
mod explanation;
mod format;
mod healthcheck;
mod init;
mod key;
mod list_text;
mod man;
mod migrate;
mod openapi;
mod other_policy;
mod paint;
mod prove;
mod read;
mod replacing;
mod running;
mod schema;
mod serve;
mod status;
mod table;
mod tail;
mod test;
mod version;
mod watching;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    thread,
};

use clap::{Args, Parser, Subcommand};
use geowarden_rego::STACK_BYTES;
use thiserror::Error;

use crate::config::{Config, Environment, Part, Problems, tenant_of_host};

/// External authorization for pygeoapi behind Envoy: API keys, JWT and embedded Rego.
#[derive(Debug, Parser)]
#[command(
    name = "geowarden",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = concat!("Exit codes: 0 ok; 1 failed; 2 denied (eval, explain); 3 would change; 64 usage or configuration.\n\n\
                  Every configuration key can be set from the environment: GEOWARDEN_SERVER__GRPC=127.0.0.1:9191.\n\n\
                  Pages that messages name, such as docs/policies.md, are at ", env!("CARGO_PKG_REPOSITORY"), "/tree/main")
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer Envoy's checks until SIGTERM; SIGHUP reloads keys, policies and data
    Serve(serve::Serve),
    /// Report everything that is wrong with configuration, keys and policies, without serving
    Check(check::Check),
    /// Write configuration, policy, API key and Envoy bootstrap for a pygeoapi
    Init(init::Init),
    /// Generate, list, rotate and revoke API keys
    #[command(subcommand)]
    Key(key::Key),
    /// Decide one request given by flags, and print the reason
    Eval(eval::Eval),
    /// Say why a decision of the log was made, by its id
    Explain(explain::Explain),
    /// Print the configuration that fastgeoapi's .env and policy become
    Migrate(migrate::Migrate),
    /// Add the security schemes to pygeoapi's OpenAPI document
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Read requests (JSON lines) from standard input and show the resource of each
    Read(read::Read),
    /// Run the tests of policies: `test_*` rules, like `opa test`, and the rows of `*_table.yaml`
    Test(test::Test),
    /// Print the JSON Schema of the configuration, or of the `input` of policies
    Schema(schema::Schema),
    /// Ask a running geowarden whether it is ready (exit 0) or not (exit 1)
    Healthcheck(healthcheck::Healthcheck),
    /// Ask a running geowarden for its policy, keys and reloads
    Status(status::Status),
    /// Watch the decisions of a running geowarden
    Tail(tail::Tail),
    /// Print what a shell needs to complete these commands
    Completions(completions::Completions),
    /// Write the manual pages (for packages)
    #[command(hide = true)]
    Man(man::Manual),
    /// Try policies for another geowarden (JSON lines)
    #[command(hide = true)]
    Prove(prove::Prove),
    /// Print the version
    Version(version::Version),
}

/// Which configuration a command reads.
#[derive(Debug, Clone, Args)]
struct ConfigArguments {
    /// The configuration file, YAML; without it, defaults and environment variables apply
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// fastgeoapi's .env instead of a configuration file; also set by the variable GEOWARDEN_ENV_FILE
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    env_file: Option<PathBuf>,
}

impl ConfigArguments {
    fn names_a_file(&self) -> bool {
        self.config.is_some() || self.env_file.is_some()
    }

    fn load(&self) -> Result<Config, CommandError> {
        let (file, env_file) = (self.config.as_deref(), self.env_file.as_deref());
        Config::load_either(file, env_file, &Environment::of_process())
            .map_err(CommandError::Config)
    }
}

/// Which rules of a configuration a command uses.
#[derive(Debug, Clone, Args)]
struct TenantArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The tenant whose rules apply; needed if the configuration has tenants
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
}

impl TenantArguments {
    /// Whether the command line names a configuration.
    fn names_a_configuration(&self) -> bool {
        self.config.names_a_file()
    }

    fn load(&self) -> Result<Config, CommandError> {
        let parts = self.config.load()?.parts();
        one_part(parts, self.tenant.as_deref())
    }

    /// The same for a request to this host, which chooses the tenant if none is named.
    fn load_for(&self, host: &str) -> Result<Config, CommandError> {
        let parts = self.config.load()?.parts();
        if self.tenant.is_some() || parts.iter().all(|part| part.tenant.is_none()) {
            return one_part(parts, self.tenant.as_deref());
        }
        let by_host = tenant_of_host(&parts, host).ok_or_else(|| {
            let names: Vec<_> = parts.iter().filter_map(|part| part.tenant.as_deref()).collect();
            CommandError::Usage(format!(
                "expected the host of a tenant, found another: choose one by --host or --tenant ({})",
                names.join(", ")
            ))
        })?;
        one_part(parts, Some(&by_host))
    }
}

/// The configuration of a tenant.
fn one_part(parts: Vec<Part>, wanted: Option<&str>) -> Result<Config, CommandError> {
    let names: Vec<_> = parts
        .iter()
        .filter_map(|part| part.tenant.clone())
        .collect();
    let found = parts
        .into_iter()
        .find(|part| part.tenant.as_deref() == wanted);
    found.map(|part| part.config).ok_or_else(|| {
        let known = names.join(", ");
        CommandError::Usage(match wanted {
            Some(_) if names.is_empty() => "--tenant: the configuration has no tenants".to_owned(),
            Some(_) => format!("--tenant: expected one of {known}, found another name"),
            None => format!("--tenant is needed: expected one of {known}"),
        })
    })
}

/// Why a command failed.
#[derive(Debug, Error)]
enum CommandError {
    /// Configuration, keys or policies are invalid: exit code 64.
    #[error("{0}")]
    Config(Problems),
    /// The command line is invalid: exit code 64.
    #[error("{0}")]
    Usage(String),
    /// Any other error: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Writing the output failed.
    #[error("output: {0}")]
    Output(#[from] io::Error),
}

impl CommandError {
    /// Writes it to standard error. If that cannot be written, the exit code still tells the outcome.
    fn print(&self) {
        let message = self.to_string();
        let message = paint::lines(&message);
        let _ = writeln!(anstream::stderr(), "{}: {message}", paint::bad("error"));
    }

    fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 64,
            Self::Failed(_) | Self::Output(_) => 1,
        }
    }
}

/// The exit code of a command that compares a file with the text it would write, if they differ.
const WOULD_CHANGE: u8 = 3;

/// Runs a command and returns its exit code.
pub fn run(arguments: Arguments) -> ExitCode {
    // Use the stack size of the server's threads, since commands evaluate policies too.
    let command = thread::Builder::new()
        .name("command".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || execute(arguments.command));
    let outcome = match command.map(thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        // The panic hook has already printed the panic.
        Ok(Err(_)) => Err(CommandError::Failed("the command panicked".to_owned())),
        Err(error) => Err(CommandError::Failed(format!("no thread: {error}"))),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            error.print();
            ExitCode::from(error.code())
        }
    }
}

fn execute(command: Command) -> Result<ExitCode, CommandError> {
    match command {
        Command::Serve(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Key(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::OpenApi(command) => command.run(),
        Command::Read(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Healthcheck(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Tail(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Prove(command) => command.run(),
        Command::Version(command) => command.run(),
    }
}

/// Prints a usage error, or the requested help.
pub fn usage_error(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // The message contains what the user typed, so print it without colour.
    let message = error.render().to_string();
    let _ = anstream::stderr().write_all(paint::lines(&message).as_bytes());
    ExitCode::from(64)
}

/// What was found instead of an expected line of JSON. It never quotes the line, which may contain a credential.
fn found_instead(error: &serde_json::Error) -> &'static str {
    if error.is_data() {
        "other members or values"
    } else {
        "no JSON"
    }
}

/// Writes to standard output. If standard output was closed (`geowarden read | head`), returns an error instead of
/// panicking.
fn print(text: &str) -> Result<(), CommandError> {
    let mut out = anstream::stdout().lock();
    out.write_all(paint::shown(text).as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes to standard error; where that cannot be written, the exit code has to speak.
fn print_error(text: &str) {
    let _ = anstream::stderr().write_all(paint::shown(text).as_bytes());
}

/// One line of JSON.
fn print_json_line(value: &impl serde::Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    print(&format!("{}\n", paint::shown_json(&text)))
}

fn print_json(value: &impl serde::Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    print(&format!("{}\n", paint::shown_json(&text)))
}

#[cfg(test)]
mod tests;
