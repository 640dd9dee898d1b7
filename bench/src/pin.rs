//! Pins the server under load to one processor, and the generator to another.
//!
//! A process inherits the processors of the thread that starts it. So the thread that starts a server first moves to the
//! server's processor.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{Error, Result};

/// The processors of a run.
#[derive(Debug, Clone)]
pub struct Processors {
    all: CpuSet,
    /// The server's and the generator's processor, if there are two.
    pair: Option<(usize, usize)>,
}

impl Processors {
    /// Takes the first two processors that this process may use. If there is only one, nothing is pinned.
    pub fn find() -> Result<Self> {
        let all = sched_getaffinity(None)
            .map_err(|e| Error::io("asking for the processors")(e.into()))?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
        let pair = usable.next().zip(usable.next());
        Ok(Self { all, pair })
    }

    /// Describes the use of the processors, for the report.
    pub fn told(&self) -> String {
        match self.pair {
            Some((server, generator)) => {
                format!("server on processor {server}, generator on processor {generator}")
            }
            None => "one processor for server and generator: latencies tell little".to_owned(),
        }
    }

    /// Starts something on the server's processor.
    pub fn as_server<T>(&self, start: impl FnOnce() -> T) -> Result<T> {
        if let Some((server, _)) = self.pair {
            place(&one(server))?;
        }
        let started = start();
        self.as_generator()?;
        Ok(started)
    }

    /// Starts something that may use all processors.
    pub fn unpinned<T>(&self, start: impl FnOnce() -> T) -> Result<T> {
        place(&self.all)?;
        let started = start();
        self.as_generator()?;
        Ok(started)
    }

    /// Moves this thread to the generator's processor.
    pub fn as_generator(&self) -> Result<()> {
        match self.pair {
            Some((_, generator)) => place(&one(generator)),
            None => Ok(()),
        }
    }
}

fn one(cpu: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(cpu);
    set
}

fn place(set: &CpuSet) -> Result<()> {
    sched_setaffinity(None, set).map_err(|e| Error::io("choosing a processor")(e.into()))
}
