//! The checks, each in its own file.

pub(crate) mod access_log;
pub(crate) mod admin;
pub(crate) mod authorization;
pub(crate) mod authorizer;
mod body;
pub(crate) mod connection;
pub(crate) mod filters;
pub(crate) mod listeners;
pub(crate) mod pygeoapi;
pub(crate) mod routes;
mod upgrades;
