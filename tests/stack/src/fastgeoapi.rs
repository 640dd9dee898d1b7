//! A real fastgeoapi, as its users run it: under uvicorn, with an `.env` in the working directory.

use std::fs;
use std::path::Path;

use crate::client::Ask;
use crate::process::{Plan, Process};
use crate::pygeoapi::{config, configured, port_in};
use crate::{Error, Result, Tools};

/// A running fastgeoapi. It contains the pygeoapi of [`crate::Pygeoapi`], under `/geoapi`.
#[derive(Debug)]
pub struct Fastgeoapi {
    process: Process,
    port: u16,
}

impl Fastgeoapi {
    /// Starts it with the variables of an `.env`. Variables for its address and its log are added, with the prefix of `dev`.
    /// Variables `PYGEOAPI_KEY_..` are also set for the process, since fastgeoapi only reads them there.
    pub async fn start(tools: &Tools, env: &str) -> Result<Self> {
        let plan = Plan::new("fastgeoapi", &tools.fastgeoapi_python()?)?;
        let folder = plan.folder().to_owned();
        let whole = format!("{env}{}", surroundings(tools, &folder));
        let file = folder.join(".env");
        fs::write(&file, whole).map_err(Error::io(format!("writing {}", file.display())))?;
        let mut plan = configured(plan, tools)?
            .directory(&folder)
            .env("GEOWARDEN_PYGEOAPI_URL", "/geoapi")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(["-m", "uvicorn", "--host", "127.0.0.1", "--port", "0"])
            .arg("app.main:app");
        for (name, value) in env.lines().filter_map(|line| line.split_once('=')) {
            if name.starts_with("PYGEOAPI_KEY_") {
                plan = plan.env(name, value);
            }
        }
        let mut process = plan.start()?;
        let port = process
            .until("said where it listens", async |process| {
                port_in(&process.log())
            })
            .await?;
        process
            .until("answered", async |_| answers(port).await.then_some(()))
            .await?;
        Ok(Self { process, port })
    }

    /// The address that clients use: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Everything that it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn surroundings(tools: &Tools, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "HOST=127.0.0.1\nPORT=5000\nDEV_LOG_PATH={folder}\nDEV_LOG_FILENAME=fastgeoapi.log\nDEV_LOG_ENQUEUE=false\nDEV_PYGEOAPI_BASEURL=http://127.0.0.1:5000\nDEV_PYGEOAPI_CONFIG={}\nDEV_PYGEOAPI_OPENAPI={folder}/openapi.yml\nDEV_FASTGEOAPI_CACHE_DIR={folder}/cache\n",
        config(tools).display()
    )
}

async fn answers(port: u16) -> bool {
    let answer = Ask::get("/readyz").send(&format!("127.0.0.1:{port}")).await;
    answer.is_ok_and(|answer| answer.status() == 200)
}
