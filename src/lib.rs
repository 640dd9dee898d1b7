//! geowarden: external authorization for pygeoapi behind Envoy.

pub mod identity;
pub mod request;
