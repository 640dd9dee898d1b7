#![doc = include_str!("../README.md")]

mod arrange;
pub mod check;
pub mod core;
pub mod diagnostic;
mod engine_error;
pub mod explain;
pub mod lint;
mod load_error;
mod lower;
pub mod migrate;
pub mod parse;
mod plan;
mod policy;
pub mod prove;
pub mod resolve;
mod run;
mod settings;
pub mod source;
pub mod test;
pub mod translate;

pub use self::{
    check::DIFFERENT as BUILTIN_DIFFERENCES,
    load_error::LoadError,
    plan::reads::Reads,
    policy::Policy,
    resolve::DEPRECATED as BUILTINS_DEPRECATED,
    run::{
        Fault,
        builtins::{
            LEFT_OUT as BUILTINS_LEFT_OUT, argument_count as builtin_arguments, fix_now,
            names as builtin_names,
        },
        engine::STACK_BYTES,
    },
    settings::{BuiltinErrors, EngineChoice, Settings},
    source::Sources,
};
