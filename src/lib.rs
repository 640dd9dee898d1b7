//! geowarden: external authorization for pygeoapi behind Envoy.

pub mod config;
pub mod identity;
pub mod request;
pub mod yaml;
