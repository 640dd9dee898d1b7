//! Stop 1 and the way out: the only users of tonic.

pub mod admin;
pub mod check_service;
pub mod ext_authz;
pub mod listener;
pub mod server;
