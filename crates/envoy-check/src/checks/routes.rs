//! Checks the routes that lead to pygeoapi: each request needs a decision, and must not change after it.

use std::time::Duration;

use super::{body, upgrades};
use crate::{
    Expectations,
    finding::Findings,
    guarded::Guarded,
    view::{HttpFilter, Manager, Node, Route, Target},
};

/// Checks the routes of a manager. `asking` are its filters that ask geowarden.
pub(crate) fn check(
    manager: &Manager<'_>,
    asking: &[&HttpFilter<'_>],
    guarded: &Guarded,
    expected: &Expectations,
    found: &mut Findings,
) {
    let names: Vec<&str> = asking.iter().map(|f| f.extension.name).collect();
    let leads_there = |route: &&Route<'_>| {
        let mut targets = route.all_targets().into_iter();
        targets.any(|target| guarded.may_be(&target))
    };
    let routes: Vec<&Route<'_>> = manager.routes.iter().filter(leads_there).collect();
    for route in &routes {
        if let Some(switch) = route.switch(&names) {
            found.error(
                "route-unasked",
                &switch,
                "disabled: expected nothing, found `true`: Envoy does not ask geowarden about requests by this route, and a path that looks harmless to Envoy may not be so to pygeoapi",
                "remove `disabled`, and let the policy allow what is public",
            );
        }
        per_route(route, &names, expected, found);
        target(route, guarded, found);
        path(route, found);
        headers(route, found);
        time_and_retries(route, found);
    }
    upgrades::check(manager, &routes, found);
    several(&routes, found);
    tenants(&routes, &names, found);
}

/// Checks the settings of ext_authz that a route overrides.
fn per_route(route: &Route<'_>, names: &[&str], expected: &Expectations, found: &mut Findings) {
    for config in route.settings(names) {
        let Some(settings) = config.get("check_settings") else {
            continue;
        };
        for service in ["grpc_service", "http_service"] {
            if let Some(service) = settings.get(service) {
                found.error(
                    "route-other-service",
                    &service,
                    "expected the service of the filter, found another for this route: geowarden judges none of its requests",
                    "remove the service from `check_settings`",
                );
            }
        }
        if let Some(unbuffered) = settings.get("disable_request_body_buffering")
            && unbuffered.is_true()
        {
            found.error(
                "body-not-sent",
                &unbuffered,
                "disable_request_body_buffering: expected nothing, found `true`: geowarden sees no body of this route's requests",
                "remove `disable_request_body_buffering`",
            );
        }
        if let Some(body) = settings.get("with_request_body") {
            body::check(&body, expected, found);
        }
    }
}

fn target(route: &Route<'_>, guarded: &Guarded, found: &mut Findings) {
    let targets = route.all_targets().into_iter();
    for target in targets.filter(|target| guarded.is_chosen_by_request(target)) {
        let (message, cure) = match target {
            Target::ChosenByRequest(_) => (
                "expected `cluster`, found a name that comes from the request: a client chooses where its request is sent",
                "name the cluster itself",
            ),
            Target::Cluster(..) => (
                "expected a cluster with an address, found one that takes its address from the request: a client chooses where its request is sent",
                "name a cluster with the address of pygeoapi",
            ),
        };
        found.error("route-by-header", target.node(), message, cure);
    }
}

/// Settings of a route that change the path after the decision.
const REWRITES: [&str; 4] = [
    "prefix_rewrite",
    "regex_rewrite",
    "path_rewrite",
    "path_rewrite_policy",
];

fn path(route: &Route<'_>, found: &mut Findings) {
    let Some(action) = route.node.get("route") else {
        return;
    };
    for rewrite in REWRITES.iter().filter_map(|name| action.get(name)) {
        found.error(
            "route-rewrites-path",
            &rewrite,
            "expected no rewriting of the path, found one: Envoy changes the path after geowarden judged it",
            "remove it; where pygeoapi stands under a prefix set `pygeoapi.base_path` of geowarden",
        );
    }
}

/// Whether geowarden decides on this header or sets it. A route changes headers later, so pygeoapi would receive another
/// request than the judged one.
fn is_judged(name: &str) -> bool {
    let judged = [
        ":path",
        ":method",
        "accept",
        "content-type",
        "content-length",
        "script-name",
    ];
    judged.contains(&name) || name.starts_with("x-geowarden-")
}

fn headers(route: &Route<'_>, found: &mut Findings) {
    for level in &route.levels {
        let added = level.list("request_headers_to_add").into_iter();
        let added = added.filter_map(|added| added.at(&["header", "key"]));
        set(added, "request_headers_to_add", found);
        let removed = level.list("request_headers_to_remove").into_iter();
        remove(removed, "request_headers_to_remove", found);
    }
    for copy in route.copies() {
        let name = "request_headers_mutations";
        let all = copy.list(name);
        let added = all
            .iter()
            .filter_map(|one| one.at(&["append", "header", "key"]));
        set(added, name, found);
        remove(all.iter().filter_map(|one| one.get("remove")), name, found);
    }
}

fn set<'a>(names: impl Iterator<Item = Node<'a>>, setting: &str, found: &mut Findings) {
    for (key, name) in judged(names) {
        found.error(
            "route-sets-header",
            &key,
            format!("{setting}: expected headers that geowarden neither judges nor sets, found `{name}`: the route writes it after the decision"),
            "remove it",
        );
    }
}

fn remove<'a>(names: impl Iterator<Item = Node<'a>>, setting: &str, found: &mut Findings) {
    for (key, name) in judged(names) {
        found.error(
            "route-removes-header",
            &key,
            format!("{setting}: expected headers that geowarden neither judges nor sets, found `{name}`: the route removes it after the decision"),
            "remove it from the list",
        );
    }
}

/// Those of the names of headers that geowarden judges or sets.
fn judged<'a>(names: impl Iterator<Item = Node<'a>>) -> impl Iterator<Item = (Node<'a>, String)> {
    let lower = names.map(|node| {
        let name = node.text().unwrap_or_default().to_ascii_lowercase();
        (node, name)
    });
    lower.filter(|(_, name)| is_judged(name))
}

/// Connection errors after which pygeoapi cannot have started on the request.
const UNBEGUN: [&str; 3] = ["connect-failure", "refused-stream", "reset-before-request"];

fn time_and_retries(route: &Route<'_>, found: &mut Findings) {
    let Some(action) = route.node.get("route") else {
        return;
    };
    let timeout = action.get("timeout");
    let is_unlimited = timeout
        .as_ref()
        .and_then(Node::duration)
        .is_some_and(|time| time == Duration::ZERO);
    if !is_unlimited {
        let is = timeout.map_or_else(|| "nothing (15 s)".to_owned(), |time| time.in_words());
        found.warning(
            "route-timeout",
            &action.nearest(&["timeout"]),
            format!("timeout: expected `0s`, found {is}: Envoy cuts off a download that takes longer, with status 200"),
            "set `timeout: 0s`; `stream_idle_timeout` ends one that stands still",
        );
    }
    let policies = [&action, &route.host];
    for policy in policies.iter().filter_map(|at| at.get("retry_policy")) {
        let reasons = policy.text_of("retry_on").unwrap_or_default();
        let is_unbegun = |reason: &str| UNBEGUN.contains(&reason.trim());
        let headers = policy.list("retriable_request_headers");
        // One matcher that holds is enough for a retry.
        let is_harmless = !headers.is_empty() && headers.iter().all(is_of_reading_methods);
        if !is_harmless && !reasons.split(',').all(is_unbegun) {
            found.warning(
                "route-retry",
                &policy,
                "retry_policy: expected one for GET and HEAD only, found one for other methods too: a request that changes something could be sent twice",
                "add `retriable_request_headers: [{name: \":method\", string_match: {safe_regex: {regex: \"GET|HEAD\"}}}]`",
            );
        }
    }
}

/// Methods that change nothing.
const READING: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// Whether a matcher of headers (`route.v3.HeaderMatcher`) holds for reading methods only. A pattern that is not a list of
/// them may hold for others.
fn is_of_reading_methods(matcher: &Node<'_>) -> bool {
    if matcher.text_of("name") != Some(":method") || matcher.has_true("invert_match") {
        return false;
    }
    let exact = [&["string_match", "exact"][..], &["exact_match"]];
    let patterns = [
        &["string_match", "safe_regex", "regex"][..],
        &["safe_regex_match", "regex"],
    ];
    let text = |names: &&[&str]| matcher.at(names).and_then(|node| node.text());
    let exact = exact.iter().filter_map(text);
    let listed = patterns.iter().filter_map(text).map(alternatives);
    let mut words = exact.chain(listed.flatten()).peekable();
    words.peek().is_some() && words.all(|word| READING.contains(&word))
}

/// The alternatives of `GET|HEAD`, `(GET|HEAD)` or `^(?:GET|HEAD)$`.
fn alternatives(pattern: &str) -> impl Iterator<Item = &str> {
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let pattern = pattern.strip_suffix('$').unwrap_or(pattern);
    let inner = pattern.strip_prefix('(').and_then(|p| p.strip_suffix(')'));
    let inner = inner.map(|inner| inner.strip_prefix("?:").unwrap_or(inner));
    inner.unwrap_or(pattern).split('|')
}

/// Reports a virtual host with several routes to pygeoapi. The part of the request that chooses the route may mean
/// something else to pygeoapi.
fn several(routes: &[&Route<'_>], found: &mut Findings) {
    for two in routes.windows(2) {
        if let [first, second] = two
            && first.host.path() == second.host.path()
        {
            found.warning(
                "several-routes",
                &second.node,
                "expected one route of a virtual host to lead to the guarded cluster, found another: pygeoapi may read in another way what chooses between them",
                "lead all requests there by one route, `match: {prefix: /}`",
            );
        }
    }
}

/// If one route names its tenant, every route must name one.
fn tenants(routes: &[&Route<'_>], names: &[&str], found: &mut Findings) {
    let is_named = |route: &Route<'_>| {
        let mut all = route.settings(names).into_iter();
        let tenant = ["check_settings", "context_extensions", "policy"];
        all.any(|config| config.at(&tenant).is_some())
    };
    if !routes.iter().any(|route| is_named(route)) {
        return;
    }
    for route in routes.iter().filter(|route| !is_named(route)) {
        found.error(
            "route-without-tenant",
            &route.node,
            "expected `check_settings.context_extensions.policy` as other routes have it, found nothing: the host that a client writes chooses the tenant",
            "name the tenant for this route or its virtual host",
        );
    }
}
