//! Built-in functions of OPA that a policy cannot call here.

/// Each of these functions, with the reason.
pub const LEFT_OUT: [(&str, &str); 23] = [
    (
        "http.send",
        "a policy that calls out cannot be bounded in time",
    ),
    (
        "net.lookup_ip_addr",
        "a policy that calls out cannot be bounded in time",
    ),
    (
        "providers.aws.sign_req",
        "it signs what only `http.send` sends",
    ),
    (
        "crypto.parse_private_keys",
        "private keys are no business of a policy",
    ),
    (
        "crypto.x509.parse_keypair",
        "private keys are no business of a policy",
    ),
    (
        "crypto.x509.parse_rsa_private_key",
        "private keys are no business of a policy",
    ),
    (
        "crypto.x509.parse_and_verify_certificates",
        "Envoy verifies the certificates of clients",
    ),
    (
        "crypto.x509.parse_and_verify_certificates_with_options",
        "Envoy verifies the certificates of clients",
    ),
    (
        "crypto.x509.parse_certificates",
        "Envoy verifies the certificates of clients",
    ),
    (
        "crypto.x509.parse_certificate_request",
        "Envoy verifies the certificates of clients",
    ),
    ("graphql.is_valid", "pygeoapi has no GraphQL"),
    ("graphql.parse", "pygeoapi has no GraphQL"),
    ("graphql.parse_and_verify", "pygeoapi has no GraphQL"),
    ("graphql.parse_query", "pygeoapi has no GraphQL"),
    ("graphql.parse_schema", "pygeoapi has no GraphQL"),
    ("graphql.schema_is_valid", "pygeoapi has no GraphQL"),
    (
        "json.match_schema",
        "JSON Schema is a large library, whose time cannot be bounded",
    ),
    (
        "json.verify_schema",
        "JSON Schema is a large library, whose time cannot be bounded",
    ),
    (
        "regex.globs_match",
        "OPA's answer depends on the way in which its library searches",
    ),
    (
        "rego.metadata.chain",
        "annotations are not kept when a policy is translated",
    ),
    (
        "rego.metadata.rule",
        "annotations are not kept when a policy is translated",
    ),
    ("rego.parse_module", "a policy does not read policies"),
    (
        "strings.render_template",
        "Go's templates are a language of their own",
    ),
];
