//! Checks numbers. Too small a number serves nobody. Too large a one is most likely a wrong unit, or needs too much
//! memory.

use std::ops::RangeInclusive;

use super::Findings;
use crate::config::Config;

/// Each connection needs a file descriptor. Linux allows a process about a million.
const CONNECTIONS: RangeInclusive<u64> = 8..=1_000_000;
const REQUEST_BYTES: RangeInclusive<u64> = 1024..=64 << 20;
const RECEIVE_BYTES: RangeInclusive<u64> = 0..=16 << 30;
/// No token is shorter, and no proxy accepts headers of a megabyte.
const TOKEN_BYTES: RangeInclusive<u64> = 64..=1 << 20;
/// The memory for all entries is reserved at the start.
const REMEMBERED: RangeInclusive<u64> = 0..=1_000_000;
/// With less address space the program could not start a thread.
const LOAD_BYTES: RangeInclusive<u64> = 256 << 20..=64 << 30;

pub(super) fn server(config: &Config, found: &mut Findings<'_>) {
    let server = &config.server;
    found.number(
        "server.max_connections",
        server.max_connections,
        &CONNECTIONS,
    );
    found.number(
        "server.max_request_bytes",
        server.max_request_bytes,
        &REQUEST_BYTES,
    );
    found.number(
        "server.receive_memory_bytes",
        server.receive_memory_bytes,
        &RECEIVE_BYTES,
    );
}

pub(super) fn authn(config: &Config, found: &mut Findings<'_>) {
    let authn = &config.authn;
    found.number("authn.max_token_bytes", authn.max_token_bytes, &TOKEN_BYTES);
    found.number(
        "authn.remembered_tokens",
        authn.remembered_tokens,
        &REMEMBERED,
    );
}

pub(super) fn policy(config: &Config, found: &mut Findings<'_>) {
    let policy = &config.policy;
    found.number(
        "policy.remembered_decisions",
        policy.remembered_decisions,
        &REMEMBERED,
    );
    found.number(
        "policy.load_memory_bytes",
        policy.load_memory_bytes,
        &LOAD_BYTES,
    );
}

impl Findings<'_> {
    fn number(&mut self, path: &str, number: impl TryInto<u64>, range: &RangeInclusive<u64>) {
        let number = number.try_into().unwrap_or(u64::MAX);
        if !range.contains(&number) {
            let (least, most) = (range.start(), range.end());
            self.at(path, format!("expected {least} to {most}, found {number}"));
        }
    }
}
