//! Counts the instructions of a decision in process: from the bytes of Envoy's request to the bytes of the answer.
//!
//! Without an argument it runs itself under callgrind and compares each case with its budget in `bench/instructions.json`. It
//! also checks that the cost of requests without a credential is in proportion to their size (`growth`). With `--write` it
//! writes new budgets. Instructions hardly differ between runs and machines, but times do.

mod callgrind;
mod growth;

use std::{
    collections::BTreeMap,
    fs,
    io::{Write as _, stderr, stdout},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use envoy_types::ext_authz::v3::pb::{Authorization, CheckRequest, CheckResponse};
use geowarden::{
    authn::KeySource,
    config::{Config, Environment, LoggedDecisions, LoggedInput},
    files::Fresh,
    reload::{build, tenants},
    state::{Snapshot, State},
    telemetry::metrics::Metrics,
    transport::ext_authz::ExtAuthz,
};
use geowarden_bench::{
    floor::AlwaysOk,
    policies::Style,
    setup::{self, Choice, Decider, Setup, TARGET},
    tokens::{ISSUER, Issuer},
};
use prost::{Message, bytes::Bytes};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tonic::{Request, metadata::MetadataMap};

use self::callgrind::{count, profile};

type Failure = Box<dyn std::error::Error>;

const CASES: [&str; 7] = [
    "always-ok",
    "api-key",
    "jwt-seen-before",
    "no-credential",
    "evaluated",
    "evaluated-data",
    "evaluated-flat-rules",
];
/// The number of requests before the count, so that work that is done only once is not counted.
const WARM: u32 = 50;
/// The number of requests that are counted.
const COUNTED: u32 = 200;
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    /// By how many per cent a count may exceed its budget.
    tolerance_percent: f64,
    /// The processor architecture of the counts.
    architecture: String,
    /// For each case, the instructions for one request.
    instructions: BTreeMap<String, u64>,
}

fn main() -> ExitCode {
    // cargo passes `--bench` to every bench that it runs.
    let arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let arguments: Vec<String> = arguments.collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["run", case] => run(case).map(|()| true),
        ["--write"] => compare(true),
        [] => compare(false).and_then(|is_within| Ok(growth::is_bounded()? && is_within)),
        _ => Err("usage: instructions [--write]".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Decides the requests of a case. This part runs under callgrind.
fn run(case: &str) -> Result<(), Failure> {
    let issuer = Issuer::es256()?;
    let mut choice = Choice {
        issuer: Some(&issuer),
        ..Choice::default()
    };
    let (with_key, anonymous) = (
        setup::with_key(TARGET),
        setup::with_key("/").without("x-api-key"),
    );
    let ask = match case {
        "always-ok" | "api-key" => with_key,
        "jwt-seen-before" => setup::with_token(TARGET, &issuer.token()?),
        "no-credential" => anonymous,
        "evaluated" => {
            choice.remembered_decisions = 0;
            with_key
        }
        "evaluated-data" | "evaluated-flat-rules" => {
            let style = if case == "evaluated-data" {
                Style::Data
            } else {
                Style::Flat
            };
            choice.remembered_decisions = 0;
            choice.decider = Decider::Collections(style, 300);
            setup::with_key("/collections/c00150/items?limit=10")
        }
        _ => growth::ask(case).ok_or_else(|| format!("no case is called {case}"))?,
    };
    let bytes = ask.encoded();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    if case == "always-ok" {
        return count_after_warming(&runtime, &AlwaysOk, &bytes);
    }
    let setup = Setup::new(&choice)?;
    let service = service(&setup)?;
    if growth::ask(case).is_some() {
        // Requests that are refused cost something too.
        return count_after_warming(&runtime, &Refusing(service), &bytes);
    }
    count_after_warming(&runtime, &service, &bytes)
}

fn service(setup: &Setup) -> Result<ExtAuthz, Failure> {
    let fault = |problems: geowarden::config::Problems| problems.to_string();
    let config =
        Config::load(Some(&setup.config_file()), &Environment::default()).map_err(fault)?;
    let part = config.parts().into_iter().next().ok_or("no rules")?;
    let files = build::files(&config, Fresh::Read).map_err(fault)?;
    let mut sources = Vec::new();
    for (index, issuer) in config.authn.jwt.iter().enumerate() {
        let keys = build::keys_of_file(index, issuer, &files).map_err(fault)?;
        sources.push(KeySource::fixed(ISSUER, keys));
    }
    let tenant = tenants::one(&part, &files, &sources).map_err(fault)?.tenant;
    Ok(ExtAuthz {
        traces: None,
        state: Arc::new(State::new(Snapshot::default().with(tenant, &[]))),
        decisions: Arc::default(),
        metrics: Arc::new(Metrics::default()),
        // This process has no log.
        logged: LoggedDecisions::None,
        logged_input: LoggedInput::None,
        deadline: config.server.deadline.0,
    })
}

fn count_after_warming(
    runtime: &Runtime,
    service: &impl Judge,
    bytes: &Bytes,
) -> Result<(), Failure> {
    runtime.block_on(judge(service, bytes, WARM))?;
    count_requests(runtime, service, bytes)
}

/// callgrind finds this function by its name, so it must not be inlined or renamed.
#[inline(never)]
fn count_requests(runtime: &Runtime, service: &impl Judge, bytes: &Bytes) -> Result<(), Failure> {
    runtime.block_on(judge(service, bytes, COUNTED))
}

/// Makes the bytes of an answer from the bytes of a request.
trait Judge {
    async fn judge(&self, bytes: Bytes) -> Result<Vec<u8>, Failure>;
}

impl Judge for ExtAuthz {
    async fn judge(&self, bytes: Bytes) -> Result<Vec<u8>, Failure> {
        Ok(self.check(&MetadataMap::new(), bytes).await)
    }
}

impl Judge for AlwaysOk {
    async fn judge(&self, bytes: Bytes) -> Result<Vec<u8>, Failure> {
        let check = CheckRequest::decode(bytes)?;
        let answer = self.check(Request::new(check)).await?;
        Ok(answer.into_inner().encode_to_vec())
    }
}

/// A service whose refusals count as expected answers too.
struct Refusing(ExtAuthz);

impl Judge for Refusing {
    async fn judge(&self, bytes: Bytes) -> Result<Vec<u8>, Failure> {
        std::hint::black_box(self.0.check(&MetadataMap::new(), bytes).await);
        Ok(CheckResponse::default().encode_to_vec())
    }
}

async fn judge(service: &impl Judge, bytes: &Bytes, requests: u32) -> Result<(), Failure> {
    for _ in 0..requests {
        let bytes = std::hint::black_box(bytes.clone());
        let encoded = std::hint::black_box(service.judge(bytes).await?);
        let code = CheckResponse::decode(encoded.as_slice())?
            .status
            .unwrap_or_default()
            .code;
        if code != 0 {
            return Err(format!("a request was refused by gRPC code {code}").into());
        }
    }
    Ok(())
}

fn compare(is_to_write: bool) -> Result<bool, Failure> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json");
    let mut counted = BTreeMap::new();
    for case in CASES {
        counted.insert(case.to_owned(), count(case)?);
    }
    if is_to_write {
        let budget = Budget {
            tolerance_percent: 3.0,
            architecture: std::env::consts::ARCH.to_owned(),
            instructions: counted,
        };
        fs::write(&file, serde_json::to_string_pretty(&budget)? + "\n")?;
        writeln!(stdout(), "written: {}", file.display())?;
        return Ok(true);
    }
    let budget: Budget = serde_json::from_str(&fs::read_to_string(&file)?)?;
    if budget.architecture != std::env::consts::ARCH {
        let (measured, reference) = (std::env::consts::ARCH, &budget.architecture);
        writeln!(
            stdout(),
            "not compared: the budget is of {reference}, and this is {measured}"
        )?;
        return Ok(true);
    }
    let mut is_within = true;
    for (case, count) in &counted {
        let Some(allowed) = budget.instructions.get(case) else {
            return Err(format!("{} has no budget for {case}: {RENEW}", file.display()).into());
        };
        let change = (per(*count) / per(*allowed) - 1.0) * 100.0;
        let verdict = if change > budget.tolerance_percent {
            is_within = false;
            "OVER BUDGET"
        } else if change < -budget.tolerance_percent {
            "better: renew the budget"
        } else {
            "ok"
        };
        writeln!(
            stdout(),
            "{case:21} {count:>8} instructions a request, budget {allowed:>8} ({change:+.1} %): {verdict}"
        )?;
    }
    if !is_within {
        writeln!(
            stdout(),
            "More than {} % above the budget. `callgrind_annotate {}` shows where they go. If they are worth it: {RENEW}",
            budget.tolerance_percent,
            profile("CASE").display(),
        )?;
    }
    Ok(is_within)
}

const RENEW: &str = "`make instructions WRITE=1` renews it; say why in the commit";

#[allow(clippy::cast_precision_loss)] // counts are far below 2^53
fn per(count: u64) -> f64 {
    count as f64
}
