//! geowarden: external authorization for pygeoapi behind Envoy.

pub mod authn;
pub mod config;
pub mod identity;
pub mod policy;
pub mod request;
pub mod yaml;
