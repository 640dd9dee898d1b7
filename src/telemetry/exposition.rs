//! The two text formats of metrics, and which of them a client asks for.
//!
//! OpenMetrics 1.0 is what is written. Prometheus' older text format 0.0.4, which other scrapers still read, differs in the
//! names of its comments alone.

use std::{collections::HashMap, fmt::Write as _};

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' text format 0.0.4.
    Classic,
}

impl Exposition {
    /// What an `accept` header prefers (RFC 9110, section 12.5.1). OpenMetrics, unless the older one is preferred.
    pub fn preferred(accept: &str) -> Self {
        let open = quality(accept, "application", "openmetrics-text");
        if quality(accept, "text", "plain") > open {
            Self::Classic
        } else {
            Self::OpenMetrics
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// A text in OpenMetrics, in this format.
    pub fn written(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Classic => classic(&open_metrics),
        }
    }
}

/// How much a media type is wanted, in thousandths. The most specific range counts.
fn quality(accept: &str, main: &str, sub: &str) -> u16 {
    let mut best = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specific = match media.split_once('/') {
            Some((m, s)) if m == main && s == sub => 3,
            Some((m, "*")) if m == main => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        let weight = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(1000, |(_, weight)| thousandths(weight.trim()));
        best = best.max((specific, weight));
    }
    best.1
}

/// A weight of 0 to 1, with up to three digits behind the point. Anything else is not wanted.
fn thousandths(weight: &str) -> u16 {
    let (whole, digits) = weight.split_once('.').unwrap_or((weight, ""));
    let number = format!("{whole}{digits:0<3}").parse();
    number
        .ok()
        .filter(|n| *n <= 1000 && digits.len() <= 3)
        .unwrap_or(0)
}

/// In OpenMetrics the comments name the family of a counter or an info, here its series.
fn classic(open_metrics: &str) -> String {
    let kinds: HashMap<&str, &str> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let comment = line
            .strip_prefix("# ")
            .and_then(|rest| rest.split_once(' '));
        match comment {
            Some((word @ ("HELP" | "TYPE"), rest)) => {
                let (family, told) = rest.split_once(' ').unwrap_or((rest, ""));
                let (suffix, kind) = match kinds.get(family).copied() {
                    Some("counter") => ("_total", "counter"),
                    Some("info") => ("_info", "gauge"),
                    Some("unknown") => ("", "untyped"),
                    Some(kind) => ("", kind),
                    None => ("", told),
                };
                let told = if word == "TYPE" { kind } else { told };
                // Writing to a string cannot fail.
                let _ = writeln!(text, "# {word} {family}{suffix} {told}");
            }
            // `UNIT` and `EOF` are comments that the older format does not have.
            _ if line.starts_with('#') => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_preferred_is_sent() {
        use Exposition::{Classic, OpenMetrics};
        for (accept, expected) in [
            ("", OpenMetrics),
            ("*/*", OpenMetrics),
            ("text/html, */*;q=0.8", OpenMetrics),
            ("text/plain", Classic),
            ("text/*", Classic),
            ("text/plain;version=0.0.4", Classic),
            ("application/json, text/plain;q=0.1", Classic),
            // Prometheus 2 and 3.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            (
                "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.8",
                Classic,
            ),
            (
                "application/openmetrics-text;q=0, text/plain;q=0.001",
                Classic,
            ),
            (
                "text/plain;q=2, application/openmetrics-text;q=0.1",
                OpenMetrics,
            ),
        ] {
            assert_eq!(Exposition::preferred(accept), expected, "{accept}");
        }
    }

    #[test]
    fn the_older_format_names_series_and_has_no_end() {
        let open = "# HELP a_decisions Decisions.\n# TYPE a_decisions counter\na_decisions_total{x=\"# 1\"} 3\n\
            # HELP a_seconds Time.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_bucket{le=\"+Inf\"} 1\n\
            # HELP a_build Build.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n# EOF\n";
        let expected = "# HELP a_decisions_total Decisions.\n# TYPE a_decisions_total counter\na_decisions_total{x=\"# 1\"} 3\n\
            # HELP a_seconds Time.\n# TYPE a_seconds histogram\na_seconds_bucket{le=\"+Inf\"} 1\n\
            # HELP a_build_info Build.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n";
        assert_eq!(Exposition::Classic.written(open.to_owned()), expected);
        assert_eq!(Exposition::OpenMetrics.written(open.to_owned()), open);
    }
}
