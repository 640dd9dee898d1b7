//! OPA's own engine, served at the one endpoint that fastgeoapi uses (`tests/tools/python/opa_server.py`).

use std::path::Path;

use crate::process::{Plan, Process};
use crate::provider::port_in;
use crate::{Result, Tools};

/// A policy engine that answers `POST /v1/data/..`.
#[derive(Debug)]
pub struct Opa {
    _process: Process,
    port: u16,
}

impl Opa {
    /// Starts it with one policy.
    pub async fn start(tools: &Tools, policy: &Path) -> Result<Self> {
        let script = tools.repository().join("tests/tools/python/opa_server.py");
        let mut process = Plan::new("OPA's engine", &tools.opa_python()?)?
            .arg(script)
            .arg(policy)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .start()?;
        let port = process
            .until("said where it listens", async |process| {
                port_in(&process.log())
            })
            .await?;
        Ok(Self {
            _process: process,
            port,
        })
    }

    /// The address of its endpoint.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
