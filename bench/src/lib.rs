//! Measures what a decision costs.
//!
//! ```text
//! geowarden-load  -> any ext_authz server          one load, JSON out
//! geowarden-bench -> geowarden, floor, peers       all measures in turn, docs/performance.md
//! ```
//!
//! Every figure is compared with a reference that was measured alternately in the same run. The usual reference is the
//! always-OK server ([`floor`]): geowarden's own transport, without any decision.

mod authorizer;
mod codec;
pub mod cpu;
mod error;
pub mod floor;
pub mod load;
pub mod machine;
pub mod measure;
mod memory;
pub mod page;
pub mod pin;
mod plot;
pub mod policies;
pub mod report;
pub mod request;
pub mod rounds;
pub mod setup;
mod spread;
pub mod tokens;

pub use error::Error;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;
