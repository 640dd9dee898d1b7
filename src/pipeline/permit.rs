//! The permit of an allowed request. Only the parent module, the pipeline, can create a [`Permit`].

use crate::authn::Removal;

/// Evidence that the request was read, its caller authenticated, and that the policy allowed it.
#[derive(Debug, Clone)]
pub struct Permit<'r> {
    /// The path to send on, if the policy set or removed query parameters; otherwise the canonical path is used.
    pub path: Option<String>,
    /// The parts of the request with credentials, which pygeoapi must not see.
    pub removal: Removal<'r>,
    _made_by_the_pipeline: Seal,
}

/// Only the parent module can name this type.
#[derive(Debug, Clone, Copy)]
struct Seal;

impl<'r> Permit<'r> {
    /// Grants a permit.
    pub(super) fn grant(path: Option<String>, removal: Removal<'r>) -> Self {
        Self {
            path,
            removal,
            _made_by_the_pipeline: Seal,
        }
    }
}
