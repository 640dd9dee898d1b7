//! What a policy's yes becomes. Only the pipeline, the module above, can make a [`Permit`].

/// Evidence that a request was read, its caller known and the policy asked, and that the policy said yes.
#[derive(Debug, Clone)]
pub struct Permit<'r> {
    /// The path with which the request goes on, if the policy set or removed query parameters; else the canonical one does.
    pub path: Option<String>,
    /// The headers of the request that hold credentials, which pygeoapi must not see.
    pub credential_headers: [Option<&'r str>; 2],
    _made_by_the_pipeline: Seal,
}

/// Only this module's parent can name it.
#[derive(Debug, Clone, Copy)]
struct Seal;

impl<'r> Permit<'r> {
    /// An allowance.
    pub(super) fn grant(path: Option<String>, credential_headers: [Option<&'r str>; 2]) -> Self {
        Self {
            path,
            credential_headers,
            _made_by_the_pipeline: Seal,
        }
    }
}
