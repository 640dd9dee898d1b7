//! What is found out about the texts that are evaluated, before any request comes.

pub(crate) mod index;
pub(crate) mod locals;
pub(crate) mod names;
pub(crate) mod reach;
pub(crate) mod reads;
pub(crate) mod syntax;
