//! Which resource of pygeoapi a request asks for.

use serde::Serialize;

/// One resource of pygeoapi.
#[derive(Debug, Clone, Serialize)]
pub struct Resource {}
