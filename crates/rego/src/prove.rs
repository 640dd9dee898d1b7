//! Tries policies in another process, so that a bad policy file can neither crash nor stall this one.
//!
//! The other process reads one [`Trial`] from each line of its standard input. It runs the trial and writes an
//! [`TrialResult`] as one line of its standard output. Both are JSON. If a policy ends or stalls that process, it is
//! rejected.
//!
//! ```no_run
//! use std::{io::{self, BufRead}, process::Command, time::Duration};
//!
//! use geowarden_rego::{
//!     BuiltinErrors, EngineChoice, Settings, Sources,
//!     prove::{Limits, Prover, Trial},
//!     source::Version,
//! };
//!
//! // In the other process, `example prove`, once it has limited itself:
//! for line in io::stdin().lock().lines() {
//!     let trial: Trial = serde_json::from_str(&line.unwrap()).unwrap();
//!     println!("{}", serde_json::to_string(&trial.run()).unwrap());
//! }
//!
//! // In the process that evaluates:
//! let settings = Settings {
//!     entrypoint: "example/allow".to_owned(),
//!     version: Version::V1,
//!     timeout: Duration::from_millis(100),
//!     builtin_errors: BuiltinErrors::Refuse,
//!     engine: EngineChoice::Auto,
//! };
//! let command = || {
//!     let mut command = Command::new("example");
//!     command.arg("prove");
//!     command
//! };
//! let limits = Limits { time: Duration::from_secs(30), memory: 1 << 30 };
//! let trial = Trial {
//!     sources: Sources::default(),
//!     settings: settings.clone(),
//!     inputs: vec![serde_json::json!({"user": "ada"})],
//! };
//! let proof = Prover::new(command, limits).prove(trial).unwrap();
//! let policy = proof.load(&settings).unwrap();
//! ```

mod engines;
mod trial;

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use thiserror::Error;

pub use self::trial::{Trial, TrialResult};
use crate::{LoadError, Policy, Settings, plan::Plan, policy::Rules, run::engine::on_large_stack};

/// The limits of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one trial may take.
    pub time: Duration,
    /// How much memory it may use, in bytes of address space.
    pub memory: u64,
}

/// A policy that was tried in another process without ending it. Only a [`Prover`] makes one.
#[derive(Debug, Clone)]
pub struct Proof {
    plan: Plan,
    revision: String,
}

impl Proof {
    /// Loads the policy from the same texts that were tried.
    pub fn load(self, settings: &Settings) -> Result<Policy, LoadError> {
        let settings = settings.clone();
        on_large_stack(move || {
            Policy::compile(&self.plan, self.revision, &settings, Rules::ByIndex)
        })
    }
}

/// Why a policy was not accepted.
#[derive(Debug, Error)]
pub enum ProofError {
    /// It cannot be loaded.
    #[error(transparent)]
    Refused(#[from] LoadError),
    /// The trial took longer than its limit.
    #[error(
        "loading and trying the policies took longer than {}: they are too large, or never end",
        humantime::format_duration(*.0)
    )]
    TooSlow(Duration),
    /// The process ended while it tried the policy.
    #[error(
        "the policies ended the process in which they were tried ({how}): they are nested too deep, or need more than {} bytes of memory or {} of processor time",
        .limits.memory,
        humantime::format_duration(.limits.time)
    )]
    Ended {
        /// The exit status or signal of the process.
        how: String,
        /// The limits of the process.
        limits: Limits,
    },
    /// The process could not be started.
    #[error("no process to try policies in, {program}: {error}")]
    NoProcess {
        /// The program that should run.
        program: String,
        /// The system's error.
        error: io::Error,
    },
    /// The trial could not be written as JSON, or the answer is not an outcome.
    #[error("the trial of the policies gave no answer: {0}")]
    NoAnswer(#[from] serde_json::Error),
}

/// Tries policies in another process. The process starts at the first trial, and again if it has ended.
pub struct Prover {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    limits: Limits,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It does not matter if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prover {
    /// `command` starts a program that answers trials. The program must limit its own memory and processor time.
    pub fn new(command: impl Fn() -> Command + Send + Sync + 'static, limits: Limits) -> Self {
        Self {
            command: Box::new(command),
            limits,
            running: Mutex::new(None),
        }
    }

    /// Tries a policy, without its tests.
    pub fn prove(&self, mut trial: Trial) -> Result<Proof, ProofError> {
        trial.sources = trial.sources.without_tests();
        let revision = trial.sources.revision();
        let mut line = serde_json::to_string(&trial)?;
        line.push('\n');
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process = match running.take() {
            Some(process) => process,
            None => self.start()?,
        };
        // If writing fails, no answer comes, and that is reported below.
        let _ = process
            .questions
            .write_all(line.as_bytes())
            .and_then(|()| process.questions.flush());
        let answer = match process.answers.recv_timeout(self.limits.time) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => return Err(ProofError::TooSlow(self.limits.time)),
            Err(RecvTimeoutError::Disconnected) => return Err(self.ended(process.child.wait())),
        };
        let outcome: TrialResult = serde_json::from_str(&answer)?;
        *running = Some(process);
        let plan = outcome.into_result()?;
        Ok(Proof { plan, revision })
    }

    fn start(&self) -> Result<Running, ProofError> {
        let mut command = (self.command)();
        let program = command.get_program().display().to_string();
        let fault = |error| {
            let program = program.clone();
            ProofError::NoProcess { program, error }
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(fault)?;
        let (Some(questions), Some(told)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(fault(io::ErrorKind::BrokenPipe.into()));
        };
        let (sender, answers) = mpsc::channel();
        // This thread ends when the process ends, because the output is closed then.
        thread::Builder::new()
            .name("policy-trial".to_owned())
            .spawn(move || {
                for line in BufReader::new(told).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            })
            .map_err(fault)?;
        Ok(Running {
            child,
            questions,
            answers,
        })
    }

    fn ended(&self, status: io::Result<ExitStatus>) -> ProofError {
        let how = match status {
            Ok(status) => match status.signal() {
                Some(signal) => format!("signal {signal}"),
                None => status.to_string(),
            },
            Err(error) => error.to_string(),
        };
        let limits = self.limits;
        ProofError::Ended { how, limits }
    }
}
