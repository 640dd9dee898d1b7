//! Tells the service manager when the program is ready, reloads and stops: systemd's `Type=notify`, by sd_notify(3).
//!
//! If `NOTIFY_SOCKET` is not set, there is no service manager, and nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

/// Requests are answered from now on, or a reload has ended.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A sentence for `systemctl status`.
pub(crate) fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// A reload that was asked for begins; [`ready`] ends it.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        // Without the time, systemd would count the reload as failed.
        Err(error) => warn!("the service manager is not told of the reload: {error}"),
    }
}

/// Requests in flight are answered, and then the process ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The process lives.
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often to call [`alive`]: twice within the limit of `WatchdogSec=`.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled()
        .map(|limit| limit / 2)
        .filter(|interval| !interval.is_zero())
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!("the service manager cannot be told ($NOTIFY_SOCKET): {error}");
    }
}
