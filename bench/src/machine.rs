//! Describes the machine of a run.

use std::fs;

use crate::{Error, Result, pin::Processors};

/// Processors, kernel, load and the placement of processes, in one sentence. Figures of a busy machine are less reliable.
pub fn described() -> Result<String> {
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
    Ok(format!(
        "{processors} processors ({model}), Linux {}, load {load} before the run; {}. Median of the rounds, with the least and the greatest.",
        kernel.trim(),
        Processors::find()?.told(),
    ))
}
