//! Describes the machine of a run.

use std::fs;

use crate::{Error, Result, pin::Processors};

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The name of its processor.
    pub processor: String,
    /// Processors, kernel, load and the placement of processes, in one sentence.
    pub text: String,
}

/// This machine. Figures of a busy machine are less reliable.
pub fn described() -> Result<Machine> {
    let read = |file: &str| fs::read_to_string(file).map_err(Error::io(format!("reading {file}")));
    let cpuinfo = read("/proc/cpuinfo")?;
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let processors = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let load = read("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let text = format!(
        "{processors} processors ({model}), Linux {}, load {load} before the run; {}. Median of the rounds, with the least and the greatest.",
        kernel.trim(),
        Processors::find()?.told(),
    );
    Ok(Machine {
        processor: model.trim().to_owned(),
        text,
    })
}
