//! The intended differences between geowarden and fastgeoapi. `docs/migrate-from-fastgeoapi.md` describes them for users.

use super::seen::{Aspect, Seen};
use super::stand::Mode;

/// A listed difference. An empty list of requests stands for all. The name of a request also stands for the same request with a
/// credential.
#[derive(Debug)]
pub(super) struct Difference {
    modes: &'static [Mode],
    requests: &'static [&'static str],
    /// fastgeoapi's status is one of these.
    theirs: &'static [u16],
    /// geowarden's status, or `None` if it is the same.
    ours: Option<u16>,
    /// The parts in which answers with the same status differ.
    aspects: &'static [Aspect],
    pub(super) why: &'static str,
}

const fn otherwise(
    modes: &'static [Mode],
    requests: &'static [&'static str],
    theirs: &'static [u16],
    ours: u16,
    why: &'static str,
) -> Difference {
    Difference {
        modes,
        requests,
        theirs,
        ours: Some(ours),
        aspects: &[],
        why,
    }
}

const fn in_part(
    modes: &'static [Mode],
    requests: &'static [&'static str],
    status: &'static [u16],
    aspects: &'static [Aspect],
    why: &'static str,
) -> Difference {
    Difference {
        modes,
        requests,
        theirs: status,
        ours: None,
        aspects,
        why,
    }
}

use Aspect::{Body, Challenge};
use Mode::{ApiKey, Jwks, Oidc};

/// Requests that fastgeoapi allows and geowarden refuses.
const REFUSED: [Difference; 5] = [
    otherwise(&[Jwks], &["no exp"], &[200], 401, "a token must expire"),
    otherwise(
        &[Jwks],
        &["typ of a logout token"],
        &[200],
        401,
        "no access token",
    ),
    otherwise(
        &[Jwks],
        &["a raw token"],
        &[200],
        401,
        "the scheme is missing (RFC 6750)",
    ),
    otherwise(
        &[Oidc],
        &["a policy's truthy value"],
        &[200],
        503,
        "only `true` lets in",
    ),
    otherwise(
        &[],
        &["healthz", "readyz", "reload"],
        &[200, 202, 303, 401],
        400,
        "outside of the context there is nothing; see server.admin",
    ),
];

/// Requests that fastgeoapi refuses and geowarden allows.
const ALLOWED: [Difference; 3] = [
    otherwise(
        &[ApiKey, Jwks],
        &["landing page", "conformance", "static file"],
        &[401],
        200,
        "public: no data",
    ),
    otherwise(
        &[Jwks],
        &["scheme in small letters"],
        &[401],
        200,
        "schemes know no case (RFC 9110)",
    ),
    otherwise(
        &[Oidc],
        &["openapi", "openapi as JSON", "openapi as HTML"],
        &[500],
        200,
        "the policy allows it",
    ),
];

/// Requests that both refuse, or both allow, with different answers.
const TOLD_OTHERWISE: [Difference; 10] = [
    otherwise(
        &[Oidc],
        &[],
        &[401],
        403,
        "what the policy denies is forbidden",
    ),
    otherwise(
        &[Oidc],
        &[],
        &[303],
        401,
        "an API client is not sent to a login page",
    ),
    otherwise(
        &[],
        &["a page elsewhere", "administration"],
        &[303, 401, 404],
        400,
        "not under the context",
    ),
    otherwise(
        &[],
        &["an unknown page"],
        &[303, 401, 404],
        400,
        "pygeoapi has no such path",
    ),
    otherwise(
        &[],
        &["a slash at the end", "two slashes"],
        &[303, 401, 404],
        400,
        "two readers could read it differently",
    ),
    in_part(
        &[ApiKey, Oidc],
        &[],
        &[401],
        &[Challenge],
        "a 401 names the scheme (RFC 9110)",
    ),
    in_part(
        &[Jwks],
        &["another scheme"],
        &[401],
        &[Challenge],
        "no token was sent (RFC 6750)",
    ),
    in_part(
        &[],
        &["CORS preflight"],
        &[200],
        &[Body],
        "Envoy's preflights have no body",
    ),
    in_part(
        &[],
        &["openapi", "openapi as JSON"],
        &[200],
        &[Body],
        "pygeoapi's own description, without a security scheme",
    ),
    in_part(
        &[ApiKey, Jwks],
        &["process"],
        &[200],
        &[Body],
        "fastgeoapi's start takes contentMediaType out of it",
    ),
];

/// Every listed difference.
pub(super) fn listed() -> impl Iterator<Item = &'static Difference> {
    REFUSED.iter().chain(&ALLOWED).chain(&TOLD_OTHERWISE)
}

impl Difference {
    pub(super) fn covers(&self, mode: Mode, request: &str, theirs: &Seen, ours: &Seen) -> bool {
        let request = request
            .strip_suffix(", with a credential")
            .unwrap_or(request);
        let is_whole = theirs.status != ours.status;
        (self.modes.is_empty() || self.modes.contains(&mode))
            && (self.requests.is_empty() || self.requests.contains(&request))
            && self.theirs.contains(&theirs.status)
            && self.ours == is_whole.then_some(ours.status)
            && (is_whole || theirs.differing(ours) == self.aspects)
    }
}
