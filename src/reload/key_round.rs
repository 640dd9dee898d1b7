//! Checks the keys of all tenants. It waits for no policy and no other files.

use std::{mem::replace, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    keys::Keys,
    readers::{ReadFailure, Readers},
};
use crate::files::descriptors;

/// How long the files of one tenant may delay the next check of all tenants. The check of that tenant goes on.
const LIMIT: Duration = Duration::from_secs(1);

/// The state that checks of keys work on.
pub(super) struct KeyRound {
    tenants: Vec<Arc<Keys>>,
    readers: Readers,
    silent: usize,
}

impl KeyRound {
    pub(super) fn new(tenants: Vec<Arc<Keys>>) -> Self {
        Self {
            readers: Readers::new(tenants.len()),
            tenants,
            silent: 0,
        }
    }

    /// Checks all key files that are due, and puts in force the keys that have waited long enough. Returns when to
    /// check again.
    pub(super) fn run(&mut self, is_asked: bool, may_look: bool) -> Option<Instant> {
        descriptors::keep();
        let mut silent = 0;
        if may_look {
            let look = |(index, keys): (usize, &Arc<Keys>)| {
                let keys = Arc::clone(keys);
                let look: Box<dyn FnOnce() + Send> = Box::new(move || keys.look(is_asked));
                (index, look)
            };
            let jobs: Vec<_> = self.tenants.iter().enumerate().map(look).collect();
            self.readers.look(jobs, LIMIT, |_, outcome| {
                silent += usize::from(outcome == Err(ReadFailure::Stalled));
            });
        }
        let now = Instant::now();
        let due = self.tenants.iter().filter_map(|keys| keys.take_due(now));
        let due = due.min();
        // Files that do not answer may have blocked a thread for other tenants. So check those again now.
        let is_more = may_look && silent > replace(&mut self.silent, silent);
        is_more.then(Instant::now).or(due)
    }
}
