//! Checks the connection manager: which requests it accepts, and how it reads them.

use std::time::Duration;

use crate::{
    finding::Findings,
    settings::{self, Setting, Wanted},
    view::{Manager, Node, ROUTER},
};

const SETTINGS: [Setting; 14] = [
    Setting::warning(
        "normalize-path",
        &["normalize_path"],
        Wanted::True,
        "Envoy does not resolve dot segments, and geowarden refuses such paths",
    ),
    Setting::warning(
        "merge-slashes",
        &["merge_slashes"],
        Wanted::NotTrue,
        "Envoy turns `//collections` into `/collections`, which the client did not send",
    ),
    Setting::warning(
        "escaped-slashes",
        &["path_with_escaped_slashes_action"],
        Wanted::Word("REJECT_REQUEST"),
        "Envoy accepts `%2F`, which pygeoapi reads as a separator: only geowarden refuses it",
    ),
    Setting::warning(
        "header-underscores",
        &[
            "common_http_protocol_options",
            "headers_with_underscores_action",
        ],
        Wanted::Word("REJECT_REQUEST"),
        "pygeoapi's server reads `X_API_KEY` and `X-API-KEY` as one header, and Envoy reads them as two",
    ),
    Setting::warning(
        "absolute-url",
        &["http_protocol_options", "allow_absolute_url"],
        Wanted::False,
        "a client can name another host in the target of its request",
    ),
    Setting::warning(
        "http-1-0",
        &["http_protocol_options", "accept_http_10"],
        Wanted::True,
        "proxies and scripts that speak HTTP/1.0 get 426",
    ),
    Setting::error(
        "chunked-length",
        &["http_protocol_options", "allow_chunked_length"],
        Wanted::NotTrue,
        "a request can have two lengths, and two servers can read different ones",
    ),
    Setting::error(
        "http2-connect",
        &["http2_protocol_options", "allow_connect"],
        Wanted::NotTrue,
        "a client can open a tunnel (CONNECT), and geowarden does not see the data in it",
    ),
    Setting::error(
        "http2-metadata",
        &["http2_protocol_options", "allow_metadata"],
        Wanted::NotTrue,
        "Envoy forwards METADATA frames, and geowarden does not see them",
    ),
    Setting::warning(
        "header-validation",
        &["typed_header_validation_config"],
        Wanted::Absent,
        "it replaces Envoy's own validation of headers and paths, and geowarden was not tested with it",
    ),
    Setting::warning(
        "codec",
        &["codec_type"],
        Wanted::NoneOf(&["HTTP3"]),
        "geowarden was not tested with HTTP/3",
    ),
    Setting::warning(
        "request-id",
        &["preserve_external_request_id"],
        Wanted::NotTrue,
        "a client can write another request's id into the logs",
    ),
    Setting::warning(
        "client-certificate-header",
        &["forward_client_cert_details"],
        Wanted::NoneOf(&["FORWARD_ONLY", "ALWAYS_FORWARD_ONLY"]),
        "a client can write `x-forwarded-client-cert` itself",
    ),
    Setting::warning(
        "slow-clients",
        &["request_headers_timeout"],
        Wanted::Present("10s"),
        "a client can take any time to send its headers, and Envoy keeps its connection and memory for so long",
    ),
];

const ROUTER_SETTINGS: [Setting; 1] = [Setting::warning(
    "envoy-headers",
    &["suppress_envoy_headers"],
    Wanted::True,
    "clients receive headers with Envoy's times and retries, and pygeoapi receives `x-envoy-*` headers",
)];

/// How long a slow client may take to read the end of a response.
const DELAYED_CLOSE: Duration = Duration::from_mins(1);

pub(crate) fn check(manager: &Manager<'_>, found: &mut Findings) {
    let config = &manager.config;
    settings::check(&SETTINGS, config, found);
    let routers = manager.filters.iter().filter(|filter| filter.is(ROUTER));
    for router in routers {
        settings::check(&ROUTER_SETTINGS, &router.extension.config, found);
    }
    delayed_close(config, found);
    client_address(config, found);
    internal_addresses(config, found);
    for mapper in config.list_at(&["local_reply_config", "mappers"]) {
        let Some(status) = mapper.get("status_code") else {
            continue;
        };
        if status.number().is_some_and(|status| status < 300) {
            found.error(
                "local-reply",
                &status,
                "local_reply_config: expected a status of 400 or more, found a success: a refusal looks like an answer of pygeoapi",
                "remove `status_code`, or let the mapper keep the refusal's status",
            );
        }
    }
}

fn delayed_close(config: &Node<'_>, found: &mut Findings) {
    let set = config.get("delayed_close_timeout");
    let is_long = set
        .as_ref()
        .and_then(Node::duration)
        .is_some_and(|time| time >= DELAYED_CLOSE);
    if !is_long {
        let is = set.map_or_else(|| "nothing (1 s)".to_owned(), |set| set.in_words());
        found.warning(
            "delayed-close",
            &config.nearest(&["delayed_close_timeout"]),
            format!("delayed_close_timeout: expected `60s` or more, found {is}: Envoy closes the connection before a slow client has read the whole answer, which then ends early without an error"),
            "set `delayed_close_timeout: 60s`",
        );
    }
}

fn client_address(config: &Node<'_>, found: &mut Findings) {
    let is_detected = config.get("original_ip_detection_extensions").is_some();
    if !config.has_true("use_remote_address") && !is_detected {
        let set = config.get("use_remote_address");
        let is = set.map_or_else(|| "nothing".to_owned(), |set| set.in_words());
        found.warning(
            "client-address",
            &config.nearest(&["use_remote_address"]),
            format!("use_remote_address: expected `true`, found {is}: a client can choose its own address (`input.request.source_address`) by a header"),
            "set `use_remote_address: true`; behind a load balancer set `xff_num_trusted_hops` too",
        );
    }
}

/// An address range that contains no client.
const NOBODY: (&str, u64) = ("255.255.255.255", 32);

fn internal_addresses(config: &Node<'_>, found: &mut Findings) {
    let names = ["internal_address_config", "cidr_ranges"];
    let ranges = config.list_at(&names);
    let is_nobody = |range: &Node<'_>| {
        let length = range.get("prefix_len").and_then(|length| length.number());
        (range.text_of("address_prefix"), length) == (Some(NOBODY.0), Some(NOBODY.1))
    };
    if ranges.is_empty() || !ranges.iter().all(is_nobody) {
        found.warning(
            "internal-addresses",
            &config.nearest(&names),
            "internal_address_config: expected a range that no client has, found another or none: a client with an internal address can set time limits and retries by `x-envoy-*` headers",
            "set `internal_address_config: {cidr_ranges: [{address_prefix: 255.255.255.255, prefix_len: 32}]}`",
        );
    }
}
