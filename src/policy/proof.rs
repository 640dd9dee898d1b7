//! Policies tried in a process of their own, so that no file that an author saves can end or stall this one.
//!
//! The other process is this very program, run as `geowarden prove` under limits of memory and processor time. It reads a
//! [`Trial`] a line and answers an [`Outcome`] a line. What ends it or holds it up refuses the policy.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Faithful, LoadError, RegoSettings, Sources};

/// What a trial may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one trial may take.
    pub time: Duration,
    /// How much memory it may have, in bytes of address space.
    pub memory: u64,
}

/// A policy to be tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// The policy.
    pub sources: Sources,
    /// How it is to be loaded.
    pub settings: RegoSettings,
}

/// What became of a trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It loads: these are the texts that were tried.
    Proved(Box<Faithful>),
    /// Why it does not load.
    Refused(String),
}

/// Sources that another process has survived. Only a [`Prover`] makes one.
#[derive(Debug, Clone)]
pub struct Proof {
    pub(super) faithful: Faithful,
    pub(super) revision: String,
}

/// Tries policies in another process, which is started when it is first needed and anew after it has ended.
#[derive(Debug)]
pub struct Prover {
    program: PathBuf,
    limits: Limits,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
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
    /// `program` is a geowarden, such as the one that runs.
    pub fn new(program: &Path, limits: Limits) -> Self {
        Self {
            program: program.to_path_buf(),
            limits,
            running: Mutex::new(None),
        }
    }

    /// Has a policy tried.
    pub fn prove(&self, sources: Sources, settings: &RegoSettings) -> Result<Proof, LoadError> {
        let sources = sources.without_tests();
        let revision = sources.revision();
        let trial = Trial {
            sources,
            settings: settings.clone(),
        };
        let mut line = serde_json::to_string(&trial).map_err(|e| LoadError(e.to_string()))?;
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
            Err(RecvTimeoutError::Timeout) => {
                return Err(LoadError(format!(
                    "loading and trying the policies took longer than {}: they are too large, or never end; `policy.load_timeout` sets the limit",
                    humantime::format_duration(self.limits.time)
                )));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(self.ended(process.child.wait())),
        };
        let outcome = serde_json::from_str(&answer)
            .map_err(|e| LoadError(format!("the trial of the policies gave no answer: {e}")))?;
        *running = Some(process);
        match outcome {
            Outcome::Proved(faithful) => Ok(Proof {
                faithful: *faithful,
                revision,
            }),
            Outcome::Refused(why) => Err(LoadError(why)),
        }
    }

    fn start(&self) -> Result<Running, LoadError> {
        let fault = |e: std::io::Error| {
            LoadError(format!(
                "no process to try policies in, {}: {e}",
                self.program.display()
            ))
        };
        let mut child = Command::new(&self.program)
            .arg("prove")
            .args(["--memory", &self.limits.memory.to_string()])
            .args(["--seconds", &self.limits.time.as_secs().max(1).to_string()])
            .env_clear()
            // What the allocator sets aside at once, where it would take a GiB of addresses, which count against the limit.
            .env("MIMALLOC_ARENA_RESERVE", "64MiB")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(fault)?;
        let (Some(questions), Some(told)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(LoadError("no pipe to the trial of policies".to_owned()));
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

    fn ended(&self, status: std::io::Result<ExitStatus>) -> LoadError {
        let how = match status {
            Ok(status) => match status.signal() {
                Some(signal) => format!("signal {signal}"),
                None => status.to_string(),
            },
            Err(error) => error.to_string(),
        };
        LoadError(format!(
            "the policies ended the process in which they were tried ({how}): they are nested too deep, or need more than {} bytes of memory or {} of processor time",
            self.limits.memory,
            humantime::format_duration(self.limits.time)
        ))
    }
}
