//! Tests of geowarden in process: the real service on loopback, asked over gRPC. Also tests of the source and the documents.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)] // a test that panics has failed, as it should

mod admin_grpc;
mod architecture;
mod built_ins;
mod chart_schema;
mod check_page;
mod checks;
mod commands;
mod connections;
mod containment;
mod decoys;
mod differences;
mod docs;
mod encoding;
mod envoy_check;
mod envoy_files;
mod envoy_settings;
mod eval;
mod explain;
mod explanations;
mod findings;
mod garbage;
mod generations;
mod init;
mod input_page;
mod input_schema;
mod iteration;
mod key_files;
mod log_reader;
mod markers;
mod metrics;
mod mistakes;
mod opa;
mod recorded_decisions;
mod reloads;
mod revocation;
mod sentences;
mod service;
mod service_manager;
mod shipped_policies;
mod source_code;
mod spellings;
mod start_faults;
mod tables;
mod tasks;
mod tenants;
mod tls;
mod traces;
mod watching;
