//! Stop 2: what was asked.

mod headers;

pub use headers::{Headers, Repeated};
