//! Reserves file descriptors for reading files. So clients that use up all others cannot keep a revoked key valid.

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::io::Errno;

/// The size of the reserve: enough to read files and to start the process that tries policies.
pub const RESERVED: usize = 32;

static RESERVE: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());
/// Whether a part of the reserve is lent. Then it must not be filled up.
static IS_LENT: AtomicBool = AtomicBool::new(false);

/// Fills the reserve, if descriptors are available.
pub fn keep() {
    fill(&mut reserve());
}

fn reserve() -> MutexGuard<'static, Vec<OwnedFd>> {
    RESERVE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fill(reserve: &mut Vec<OwnedFd>) {
    let is_lent = IS_LENT.load(Ordering::Acquire);
    let kept = if is_lent { RESERVED / 2 } else { RESERVED };
    while reserve.len() < kept {
        let next = match reserve.first() {
            Some(first) => first.try_clone(),
            None => File::open("/dev/null").map(Into::into),
        };
        // If none is available, filling is tried again after the next reading.
        let Ok(next) = next else { return };
        reserve.push(next);
    }
}

/// Runs `work`, which needs one descriptor at a time. If none is available, it gets one from the reserve.
pub(super) fn with_one<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        let outcome = work();
        if !outcome.as_ref().is_err_and(is_shortage) {
            return outcome;
        }
        let Some(one) = reserve().pop() else {
            return outcome;
        };
        // Another thread may take the freed descriptor first. Then the next one is freed.
        drop(one);
        let outcome = work();
        if !outcome.as_ref().is_err_and(is_shortage) {
            fill(&mut reserve());
            return outcome;
        }
    }
}

fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error
        .raw_os_error()
        .is_some_and(|number| shortages.contains(&number))
}

/// A part of the reserve. It is free to use until this is dropped.
#[must_use]
pub struct Lent(());

/// Frees half of the reserve for work that needs several descriptors at once, if there are no others.
pub fn lend() -> Lent {
    let mut reserve = reserve();
    let others: Result<Vec<OwnedFd>, _> = reserve
        .iter()
        .take(RESERVED / 2)
        .map(OwnedFd::try_clone)
        .collect();
    if others.is_err() {
        IS_LENT.store(true, Ordering::Release);
        reserve.truncate(RESERVED / 2);
    }
    Lent(())
}

impl Drop for Lent {
    fn drop(&mut self) {
        IS_LENT.store(false, Ordering::Release);
        keep();
    }
}
