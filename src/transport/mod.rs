//! Stop 1 and the answer. Only this module uses tonic.

pub mod admin;
pub mod certificates;
pub mod check_service;
mod connection;
pub mod error;
pub mod ext_authz;
mod incoming;
pub mod listener;
pub mod receiving;
pub mod server;
mod stream_resets;
