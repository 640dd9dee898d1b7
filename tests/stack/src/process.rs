//! One running component: its process group, its log, and how it ends.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::{Error, Result};

/// The time limit until a component is ready. It is long, since on a busy machine Python alone takes many seconds.
const START_LIMIT: Duration = Duration::from_mins(1);
/// The time limit for the end of a component after SIGTERM.
const END_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);

/// The leader of the process group. It kills the group when its standard input ends: that is when the test process ends, also if
/// the test runner kills it. It ignores the signals that are sent to the group.
const WATCHDOG: &str = "trap '' HUP INT TERM; read -r _; kill -KILL 0";

/// A started component in a process group of its own, with a temporary folder that holds its log.
#[derive(Debug)]
pub struct Process {
    component: &'static str,
    command: String,
    child: Child,
    pid: Pid,
    group: Pid,
    // Its standard input is the lifeline: it must live as long as this.
    _watchdog: Child,
    folder: TempDir,
}

/// A program with its arguments, and the environment variables that are added to those of this process.
#[derive(Debug)]
pub struct Plan {
    component: &'static str,
    command: Command,
    folder: TempDir,
}

impl Plan {
    /// A plan that starts a component by `program`, with its own empty folder.
    pub fn new(component: &'static str, program: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("geowarden-")
            .tempdir()
            .map_err(Error::io(format!("making a folder for {component}")))?;
        Ok(Self {
            component,
            command: Command::new(program),
            folder,
        })
    }

    /// The component's folder. It is removed together with the component.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets its working directory.
    pub(crate) fn directory(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Starts it. Its output goes to its log.
    pub fn start(self) -> Result<Process> {
        let Self {
            component,
            mut command,
            folder,
        } = self;
        let described = describe(&command);
        let failed = || format!("starting {component} ({described})");
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(failed()))?;
        let group = pid(&watchdog, component)?;
        let log = File::create(log_path(&folder)).map_err(Error::io(failed()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(Error::io(failed()))?)
            .stderr(log)
            .process_group(group.as_raw())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(failed()))?;
        let pid = pid(&child, component)?;
        Ok(Process {
            component,
            command: described,
            child,
            pid,
            group,
            _watchdog: watchdog,
            folder,
        })
    }
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Everything that it has written so far.
    pub fn log(&self) -> String {
        std::fs::read(log_path(&self.folder)).map_or_else(
            |error| format!("(its log could not be read: {error})"),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// Repeats a question until there is an answer. It is an error if the process ends, or if it takes too long.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut ask: impl AsyncFnMut(&Self) -> Option<T>,
    ) -> Result<T> {
        let limit = Instant::now() + START_LIMIT;
        loop {
            if let Some(answer) = ask(self).await {
                return Ok(answer);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.error(format!("ended with {status} before it {what}")));
            }
            if Instant::now() > limit {
                return Err(self.error(format!(
                    "has not {what} after {} seconds",
                    START_LIMIT.as_secs()
                )));
            }
            sleep(POLL).await;
        }
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        self.ended_within(START_LIMIT).await
    }

    /// Waits until it ends by itself. It is an error if that takes longer than `limit`.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> Result<ExitStatus> {
        match timeout(limit, self.child.wait()).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(self.error(format!("could not be waited for: {error}"))),
            Err(_) => Err(self.error(format!("has not ended after {} seconds", limit.as_secs()))),
        }
    }

    /// Sends it a signal: to the process itself, not to its group.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.pid, signal)
            .map_err(|error| self.error(format!("could not be sent {signal}: {error}")))
    }

    /// Sends SIGTERM, and returns how it ended. If it does not end, it is killed, and that is an error.
    pub async fn terminate(mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        match timeout(END_LIMIT, self.child.wait()).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(self.error(format!("could not be waited for: {error}"))),
            Err(_) => Err(self.error(format!(
                "had not ended {} seconds after SIGTERM",
                END_LIMIT.as_secs()
            ))),
        }
    }

    /// Kills it and its whole group, and waits until it has ended.
    pub async fn kill(mut self) -> Result<()> {
        self.kill_group();
        self.child.wait().await.map_err(Error::io(format!(
            "waiting for the end of {}",
            self.component
        )))?;
        Ok(())
    }

    /// An error of this component, with the end of its log.
    pub fn error(&self, problem: impl Into<String>) -> Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(30)..)
            .unwrap_or_default();
        Error::Component {
            component: self.component,
            problem: problem.into(),
            command: self.command.clone(),
            tail: tail.join("\n"),
        }
    }

    fn kill_group(&self) {
        // This only fails if the group has no process any more.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

fn pid(child: &Child, component: &str) -> Result<Pid> {
    child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .map(Pid::from_raw)
        .ok_or_else(|| Error::unexpected(format!("starting {component}"), "it has no process id"))
}

fn log_path(folder: &TempDir) -> PathBuf {
    folder.path().join("log")
}

fn describe(command: &Command) -> String {
    let command = command.as_std();
    let environment = command.get_envs().filter_map(|(name, value)| {
        value.map(|value| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    environment
        .chain(words.map(|word| word.to_string_lossy().into_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}
