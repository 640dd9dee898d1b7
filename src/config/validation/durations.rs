//! Checks durations. Too short a time does harm, and too long a one is most likely a wrong unit.

use std::{ops::RangeInclusive, time::Duration};

use geowarden_yaml::Step;

use super::Findings;
use crate::config::{Config, ConfigDuration, Issuer};

type Range = RangeInclusive<Duration>;

const fn range(least: ConfigDuration, most: ConfigDuration) -> Range {
    least.0..=most.0
}

const DEADLINE: Range = range(ConfigDuration::millis(1), ConfigDuration::secs(60));
const DRAIN: Range = range(ConfigDuration::secs(0), ConfigDuration::secs(60 * 60));
const POLICY: Range = range(ConfigDuration::millis(1), ConfigDuration::secs(60));
const LOAD: Range = range(ConfigDuration::secs(1), ConfigDuration::secs(10 * 60));
/// With less, a key server would be asked in a loop. With more, a withdrawn key would stay valid for more than a day.
const REFRESH: Range = range(ConfigDuration::secs(10), ConfigDuration::secs(24 * 60 * 60));
const REFRESH_FLOOR: Range = range(ConfigDuration::millis(100), ConfigDuration::secs(60 * 60));
const LEEWAY: Range = range(ConfigDuration::secs(0), ConfigDuration::secs(60 * 60));
/// A revoked token stays valid for this long.
const REMEMBER: Range = range(ConfigDuration::secs(0), ConfigDuration::secs(60 * 60));
const EXPORT: Range = range(ConfigDuration::millis(1), ConfigDuration::secs(5 * 60));

/// Checks the durations of the server, which tenants share.
pub(super) fn server(config: &Config, found: &mut Findings<'_>) {
    found.within("server.deadline", config.server.deadline, &DEADLINE);
    found.within("server.drain", config.server.drain, &DRAIN);
    if let Some(traces) = &config.telemetry.traces {
        found.within("telemetry.traces.timeout", traces.timeout, &EXPORT);
    }
}

pub(super) fn policy(config: &Config, found: &mut Findings<'_>) {
    let policy = &config.policy;
    found.within("policy.timeout", policy.timeout, &POLICY);
    found.within("policy.load_timeout", policy.load_timeout, &LOAD);
}

/// Warns if an evaluation may take longer than its Check. The deadline would end it first.
pub(in crate::config) fn warnings(config: &Config) -> Vec<String> {
    let format = humantime::format_duration;
    let deadline = config.server.deadline.0;
    let parts = config.parts().into_iter();
    let long = parts.filter(|part| part.config.policy.timeout.0 > deadline);
    long.map(|part| {
        let of = part.tenant.map_or_else(String::new, |name| format!("tenant `{name}`: "));
        format!(
            "{of}`policy.timeout` ({}) is longer than `server.deadline` ({}), which ends an evaluation first: set a shorter one",
            format(part.config.policy.timeout.0),
            format(deadline)
        )
    })
    .collect()
}

/// Checks the durations of the issuer whose section is at `path`.
pub(super) fn issuer(issuer: &Issuer, path: &[Step], found: &mut Findings<'_>) {
    let mut all = vec![
        ("refresh", issuer.refresh, &REFRESH),
        ("refresh_floor", issuer.refresh_floor, &REFRESH_FLOOR),
        ("leeway", issuer.leeway, &LEEWAY),
    ];
    if issuer.jwks_file.is_some() {
        // Keys from a file are not fetched.
        all.retain(|(key, ..)| *key == "leeway");
    }
    for (key, span, range) in all {
        if let Some(message) = outside(span, range) {
            found.below(path, key, message);
        }
    }
    if let Some(opaque) = &issuer.opaque_tokens
        && let Some(message) = outside(opaque.remember, &REMEMBER)
    {
        let mut path = path.to_vec();
        path.push(Step::Key("opaque_tokens".to_owned()));
        found.below(&path, "remember", message);
    }
}

impl Findings<'_> {
    fn within(&mut self, path: &str, span: ConfigDuration, range: &Range) {
        if let Some(message) = outside(span, range) {
            self.at(path, message);
        }
    }
}

fn outside(ConfigDuration(found): ConfigDuration, range: &Range) -> Option<String> {
    let format = humantime::format_duration;
    (!range.contains(&found)).then(|| {
        format!(
            "expected {} to {}, found {}",
            format(*range.start()),
            format(*range.end()),
            format(found)
        )
    })
}
