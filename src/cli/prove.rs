//! `geowarden prove`: tries policies for another geowarden, which has this process die in its place.

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
        // Where memory is short, this process is the one to end. Without permission the limit above has to do.
        let _ = fs::write("/proc/self/oom_score_adj", "1000");
        // As far back as the thread that reloads: set, not added to what this has of it.
        let _ = setpriority_process(None, reload::NICE);
        for line in io::stdin().lock().lines() {
            self.one_more_trial()?;
            let trial: Trial = serde_json::from_str(&line?)
                .map_err(|e| CommandError::Usage(format!("standard input: {e}")))?;
            print_json_line(&trial.run())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Whoever waits for the answer ends this process in time; if they are gone themselves, the system does.
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
