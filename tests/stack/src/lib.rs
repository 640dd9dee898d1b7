//! Starts the real components around geowarden for a test or the demo, and ends them.
//!
//! ```text
//! client -> Envoy -> Pygeoapi
//!              \-> Geowarden -> Provider, Glewlwyd, Keycloak (keys), Collector (traces)
//! ```
//!
//! Every component listens on the loopback interface, on a port that the system chose. When its `start` returns, it has
//! answered once. Dropping a component ends it with all processes that it started.
//! The components come from `tests/tools/install.sh`.

mod chromium;
pub mod client;
mod clients;
mod collector;
pub mod compare;
pub mod demo;
mod envoy;
mod error;
mod fastgeoapi;
mod folder;
mod geowarden;
mod glewlwyd;
mod keycloak;
mod opa;
mod process;
mod provider;
mod pygeoapi;
mod tools;

pub use chromium::{Seen, Visit};
pub use client::{Answer, Ask};
pub use clients::walk;
pub use collector::{Collector, Span};
pub use envoy::{Envoy, EnvoyConfig};
pub use error::Error;
pub use fastgeoapi::Fastgeoapi;
pub use geowarden::{Geowarden, GrpcAddress};
pub use glewlwyd::Glewlwyd;
pub use keycloak::Keycloak;
pub use opa::Opa;
pub use process::{Plan, Process};
pub use provider::Provider;
pub use pygeoapi::{Framework, Pygeoapi};
pub use tools::Tools;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;
