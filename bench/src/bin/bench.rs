//! `geowarden-bench`: every measure in turn, and what came of them.

use std::{
    fs,
    io::{Write as _, stderr, stdout},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser};
use geowarden_bench::{
    floor, machine,
    measure::{NAMES, Run},
    page, report,
    rounds::Effort,
};
use mimalloc::MiMalloc;

/// Measure what a decision costs, against the least that it could
#[derive(Debug, Parser)]
#[command(name = "geowarden-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take the measures, print the table
    Run(RunArguments),
    /// Serve as the always-OK server
    Floor {
        /// Where to listen
        #[arg(value_name = "ADDRESS:PORT")]
        address: SocketAddr,
    },
}

#[derive(Debug, Args)]
struct RunArguments {
    /// The geowarden to measure; by default the one beside this program
    #[arg(long, value_name = "PROGRAM")]
    geowarden: Option<PathBuf>,
    /// Only see that everything runs: few and short rounds, smaller policies
    #[arg(long)]
    quick: bool,
    /// Also measure peers: OPA-Envoy, where OPA_ENVOY names its program
    #[arg(long)]
    peers: bool,
    /// Only these measures
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(NAMES))]
    only: Vec<String>,
    /// Write all figures into this file (JSON)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write table and plots into this page, between its marks, and the folder of the same name beside it
    #[arg(long, value_name = "PAGE")]
    page: Option<PathBuf>,
}

// geowarden's own, for what is measured in process, and for the floor.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type Failure = Box<dyn std::error::Error>;

impl RunArguments {
    fn run(&self) -> Result<(), Failure> {
        let bench = std::env::current_exe()?;
        let geowarden = self
            .geowarden
            .clone()
            .unwrap_or_else(|| bench.with_file_name("geowarden"));
        if !geowarden.is_file() {
            return Err(format!(
                "{} is not there: build it with `cargo build --release`, or name it by --geowarden",
                geowarden.display()
            )
            .into());
        }
        let machine = machine::described()?;
        let run = Run {
            geowarden,
            bench,
            effort: if self.quick {
                Effort::QUICK
            } else {
                Effort::FULL
            },
            peers: self.peers,
            only: self.only.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entries = runtime.block_on(run.measure(|name| {
            // Progress only: nothing depends on it.
            let _ = writeln!(stderr(), "measuring: {name}");
        }))?;
        writeln!(stdout(), "{}\n\n{}", machine.text, report::table(&entries))?;
        if let Some(noise) = report::noise(&entries) {
            writeln!(stderr(), "warning: {noise}")?;
        }
        if let Some(file) = &self.json {
            fs::create_dir_all(file.parent().unwrap_or(Path::new("")))?;
            fs::write(file, serde_json::to_string_pretty(&entries)?)?;
        }
        if let Some(page) = &self.page {
            page::write(page, &page.with_extension(""), &machine, &entries)?;
        }
        match entries.iter().filter(|entry| entry.is_failure()).count() {
            0 => Ok(()),
            failed => Err(format!("{failed} measures have failed, see the table").into()),
        }
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(arguments) => arguments.run(),
        Command::Floor { address } => floor::serve(address).map_err(Failure::from),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error that cannot be written leaves the exit code to speak.
            let _ = writeln!(stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
