//! Tries policies in another process, so that no file that an author saves can end or stall this one.
//!
//! The other process reads a [`Trial`] a line of its standard input, runs it, and answers an [`Outcome`] a line of its
//! standard output, both as JSON. A policy that ends or stalls that process is rejected.
//!
//! ```no_run
//! use std::{io::{self, BufRead}, process::Command, time::Duration};
//!
//! use geowarden_rego::{
//!     BuiltinErrors, Settings, Sources,
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

pub use self::trial::{Outcome, Trial};
use crate::{LoadError, Policy, Settings, plan::Plan, policy::Rules, run::engine::on_large_stack};

/// What a trial may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one trial may take.
    pub time: Duration,
    /// How much memory it may have, in bytes of address space.
    pub memory: u64,
}

/// Sources that another process has survived. Only a [`Prover`] makes one.
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

/// Why a policy is not proven.
#[derive(Debug, Error)]
pub enum ProofError {
    /// It does not load.
    #[error(transparent)]
    Refused(#[from] LoadError),
    /// The trial took longer than its limit.
    #[error(
        "loading and trying the policies took longer than {}: they are too large, or never end",
        humantime::format_duration(*.0)
    )]
    TooSlow(Duration),
    /// The process has ended, with its status or signal.
    #[error(
        "the policies ended the process in which they were tried ({how}): they are nested too deep, or need more than {} bytes of memory or {} of processor time",
        .limits.memory,
        humantime::format_duration(.limits.time)
    )]
    Ended {
        /// The process's status or signal.
        how: String,
        /// What it might use.
        limits: Limits,
    },
    /// There is no process to ask.
    #[error("no process to try policies in, {program}: {error}")]
    NoProcess {
        /// The program that was to run.
        program: String,
        /// The system's error.
        error: io::Error,
    },
    /// What was to be sent is no JSON, or what came back is no outcome.
    #[error("the trial of the policies gave no answer: {0}")]
    NoAnswer(#[from] serde_json::Error),
}

/// Tries policies in another process, which is started when it is first needed and anew after it has ended.
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
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prover {
    /// `command` starts a program that answers trials, under limits of memory and processor time that it sets itself.
    pub fn new(command: impl Fn() -> Command + Send + Sync + 'static, limits: Limits) -> Self {
        Self {
            command: Box::new(command),
            limits,
            running: Mutex::new(None),
        }
    }

    /// Has a policy tried, without its tests.
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
        // What cannot be written is told by the answer that does not come.
        let _ = process
            .questions
            .write_all(line.as_bytes())
            .and_then(|()| process.questions.flush());
        let answer = match process.answers.recv_timeout(self.limits.time) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => return Err(ProofError::TooSlow(self.limits.time)),
            Err(RecvTimeoutError::Disconnected) => return Err(self.ended(process.child.wait())),
        };
        let outcome: Outcome = serde_json::from_str(&answer)?;
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
        // Ends with the process, whose output ends then.
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
