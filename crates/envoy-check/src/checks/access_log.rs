//! Checks that Envoy's access log contains no credentials.

use crate::{
    Expectations,
    finding::Findings,
    view::{Extension, Manager, Node},
};

/// What a log format writes that it should not.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    Credential,
    Query,
}

pub(crate) fn check(manager: &Manager<'_>, expected: &Expectations, found: &mut Findings) {
    let holders = [&manager.config, &manager.listener_node];
    for log in holders.iter().flat_map(|holder| holder.list("access_log")) {
        let log = Extension::of(&log);
        let formats = ["log_format", "format", "json_format", "typed_json_format"];
        let formats: Vec<_> = formats
            .iter()
            .filter_map(|name| log.config.get(name))
            .collect();
        let is_text = log.kind.contains(".access_loggers.file.")
            || log.kind.contains(".access_loggers.stream.");
        if formats.is_empty() && is_text {
            tell(&log.entry, &Written::Query, found);
        }
        for (text, node) in formats.iter().flat_map(Node::texts) {
            if let Some(written) = written(text, expected) {
                tell(&node, &written, found);
            }
        }
    }
}

fn tell(at: &Node<'_>, written: &Written, found: &mut Findings) {
    let (what, cure) = match written {
        Written::Credential => (
            "the access log writes a header with credentials down",
            "remove that header from the format; `%DYNAMIC_METADATA(envoy.filters.http.ext_authz:subject)%` says who asked",
        ),
        Written::Query => (
            "the access log writes the query down, in which a client may have put a credential (without a format Envoy's own one does)",
            "write `%PATH(NQ)%` instead",
        ),
    };
    found.warning("access-log", at, what, cure);
}

/// The worst thing that the commands of a format write.
fn written(format: &str, expected: &Expectations) -> Option<Written> {
    let mut worst = None;
    for command in format.split('%').skip(1).step_by(2) {
        let command = command.to_ascii_lowercase();
        let (operator, rest) = command.split_once('(').unwrap_or((&command, ""));
        let arguments = rest.split(')').next().unwrap_or_default();
        match operator {
            "req" | "request_header" => {
                for name in arguments.split('?') {
                    if is_credential(name, expected) {
                        return Some(Written::Credential);
                    }
                    if [":path", "x-envoy-original-path", "referer"].contains(&name) {
                        worst = Some(Written::Query);
                    }
                }
            }
            "path" if !arguments.starts_with("nq") => worst = Some(Written::Query),
            "query_param" | "query_params" => worst = Some(Written::Query),
            _ => {}
        }
    }
    worst
}

fn is_credential(name: &str, expected: &Expectations) -> bool {
    let known = ["authorization", "proxy-authorization", "cookie"];
    let mut configured = expected.credential_headers.iter();
    known.contains(&name) || configured.any(|header| header == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_format_writes_is_known() {
        for (format, expected) in [
            ("%PATH(NQ)% %REQ(X-REQUEST-ID)%", None),
            ("[%START_TIME%] %REQ(:METHOD)%", None),
            ("%REQ(Authorization)%", Some(Written::Credential)),
            ("%REQ(X-API-KEY):3%", Some(Written::Credential)),
            ("%REQ(A?COOKIE)%", Some(Written::Credential)),
            ("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", Some(Written::Query)),
            ("\"%PATH%\"", Some(Written::Query)),
            ("%PATH(WQ)%", Some(Written::Query)),
            ("%QUERY_PARAM(key)%", Some(Written::Query)),
        ] {
            let found = written(format, &Expectations::default());
            assert_eq!(found, expected, "{format}");
        }
    }
}
