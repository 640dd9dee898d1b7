//! The permit of an allowed request. Only the parent module, the pipeline, can create a [`Permit`].

/// Evidence that the request was read, its caller authenticated, and that the policy allowed it.
#[derive(Debug, Clone)]
pub struct Permit<'r> {
    /// The path to send on, if the policy set or removed query parameters; otherwise the canonical path is used.
    pub path: Option<String>,
    /// The request headers with credentials, which pygeoapi must not see.
    pub credential_headers: [Option<&'r str>; 2],
    _made_by_the_pipeline: Seal,
}

/// Only the parent module can name this type.
#[derive(Debug, Clone, Copy)]
struct Seal;

impl<'r> Permit<'r> {
    /// Grants a permit.
    pub(super) fn grant(path: Option<String>, credential_headers: [Option<&'r str>; 2]) -> Self {
        Self {
            path,
            credential_headers,
            _made_by_the_pipeline: Seal,
        }
    }
}
