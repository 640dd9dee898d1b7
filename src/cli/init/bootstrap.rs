//! Envoy's bootstrap: a shipped one with other addresses.

use super::{
    super::CommandError,
    login::Login,
    template::{Template, address},
};

/// The text of a shipped bootstrap, with what takes the place of its examples.
pub(super) struct Bootstrap {
    on_host: &'static str,
    in_pod: &'static str,
    login: Option<Login>,
}

impl Bootstrap {
    pub(super) fn for_keys() -> Self {
        Self {
            on_host: include_str!("../../../envoy/api-key.yaml"),
            in_pod: include_str!("../../../envoy/sidecar.yaml"),
            login: None,
        }
    }

    pub(super) fn for_tokens() -> Self {
        Self {
            on_host: include_str!("../../../envoy/jwt.yaml"),
            ..Self::for_keys()
        }
    }

    pub(super) fn with_login(login: Login) -> Self {
        Self {
            on_host: include_str!("../../../envoy/oidc.yaml"),
            in_pod: include_str!("../../../k8s/overlays/oidc/envoy.yaml"),
            login: Some(login),
        }
    }

    pub(super) fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// For a host, or for containers that share a network: who listens where. `secrets` is the folder of the login's secrets.
    pub(super) fn on_host(
        &self,
        listen: &str,
        pygeoapi_port: u16,
        geowarden: &str,
        secrets: &str,
    ) -> Result<String, CommandError> {
        let mut text = Template(self.on_host.to_owned());
        let pygeoapi = address("127.0.0.1", pygeoapi_port);
        text.replace_all(&[
            (&address("127.0.0.1", 8080), listen),
            (&address("127.0.0.1", 5000), &pygeoapi),
            (&address("127.0.0.1", 9191), geowarden),
        ])?;
        if let Some(login) = &self.login {
            login.adapt(&mut text)?;
            for name in ["token", "hmac"] {
                let path = serde_json::json!(format!("{secrets}/{name}.yaml")).to_string();
                text.replace(&format!("/etc/envoy/oauth2/{name}.yaml"), &path)?;
            }
        }
        Ok(text.0)
    }

    /// For a pod, where every address is fixed.
    pub(super) fn in_pod(&self) -> Result<String, CommandError> {
        let mut text = Template(self.in_pod.to_owned());
        if let Some(login) = &self.login {
            login.adapt(&mut text)?;
        }
        Ok(text.0)
    }

    /// The files with the login's secrets.
    pub(super) fn secrets(&self) -> Result<Vec<(String, String)>, CommandError> {
        self.login.as_ref().map_or(Ok(Vec::new()), Login::secrets)
    }
}
