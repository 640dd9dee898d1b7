//! geowarden: external authorization for pygeoapi behind Envoy.

pub mod admin;
pub mod app;
pub mod authn;
pub mod cli;
pub mod config;
pub mod connections;
pub mod files;
mod glyphs;
pub mod identity;
pub mod pipeline;
pub mod policy;
pub mod record;
pub mod reload;
pub mod request;
pub mod response;
pub mod running_pygeoapi;
mod service_manager;
pub mod state;
pub mod status;
pub mod supervision;
pub mod telemetry;
pub mod transport;
