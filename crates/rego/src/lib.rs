#![doc = include_str!("../README.md")]

mod arrange;
pub mod check;
pub mod core;
pub mod diagnostic;
mod lower;
pub mod migrate;
pub mod parse;
mod plan;
mod policy;
pub mod prove;
pub mod resolve;
mod run;
pub mod source;
pub mod test;
pub mod translate;

pub use self::{
    check::DIFFERENT as BUILTIN_DIFFERENCES,
    plan::reads::Reads,
    policy::{LoadError, Policy, Settings},
    run::{
        BuiltinErrors, Fault,
        builtins::{argument_count as builtin_arguments, fix_now, names as builtin_names},
        engine::STACK_BYTES,
    },
    source::Sources,
};
