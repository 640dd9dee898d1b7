//! geowarden with the real components around it: Envoy, pygeoapi under gunicorn, OpenID providers, a browser.
//!
//! `make tools` installs them. If one is missing, the test fails and says so.
#![allow(clippy::indexing_slicing)] // of JSON: an absent member is null

mod api_keys;
mod attacks;
mod browser;
mod clients;
mod corpus;
mod credential_places;
mod crowds;
mod differential;
mod edge;
mod envoy_check;
#[path = "../it/envoy_settings.rs"]
mod envoy_settings;
mod eval_input;
mod fastgeoapi;
mod faults;
mod glewlwyd;
mod image;
mod init;
mod keycloak;
mod login;
mod manifests;
mod mesh;
mod pod;
mod rego;
mod secrets;
mod serving;
mod stage;
mod swagger_ui;
mod tenants;
mod tokens;
mod traces;
mod verdict_headers;
mod versions;
mod whole_answers;
