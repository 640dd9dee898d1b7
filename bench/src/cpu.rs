//! The CPU time of a process, or of this thread.

use std::time::Duration;

use nix::{
    sys::time::TimeSpec,
    time::{ClockId, clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};

use crate::{Error, Result};

/// The CPU time of all threads of a process, in user mode and in the kernel, in nanoseconds. Threads that have ended count too
/// (POSIX, `clock_getcpuclockid`).
pub fn of_process(pid: u32) -> Result<Duration> {
    let failed = |e| Error::io(format!("asking for the CPU time of process {pid}"))(e);
    let id = i32::try_from(pid).map_err(|e| Error::unexpected("a process id", e))?;
    clock_getcpuclockid(Pid::from_raw(id))
        .and_then(clock_gettime)
        .map(duration)
        .map_err(|errno| failed(errno.into()))
}

/// The CPU time of this thread.
pub fn of_this_thread() -> Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map(duration)
        .map_err(|errno| Error::io("asking for the CPU time of this thread")(errno.into()))
}

fn duration(time: TimeSpec) -> Duration {
    let (seconds, nanos) = (u64::try_from(time.tv_sec()), u32::try_from(time.tv_nsec()));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}
