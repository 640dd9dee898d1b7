//! A real pygeoapi: its Flask or Starlette application under gunicorn, with the data in `tests/stack/pygeoapi`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::client::Ask;
use crate::folder::{copy_folder, files};
use crate::process::{Plan, Process};
use crate::{Error, Geowarden, Result, Tools};

const NAME: &str = "pygeoapi";

/// A web framework that pygeoapi runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    /// `pygeoapi.flask_app`.
    Flask,
    /// `pygeoapi.starlette_app`.
    Starlette,
}

/// A running pygeoapi. It has features (`obs`, `lakes` with tiles, `secret`, and `sites`, which clients can edit), the coverage
/// `heights`, scenes of STAC, and the process `hello-world`.
#[derive(Debug)]
pub struct Pygeoapi {
    process: Process,
    port: u16,
}

impl Pygeoapi {
    /// Starts it with links that are valid at any address.
    pub async fn start(tools: &Tools) -> Result<Self> {
        Self::start_for(tools, "/").await
    }

    /// Starts it for clients that reach it at `url`. Its links begin with `url`.
    pub async fn start_for(tools: &Tools, url: &str) -> Result<Self> {
        Self::start_by(tools, Framework::Flask, url).await
    }

    /// Starts it on this framework, for clients that reach it at `url`.
    pub async fn start_by(tools: &Tools, framework: Framework, url: &str) -> Result<Self> {
        let document = Self::document(tools).await?;
        Self::start_at(tools, framework, url, "", 0, &document).await
    }

    /// Starts it for clients that reach it at `url`, with this `OpenAPI` document.
    pub async fn start_with(tools: &Tools, url: &str, document: &Path) -> Result<Self> {
        Self::start_at(tools, Framework::Flask, url, "", 0, document).await
    }

    /// Starts it for clients that ask it directly. Its links contain the port, so the port must be known before. Reserve it with a
    /// socket that has `SO_REUSEPORT` and does not listen.
    pub async fn start_on(tools: &Tools, framework: Framework, port: u16) -> Result<Self> {
        let document = Self::document(tools).await?;
        let url = format!("http://127.0.0.1:{port}");
        Self::start_at(tools, framework, &url, "", port, &document).await
    }

    /// Starts it under a path such as `/geoapi`, as gunicorn's SCRIPT_NAME says.
    pub async fn start_under(tools: &Tools, base_path: &str) -> Result<Self> {
        let document = Self::document(tools).await?;
        Self::start_at(tools, Framework::Flask, base_path, base_path, 0, &document).await
    }

    async fn start_at(
        tools: &Tools,
        framework: Framework,
        url: &str,
        base_path: &str,
        port: u16,
        document: &Path,
    ) -> Result<Self> {
        // The comments in Envoy's configurations ask operators for these header settings. Without the second one, a client can
        // change the application's root path with the header SCRIPT_NAME.
        let plan = Plan::new(NAME, &tools.gunicorn()?)?
            .args(["--no-control-socket", "--forwarder-headers", "X-None"])
            .args(["--bind", &format!("127.0.0.1:{port}")])
            .args((port != 0).then_some("--reuse-port"))
            .args([
                "--workers",
                "1",
                "--threads",
                "4",
                "--graceful-timeout",
                "1",
            ])
            .args(match framework {
                Framework::Flask => &["pygeoapi.flask_app:APP"][..],
                Framework::Starlette => &[
                    "--worker-class",
                    "uvicorn.workers.UvicornWorker",
                    "pygeoapi.starlette_app:APP",
                ],
            });
        let process = configured(plan, tools)?
            .env("GEOWARDEN_PYGEOAPI_URL", url)
            .env("SCRIPT_NAME", base_path)
            .env("PYGEOAPI_OPENAPI", document)
            .start()?;
        Self::ready(process, port, base_path).await
    }

    /// Starts one that answers with the call that it would make (`tests/differential/telling.py`), under gunicorn for Flask and
    /// under uvicorn for Starlette.
    pub async fn start_telling(tools: &Tools, framework: Framework) -> Result<Self> {
        let python = tools.pygeoapi_python()?;
        let plan = Plan::new("pygeoapi that tells", &python)?;
        let plan = match framework {
            Framework::Flask => plan
                .args(["-m", "gunicorn", "--no-control-socket"])
                .args(["--forwarder-headers", "X-None"])
                .args(["--bind", "127.0.0.1:0", "--threads", "4"])
                .args(["--graceful-timeout", "1", "differential.telling:FLASK"]),
            Framework::Starlette => plan
                .args(["-m", "uvicorn", "--host", "127.0.0.1", "--port", "0"])
                .arg("differential.telling:STARLETTE"),
        };
        let process = plan
            .env("PYTHONPATH", tools.repository().join("tests"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .start()?;
        Self::ready(process, 0, "").await
    }

    async fn ready(mut process: Process, port: u16, base_path: &str) -> Result<Self> {
        let port = match port {
            0 => {
                let said = async |process: &Process| port_in(&process.log());
                process.until("said where it listens", said).await?
            }
            port => port,
        };
        process
            .until("answered", async |_| {
                answers(port, base_path).await.then_some(())
            })
            .await?;
        Ok(Self { process, port })
    }

    /// The `OpenAPI` document, which pygeoapi itself makes. It is cached until pygeoapi or its configuration changes.
    pub async fn document(tools: &Tools) -> Result<PathBuf> {
        let cache = tools.cache();
        let path = cache.join(format!("openapi-{:016x}.yml", fingerprint(tools)?));
        if path.exists() {
            return Ok(path);
        }
        fs::create_dir_all(&cache).map_err(Error::io(format!("making {}", cache.display())))?;
        // Write a temporary file and rename it, since other tests may read the document at the same time.
        let whole = NamedTempFile::new_in(&cache)
            .map_err(Error::io(format!("writing to {}", cache.display())))?;
        let plan = Plan::new("pygeoapi openapi generate", &tools.pygeoapi()?)?
            .args(["openapi", "generate"])
            .arg(config(tools))
            .arg("--output-file")
            .arg(whole.path());
        let mut process = configured(plan, tools)?.start()?;
        let status = process.ended().await?;
        if !status.success() {
            return Err(process.error(format!("ended with {status}")));
        }
        whole
            .persist(&path)
            .map_err(|error| Error::io(format!("writing {}", path.display()))(error.error))?;
        Ok(path)
    }

    /// Writes the `OpenAPI` document into `file`, with what `geowarden openapi` adds for the configuration file `config`.
    pub async fn document_with_security(
        tools: &Tools,
        geowarden: &Path,
        config: &Path,
        file: &Path,
    ) -> Result<()> {
        let document = Self::document(tools).await?;
        let failed = || format!("writing {}", file.display());
        fs::copy(document, file).map_err(Error::io(failed()))?;
        let (config, path) = (config.to_string_lossy(), file.to_string_lossy());
        let arguments = ["openapi", "--config", &config, "--in-place", &path];
        Geowarden::run(geowarden, &arguments).await.map(drop)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything that it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// Adds pygeoapi's configuration to a plan, and copies the data into the plan's folder.
pub(crate) fn configured(plan: Plan, tools: &Tools) -> Result<Plan> {
    let folder = plan.folder().to_owned();
    copy_folder(&data(tools), &folder)?;
    Ok(plan
        .env("PYGEOAPI_CONFIG", config(tools))
        .env("GEOWARDEN_PYGEOAPI_DATA", &folder)
        .env("GEOWARDEN_PYGEOAPI_WORK", &folder))
}

pub(crate) fn config(tools: &Tools) -> PathBuf {
    tools.repository().join("tests/stack/pygeoapi/config.yml")
}

fn data(tools: &Tools) -> PathBuf {
    tools.repository().join("tests/stack/pygeoapi/data")
}

fn fingerprint(tools: &Tools) -> Result<u64> {
    let lock = tools.repository().join("tests/tools/python/pygeoapi.txt");
    let mut hasher = DefaultHasher::new();
    for path in files(&data(tools))?
        .into_iter()
        .chain([config(tools), lock])
    {
        read(&path)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io(format!("reading {}", path.display())))
}

/// The port in the log. gunicorn writes `Listening at: http://127.0.0.1:PORT (PID)`, and uvicorn writes
/// `Uvicorn running on http://127.0.0.1:PORT (..)`.
pub(crate) fn port_in(log: &str) -> Option<u16> {
    let (_, after) = log
        .split_once("Listening at: http://127.0.0.1:")
        .or_else(|| log.split_once("running on http://127.0.0.1:"))?;
    after.split_once(' ')?.0.parse().ok()
}

async fn answers(port: u16, base_path: &str) -> bool {
    let answer = Ask::get(format!("{base_path}/conformance?f=json"))
        .send(&format!("127.0.0.1:{port}"))
        .await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_only_once_its_line_is_whole() {
        assert_eq!(
            port_in("[INFO] Listening at: http://127.0.0.1:4321 (77)\n"),
            Some(4321)
        );
        assert_eq!(port_in("[INFO] Listening at: http://127.0.0.1:43"), None);
    }
}
