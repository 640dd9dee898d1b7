//! `geowarden prove`: tries policies for another geowarden. A policy that exhausts memory or stack ends this process
//! only.

use std::{
    fs,
    io::{self, BufRead},
    process::ExitCode,
};

use clap::Args;
use geowarden_rego::prove::Trial;
use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};

use super::{CommandError, print_json_line};
use crate::reload;

#[derive(Debug, Args)]
pub(super) struct Prove {
    /// Bytes of address space
    #[arg(long)]
    memory: u64,
    /// Seconds of processor time for each trial
    #[arg(long)]
    seconds: u64,
}

impl Prove {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        limit(Resource::As, self.memory)?;
        limit(Resource::Core, 0)?;
        // If memory runs out, the kernel should end this process first. Where that is not permitted, the limit of
        // address space is enough.
        let _ = fs::write("/proc/self/oom_score_adj", "1000");
        // Set the priority of the thread that reloads, as an absolute value: this process has inherited part of it.
        let _ = setpriority_process(None, reload::NICE);
        for line in io::stdin().lock().lines() {
            self.one_more_trial()?;
            let trial: Trial = serde_json::from_str(&line?)
                .map_err(|e| CommandError::Usage(format!("standard input: {e}")))?;
            print_json_line(&trial.run())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Limits the processor time of one more trial. Usually the waiting process ends this one; if it has died, the
    /// kernel does.
    fn one_more_trial(&self) -> Result<(), CommandError> {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
        let used = u64::try_from(used).unwrap_or_default();
        setrlimit(
            Resource::Cpu,
            Rlimit {
                current: Some(used.saturating_add(self.seconds).saturating_add(1)),
                maximum: None,
            },
        )
        .map_err(io::Error::from)?;
        Ok(())
    }
}

fn limit(resource: Resource, most: u64) -> Result<(), CommandError> {
    let most = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(resource, most).map_err(io::Error::from)?;
    Ok(())
}
