//! Finds the installed tools.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The folder of tools, which `tests/tools/install.sh` fills, and its repository.
#[derive(Debug, Clone)]
pub struct Tools {
    folder: PathBuf,
    repository: PathBuf,
}

impl Tools {
    /// The folder is `$GEOWARDEN_TOOLS`, or else `.tools` at the repository's root. A missing tool is an error only when it is used.
    pub fn find() -> Result<Self> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let repository = package
            .ancestors()
            .nth(2)
            .ok_or_else(|| {
                Error::unexpected(package.display().to_string(), "not inside the repository")
            })?
            .to_owned();
        let folder = std::env::var_os("GEOWARDEN_TOOLS")
            .map_or_else(|| repository.join(".tools"), PathBuf::from);
        let folder = std::path::absolute(&folder)
            .map_err(Error::io(format!("finding {}", folder.display())))?;
        Ok(Self { folder, repository })
    }

    /// The repository's root.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// A folder for files that are slow to make, which are kept between runs.
    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }

    /// The program of Envoy.
    pub fn envoy(&self) -> Result<PathBuf> {
        self.installed("Envoy", "bin/envoy")
    }

    /// gunicorn, the server of pygeoapi.
    pub fn gunicorn(&self) -> Result<PathBuf> {
        self.installed("gunicorn", "bin/gunicorn")
    }

    /// pygeoapi's command.
    pub fn pygeoapi(&self) -> Result<PathBuf> {
        self.installed("pygeoapi", "bin/pygeoapi")
    }

    /// The Python that has pygeoapi and its frameworks.
    pub fn pygeoapi_python(&self) -> Result<PathBuf> {
        self.installed("pygeoapi", "pygeoapi/bin/python")
    }

    /// The Python that has the real OPA engine.
    pub fn opa_python(&self) -> Result<PathBuf> {
        self.installed("OPA's engine", "opa/bin/python")
    }

    /// The Python that has real clients: GDAL, OWSLib, pystac-client.
    pub fn clients_python(&self) -> Result<PathBuf> {
        self.installed("the clients", "clients/bin/python")
    }

    /// rotel, a collector of OpenTelemetry.
    pub fn collector(&self) -> Result<PathBuf> {
        self.installed("the OpenTelemetry collector", "bin/rotel")
    }

    /// The Python that has the Kubernetes validators.
    pub fn k8s_python(&self) -> Result<PathBuf> {
        self.installed("the Kubernetes validators", "k8s/bin/python")
    }

    /// kubectl, for `kubectl kustomize`.
    pub fn kubectl(&self) -> Result<PathBuf> {
        self.installed("kubectl", "bin/kubectl")
    }

    pub(crate) fn node(&self) -> Result<PathBuf> {
        self.installed("Node.js", "bin/node")
    }

    /// The folder that holds the identity provider's `node_modules`.
    pub(crate) fn provider_modules(&self) -> Result<PathBuf> {
        self.installed(
            "the identity provider",
            "provider/node_modules/oidc-provider/package.json",
        )?;
        Ok(self.folder.join("provider"))
    }

    /// The folder that holds the browser driver's `node_modules`.
    pub(crate) fn browser_modules(&self) -> Result<PathBuf> {
        self.installed(
            "the browser driver",
            "browser/node_modules/playwright-core/package.json",
        )?;
        Ok(self.folder.join("browser"))
    }

    pub(crate) fn glewlwyd(&self) -> Result<PathBuf> {
        self.installed("glewlwyd", "bin/glewlwyd")
    }

    pub(crate) fn chromium(&self) -> Result<PathBuf> {
        self.installed("Chromium", "bin/chromium")
    }

    pub(crate) fn fastgeoapi_python(&self) -> Result<PathBuf> {
        self.installed("fastgeoapi", "fastgeoapi/bin/python")
    }

    fn installed(&self, tool: &'static str, path: &str) -> Result<PathBuf> {
        let path = self.folder.join(path);
        if path.exists() {
            Ok(path)
        } else {
            Err(Error::NotInstalled { tool, path })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_missing_tool_says_how_to_install_it() {
        let tools = Tools {
            folder: PathBuf::from("/nowhere"),
            repository: PathBuf::new(),
        };
        let error = tools.envoy().unwrap_err().to_string();
        assert_eq!(
            error,
            "Envoy is not installed: run `make tools` (looked for /nowhere/bin/envoy)"
        );
    }
}
