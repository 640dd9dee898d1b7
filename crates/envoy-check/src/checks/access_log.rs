//! Checks that Envoy's access logs and spans contain no credentials.

use crate::{
    Expectations,
    finding::Findings,
    view::{Extension, Manager, Node, ROUTER},
};

/// What a log or a span contains that it should not.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    Credential,
    Query,
}

/// Access logs of files and streams. Their default format contains the query.
const OF_TEXT: [&str; 2] = [".access_loggers.file.", ".access_loggers.stream."];

/// The access log over gRPC. Each entry contains the whole path.
const OF_GRPC: &str = "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig";

const FORMATS: [&str; 4] = ["log_format", "format", "json_format", "typed_json_format"];

/// Lists of headers that the access log over gRPC contains too.
const LOGGED_HEADERS: [&str; 2] = [
    "additional_request_headers_to_log",
    "additional_response_headers_to_log",
];

pub(crate) fn check(manager: &Manager<'_>, expected: &Expectations, found: &mut Findings) {
    let holders = [&manager.config, &manager.listener_node];
    let logs = holders.iter().flat_map(|holder| holder.list("access_log"));
    let last = manager.filters.iter().filter(|filter| filter.is(ROUTER));
    let upstream = last.flat_map(|router| router.extension.config.list("upstream_log"));
    for log in logs.chain(upstream) {
        of_log(&Extension::of(&log), expected, found);
    }
    let routes = manager.routes.iter().map(|route| &route.node);
    for holder in routes.chain([&manager.config]) {
        if let Some(tracing) = holder.get("tracing") {
            of_spans(&tracing, expected, found);
        }
    }
}

fn of_log(log: &Extension<'_>, expected: &Expectations, found: &mut Findings) {
    let has_format = FORMATS.iter().any(|name| log.config.get(name).is_some());
    let is_text = OF_TEXT.iter().any(|kind| log.kind.contains(kind));
    if log.kind == OF_GRPC || (is_text && !has_format) {
        tell_of_log(&log.entry, &Written::Query, found);
    }
    for (text, node) in log.config.texts() {
        if let Some(written) = written(text, expected) {
            tell_of_log(&node, &written, found);
        }
    }
    let names = LOGGED_HEADERS.iter();
    let names = names.flat_map(|list| log.config.list(list));
    let holders = [Some(log.config.clone()), log.config.get("common_config")];
    let tags = holders.iter().flatten().flat_map(tagged_headers);
    for name in names.chain(tags) {
        if is_credential(name.text().unwrap_or_default(), expected) {
            tell_of_log(&name, &Written::Credential, found);
        }
    }
}

fn of_spans(tracing: &Node<'_>, expected: &Expectations, found: &mut Findings) {
    let formats = tracing.texts().into_iter();
    let formats = formats.filter(|(text, _)| written(text, expected) == Some(Written::Credential));
    let formats = formats.map(|(_, node)| node);
    let names = tagged_headers(tracing).into_iter();
    let names = names.filter(|name| is_credential(name.text().unwrap_or_default(), expected));
    for node in formats.chain(names) {
        found.warning(
            "span-credentials",
            &node,
            "each span contains a header with credentials: whoever reads the spans can use them",
            "remove this tag",
        );
    }
}

/// The names of the headers in `custom_tags`.
fn tagged_headers<'a>(holder: &Node<'a>) -> Vec<Node<'a>> {
    let tags = holder.list("custom_tags").into_iter();
    let kinds = ["request_header", "response_header"];
    tags.flat_map(|tag| kinds.map(|kind| tag.at(&[kind, "name"])))
        .flatten()
        .collect()
}

fn tell_of_log(at: &Node<'_>, written: &Written, found: &mut Findings) {
    let (what, cure) = match written {
        Written::Credential => (
            "the access log contains a header with credentials: whoever reads the log can use them",
            "remove that header; `%DYNAMIC_METADATA(envoy.filters.http.ext_authz:subject)%` says who asked",
        ),
        Written::Query => (
            "the access log contains the query, where clients may send credentials: Envoy's default format and its log over gRPC contain it too",
            "use a log with a format, and write `%PATH(NQ)%` for the path",
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
        let mut names = arguments.split('?');
        let of_command = match operator {
            "req" | "request_header" => of_names(&mut names, expected),
            "req_without_query" | "resp" | "response_header" => names
                .any(|name| is_credential(name, expected))
                .then_some(Written::Credential),
            "path" if !arguments.starts_with("nq") => Some(Written::Query),
            "query_param" | "query_params" => Some(Written::Query),
            "cel" | "coalesce" => of_expression(rest, expected),
            _ => None,
        };
        match of_command {
            Some(Written::Credential) => return of_command,
            Some(Written::Query) => worst = of_command,
            None => {}
        }
    }
    worst
}

/// What an expression reads. `request.headers` without a name is all headers.
fn of_expression(expression: &str, expected: &Expectations) -> Option<Written> {
    let reads_all = expression.split("request.headers").skip(1).any(|rest| {
        let next = rest.trim_start();
        !next.starts_with(['[', '.'])
    });
    if reads_all {
        return Some(Written::Credential);
    }
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    let mut names = expression.split(|c| !is_of_name(c));
    of_names(&mut names, expected)
}

fn of_names<'a>(
    names: &mut impl Iterator<Item = &'a str>,
    expected: &Expectations,
) -> Option<Written> {
    // `path` and `query` are names of CEL.
    let with_query = ["path", "query", ":path", "x-envoy-original-path", "referer"];
    let mut worst = None;
    for name in names {
        if is_credential(name, expected) {
            return Some(Written::Credential);
        }
        if with_query.contains(&name) {
            worst = Some(Written::Query);
        }
    }
    worst
}

fn is_credential(name: &str, expected: &Expectations) -> bool {
    let known = [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
    ];
    let configured = expected.credential_headers.iter().map(String::as_str);
    let mut all = known.into_iter().chain(configured);
    all.any(|header| header.eq_ignore_ascii_case(name))
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
            ("%REQ_WITHOUT_QUERY(:PATH)%", None),
            (
                "%REQ_WITHOUT_QUERY(AUTHORIZATION)%",
                Some(Written::Credential),
            ),
            ("%RESP(SET-COOKIE)%", Some(Written::Credential)),
            (
                "%CEL(request.headers['authorization'])%",
                Some(Written::Credential),
            ),
            (
                "%CEL(string(request.headers[\"x-api-key\"]))%",
                Some(Written::Credential),
            ),
            (
                "%CEL(size(request.path) > 9 ? request.headers.cookie : '')%",
                Some(Written::Credential),
            ),
            ("%CEL(request.headers)%", Some(Written::Credential)),
            ("%CEL(request.headers[':path'])%", Some(Written::Query)),
            ("%CEL(request.path)%", Some(Written::Query)),
            ("%CEL(request.query)%", Some(Written::Query)),
            ("%CEL(request.url_path)%", None),
            ("%CEL(request.headers['user-agent'])%", None),
        ] {
            let found = written(format, &Expectations::default());
            assert_eq!(found, expected, "{format}");
        }
    }
}
