#![doc = include_str!("../README.md")]

pub mod core;
pub mod diagnostic;
pub mod lower;
pub mod parse;
pub mod resolve;
pub mod source;
pub mod translate;
