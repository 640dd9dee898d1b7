//! How long what may take: too short a time does nothing but harm, and too long a one is a slip of the unit.

use std::{ops::RangeInclusive, time::Duration};

use geowarden_yaml::Step;

use super::Findings;
use crate::config::{Config, Issuer, Span};

type Range = RangeInclusive<Duration>;

const fn range(least: Span, most: Span) -> Range {
    least.0..=most.0
}

const DEADLINE: Range = range(Span::millis(1), Span::secs(60));
const DRAIN: Range = range(Span::secs(0), Span::secs(60 * 60));
const POLICY: Range = range(Span::millis(1), Span::secs(60));
const LOAD: Range = range(Span::secs(1), Span::secs(10 * 60));
/// Below, a key server would be asked in a loop; above, a key that it withdrew is good for longer than a day.
const REFRESH: Range = range(Span::secs(10), Span::secs(24 * 60 * 60));
const REFRESH_FLOOR: Range = range(Span::millis(100), Span::secs(60 * 60));
const LEEWAY: Range = range(Span::secs(0), Span::secs(60 * 60));
/// A token that is revoked is good for so long.
const REMEMBER: Range = range(Span::secs(0), Span::secs(60 * 60));
const EXPORT: Range = range(Span::millis(1), Span::secs(5 * 60));

/// Those of a server, which tenants share.
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

/// An evaluation that may take longer than its whole Check: the deadline ends it, and is told instead.
pub(in crate::config) fn warnings(config: &Config) -> Vec<String> {
    let told = humantime::format_duration;
    let deadline = config.server.deadline.0;
    let parts = config.parts().into_iter();
    let long = parts.filter(|part| part.config.policy.timeout.0 > deadline);
    long.map(|part| {
        let of = part.tenant.map_or_else(String::new, |name| format!("tenant `{name}`: "));
        format!(
            "{of}`policy.timeout` ({}) is longer than `server.deadline` ({}), which ends an evaluation before it; expected a shorter one",
            told(part.config.policy.timeout.0),
            told(deadline)
        )
    })
    .collect()
}

/// Those of an issuer, whose section is at `path`.
pub(super) fn issuer(issuer: &Issuer, path: &[Step], found: &mut Findings<'_>) {
    let mut all = vec![
        ("refresh", issuer.refresh, &REFRESH),
        ("refresh_floor", issuer.refresh_floor, &REFRESH_FLOOR),
        ("leeway", issuer.leeway, &LEEWAY),
    ];
    if issuer.jwks_file.is_some() {
        // Nothing is fetched.
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
    fn within(&mut self, path: &str, span: Span, range: &Range) {
        if let Some(message) = outside(span, range) {
            self.at(path, message);
        }
    }
}

fn outside(Span(found): Span, range: &Range) -> Option<String> {
    let told = humantime::format_duration;
    (!range.contains(&found)).then(|| {
        format!(
            "expected {} to {}, found {}",
            told(*range.start()),
            told(*range.end()),
            told(found)
        )
    })
}
