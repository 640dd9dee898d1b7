//! Divides the limit of open files among the listeners.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// File descriptors that are reserved for other uses than clients: reloads, the process that tries policies, key
/// servers and the collector of traces.
pub const RESERVED_FILES: u64 = 256;

/// The connections of each listener for operators.
const OPERATORS: u64 = 128;

/// The largest number of connections of each listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// The listener for Envoy.
    pub grpc: usize,
    /// Each listener for operators: the admin pages, and the gRPC admin service.
    pub operators: usize,
}

/// Raises the soft limit of open files to the hard one, and returns it; `None` if there is no limit.
pub fn raise_limit() -> Option<u64> {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    // If the system does not allow that, the listeners get fewer connections.
    let _ = setrlimit(Resource::Nofile, wanted);
    getrlimit(Resource::Nofile).current
}

/// Divides a limit of open files among the listeners. Envoy's listener should get `wanted` connections.
pub fn shares(limit: Option<u64>, wanted: usize) -> Shares {
    let Some(limit) = limit else {
        return Shares {
            grpc: wanted,
            operators: count(OPERATORS),
        };
    };
    let left = limit - RESERVED_FILES.min(limit / 2);
    let operators = OPERATORS.min(left / 8).max(1);
    let grpc = left.saturating_sub(2 * operators).max(1);
    Shares {
        grpc: wanted.min(count(grpc)),
        operators: count(operators),
    }
}

fn count(descriptors: u64) -> usize {
    usize::try_from(descriptors).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_share_takes_what_is_kept_back() {
        for limit in [256, 1024, 1536, 4096, 1 << 20] {
            let shares = shares(Some(limit), 1024);
            let connections = u64::try_from(shares.grpc + 2 * shares.operators).unwrap();
            assert!(shares.grpc > 0 && shares.operators > 0, "{shares:?}");
            assert!(
                connections + RESERVED_FILES.min(limit / 2) <= limit,
                "{limit}: {shares:?}"
            );
        }
        let enough = Shares {
            grpc: 1024,
            operators: 128,
        };
        assert_eq!(shares(Some(1536), 1024), enough);
        assert_eq!(shares(None, 1024), enough);
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = raise_limit();
        assert_eq!(limit, getrlimit(Resource::Nofile).maximum);
    }
}
